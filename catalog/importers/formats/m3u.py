"""m3u and m3u8 playlists of any player. Pure.

What a track is, ``#EXTINF`` says, or else its path (`catalog.music.file_names`). Apple Music writes "Title - Artist"
there, everybody else "Artist - Title": the path below tells which, and a list keeps to one of the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from catalog.importers.formats.text_lines import LINK
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_LABEL,
    MAX_NAME,
    ReadFile,
    Skipped,
    UnreadableFile,
    as_collection,
    as_entry,
    clean,
    collection_name,
    refuse_nonsense,
    shown,
    whole_number,
)
from catalog.music.file_names import PathNames, names_of_path, order_of, split_names
from catalog.music.records import EntryRecord, TrackRecord, spotify_id_of

KIND = "m3u playlist"
# "#EXTINF:213 tvg-logo="a,b",Artist - Title": seconds, attributes of television lists, the text shown.
EXTINF = re.compile(r'#EXTINF:\s*(-?[0-9]{1,9})(?:\.[0-9]{0,9})?((?:\s[\w-]+="[^"]*")*)\s?,?(.*)', re.IGNORECASE)
DIRECTIVE = re.compile(r"#(EXTART|EXTALB|PLAYLIST):(.*)", re.IGNORECASE)


@dataclass(slots=True)
class ListedTrack:
    """A track of a player's list: the text shown for it, its path, and what else was said of it."""

    line: int
    path: str
    text: str = ""
    seconds: str = ""
    artist: str = ""
    album: str = ""
    track_number: int | None = None
    names: PathNames = field(default_factory=PathNames)


def recognises(file: LibraryText) -> bool:
    return file.extension in (".m3u", ".m3u8") or file.start.upper().startswith("#EXTM3U")


def read(file: LibraryText) -> ReadFile:
    """The collection in an m3u playlist: an entry for each line that is no comment.

    Raises UnreadableFile for the parts list of a stream, and where no line was understood.
    """
    if "#EXT-X-" in file.text:
        raise UnreadableFile(
            f"{shown(file.name)} is a list of a stream's parts, not of songs: export the playlist as m3u or CSV."
        )
    tracks: list[ListedTrack] = []
    name = ""
    about: dict[str, str] = {}
    for number, line in file.lines():
        if line.startswith("#"):
            about |= _directive(line)
            name = about.pop("PLAYLIST", "") or name
        else:
            tracks.append(
                ListedTrack(
                    number,
                    line,
                    about.get("TEXT", ""),
                    about.get("SECONDS", ""),
                    about.get("EXTART", ""),
                    about.get("EXTALB", ""),
                )
            )
            about = {}
    return listed_tracks(file.name, KIND, clean(name, MAX_NAME), tracks)


def _directive(line: str) -> dict[str, str]:
    """What a ``#`` line says of the next track: seconds and text, artist, album, or of the whole list its name."""
    if match := EXTINF.match(line):
        return {"SECONDS": match[1], "TEXT": match[3].strip()}
    match = DIRECTIVE.match(line)
    return {match[1].upper(): match[2].strip()} if match else {}


def listed_tracks(file_name: str, kind: str, name: str, tracks: list[ListedTrack]) -> ReadFile:
    """The one collection of a player's list."""
    for track in tracks:
        track.names = PathNames() if LINK.match(track.path) else names_of_path(track.path)
    title_first = sum(order_of(track.text, track.names) for track in tracks) < 0
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    for track in tracks:
        is_link = bool(LINK.match(track.path))
        entry, problem = as_entry(_record(track, title_first), track.path if is_link else "", label=track.path)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(track.line, clean(track.path, MAX_LABEL), "neither it nor its path names a song"))
    key, title = collection_name(file_name)
    collection = as_collection(key, name or title, entries, len(skipped))
    read_file = ReadFile(file_name, kind, (collection,), tuple(skipped))
    refuse_nonsense(read_file, "export it as CSV", needed=0.0, why="most lines are not “Artist - Title”")
    return read_file


def _record(track: ListedTrack, title_first: bool) -> TrackRecord:
    names = track.names
    artist, title = split_names(track.text, title_first=title_first, names=names)
    if track.artist:
        title = title if artist.casefold() == track.artist.casefold() else track.text
        artist = track.artist
    if not title:
        artist, title = names.artist, names.title if names.artist else track.text or names.title
    # Folders tell album and numbers where they name this artist: in a list of downloads they name anything.
    placed = names.artist and names.artist.casefold() == artist.casefold()
    seconds = whole_number(track.seconds, 1_000_000)
    return TrackRecord(
        title=clean(title),
        artists=(clean(artist),) if clean(artist) else (),
        album=clean(track.album) or (clean(names.album) if placed else ""),
        duration_ms=seconds * 1000 if seconds else None,
        track_number=track.track_number or (names.track_number if placed else None),
        disc_number=names.disc_number if placed else None,
        spotify_id=spotify_id_of(track.path) if re.search(r"track[:/][0-9A-Za-z]{22}", track.path) else "",
    )


FORMAT = Format(recognises, read)
