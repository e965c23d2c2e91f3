"""Files that another program has changed in place: their size is no longer the recorded one.

Each is read once. One that still is the track's gets its new size, with an event; one that is empty, cut short or no
audio any more makes its track missing, with the reason, and goes to the trash; what is another song is only reported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from django.conf import settings

from catalog.library.audio_tools import AudioTools
from catalog.models import Alias, Track
from catalog.music.identity import identity_key, same_length
from catalog.scanning import untracked
from catalog.tags.audio_tags import FileTags
from catalog.tags.tag_cache import TaggedFile
from catalog.tracks import transitions
from catalog.tracks.place import Place

SETTLED_NS = 60_000_000_000  # a file that was written more recently may still be being written
SHRUNK = 0.9  # of the recorded size: below it a file is decoded before it is believed
READABLE = (".mp3", ".m4a", ".mp4", ".opus", ".ogg", ".oga", ".flac", ".wav")  # with tags none of these is garbage


class Verdict(Enum):
    """What a changed file is to its track."""

    SAME = "the same song"
    BROKEN = "broken"
    OTHER = "another song"


class Judgement(NamedTuple):
    """``reason`` is a sentence for BROKEN, else empty."""

    verdict: Verdict
    reason: str = ""


@dataclass
class ChangeReport:
    """Relative paths: ``learned`` have their new size, ``broken`` are missing now, ``back`` are downloaded again.

    ``others`` are another song's, or were changed less than a minute ago (``recent``).
    """

    learned: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    recent: list[str] = field(default_factory=list)


def review(relatives: Sequence[str], now: datetime, tools: AudioTools) -> ChangeReport:
    """Read these files and bring their tracks' rows in line. Paths are relative to the music folder."""
    report = ChangeReport(recent=[path for path in relatives if _is_recent(path, now)])
    paths = {os.path.join(settings.MUSIC_DIR, path): path for path in relatives if path not in report.recent}
    rows = {row.local_path: row for row in Track.objects.filter(local_path__in=list(paths)).select_related("folder")}
    with untracked.tag_reader(now) as reader:
        files = {file.relative: file for file in reader.read(paths.values())}
    for path, relative in paths.items():
        row, file = rows.get(path), files.get(relative)
        if row and file and file.size != row.size:
            _apply(row, file, judge(row, file, path, tools), now, tools, report)
    return report


def _apply(
    row: Track, file: TaggedFile, judgement: Judgement, now: datetime, tools: AudioTools, report: ChangeReport
) -> None:
    verdict, reason = judgement
    if verdict == Verdict.SAME and row.status == Track.Status.DOWNLOADED:
        if transitions.resize(row.pk, row.local_path, file.size, now, "another program changed the file"):
            report.learned.append(file.relative)
    elif verdict == Verdict.SAME and row.status == Track.Status.MISSING:
        place = Place.of(settings.MUSIC_DIR, file.relative)
        if transitions.adopt(row.pk, place, file.size, now, "the file is back, changed by another program"):
            report.back.append(file.relative)
    elif verdict == Verdict.BROKEN and row.status == Track.Status.DOWNLOADED:
        if transitions.vanish({row.pk: row.file_name}, now, reason=reason):
            tools.discard(row.pk, row.local_path)
            report.broken.append(file.relative)
    else:
        report.others.append(file.relative)


def judge(row: Track, file: TaggedFile, path: str, tools: AudioTools) -> Judgement:
    """What the file at ``path`` is to the track whose place it is at."""
    tags = file.tags
    if not file.size:
        return Judgement(Verdict.BROKEN, "The file is empty.")
    if tags is None:
        broken = path.lower().endswith(READABLE)
        return Judgement(Verdict.BROKEN, "The file is no audio any more.") if broken else Judgement(Verdict.OTHER)
    if _names_another(row, tags):
        return Judgement(Verdict.OTHER)
    if file.size < SHRUNK * (row.size or 0) and not tools.is_whole(path):
        return Judgement(Verdict.BROKEN, "The file is cut short.")
    lengths_known = row.duration_ms is not None and tags.duration_ms is not None
    if lengths_known and not same_length(row.duration_ms, tags.duration_ms):
        shorter = (tags.duration_ms or 0) < (row.duration_ms or 0) and _names(row, tags)
        return Judgement(Verdict.BROKEN, "The file is cut short.") if shorter else Judgement(Verdict.OTHER)
    return Judgement(Verdict.SAME if lengths_known or _names(row, tags) else Verdict.OTHER)


def _names(row: Track, tags: FileTags) -> bool:
    """Whether the tags say that this is the track's file."""
    if row.spotify_id and row.spotify_id in tags.spotify_ids:
        return True
    return bool(row.isrc and row.isrc == tags.isrc) or row.identity == identity_key(tags.title, tags.artists)


def _names_another(row: Track, tags: FileTags) -> bool:
    """Whether a Spotify id in the tags is another track's of the catalog."""
    keys = [f"spotify:{spotify_id}" for spotify_id in tags.spotify_ids]
    tracks = set(Alias.objects.filter(key__in=keys).values_list("track", flat=True)) if keys else set()
    return bool(tracks) and row.pk not in tracks


def _is_recent(relative: str, now: datetime) -> bool:
    try:
        changed = os.stat(os.path.join(settings.MUSIC_DIR, relative)).st_ctime_ns
    except OSError:
        return False
    return changed > int(now.timestamp() * 1_000_000_000) - SETTLED_NS
