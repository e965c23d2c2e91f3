"""Spotify's streaming history, the short and the extended one: songs by how often they were played. Pure.

It knows no lengths; in the extended one there are ids. A person takes the most played of it: `most_played`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from catalog.importers.json_values import mapping
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import ReadFile, UnreadableFile, as_collection, clean, shown
from catalog.music.records import EntryRecord, TrackRecord, spotify_id_of

KIND = "Spotify streaming history"
KEY, NAME = "spotify-history", "Most played"
PLAYED_MS = 30_000  # Spotify counts a stream from 30 s on
MOST = 100  # songs that are taken where nobody chooses
MAX_PLAYS = 1_000_000  # of one file: Spotify writes about 16,000 into each


def recognises(file: LibraryText) -> bool:
    data = file.json if file.is_json else None
    first = mapping(data[0]) if isinstance(data, list) and data else {}
    return bool({"ms_played", "msPlayed"} & first.keys())


def read(file: LibraryText) -> ReadFile:
    """All songs played for at least half a minute, the most played first."""
    if len(file.json) > MAX_PLAYS:
        raise UnreadableFile(f"{shown(file.name)} holds more than {MAX_PLAYS:,} plays: give the files one by one.")
    plays: Counter[TrackRecord] = Counter()
    for play in map(mapping, file.json):
        track = _track(play)
        length = play.get("ms_played", play.get("msPlayed"))
        if track.title and track.artists and isinstance(length, int | float) and length >= PLAYED_MS:
            plays[track] += 1
    if not plays:
        raise UnreadableFile(f"{shown(file.name)} names no song that was played for half a minute: take another file.")
    return _ranked(file.name, plays)


def _track(play: dict[str, Any]) -> TrackRecord:
    artist = clean(play.get("master_metadata_album_artist_name") or play.get("artistName"))
    return TrackRecord(
        title=clean(play.get("master_metadata_track_name") or play.get("trackName")),
        artists=(artist,) if artist else (),
        album=clean(play.get("master_metadata_album_album_name")),
        spotify_id=spotify_id_of(clean(play.get("spotify_track_uri"))),
    )


def _ranked(name: str, plays: Counter[TrackRecord]) -> ReadFile:
    ranking = plays.most_common()
    entries = [EntryRecord(track=track) for track, _ in ranking]
    collection = as_collection(KEY, NAME, entries, 0)
    return ReadFile(name, KIND, (collection,), ranking=tuple(count for _, count in ranking))


def combine(files: Iterable[ReadFile]) -> list[ReadFile]:
    """The files, those of a history as one: Spotify writes a file for each year or so."""
    files = list(files)
    plays: Counter[TrackRecord] = Counter()
    for file in files:
        for entry, count in zip(file.collections[0].entries, file.ranking, strict=True) if file.ranking else ():
            plays[entry.track] += count  # type: ignore[index]
    names = [file.name for file in files if file.ranking]
    others = [file for file in files if not file.ranking]
    return [*others, _ranked(f"{names[0]} and {len(names) - 1} more", plays)] if len(names) > 1 else files


def most_played(file: ReadFile, most: int) -> ReadFile:
    """The file with the ``most`` most played songs of a history alone; any other file as it is."""
    if not file.ranking or len(file.ranking) <= most:
        return file
    (collection,) = file.collections
    top = as_collection(collection.key, collection.name, collection.entries[:most], 0)
    return replace(file, collections=(top,), ranking=file.ranking[:most])


FORMAT = Format(recognises, read)
