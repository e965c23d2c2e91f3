"""Files that are in the music folder already become their tracks' files, so that nobody fetches what they own.

A file is a track's by its Spotify id, else by ISRC, else by title, artists and length. Where the length does not
agree it is doubtful: listed, and adopted only when a person says so. Files are read, never moved or changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings

from catalog import lifecycle, storage, tags
from catalog.identity import identity_key
from catalog.lifecycle import Place, PlaceTaken
from catalog.models import Alias, Track
from catalog.recognise import same_length

AUDIO = (".mp3", ".m4a", ".mp4", ".opus", ".ogg", ".oga", ".flac", ".wav", ".aiff", ".aif", ".wma", ".wv", ".ape")
BATCH = 500  # files whose tracks are looked up together
LISTED = 1000  # doubtful files that a report names


class CannotAdopt(Exception):
    """Nothing can be adopted: one sentence that says why and what to do next."""


@dataclass(slots=True)
class AdoptReport:
    """Audio files looked at; known before; adopted; strangers to every missing track; doubtful (with the why)."""

    files: int = 0
    known: int = 0
    adopted: int = 0
    strangers: int = 0
    unreadable: int = 0
    doubtful: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Found:
    relative: str
    size: int
    said: tags.FileTags | None


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
    relatives = _audio_files(_start(directory))
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="tags") as readers:
        while batch := list(islice(relatives, BATCH)):
            report.files += len(batch)
            new = _unknown(batch)
            report.known += len(batch) - len(new)
            _adopt_batch([found for found in readers.map(_read, new) if found], now, dry_run, report)
            on_progress(report.files)
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


def _audio_files(start: str) -> Iterator[str]:
    """Relative paths of audio files below ``start``, folder by folder; hidden folders and links are passed over."""
    folders = [start]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(os.path.join(settings.MUSIC_DIR, folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(relative)
            elif entry.name.lower().endswith(AUDIO) and entry.is_file(follow_symlinks=False):
                yield relative


def _unknown(relatives: list[str]) -> list[str]:
    """Those that no downloaded or reserving row names."""
    paths = {os.path.join(settings.MUSIC_DIR, relative): relative for relative in relatives}
    taken = Track.objects.filter(local_path__in=paths).exclude(status=Track.Status.MISSING)
    for path in taken.values_list("local_path", flat=True):
        paths.pop(path, None)
    return list(paths.values())


def _read(relative: str) -> _Found | None:
    path = os.path.join(settings.MUSIC_DIR, relative)
    try:
        return _Found(relative, os.lstat(path).st_size, tags.read_tags(path))
    except OSError:
        return None


def _adopt_batch(files: list[_Found], now: datetime, dry_run: bool, report: AdoptReport) -> None:
    readable = [found for found in files if found.said]
    report.unreadable += len(files) - len(readable)
    owners = _Owners(readable)
    for found in readable:
        track, how = owners.of(found)
        if track is None:
            report.strangers += 1
        elif how.startswith("?"):
            row = {"file": found.relative, "track": track.pk, "title": track.title, "why": how[1:]}
            report.doubtful += [row] if len(report.doubtful) < LISTED else []
        elif dry_run or take(track.pk, found.relative, found.size, now, how):
            track.status = Track.Status.DOWNLOADED  # a second file of this track is a stranger
            report.adopted += 1


def take(track_id: int, relative: str, size: int, now: datetime, how: str) -> bool:
    """Make the file at ``relative`` the missing track's. False: another row has the place or was first."""
    try:
        return lifecycle.adopt(track_id, Place.of(settings.MUSIC_DIR, relative), size, now, how)
    except PlaceTaken:
        return False


class _Owners:
    """The missing tracks that a batch of files may belong to."""

    def __init__(self, files: list[_Found]) -> None:
        said = [found.said for found in files if found.said]
        ids = {f"spotify:{spotify_id}" for tag in said for spotify_id in tag.spotify_ids}
        isrcs = {tag.isrc for tag in said}
        self.identities = {id(tag): identity_key(tag.title, tag.artists) for tag in said if tag.title and tag.artists}
        missing = Track.objects.filter(status=Track.Status.MISSING)
        aliases = Alias.objects.filter(key__in=ids, track__status=Track.Status.MISSING)
        rows = {row.pk: row for row in missing.with_isrc(isrcs)}
        rows |= {row.pk: rows.get(row.pk, row) for row in missing.filter(identity__in=set(self.identities.values()))}
        self.by_id: dict[str, Track] = {}
        for alias in aliases.select_related("track"):
            self.by_id[alias.key.partition(":")[2]] = rows.setdefault(alias.track_id, alias.track)
        self.rows = list(rows.values())

    def of(self, found: _Found) -> tuple[Track | None, str]:
        """The track that a file belongs to and how that is known; a "?" before it: only a person can say."""
        assert found.said
        for spotify_id in found.said.spotify_ids:
            row = self.by_id.get(spotify_id)
            if row and row.status == Track.Status.MISSING:
                return row, "the Spotify id in its tags"
        alike = [(row, how) for row in self.rows if (how := self._likeness(row, found.said))]
        near = [pair for pair in alike if same_length(pair[0].duration_ms, found.said.duration_ms)]
        if near:
            return near[0]
        if alike:
            row = alike[0][0]
            lengths = f"{(found.said.duration_ms or 0) // 1000} s, not {(row.duration_ms or 0) // 1000} s"
            return row, f"?{alike[0][1]}, but its length is {lengths}"
        return None, ""

    def _likeness(self, row: Track, said: tags.FileTags) -> str:
        if row.status != Track.Status.MISSING:
            return ""
        if said.isrc and said.isrc == row.isrc:
            return "its ISRC"
        return "title and artist" if self.identities.get(id(said)) == row.identity else ""
