"""Lists of tracks that no Spotify tool wrote: CSV with title and artist, m3u playlists, "Artist - Title" lines.

TuneMyMusic's CSV (Track name, Artist name, Album, Playlist name, Type, ISRC, Spotify - id) and Soundiiz's
(title, artist, album, isrc) are tables whose first line names title and artist. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.importers import columns as col
from catalog.importers.csv_table import Row, Table
from catalog.importers.exportify import Layout, layout_of, read_rows
from catalog.importers.parsed_file import (
    MAX_ENTRIES,
    MAX_LABEL,
    MAX_NAME,
    ReadFile,
    Skipped,
    UnreadableFile,
    as_collection,
    as_entry,
    clean,
    collection_name,
    extension,
    folded,
    no_track,
    shown,
    whole_number,
)
from catalog.music.records import UNREADABLE, CollectionRecord, EntryRecord, TrackRecord, spotify_id_of

KIND_TABLE, KIND_M3U, KIND_LINES = "CSV with title and artist", "m3u playlist", "“Artist - Title” lines"
# Between artist and title: a dash with space around it; a hyphen inside a name has none.
DASH = re.compile(r"\s+[-–—]\s+")
# "#EXTINF:213 tvg-logo="a,b",Artist - Title": seconds, attributes of television lists, the text shown.
EXTINF = re.compile(r'#EXTINF:\s*(-?[0-9]+)(?:\.[0-9]+)?((?:\s+[\w-]+="[^"]*")*)\s*,?(.*)', re.IGNORECASE)
NUMBERED = re.compile(r"\s*[0-9]{1,4}[.):]\s+")
FILE_NUMBER = re.compile(r"(?:[0-9]-)?[0-9]{1,3}(?:\s*[.)_-]\s*|\s+)")
LINK = re.compile(r"spotify:[a-z]+:|https?://", re.IGNORECASE)
ONLY_A_LINK = "a link alone names no title: connect Spotify, or export the playlist with Exportify"


def read_track_table(table: Table, found: col.Columns, name: str) -> ReadFile:
    """The collections in a table with columns of titles and artists, one for each name of a playlist."""
    layout = layout_of(table, found)
    skipped: list[Skipped] = []
    collections = []
    for playlist, rows in _by_playlist(table, layout).items():
        entries, misread = read_rows(rows, layout)
        key, title = collection_name(name)
        if playlist:
            key, title = f"{key[: MAX_NAME // 2]}/{folded(playlist)}"[:MAX_NAME], playlist[:MAX_NAME]
        collections.append(as_collection(key, title, entries, len(misread)))
        skipped += misread
    return ReadFile(name, KIND_TABLE, tuple(collections), tuple(skipped))


def _by_playlist(table: Table, layout: Layout) -> dict[str, tuple[Row, ...]]:
    """The rows under the playlist that they name, in order; "" where the table names none."""
    groups: dict[str, list[Row]] = {} if table.rows else {"": []}
    for row in table.rows:
        groups.setdefault(clean(layout.cell(row, col.PLAYLIST), MAX_NAME), []).append(row)
    return {playlist: tuple(rows) for playlist, rows in groups.items()}


def is_m3u(start: str, name: str) -> bool:
    """Whether a file with this beginning and name is an m3u playlist."""
    return extension(name) in (".m3u", ".m3u8") or start.lstrip().upper().startswith("#EXTM3U")


def read_m3u(text: str, name: str) -> ReadFile:
    """The collection in an m3u playlist: an entry for each line that is no comment.

    What a track is, ``#EXTINF`` says, or else the file's name: "Artist - Title", or "Artist/Album/01 Title".
    Raises UnreadableFile for the parts list of a stream, and where no line was understood.
    """
    if "#EXT-X-" in text:
        raise UnreadableFile(
            f"{shown(name)} is a list of a stream's parts, not of songs: export the playlist as m3u or CSV."
        )
    key, title = collection_name(name)
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    info: dict[str, str] = {}
    for number, line in _lines(text, name):
        if line.startswith("#"):
            info |= _directive(line)
            continue
        _add(entries, skipped, number, line, _m3u_track(line, info))
        info = {"PLAYLIST": info["PLAYLIST"]} if "PLAYLIST" in info else {}
    title = clean(info.get("PLAYLIST"), MAX_NAME) or title
    return _list(name, KIND_M3U, as_collection(key, title, entries, len(skipped)), skipped, needed=0.0)


def _directive(line: str) -> dict[str, str]:
    """What a ``#`` line says of the next track: seconds and text, artist, album, or of the whole list its name."""
    if match := EXTINF.match(line):
        return {"SECONDS": match[1], "TEXT": match[3].strip()}
    match = re.match(r"#(EXTART|EXTALB|PLAYLIST):(.*)", line, re.IGNORECASE)
    return {match[1].upper(): match[2].strip()} if match else {}


