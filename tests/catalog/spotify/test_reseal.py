"""Stored tokens after SECRET_KEY was changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Account, SpotifyApp
from catalog.spotify.reseal import reseal_secrets
from catalog.system.encryption import seal, unseal
from downloads.models import Channel

pytestmark = pytest.mark.django_db


def test_tokens_and_the_apps_secret_are_sealed_with_the_new_key(settings: Any) -> None:
    Account.objects.create(user_id="anna", token=seal("token"))
    SpotifyApp.objects.create(pk=1, client_id="id", client_secret=seal("secret"))
    channel = Channel.objects.create(kind="apprise", name="x", address=seal("json://x"), created_at=timezone.now())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of this installation, long enough"
    assert reseal_secrets([(Channel, "address"), (Channel, "secret")]) == 3
    settings.SECRET_KEY_FALLBACKS = []
    channel.refresh_from_db()
    assert unseal(channel.address) == "json://x"
    assert unseal(Account.objects.get().token) == "token"
    assert unseal(SpotifyApp.objects.get().client_secret) == "secret"


def test_what_no_key_opens_stays_as_it_is() -> None:
    Account.objects.create(user_id="anna", token="of another installation")
    assert reseal_secrets() == 0
    assert Account.objects.get().token == "of another installation"
