"""Relink: files that were renamed, moved or converted inside the music folder become their tracks' files again.

Missing tracks are compared with the audio files that no row names: by what their tags say (`catalog.library.adopt`),
then by size and length where on both sides only one comes into question, then by their sound. No file is touched.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.library import adopt
from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.library.identify import names_a_track
from catalog.models import Track, TrackQuerySet
from catalog.music.identity import same_length
from catalog.scanning import untracked
from catalog.storage import acting_host, hold
from catalog.storage import state as storage
from catalog.tags.tag_cache import TaggedFile

EXAMPLES = 20
LISTENED = 200  # files of one search that are compared by their sound: some 0.2 s each


@dataclass(slots=True)
class RelinkReport:
    """``lost`` tracks had a last known place, ``files`` had no row, ``relinked`` files have their track again.

    ``questions`` are files that only a person can decide. ``ambiguous`` are files of which size and length fit several
    tracks, or several files one track.
    """

    lost: int = 0
    files: int = 0
    relinked: int = 0
    questions: int = 0
    ambiguous: int = 0
    dry_run: bool = False
    problem: str = ""
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The report in words."""
        if self.problem:
            return self.problem
        would = "would be " if self.dry_run else ""
        parts = [f"{self.relinked:,} of {self.lost:,} missing songs {would}found under other names"]
        parts += [f"{self.questions:,} files wait for your answer"] if self.questions else []
        parts += [f"{self.ambiguous:,} files fit several songs"] if self.ambiguous else []
        return ", ".join(parts) + ("." if len(parts) > 1 else "")


def relink(
    now: datetime,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda files: None,
    tools: AudioTools = NO_TOOLS,
) -> RelinkReport:
    """Search for the files of missing tracks that have a last known place. To be called after a reconcile.

    ``dry_run`` changes no row; ``on_progress`` gets the number of files looked at in each batch. Where storage cannot
    be read nothing is done and ``problem`` says why.
    """
    report = RelinkReport(dry_run=dry_run)
    if not _lost().exists():
        return report
    state = storage.inspect() if dry_run else storage.check(now)
    if not state.may_read:
        report.problem = state.reason
        return report
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            report.problem = acting_host.reason_not_to_act(
                "The music folder is being scanned; look again when that has ended."
            )
            return report
        search(report, now, on_progress, tools)
        if not dry_run:
            hold.settle(now)
    return report


def search(
    report: RelinkReport,
    now: datetime,
    on_progress: Callable[[int], None] = lambda files: None,
    tools: AudioTools = NO_TOOLS,
    changed: Collection[str] = (),
    due: datetime | None = None,
) -> None:
    """Fill ``report``. The caller holds the lock "reconcile", and storage can be read.

    Where tags tell that the tracks that are due at ``due`` lie in the ``changed`` folders or beside them, no other
    folder is listed: most renaming is of that kind.
    """
    report.lost = _lost().count()
    if changed and due:
        _Search(report, now, tools).by_tags(untracked.walk_near(changed), on_progress)
        if not _lost().filter(retry_after=due).exists():
            return
        report.files = report.questions = 0
    _Search(report, now, tools).run(on_progress)


def _lost() -> TrackQuerySet:
    return Track.objects.filter(status=Track.Status.MISSING, folder__isnull=False)


class _Search:
    """One walk through the files without a row. A track is taken once."""

    def __init__(self, report: RelinkReport, now: datetime, tools: AudioTools) -> None:
        self.report, self.now, self.tools = report, now, tools
        self.taken: set[int] = set()
        self.others: list[TaggedFile] = []

    def run(self, on_progress: Callable[[int], None]) -> None:
        """Tags first, over all files: what they settle is no longer in question by size or sound."""
        sizes = set(_lost().exclude(size=None).values_list("size", flat=True))
        alike: dict[int, list[TaggedFile]] = defaultdict(list)
        for file in self.by_tags(untracked.walk(), on_progress):
            if file.tags and file.size in sizes:
                alike[file.size].append(file)
            else:
                self.others.append(file)
        for size, files in alike.items():
            self._by_size(files, size)
        self._by_sound()

    def by_tags(self, listings: Iterable[untracked.Listing], on_progress: Callable[[int], None]) -> list[TaggedFile]:
        """Take or ask about what the tags of files in these folders say. The files of no track."""
        adopted, others = adopt.AdoptReport(), []
        with untracked.tag_reader(self.now) as reader:
            for number, new in untracked.untracked_files(listings):
                on_progress(number)
                if not new:
                    continue
                self.report.files += len(new)
                files = self.tools.with_tags(reader.read(new))
                others += adopt.adopt_files(files, self.now, self.report.dry_run, adopted, self.tools)
        self.report.relinked += adopted.adopted
        self.report.questions += adopted.doubts
        self.report.examples += adopted.examples
        return others

    def _by_size(self, files: list[TaggedFile], size: int) -> None:
        """Files of one size, and lost tracks that had it: paired where only one fits on both sides."""
        rows = [row for row in _lost().filter(size=size) if row.pk not in self.taken]
        fits = {file.relative: [row for row in rows if _fits(row, file)] for file in files if not names_a_track(file)}
        files_of: dict[int, int] = defaultdict(int)
        for fitting in fits.values():
            for row in fitting:
                files_of[row.pk] += 1
        for file in files:
            fitting = fits.get(file.relative, [])
            if len(fitting) == 1 and files_of[fitting[0].pk] == 1:
                self._link(fitting[0].pk, file, "its size and length")
            elif fitting:
                self.report.ambiguous += 1
            else:
                self.others.append(file)

    def _by_sound(self) -> None:
        """What is left, by its sound: files without tags, conversions, other titles of the same recording."""
        if not self.others:
            return
        lost = {row.pk: row for row in _lost().only("pk", "duration_ms")}
        for file in self.others[:LISTENED]:
            ids = [pk for pk, row in lost.items() if pk not in self.taken and _may_sound_alike(row, file)]
            path = os.path.join(settings.MUSIC_DIR, file.relative)
            track_id = self.tools.find_by_sound(path, ids) if ids and not names_a_track(file) else None
            if track_id is not None:
                self._link(track_id, file, "its sound")

    def _link(self, track_id: int, file: TaggedFile, reason: str) -> None:
        if not self.report.dry_run and not adopt.take(track_id, file.relative, file.size, self.now, reason):
            return
        self.taken.add(track_id)
        self.report.relinked += 1
        if len(self.report.examples) < EXAMPLES:
            self.report.examples.append(file.relative)


def _fits(row: Track, file: TaggedFile) -> bool:
    """Same bytes, and lengths that agree; a length that is unknown agrees with none, since size alone is thin."""
    length = file.tags.duration_ms if file.tags else None
    known = row.duration_ms is not None and length is not None
    return known and row.size == file.size and same_length(row.duration_ms, length)


def _may_sound_alike(row: Track, file: TaggedFile) -> bool:
    """Not where both lengths are known and differ."""
    length = file.tags.duration_ms if file.tags else None
    return row.duration_ms is None or length is None or same_length(row.duration_ms, length)
