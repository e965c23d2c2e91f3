"""`manage.py run` alone brings an imported library to disk. No test in here calls `work`."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually, parent

AGE_CLAIMS = """
from datetime import timedelta
from django.db.models import F
from catalog.models import Track
Track.objects.filter(status="downloading").update(claim_until=F("claim_until") - timedelta(minutes=5))
"""


def test_an_imported_library_comes_to_disk_and_the_page_says_so(installation: Installation) -> None:
    installation.import_songs(*SONGS)
    installation.start()
    eventually(lambda: installation.counts() == (0, 0, 5), "all five songs on disk")
    assert len(installation.files()) == 5
    assert "All 5 songs are here" in installation.get("/")
    assert installation.status()["queue"]["ready"] == 0


def test_a_file_deleted_while_it_was_stopped_is_fetched_again_after_the_start(
    installation: Installation, archive: HeldArchive
) -> None:
    installation.import_songs(*SONGS[:3])
    installation.start()
    eventually(lambda: installation.counts() == (0, 0, 3), "all three songs on disk")
    installation.interrupt()
    archive.requests.clear()
    gone = next(path for path in installation.files() if "Two" in path.name)
    gone.unlink()
    archive.held = True
    installation.start()
    eventually(lambda: sum(installation.counts()[:2]) == 1, "the deleted file is missing, by itself")
    archive.held = False
    eventually(lambda: installation.counts() == (0, 0, 3), "it is fetched again")
    assert gone.exists()
    assert [song.title for song in SONGS if archive.fetches(song)] == ["Song Two"]


def test_a_busy_worker_killed_costs_nothing(installation: Installation, archive: HeldArchive) -> None:
    installation.import_songs(*SONGS[:3])
    archive.held = True
    installation.start()
    child = eventually(installation.fetching, "a worker fetches")[0]
    os.kill(parent(parent(child)), signal.SIGKILL)  # the worker: its preloaded process has forked the child
    eventually(lambda: child not in installation.fetching(), "its child died with it")
    archive.held = False
    eventually(lambda: installation.counts() == (0, 1, 2), "the others come to disk")
    installation.command("shell", "-c", AGE_CLAIMS)  # instead of waiting two minutes
    installation.command("tick")
    eventually(lambda: installation.counts() == (1, 0, 2), "the abandoned track is recovered")
    installation.command("retry", "1", "2", "3")  # instead of waiting for its cooldown
    eventually(lambda: installation.counts() == (0, 0, 3), "and fetched")
    assert len(installation.files()) == 3
    stage = installation.music / ".tonekeep-incoming"
    eventually(lambda: not stage.exists() or not list(stage.glob("[0-9]*")), "the stage is empty")


def test_plain_qcluster_and_runserver_do_the_work_too(installation: Installation) -> None:
    installation.import_songs(*SONGS[:2])
    gone = installation.music / "not ours.txt"
    gone.touch()
    installation.start("qcluster")
    eventually(lambda: len(installation.files()) == 2, "both songs, fetched by the only cluster there is")
    assert installation.interrupt() == 0
    assert installation.processes() == {}


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_a_plain_cluster_stopped_in_mid_fetch_gives_the_attempt_back(
    installation: Installation, archive: HeldArchive, number: int
) -> None:
    installation.import_songs(SONGS[0])
    archive.held = True
    installation.start("qcluster")
    eventually(installation.fetching, "a fetch under way")
    assert installation.run
    os.kill(installation.run.pid, number)
    assert installation.run.wait(timeout=600) == 0
    said = installation.command(
        "shell",
        "-c",
        "from catalog.models import Track; t = Track.objects.get(); print(t.status, t.attempts, t.last_error)",
    )
    assert said.stdout.splitlines()[-1].split() == ["missing", "0"]
    assert installation.processes() == {}
