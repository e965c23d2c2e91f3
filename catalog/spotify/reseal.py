"""Seal stored tokens and secrets anew after SECRET_KEY was changed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models

from catalog.models import Account, SpotifyApp
from catalog.system.encryption import Unsealable, reseal

Column = tuple[type[models.Model], str]
SEALED: tuple[Column, ...] = ((Account, "token"), (SpotifyApp, "client_secret"))


def reseal_secrets(more: Iterable[Column] = ()) -> int:
    """Rewrite what one of SECRET_KEY_FALLBACKS sealed; how many. What no key opens stays: its page says so.

    ``more`` are sealed columns of other apps.
    """
    return sum(
        _reseal(model, column, pk, sealed)
        for model, column in (*SEALED, *more)
        for pk, sealed in model._default_manager.exclude(**{column: ""}).values_list("pk", column)
    )


def _reseal(model: type[models.Model], column: str, pk: int, sealed: str) -> int:
    """One value; a token that was refreshed meanwhile is sealed with the present key already."""
    try:
        return model._default_manager.filter(pk=pk, **{column: sealed}).update(**{column: reseal(sealed)})
    except Unsealable:
        return 0
