"""Adopt: files that are in the music folder already become their tracks' files, so that nobody fetches what they own.

`catalog.library.identify` and `identify_by_name` say whose a file is. What they cannot say for certain is an
`AdoptionMatch`, which a person answers (`accept`, `reject`); meanwhile the track is not fetched. Files are read, never
moved or changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.db.batches import batched
from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.library.identify import Match, MatchIndex
from catalog.library.identify_by_name import NameIndex
from catalog.models import AdoptionMatch, Track, TrackQuerySet
from catalog.models.settings import value
from catalog.scanning import ignored, untracked
from catalog.scanning.scan import ABSENT
from catalog.storage import state as storage
from catalog.tags.tag_cache import TaggedFile
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken

BATCH_COMMIT = 100  # files adopted in one transaction: a writer beside us never waits for long
LISTED = 1000  # doubtful files that a report names
OTHERS = 200  # files of no missing track that a report names
EXAMPLES = 20  # adopted files that a report names


class CannotAdopt(UserError):
    """Nothing can be adopted: one sentence that says why and what to do next."""


@dataclass(slots=True)
class AdoptReport:
    """Counts of audio files. ``known`` have a row, ``strangers`` are no missing track's, ``unreadable`` no audio.

    ``opened`` were read from the disk, the others stood in the cache. ``rejected`` are files to which a person has said
    no. ``others`` names the first strangers. ``doubts`` counts the files that only a person can decide, ``doubtful``
    names the first thousand.
    """

    files: int = 0
    opened: int = 0
    known: int = 0
    adopted: int = 0
    strangers: int = 0
    unreadable: int = 0
    rejected: int = 0
    doubts: int = 0
    doubtful: list[dict[str, Any]] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def adopt(
    directory: str | None,
    now: datetime,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda files: None,
    tools: AudioTools = NO_TOOLS,
) -> AdoptReport:
    """Look through the music folder, or ``directory`` in it, for files of missing tracks, and adopt them.

    Raises CannotAdopt where storage is not online or ``directory`` is not in the music folder. ``dry_run`` changes
    no row. ``on_progress`` gets the number of files looked at so far. Names are compared by ``tools``.
    """
    state = storage.check(now)
    if not state.may_read:
        raise CannotAdopt(state.reason)
    report = AdoptReport()
    with untracked.tag_reader(now) as reader:
        for number, new in untracked.untracked_files(untracked.walk(_start(directory))):
            report.files += number
            report.known += number - len(new)
            files = tools.with_tags(reader.read(new))
            readable = [file for file in files if file.tags]
            report.unreadable += len(files) - len(readable)
            others = adopt_files(readable, now, dry_run, report, tools)
            report.strangers += len(others)
            report.others += [file.relative for file in others[: max(0, OTHERS - len(report.others))]]
            on_progress(report.files)
        report.opened = reader.read_files
    return report


def _start(directory: str | None) -> str:
    root = os.path.realpath(settings.MUSIC_DIR)
    start = os.path.realpath(os.path.join(root, directory or "."))
    if start != root and not start.startswith(root + os.sep):
        raise CannotAdopt(
            f"{directory} is not in the music folder {settings.MUSIC_DIR}; move your music into it first."
        )
    if not os.path.isdir(start):
        raise CannotAdopt(f"{directory} is not a folder; name one in {settings.MUSIC_DIR}.")
    return os.path.relpath(start, root) if start != root else ""


def adopt_files(
    files: list[TaggedFile], now: datetime, dry_run: bool, report: AdoptReport, tools: AudioTools = NO_TOOLS
) -> list[TaggedFile]:
    """Give these files to their tracks where that is certain, and ask about the others. The files of no track."""
    matches, others = _matches(files, Track.objects.filter(status=Track.Status.MISSING), tools)
    certain = [
        (match.track.pk, Place.of(settings.MUSIC_DIR, file.relative), file.size, match.reason)
        for file, match in matches
        if match.certain
    ]
    questions = {
        file.relative: AdoptionMatch(track=match.track, file=file.relative, size=file.size, why=match.reason)
        for file, match in matches
        if not match.certain
    }
    for batch in batched(certain, BATCH_COMMIT):
        report.adopted += len(batch) if dry_run else len(transitions.adopt_many(batch, now))
    report.examples += [place.relative for _, place, _, _ in certain[: EXAMPLES - len(report.examples)]]
    answered = {track_id for track_id, *_ in certain}
    questions = {file: match for file, match in questions.items() if match.track_id not in answered}
    _save_questions(questions, [file.relative for file in files], dry_run, report)
    return others


def _matches(
    files: list[TaggedFile], among: TrackQuerySet, tools: AudioTools
) -> tuple[list[tuple[TaggedFile, Match]], list[TaggedFile]]:
    """The files with their tracks, and the files of no track: by what tags say first, the others by their names."""
    index = MatchIndex(files, among)
    matches, others = _found(files, index.find, index.taken)
    if others and tools.compare_names is not NO_TOOLS.compare_names:
        by_name, others = _found(others, NameIndex(others, among, tools, index.taken).find, index.taken)
        matches += by_name
    return matches, others


def _found(
    files: list[TaggedFile], find: Callable[[TaggedFile], Match | None], taken: set[int]
) -> tuple[list[tuple[TaggedFile, Match]], list[TaggedFile]]:
    matches, others = [], []
    for file in files:
        match = find(file)
        if match is None:
            others.append(file)
            continue
        matches.append((file, match))
        if match.certain:
            taken.add(match.track.pk)
    return matches, others


def _save_questions(questions: dict[str, AdoptionMatch], files: list[str], dry_run: bool, report: AdoptReport) -> None:
    """Keep the questions for a person. One that has been answered with no is not asked again."""
    rows = {row.file: row for row in AdoptionMatch.objects.filter(file__in=files)}
    better = {file for file, row in rows.items() if row.better}  # `catalog.library.better_files` asks about these
    rows = {file: row for file, row in rows.items() if file not in better}
    questions = {file: match for file, match in questions.items() if file not in better}
    rejected = {file for file, row in rows.items() if row.rejected and _is_same(row, questions.get(file))}
    report.rejected += len(rejected)
    open_matches = [match for file, match in questions.items() if file not in rejected]
    report.doubts += len(open_matches)
    report.doubtful += [
        {"file": match.file, "track": match.track_id, "title": match.track.title, "why": match.why}
        for match in open_matches[: LISTED - len(report.doubtful)]
    ]
    if not dry_run:
        with transaction.atomic():
            outdated = (
                rows.keys() - rejected - {file for file in questions if _is_same(rows.get(file), questions[file])}
            )
            AdoptionMatch.objects.filter(file__in=outdated).delete()
            AdoptionMatch.objects.bulk_create(
                [match for match in open_matches if match.file not in rows.keys() - outdated]
            )


def _is_same(first: AdoptionMatch | None, second: AdoptionMatch | None) -> bool:
    return first is not None and second is not None and (first.track_id, first.size) == (second.track_id, second.size)


def take(track_id: int, relative: str, size: int, now: datetime, how: str, by: str = "") -> bool:
    """Make the file at ``relative`` the missing track's. False: another row has the place or was first."""
    try:
        return transitions.adopt(track_id, Place.of(settings.MUSIC_DIR, relative), size, now, how, by)
    except PlaceTaken:
        return False


