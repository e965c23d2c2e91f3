"""Files that are in the music folder already become their tracks' files, so that nobody fetches what they own.

A file is a track's by its Spotify id, else by ISRC, else by title, artists and length. Where the length does not
agree it is doubtful: kept as a row that a person answers (`accept`, `reject`). Files are read, never moved or changed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.library import untracked
from catalog.models import AdoptionMatch, Alias, Track
from catalog.music.identity import identity_key, same_length
from catalog.storage import state as storage
from catalog.tags import audio_tags
from catalog.tags.tag_cache import Found
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken

BATCH = 2000  # files that are read and looked up together
BATCH_COMMIT = 100  # files adopted in one transaction: a writer beside us never waits for long
LISTED = 1000  # doubtful files that a report names


class CannotAdopt(UserError):
    """Nothing can be adopted: one sentence that says why and what to do next."""


@dataclass(slots=True)
class AdoptReport:
    """Audio files looked at; known before; adopted; strangers to every missing track; doubtful (with the why).

    ``opened`` are those that were read from the disk; the others stood in the cache. ``rejected`` are files to which
    a person has said no. ``doubts`` counts the doubtful ones, ``doubtful`` names the first thousand.
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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def adopt(
    directory: str | None,
    now: datetime,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda files: None,
) -> AdoptReport:
    """Look through the music folder, or ``directory`` in it, for files of missing tracks, and adopt them.

    Raises CannotAdopt where storage is not online or ``directory`` is not in the music folder. ``dry_run`` changes
    no row. ``on_progress`` gets the number of files looked at so far.
    """
    state = storage.check(now)
    if not state.may_read:
        raise CannotAdopt(state.reason)
    report = AdoptReport()
    relatives = untracked.audio_files(_start(directory))
    with untracked.tag_reader(now) as reader:
        while batch := list(islice(relatives, BATCH)):
            report.files += len(batch)
            new = untracked.unknown(batch)
            report.known += len(batch) - len(new)
            _adopt_batch(reader.read(new), now, dry_run, report)
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


def _adopt_batch(files: list[Found], now: datetime, dry_run: bool, report: AdoptReport) -> None:
    readable = [found for found in files if found.said]
    report.unreadable += len(files) - len(readable)
    owners = MatchIndex(readable)
    doubts: dict[str, AdoptionMatch] = {}
    sure: list[tuple[int, Place, int, str]] = []
    for found in readable:
        track, how = owners.of(found)
        if track is None:
            report.strangers += 1
        elif how.startswith("?"):
            doubts[found.relative] = AdoptionMatch(track=track, file=found.relative, size=found.size, why=how[1:])
        else:
            track.status = Track.Status.DOWNLOADED  # a second file of this track is a stranger
            sure.append((track.pk, Place.of(settings.MUSIC_DIR, found.relative), found.size, how))
    for start in range(0, len(sure), BATCH_COMMIT):
        part = sure[start : start + BATCH_COMMIT]
        report.adopted += len(part) if dry_run else len(transitions.adopt_many(part, now))
    _note(doubts, [found.relative for found in readable], dry_run, report)


def _note(doubts: dict[str, AdoptionMatch], looked_at: list[str], dry_run: bool, report: AdoptReport) -> None:
    """Keep the doubts for a person. One that has been rejected is not asked again."""
    before = {doubt.file: doubt for doubt in AdoptionMatch.objects.filter(file__in=looked_at)}
    rejected = {file for file, doubt in before.items() if doubt.rejected and _same(doubt, doubts.get(file))}
    report.rejected += len(rejected)
    asked = [doubt for file, doubt in doubts.items() if file not in rejected]
    report.doubts += len(asked)
    report.doubtful += [
        {"file": doubt.file, "track": doubt.track_id, "title": doubt.track.title, "why": doubt.why}
        for doubt in asked[: LISTED - len(report.doubtful)]
    ]
    if not dry_run:
        with transaction.atomic():
            outdated = before.keys() - rejected - {file for file in doubts if _same(before.get(file), doubts[file])}
            AdoptionMatch.objects.filter(file__in=outdated).delete()
            AdoptionMatch.objects.bulk_create([doubt for doubt in asked if doubt.file not in before.keys() - outdated])


