"""Uploaded libraries: they wait in DATA_DIR for a person's word, and large ones then for the job that imports them.

A name that only the person's session knows leads to each. Writing 100,000 new songs takes a minute, longer than a
browser or a proxy waits: what is larger than `MANY` is written down as a run, and a job sees it through. An import may
be begun again at any time, so a job that was killed is simply done once more.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from catalog.db import database_clock
from catalog.importers.formats.streaming_history import MOST, most_played
from catalog.importers.import_files import NO_NAMES, import_files, renamed, totals, with_albums
from catalog.importers.parsed_file import MAX_ENTRIES, ReadFile, UnreadableFile, shown
from catalog.importers.read_process import read_in_process
from catalog.models import Run
from catalog.models.hosts import own_name
from catalog.models.run_progress import RunProgress, close_run
from catalog.system.atomic_files import remove_stale
from catalog.system.file_locks import try_lock
from catalog.text.humanize import count
from downloads.jobs.queue import job, request_reconcile

MANY = 5_000  # entries; as many take a request a few seconds
KEPT_FOR = 24 * 3600.0  # seconds that an upload waits for its second step
TRIES = 3  # of a job whose process died; then the file is the likely cause
RUNS_KEPT = 50

Uploads = Sequence[Sequence[str]]  # of (token, the file's own name)


def keep(file: UploadedFile) -> str:
    """Write an upload down; the token that leads to it. Its own name is never part of a path."""
    token = secrets.token_hex(16)
    descriptor = os.open(_folder() / token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    return token


def read(uploads: Uploads) -> list[ReadFile]:
    """All uploads as understood. Raises UnreadableFile; then nothing of any of them counts."""
    gone = UnreadableFile("The upload has waited too long; choose the file again.")
    for token, _ in uploads:
        if not re.fullmatch(r"[0-9a-f]{32}", token) or not (_folder() / token).is_file():
            raise gone
    return read_in_process([(str(_folder() / token), name) for token, name in uploads], MAX_ENTRIES)


def discard(uploads: Uploads) -> None:
    for token, _ in uploads:
        with suppress(OSError):
            os.unlink(_folder() / token)


def forget_old() -> None:
    """Uploads whose second step never came."""
    remove_stale(_folder(), KEPT_FOR)


def _folder() -> Path:
    folder: Path = settings.DATA_DIR / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


# --- The import -------------------------------------------------------------------------------------------


def import_now(files: Sequence[ReadFile], now: datetime) -> str:
    """Write into the catalog what was read. What was done, in a sentence."""
    return _sentence(totals(import_files(files, now)))


def takes_jobs() -> bool:
    """Whether this host runs jobs: an upload lies with the host that took it, and no other can import it."""
    return "jobs" in settings.ROLES


def ask(
    uploads: Uploads,
    entries: int,
    now: datetime,
    most: int = MOST,
    names: Mapping[int, str] = NO_NAMES,
    albums: bool = False,
) -> Run:
    """Write down that these are to be imported, of a history the ``most`` most played songs; a job does it.

    ``names`` are those that a person gave the lists, by their places; ``albums``: also those named by their ids alone.
    """
    report = {"uploads": [list(upload) for upload in uploads], "names": _names(uploads), "tries": 0, "most": most}
    report["albums"] = albums
    report["host"] = settings.HOST_NAME
    report["lists"] = {str(place): name for place, name in names.items()}
    return Run.objects.create(kind=Run.Kind.IMPORT, started_at=now, total=entries, report=report)


@job
def import_uploads() -> str:
    """Import what was uploaded on a page, then look for it in the folder. The tick asks again for what is left."""
    ended = import_waiting(database_clock.now())
    if ended:
        request_reconcile()
    return f"{ended} imported"


def import_waiting(now: datetime) -> int:
    """See through what was asked for, the oldest first. How many imports have ended."""
    ended = 0
    with try_lock("import") as alone:
        for run in Run.objects.waiting_imports(own_name()) if alone else ():
            _see_through(run, now)
            ended += 1
    return ended


def _see_through(run: Run, now: datetime) -> None:
    started, uploads = time.monotonic(), run.report["uploads"]
    run.report["tries"] += 1
    run.save(update_fields=["report"])
    sums: dict[str, Any] = {}
    problem = ""
    if run.report["tries"] > TRIES:
        problem = f"The import ended in an error {TRIES} times; the log says which. Import the file in parts."
    else:
        try:
            progress = RunProgress(run)
            chosen = [most_played(file, run.report.get("most", MOST)) for file in _named(run, read(uploads))]
            sums = totals(import_files(chosen, now, lambda entries: progress.update(run.done + entries, run.total)))
        except UnreadableFile as error:
            problem = f"{error} Nothing was imported."
    close_run(run, now, round(time.monotonic() - started, 3), problem, _short(sums, uploads), RUNS_KEPT)
    discard(uploads)


def _named(run: Run, files: Sequence[ReadFile]) -> list[ReadFile]:
    """The files, their lists named as the person said, with their albums where that was said."""
    named = renamed(files, {int(place): name for place, name in run.report.get("lists", {}).items()})
    return [with_albums(file) for file in named] if run.report.get("albums") else named


def _short(sums: dict[str, Any], uploads: Uploads) -> dict[str, Any]:
    """The report without its lines: a file may have 250,000 that were not understood."""
    short = {name: value for name, value in sums.items() if name not in ("files", "errors")}
    summary = {"sentence": _sentence(sums)} if sums else {}
    return short | summary | {"names": _names(uploads), "errors": len(sums.get("errors", ()))}


def _names(uploads: Uploads) -> list[str]:
    return [shown(name) for _, name in uploads]


def _sentence(sums: dict[str, Any]) -> str:
    entries, songs = count(sums["entries"], "entry", "entries"), count(sums["tracks"], "song")
    others = sum(sums["skipped"].values())
    return f"{entries} imported: {songs}, {others:,} others. {sums['new_tracks']:,} are new."
