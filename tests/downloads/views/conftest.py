"""Who looks at the pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.world import World


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    """Somebody who acts on songs and is no owner."""
    person = User.objects.create_user("kim", password="secret")
    person.user_permissions.add(Permission.objects.get(codename="operate_library"))
    client.force_login(person)
    return client