def _same(first: AdoptionMatch | None, second: AdoptionMatch | None) -> bool:
    return first is not None and second is not None and (first.track_id, first.size) == (second.track_id, second.size)


def take(track_id: int, relative: str, size: int, now: datetime, how: str) -> bool:
    """Make the file at ``relative`` the missing track's. False: another row has the place or was first."""
    try:
        return transitions.adopt(track_id, Place.of(settings.MUSIC_DIR, relative), size, now, how)
    except PlaceTaken:
        return False


# --- What a person answers --------------------------------------------------------------------------------


def accept(doubt_ids: Iterable[int], now: datetime, who: str) -> int:
    """These files are their tracks'. How many were adopted.

    Rows only: whether a file still is as it was seen, the next reconcile finds out; its folder is no longer believed.
    """
    adopted = 0
    for doubt in AdoptionMatch.objects.filter(pk__in=list(doubt_ids), rejected=False):
        adopted += take(doubt.track_id, doubt.file, doubt.size, now, f"confirmed by {who}: {doubt.why}")
        doubt.delete()
    return adopted


def reject(doubt_ids: Iterable[int]) -> int:
    """These files are not their tracks'. Kept, so that nobody asks again."""
    return AdoptionMatch.objects.filter(pk__in=list(doubt_ids), rejected=False).update(rejected=True)


# --- Whose file it is -------------------------------------------------------------------------------------


class MatchIndex:
    """The missing tracks that a batch of files may belong to."""

    def __init__(self, files: list[Found]) -> None:
        said = [found.said for found in files if found.said]
        ids = {f"spotify:{spotify_id}" for tag in said for spotify_id in tag.spotify_ids}
        self.identities = {id(tag): identity_key(tag.title, tag.artists) for tag in said if tag.title and tag.artists}
        missing = Track.objects.filter(status=Track.Status.MISSING)
        rows = {row.pk: row for row in missing.with_isrc(tag.isrc for tag in said)}
        rows |= {row.pk: rows.get(row.pk, row) for row in missing.filter(identity__in=set(self.identities.values()))}
        self.by_id: dict[str, Track] = {}
        aliases = Alias.objects.filter(key__in=ids, track__status=Track.Status.MISSING)
        for alias in aliases.select_related("track"):
            self.by_id[alias.key.partition(":")[2]] = rows.setdefault(alias.track_id, alias.track)
        self.by_isrc: dict[str, list[Track]] = defaultdict(list)
        self.by_identity: dict[str, list[Track]] = defaultdict(list)
        for row in rows.values():
            self.by_isrc[row.isrc].append(row)
            self.by_identity[row.identity].append(row)

    def of(self, found: Found) -> tuple[Track | None, str]:
        """The track that a file belongs to and how that is known; a "?" before it: only a person can say."""
        assert found.said
        for spotify_id in found.said.spotify_ids:
            row = self.by_id.get(spotify_id)
            if row and row.status == Track.Status.MISSING:
                return row, "the Spotify id in its tags"
        alike = [pair for pair in self._alike(found.said) if pair[0].status == Track.Status.MISSING]
        for row, how in alike:
            if same_length(row.duration_ms, found.said.duration_ms):
                return row, how
        if alike:
            row, how = alike[0]
            lengths = f"{(found.said.duration_ms or 0) // 1000} s, not {(row.duration_ms or 0) // 1000} s"
            return row, f"?{how}, but its length is {lengths}"
        return None, ""

    def _alike(self, said: audio_tags.FileTags) -> list[tuple[Track, str]]:
        by_isrc = [(row, "its ISRC") for row in (self.by_isrc.get(said.isrc, []) if said.isrc else [])]
        identity = self.identities.get(id(said), "")
        return by_isrc + [(row, "title and artist") for row in self.by_identity.get(identity, [])]
