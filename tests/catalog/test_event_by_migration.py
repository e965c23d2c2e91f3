"""Names of persons that stood in the reasons of events stand in a column of their own after the update."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from catalog.models import Event
from tests.world import World

take_names_out = import_module("catalog.migrations.0017_event_by").take_names_out


@pytest.mark.parametrize(
    ("kind", "before", "by", "after"),
    [
        ("retry", "by anna", "anna", ""),
        ("ignore", "by o.k@x.org", "o.k@x.org", ""),
        ("decide", "take “Stand, by night” (youtube abc), by jörg", "jörg", "take “Stand, by night” (youtube abc)"),
        ("decide", "these are two songs, by anna", "anna", "these are two songs"),
        ("adopt", "confirmed by anna: the same length", "anna", "confirmed: the same length"),
        ("adopt", "it carries the id of this song", "", "it carries the id of this song"),
        ("retry", "asked for with manage.py retry", "", "asked for with manage.py retry"),
        ("fail", "by nobody", "", "by nobody"),
    ],
)  # fmt: skip
def test_a_name_leaves_the_reason(world: World, kind: str, before: str, by: str, after: str) -> None:
    track = world.make_track()
    event = Event.objects.create(track=track, kind=kind, reason=before, at=world.now)
    take_names_out(apps, SimpleNamespace(connection=connection))
    event.refresh_from_db()
    assert (event.by, event.reason) == (by, after)
