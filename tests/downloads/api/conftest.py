"""Programs that ask the API: with a token that may read, with one that may act, and with none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import ApiToken
from tests.world import World


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_superuser("owner", password="x")


@pytest.fixture
def program(world: World, owner: User) -> Callable[[str], Client]:
    """A client whose every request carries a new token with the scope."""

    def make(scope: str, user: User = owner) -> Client:
        text = ApiToken.objects.issue(user, f"{scope} {ApiToken.objects.count()}", scope, world.now)
        return Client(headers={"authorization": f"Bearer {text}"})

    return make


@pytest.fixture
def reader(program: Callable[[str], Client]) -> Client:
    return program("read")


@pytest.fixture
def actor(program: Callable[..., Any]) -> Client:
    return program("act")
