"""An installation made by the code of 858ed66 goes on with today's code: nothing is fetched, nothing is lost.

The former code is taken out of the repository's own history and run with this environment's Python. It leaves what an
installation in use has: files, folder stamps, a schedule, queued wake-ups, decisions, and a move of files cut short.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import PROJECT, SONGS, HeldArchive, Installation, eventually

pytestmark = pytest.mark.long
FORMER = "858ed66"

DECIDE = """
from django.utils import timezone
from catalog.models import Track
from downloads import decisions
from django.conf import settings
from downloads.models import Candidate
now = timezone.now()
rejected, chosen = Track.objects.order_by("pk")[:2]
for track, name in ((rejected, "never"), (chosen, "chosen")):
    assert track.status == Track.Status.DOWNLOADED, track.status
url = f"{settings.ARCHIVE_URL}/audio/s9.mp3"
decisions.never(decisions.offered(rejected, "archive", "other", url, now), now, "test")
Candidate.objects.filter(pk=chosen.sound.candidate_id).update(verdict=Candidate.Verdict.CHOSEN)
"""
MOVE_HALF = """
import os
from django.utils import timezone
from catalog.models import Library
from downloads import moving, points
Library.objects.update(path_template="{album}/{artist} {title}")
moving.ask("apply", timezone.now())
reached = []
def stop(point):
    reached.append(point)
    if reached.count("move_linked") == 2:
        os._exit(9)
points.on_reach = stop
moving.do_asked(timezone.now())
"""
QUEUE = """
from django.utils import timezone
from downloads import jobs
jobs.install_schedules(timezone.now())  # as its cluster does at its start
jobs.request_tick()
jobs.request_reconcile()
jobs.wake()
"""
ROWS = """
import json
from django_q.models import OrmQ, Schedule
from catalog.models import Folder, Track
from downloads.models import Candidate, Move
origin = "sound" if hasattr(Track, "sound") else "audio_file"
columns = ("title", "status", "attempts", "size", origin + "__candidate__source_id")
decided = Candidate.objects.exclude(verdict="").order_by("pk")
print(json.dumps({
    "tracks": list(Track.objects.order_by("pk").values_list(*columns)),
    "decisions": list(decided.values_list("track__title", "source_id", "verdict")),
    "schedules": Schedule.objects.count(),
    "queued": OrmQ.objects.count(),
    "stamps": Folder.objects.count(),
    "moves": list(Move.objects.order_by("pk").values_list("state", flat=True)),
}))
"""


class FormerInstallation(Installation):
    """An installation whose database the former code makes."""

    def __init__(self, home: Path, code: Path, archive: HeldArchive) -> None:
        self.code = code
        super().__init__(home, archive)

    def _make_database(self) -> None:
        self.former("migrate", "--verbosity", "0")

    def former(self, *words: str, status: int = 0) -> str:
        """What the former ``manage.py`` prints with these words."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.code,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def today(self) -> dict[str, Any]:
        """The rows as today's code reads them."""
        return last_line(self.command("shell", "-c", ROWS).stdout)


def last_line(output: str) -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(output.splitlines()[-1])
    return rows


@pytest.fixture(scope="module")
def former_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed = subprocess.run(["git", "archive", FORMER], cwd=PROJECT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"the history does not hold {FORMER}: a shallow clone or no clone")
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def former(tmp_path: Path, former_code: Path, archive: HeldArchive) -> Iterator[FormerInstallation]:
    installation = FormerInstallation(tmp_path / "home", former_code, archive)
    with installation:
        yield installation


def test_an_installation_in_use_goes_on_with_the_code_of_today(
    former: FormerInstallation, archive: HeldArchive
) -> None:
    former.former("import_library", str(former.write_export(SONGS)))
    former.former("work", "--until-empty")
    former.former("reconcile")
    former.former("shell", "-c", DECIDE)
    former.former("shell", "-c", MOVE_HALF, status=9)
    former.former("shell", "-c", QUEUE)
    before = last_line(former.former("shell", "-c", ROWS))
    assert [row[1] for row in before["tracks"]].count("downloaded") >= 4
    assert before["stamps"] and before["schedules"] and before["queued"] and len(before["moves"]) == 2

    archive.requests.clear()
    former.start()
    eventually(former.status, "the page answers with today's code")
    eventually(lambda: former.counts() == (0, 0, 5), "all five songs are here")
    eventually(lambda: former.today()["moves"] == ["moved"] * 5, "the move that was cut short is finished")
    former.interrupt()
    after = former.today()
    assert archive.requests == {}
    assert after["tracks"] == before["tracks"]
    assert after["decisions"] == before["decisions"]
    assert len(former.files()) == 5
