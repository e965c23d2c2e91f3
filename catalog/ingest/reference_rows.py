"""The rows of artists and albums that records name: found by their keys, made where they are new."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from catalog.models import Album, Artist
from catalog.music.records import TrackRecord
from catalog.text.sort_key import sort_key

ALBUM_COLUMNS = ["title", "artist", "artist_names", "release_date", "cover_url", "compilation"]
ALBUM_COLUMNS += ["total_tracks", "release_type", "label", "copyright", "sort_key"]


def comparison_key(text: str) -> str:
    """NFKC casefold, at most 200 characters: a long text keeps its head and a digest of the whole."""
    key = unicodedata.normalize("NFKC", text).casefold().strip() or text
    if len(key) <= 200:
        return key
    return key[:160] + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def album_key(record: TrackRecord) -> str:
    """The key of a record's album: by Spotify's id, else by title and artist; "" where it names none."""
    if record.album_spotify_id:
        return f"spotify:{record.album_spotify_id}"
    return comparison_key(f"{record.album}\x1f{_album_artist(record)}") if record.album else ""


def artist_rows(names: Iterable[str]) -> dict[str, Artist]:
    """The rows of these artists by `comparison_key`, made where they are new."""
    names_by_key: dict[str, str] = {}
    for name in names:
        if name:
            names_by_key.setdefault(comparison_key(name), name)
    rows = {artist.key: artist for artist in Artist.objects.filter(key__in=names_by_key)}
    new = [Artist(key=key, name=name) for key, name in names_by_key.items() if key not in rows]
    return rows | {artist.key: artist for artist in Artist.objects.bulk_create(new)}


def album_rows(records: Sequence[TrackRecord]) -> dict[str, Album]:
    """The rows of the records' albums by `album_key`, made or brought up to date."""
    records_by_key = {key: record for record in records if (key := album_key(record))}
    rows = {album.key: album for album in Album.objects.filter(key__in=records_by_key)}
    new, changed = [], []
    for key, record in records_by_key.items():
        if key not in rows:
            new.append(Album(key=key, artist=_album_artist(record), **_album_values(record)))
        elif _update_album(rows[key], record):
            changed.append(rows[key])
    Album.objects.bulk_update(changed, ALBUM_COLUMNS, batch_size=100)
    return rows | {album.key: album for album in Album.objects.bulk_create(new)}


def _album_values(record: TrackRecord) -> dict[str, Any]:
    return {
        "title": record.album,
        "release_date": record.release_date,
        "cover_url": record.cover_url,
        "compilation": record.compilation,
        "artist_names": list(record.album_artists),
        "total_tracks": record.album_tracks,
        "release_type": record.album_type,
        "label": record.label,
        "copyright": record.copyright,
    }


def _update_album(album: Album, record: TrackRecord) -> bool:
    """Write what the record knows into the row (unsaved). Whether something changed."""
    values = _album_values(record)
    if record.album_artists:  # else it is a guess from this track; another track of the album would guess otherwise
        values["artist"] = _album_artist(record)
    differences = {name: value for name, value in values.items() if value and value != getattr(album, name)}
    for name, value in differences.items():
        setattr(album, name, value)
    album.sort_key = sort_key(album.title)  # `bulk_update` does not
    return bool(differences)


def _album_artist(record: TrackRecord) -> str:
    return ", ".join(record.album_artists) or (record.artists[0] if record.artists else "")
