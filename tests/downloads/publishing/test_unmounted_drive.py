"""A song whose folder is on a drive that is not mounted is not put under the mount point."""

from __future__ import annotations

import pytest

from catalog.library.reconcile import reconcile
from downloads.worker import loop
from tests.catalog.storage.test_mounts import Drive
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_song_that_belongs_there_is_not_fetched_onto_the_other_drive(
    world: World, archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = Drive(world, "山田", monkeypatch)
    reconcile(world.now, full=True)
    track = missing_track(world, artist="山田", retry_after=world.now)
    serve(archive, track)
    drive.unmount()
    assert loop.work_one(now=lambda: world.now).result == "failed"
    track.refresh_from_db()
    assert "the drive at" in track.last_error and "is not mounted" in track.last_error
    assert list(drive.point.iterdir()) == []
