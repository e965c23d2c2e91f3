"""Who answers the questions of the page To do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Service
from tests.world import World


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    """Somebody who may decide."""
    Service.objects.filter(name="storage").update(checked_at=world.now)
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client
