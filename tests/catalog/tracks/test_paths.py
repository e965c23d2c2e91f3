"""Rows keep paths below the music folder; what Python sees is absolute, as the host spells it that asks."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from catalog.models import Track
from catalog.tracks import transitions
from catalog.tracks.place import Place
from downloads.models import Replaced
from tests.world import World

RELATIVE = import_module("catalog.migrations.0035_paths_below_the_root").RELATIVE
make_relative = import_module("downloads.migrations.0018_paths_below_the_root").make_relative


def stored(table: str = "catalog_track", column: str = "local_path") -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")
        return {value for (value,) in cursor.fetchall()}


def test_each_host_reads_a_path_below_its_own_root(world: World, settings: Any) -> None:
    track = world.make_track("Song")
    world.put_file(track, relative="a/b.mp3")
    assert "a/b.mp3" in stored()
    assert Track.objects.get(local_path=f"{world.root}/a/b.mp3") == track
    settings.MUSIC_DIR = "/mnt/nas/music"
    assert Track.objects.get(pk=track.pk).local_path == "/mnt/nas/music/a/b.mp3"
    assert Track.objects.filter(local_path="/mnt/nas/music/a/b.mp3").values_list("local_path", flat=True)[0] == (
        "/mnt/nas/music/a/b.mp3"
    )
    assert not Track.objects.filter(local_path=f"{world.root}/a/b.mp3").exists()


def test_a_claim_answers_the_last_known_place_as_this_host_spells_it(world: World) -> None:
    track = world.make_track("Song")
    path = world.put_file(track, relative="a/b.mp3")
    transitions.vanish({track.pk: "b.mp3"}, world.now)
    claimed = transitions.claim(world.now)
    assert claimed and claimed.local_path == str(path)


def test_many_that_are_adopted_at_once_are_stored_below_the_root(world: World) -> None:
    track = world.make_track("Song")
    transitions.adopt_many([(track.pk, Place.of(str(world.root), "c/d.mp3"), 1, "")], world.now)
    assert "c/d.mp3" in stored()


def test_a_path_outside_the_folder_stays_as_it_is(world: World) -> None:
    track = next(iter(world.tracks.values()))
    Track.objects.filter(pk=track.pk).update(local_path="/elsewhere/a.mp3")
    track.refresh_from_db()
    assert track.local_path == "/elsewhere/a.mp3"


def test_the_update_makes_stored_paths_relative(world: World) -> None:
    alone, missing = world.make_track("Alone"), world.make_track("Nowhere")
    world.put_file(alone, relative="alone.mp3")
    before = dict(Track.objects.values_list("pk", "local_path"))
    Replaced.objects.create(track=missing, path=f"{world.root}/old.mp3", size=1, asked_at=world.now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_track SET local_path = '/old/root/' || local_path WHERE local_path <> ''")
        cursor.execute("UPDATE downloads_replaced SET path = %s", [f"{world.root}/old.mp3"])
        cursor.execute(RELATIVE)
    make_relative(MigrationLoader(connection).project_state().apps, SimpleNamespace(connection=connection))
    assert dict(Track.objects.values_list("pk", "local_path")) == before
    assert "alone.mp3" in stored() and stored("downloads_replaced", "path") == {"old.mp3"}