def _m3u_track(line: str, info: dict[str, str]) -> TrackRecord:
    artist, title = _split(info.get("TEXT", ""))
    album = info.get("EXTALB", "")
    if declared := info.get("EXTART", ""):
        title = title if artist.casefold() == declared.casefold() else info.get("TEXT", "")
        artist = declared
    if not title and not LINK.match(line):
        artist, album, title = _from_path(line)
    seconds = whole_number(info.get("SECONDS", ""), 1_000_000)
    return _track(artist, title or info.get("TEXT", ""), album, seconds, line)


def _from_path(line: str) -> tuple[str, str, str]:
    """Artist, album and title as a file's place tells them; a folder tells something only where the file is
    numbered, as in "Artist/Album/01 Title.mp3"."""
    parts = re.split(r"[/\\]", line)
    base = re.sub(r"\.[A-Za-z0-9]{1,5}\Z", "", parts[-1])
    bare = FILE_NUMBER.sub("", base, count=1) if FILE_NUMBER.match(base) else base
    artist, title = _split(bare)
    if title:
        return artist, "", title
    if bare != base and len(parts) >= 3:
        return parts[-3], parts[-2], bare
    return "", "", base


def read_lines(text: str, name: str) -> ReadFile:
    """The collection in a file of "Artist - Title" lines, numbered or not.

    Raises UnreadableFile where fewer than half of the lines are such: any prose has a dash somewhere.
    """
    lines = list(_lines(text, name))
    numbered = sum(bool(NUMBERED.match(line)) for _, line in lines) >= 0.8 * len(lines)
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    for number, line in lines:
        artist, title = _split(NUMBERED.sub("", line, count=1) if numbered else line)
        _add(entries, skipped, number, line, _track(artist, title, "", None, line))
    key, title = collection_name(name)
    return _list(name, KIND_LINES, as_collection(key, title, entries, len(skipped)), skipped, needed=0.5)


def _lines(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers. Only line feeds and returns end a line."""
    count = 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.lstrip("\ufeff")), 1):
        if not line.strip():
            continue
        count += 1
        if count > MAX_ENTRIES:
            raise UnreadableFile(f"{shown(name)} has more than {MAX_ENTRIES:,} lines: split it.")
        yield number, line.strip()


def _split(text: str) -> tuple[str, str]:
    """Artist and title at the first dash that has space around it; ("", "") where there is none."""
    parts = DASH.split(text, maxsplit=1)
    return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else ("", "")


def _track(artist: str, title: str, album: str, seconds: int | None, line: str) -> TrackRecord:
    artist = clean(artist)
    return TrackRecord(
        title=clean(title),
        artists=(artist,) if artist else (),
        album=clean(album),
        duration_ms=seconds * 1000 if seconds else None,
        spotify_id=spotify_id_of(line) if re.search(r"spotify[:.].*track[:/]", line) else "",
    )


def _add(entries: list[EntryRecord], skipped: list[Skipped], number: int, line: str, track: TrackRecord) -> None:
    """Append the line's entry; a link without a title is not understood, though it names a track."""
    if LINK.match(line) and not track.title and not no_track(line):
        entry, problem = EntryRecord(reason=UNREADABLE, label=clean(line, MAX_LABEL)), ONLY_A_LINK
    else:
        entry, problem = as_entry(track, line if LINK.match(line) else "", label=line)
    entries.append(entry)
    if problem:
        problem = problem if LINK.match(line) else "no “Artist - Title” in it"
        skipped.append(Skipped(number, clean(line, MAX_LABEL), problem))


def _list(name: str, kind: str, collection: CollectionRecord, skipped: list[Skipped], needed: float) -> ReadFile:
    understood = len(collection.entries) - len(skipped)
    if skipped and (understood == 0 or understood < needed * len(collection.entries)):
        if skipped[0].reason == ONLY_A_LINK:
            raise UnreadableFile(
                f"{shown(name)} holds links without titles: connect Spotify, or export the playlist with Exportify."
            )
        raise UnreadableFile(
            f"{shown(name)} is no list of tracks: most lines are not “Artist - Title”; export it as CSV."
        )
    return ReadFile(name, kind, (collection,), tuple(skipped))