# --- What a person answers --------------------------------------------------------------------------------


def accept(match_ids: Iterable[int], now: datetime, by: str) -> int:
    """These files are their tracks'. How many were adopted, or will be in the stead of a worse one.

    Rows only: whether a file still is as it was read, the next reconcile finds out; its folder is listed again.
    """
    adopted = 0
    matches = AdoptionMatch.objects.unanswered().filter(pk__in=list(match_ids))
    adopted += matches.filter(better=True).update(accepted_by=by)
    for match in matches.filter(better=False):
        adopted += take(match.track_id, match.file, match.size, now, f"confirmed: {match.why}", by)
        match.delete()
    return adopted


def reject(match_ids: Iterable[int], now: datetime) -> int:
    """These files are not their tracks'. Kept, so that nobody asks again; the tracks are due now."""
    matches = AdoptionMatch.objects.unanswered().filter(pk__in=list(match_ids))
    tracks = list(matches.values_list("track", flat=True))
    rejected = AdoptionMatch.objects.filter(pk__in=[match.pk for match in matches]).update(rejected=True)
    transitions.end_wait(tracks, now)
    return rejected


def hold_questions(now: datetime) -> None:
    """Tracks with an open question are not fetched; questions about files gone or ignored are dropped."""
    if not AdoptionMatch.objects.filter(rejected=False).exists():  # else each pass would go through all tracks
        return
    matches = AdoptionMatch.objects.unanswered()
    own = value("IGNORED_FOLDERS")
    gone = [
        match
        for match in matches
        if ignored.reason(match.file, own) or not _is_there(os.path.join(settings.MUSIC_DIR, match.file))
    ]
    if gone:
        AdoptionMatch.objects.filter(pk__in=[match.pk for match in gone]).delete()
        transitions.end_wait([match.track_id for match in gone], now)
    transitions.wait_for_answer(now)


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return error.errno not in ABSENT
    return True
