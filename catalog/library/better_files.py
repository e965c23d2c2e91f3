"""Better files of songs that are there: a person's FLAC beside our mp3. Offered on the page /adopt; changes no file.

Whose a file is `catalog.library.identify` says, or its sound. Files that are as good or worse stay nobody's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings

from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.library.identify import MatchIndex, names_a_track
from catalog.models import AdoptionMatch, Track
from catalog.music.identity import SAME_LENGTH_MS
from catalog.music.sound_quality import is_better, is_lossless
from catalog.scanning import untracked
from catalog.tags.tag_cache import TaggedFile, TagReader
from catalog.text.humanize import count
from catalog.tracks.place import relative_path

LISTENED = 50  # files of one search that are compared by their sound
NEW = timedelta(days=2)  # only files that came since are: a collection of a person's own would be heard each day


def offer(now: datetime, tools: AudioTools = NO_TOOLS, folders: Iterable[str] | None = None) -> int:
    """Ask about better files in these folders, or anywhere in the music folder. How many questions are new."""
    listings = untracked.walk() if folders is None else untracked.listed(folders)
    search = _Search(now, tools)
    with untracked.tag_reader(now) as reader:
        return sum(search.offer(files, reader) for _, files in untracked.untracked_files(listings))


class _Search:
    def __init__(self, now: datetime, tools: AudioTools) -> None:
        self.tools = tools
        self.new_since = (now - NEW).timestamp()
        self.listened = 0

    def offer(self, relatives: list[str], reader: TagReader) -> int:
        known = AdoptionMatch.objects.filter(file__in=relatives).values_list("file", flat=True)
        asked = set(known)
        files = self.tools.with_tags(reader.read(path for path in relatives if path not in asked))
        pairs = list(self._pairs([file for file in files if file.tags]))
        present = {
            file.relative: file for file in reader.read({relative_path(track.local_path) for track, _, _ in pairs})
        }
        best: dict[int, AdoptionMatch] = {}
        for track, file, how in pairs:
            theirs = present.get(relative_path(track.local_path))
            if theirs and theirs.tags and is_better(*_quality(file), *_quality(theirs)) and track.pk not in best:
                why = f"a better file is here: {_words(file)} instead of {_words(theirs)}, known by {how}"
                best[track.pk] = AdoptionMatch(track=track, file=file.relative, size=file.size, why=why, better=True)
        AdoptionMatch.objects.bulk_create(best.values(), ignore_conflicts=True)
        return len(best)

    def _pairs(self, files: list[TaggedFile]) -> Iterator[tuple[Track, TaggedFile, str]]:
        index = MatchIndex(files, Track.objects.filter(status=Track.Status.DOWNLOADED).select_related("folder"))
        for file in files:
            match = index.find(file)
            if match and match.certain:
                yield match.track, file, match.reason
            elif match is None and (track := self._by_sound(file)):
                yield track, file, "its sound"

    def _by_sound(self, file: TaggedFile) -> Track | None:
        path = os.path.join(settings.MUSIC_DIR, file.relative)
        length = file.tags.duration_ms if file.tags else None
        if length is None or self.listened >= LISTENED or not self._is_new(path) or names_a_track(file):
            return None
        near = (length - SAME_LENGTH_MS, length + SAME_LENGTH_MS)
        ids = Track.objects.filter(status=Track.Status.DOWNLOADED, duration_ms__range=near).values_list("pk", flat=True)
        self.listened += 1
        track_id = self.tools.find_by_sound(path, list(ids))
        return Track.objects.select_related("folder").filter(pk=track_id).first() if track_id else None

    def _is_new(self, path: str) -> bool:
        try:
            return os.lstat(path).st_ctime > self.new_since
        except OSError:
            return False


def _quality(file: TaggedFile) -> tuple[str, int]:
    assert file.tags
    length = file.tags.duration_ms
    return file.tags.codec, file.tags.bitrate or (round(file.size * 8000 / length) if length else 0)


def _words(file: TaggedFile) -> str:
    codec, rate = _quality(file)
    return codec if is_lossless(codec) or not rate else f"{codec} at {count(round(rate / 1000), 'kbit/s', 'kbit/s')}"
