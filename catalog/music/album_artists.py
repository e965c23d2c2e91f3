"""Whose album a song is on, where a list names no album artist but its songs together leave no doubt. Pure.

An album of one title and day belongs to the one artist whom all its songs of the list name: a song that a guest leads
does not tear it into two albums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from catalog.music.records import EntryRecord, TrackRecord

Release = tuple[str, str]  # an album's title in lower case, and its date


def with_album_artists(entries: Sequence[EntryRecord]) -> Sequence[EntryRecord]:
    """The entries, with album artists where their albums' songs tell them; themselves where they tell nothing."""
    songs: dict[Release, list[TrackRecord]] = defaultdict(list)
    for entry in entries:
        if entry.track and (release := _release(entry.track)):
            songs[release].append(entry.track)
    torn = {release: tracks for release, tracks in songs.items() if len({track.artists[0] for track in tracks}) > 1}
    artists = {release: artist for release, tracks in torn.items() if (artist := _artist_of_all(tracks))}
    return [_with_artist(entry, artists) for entry in entries] if artists else entries


def _release(track: TrackRecord) -> Release | None:
    """What tells the album, where the list names neither its id nor its artist; None where that is too little."""
    if track.album_spotify_id or track.album_artists or not (track.album and track.release_date and track.artists):
        return None
    return track.album.casefold(), track.release_date


def _artist_of_all(tracks: Sequence[TrackRecord]) -> str:
    """The one artist whom all of these songs name and one at least names first, "" where there is none or several."""
    common = set.intersection(*(set(track.artists) for track in tracks))
    return common.pop() if len(common) == 1 and any({track.artists[0]} & common for track in tracks) else ""


def _with_artist(entry: EntryRecord, artists: dict[Release, str]) -> EntryRecord:
    release = _release(entry.track) if entry.track else None
    if entry.track is None or release not in artists:
        return entry
    return replace(entry, track=replace(entry.track, album_artists=(artists[release],)))
