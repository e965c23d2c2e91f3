"""Seal stored tokens and secrets anew after SECRET_KEY was changed."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from catalog.models import Account, SpotifyApp
from catalog.system.encryption import Unsealable, reseal


def reseal_secrets() -> int:
    """Rewrite what one of SECRET_KEY_FALLBACKS sealed; how many. What no key opens stays: its page says so."""
    return sum(_reseal(rows, column, sealed) for rows, column, sealed in _sealed())


def _sealed() -> Iterator[tuple[QuerySet[Account] | QuerySet[SpotifyApp], str, str]]:
    for account in Account.objects.exclude(token=""):
        yield Account.objects.filter(pk=account.pk), "token", account.token
    for app in SpotifyApp.objects.exclude(client_secret=""):
        yield SpotifyApp.objects.filter(pk=app.pk), "client_secret", app.client_secret


def _reseal(rows: QuerySet[Account] | QuerySet[SpotifyApp], column: str, sealed: str) -> int:
    """One value; a token that was refreshed meanwhile is sealed with the present key already."""
    try:
        return rows.filter(**{column: sealed}).update(**{column: reseal(sealed)})
    except Unsealable:
        return 0
