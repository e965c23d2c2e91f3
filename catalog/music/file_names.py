"""What a file's name and folders say of a song: artist, album, title, numbers. Pure.

Read are "Artist/Album/07 Title", "Artist - Title", "07 Artist - Title", "Artist - Album - 07 - Title" and their like.
Disc folders ("CD2 The Remixes", "Side A") are no albums; an album's folder may tell its year, its disc and the files'
format too; drives, "." and ".." are no artists; ``file://`` and percent-encoding are undone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from catalog.music.identity import identity_key

MAX_PATH = 4096  # characters, as PATH_MAX
# A dash with space around it stands between names; a hyphen inside a name has none.
DASH = re.compile(r"\s[-–—]\s")
_NUMBER = re.compile(r"(?:([0-9]{1,2})-)?([0-9]{1,3})(?:\s?[.)_-]\s?|\s)(?=\S)")
_DISCS = {
    word: n for n, words in enumerate(("one i a", "two ii b", "three iii c", "four iv d"), 1) for word in words.split()
}
_WHICH = r"[0-9]{1,2}|one|two|three|four|iii|ii|iv|i"
_END = r"(?![^\W_])"  # of a word
_DISC = re.compile(
    rf"[(\[]?(?:(?:cd|dis[ck]|side)[\s._-]?({_WHICH}){_END}|side[\s._-]?([a-d]){_END}"
    rf"|(?:dvd|sacd|blu-?ray|vinyl|cassette|tape|disque|disco|platte|digital media)[\s._-]?([0-9]{{1,2}}){_END}"
    rf"|bonus (?:cd|dis[ck]|dvd){_END})",
    re.IGNORECASE,
)
# At the end of an album's folder: "Songs (Disc 2)", "Songs CD2".
_DISC_OF_ALBUM = re.compile(rf"[\s,_-]{{1,3}}[(\[]?(?:cd|dis[ck])[\s._-]?({_WHICH})[)\]]?\Z", re.IGNORECASE)
# Around an album's name: "2001 - Songs", "[2001] Songs", "Songs (2001) [FLAC]".
_YEAR_BEFORE = re.compile(r"(?:(?:19|20)[0-9]{2}\s?[-–—.]\s?|[(\[](?:19|20)[0-9]{2}[)\]]\s?)(?=\S)")
_SOUND = "flac|mp3|aac|alac|opus|ogg|m4a|wav|web|lossless|v0|v2|320|256|24[ -]?bit"
_AFTER_ALBUM = re.compile(
    rf"\s?(?:[(\[](?:19|20)[0-9]{{2}}[)\]]|[\[{{(](?:{_SOUND}){_END}[^\]}})]{{0,30}}[\]}})])\Z", re.IGNORECASE
)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_DRIVE = re.compile(r"[A-Za-z]:\Z")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
# Folders that hold music of anybody: not an artist, nor an album.
_ANYBODYS = frozenset(
    """
    music,musik,musique,musica,música,muziek,media,audio,mp3,flac,m4a,ogg,lossless,itunes,itunes media,my music
    eigene musik,download,downloads,desktop,documents,home,users,mnt,volumes,storage,sdcard,data,share
    shared,public,playlist,playlists,library,various,various artists,unknown artist,unknown album,compilations
    unsorted,incoming,backup,nas,usb,root,opt,srv,var,tmp
    """.strip()
    .replace("\n    ", ",")
    .split(",")
)


@dataclass(frozen=True, slots=True)
class PathNames:
    """What a path says; "" and None where it does not. ``folders`` are the names of its folders, the nearest first."""

    artist: str = ""
    album: str = ""
    title: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    folders: tuple[str, ...] = ()


def names_of_path(path: str) -> PathNames:
    """The names in a path, of Windows or of Unix, with or without folders."""
    parts = _parts(path[:MAX_PATH])
    if not parts:
        return PathNames()
    base = _EXTENSION.sub("", parts[-1]).strip(" _")
    discs = [_disc(match) for part in parts[:-1] if (match := _DISC.match(part))]
    folders = tuple(part for part in reversed(parts[:-1]) if not _DISC.match(part))
    if len(folders) > 2 and (of_album := _album_alone(folders[0], discs))[0] == folders[1]:  # "Songs/Songs CD2"
        folders, discs = folders[1:], of_album[1]
    disc, number, bare = _numbered(base)
    artist, album, title = _names(bare, folders, is_numbered=number is not None)
    album, discs = _album_alone(album, discs) if folders and album == folders[0] else (album, discs)
    within = re.fullmatch(r"(.*?)\s[-–—]\s([0-9]{1,3})", album)  # "Artist - Album - 07 - Title"
    if within:
        album, number = within[1], number or int(within[2])
    return PathNames(artist, album, title, number or None, disc or (discs[-1] if discs else None), folders)


def split_names(text: str, title_first: bool = False, names: PathNames | None = None) -> tuple[str, str]:
    """Artist and title out of "Artist - Title"; ("", "") where no dash has space around it.

    At the first dash, or at the one that parts the names that the path tells; ``title_first``: the other way round.
    """
    splits = _splits(text)
    if not splits:
        return "", ""
    if names:
        order, (left, right) = max(((_order(*pair, names), pair) for pair in splits), key=lambda each: abs(each[0]))
        if order:
            return (left, right) if order > 0 else (right, left)
    left, right = splits[-1] if title_first else splits[0]
    return (right, left) if title_first else (left, right)


def order_of(text: str, names: PathNames) -> int:
    """1 where a path says that ``text`` is "Artist - Title", -1 for "Title - Artist", 0 where it does not say."""
    order = max((_order(*pair, names) for pair in _splits(text)), key=abs, default=0)
    return (order > 0) - (order < 0)


def _splits(text: str) -> list[tuple[str, str]]:
    """The text taken apart at each of its first dashes."""
    dashes = list(DASH.finditer(text))[:10]
    pairs = [(text[: dash.start()].strip(), text[dash.end() :].strip()) for dash in dashes]
    return [pair for pair in pairs if all(pair)]


def _order(left: str, right: str, names: PathNames) -> int:
    """Above 0 where the left one is the artist by what a path says, below it where the right one is."""
    left_is_artist, right_is_artist = (_is_among(text, (names.artist, *names.folders)) for text in (left, right))
    left_is_title, right_is_title = (_is_among(text, (names.title,)) for text in (left, right))
    return 2 * left_is_artist + right_is_title - 2 * right_is_artist - left_is_title


def _is_among(text: str, names: tuple[str, ...]) -> bool:
    key = identity_key(text, ())
    return any(name and identity_key(name, ()) == key for name in names)


def _parts(path: str) -> list[str]:
    """The folders and the name, decoded."""
    is_address = path.lower().startswith("file:")
    if is_address:
        path = re.sub(r"(?i)\Afile:(//[^/\\]*(?=/))?", "", path)
    if is_address or (" " not in path and _ENCODED.search(path)):
        path = unquote(path, errors="replace") if _is_utf8(path) else unquote(path, encoding="cp1252")
    parts = [part.strip() for part in re.split(r"[/\\]", path)]
    return [part for part in parts if part not in ("", ".", "..") and not _DRIVE.match(part)]


def _is_utf8(path: str) -> bool:
    return "\ufffd" not in unquote(path, errors="replace")


def _numbered(base: str) -> tuple[int | None, int | None, str]:
    """Disc, number and rest of "1-04 Title" or "04. Title"; a name that is only a number has none."""
    match = _NUMBER.match(base)
    if not match:
        return None, None, base
    return int(match[1]) if match[1] else None, int(match[2]), base[match.end() :].strip(" -_")


def _disc(match: re.Match[str]) -> int | None:
    """The number of "2", "two", "II" or "B"; None for a bonus disc."""
    which = next(filter(None, match.groups()), "")
    return int(which) if which.isdecimal() else _DISCS.get(which.lower())


def _album_alone(folder: str, discs: list[int | None]) -> tuple[str, list[int | None]]:
    """An album's name without the year, format and disc that its folder tells, and the discs told so far."""
    album = folder
    while match := _AFTER_ALBUM.search(album):
        album = album[: match.start()].rstrip()
    album = album[match.end() :] if (match := _YEAR_BEFORE.match(album)) else album
    if match := _DISC_OF_ALBUM.search(album):
        album, discs = album[: match.start()].rstrip(" -,"), discs or [_disc(match)]
    return album or folder, discs


def _names(bare: str, folders: tuple[str, ...], is_numbered: bool) -> tuple[str, str, str]:
    """Artist, album and title; an artist's folder outranks a dash in the title."""
    album, artist = (*folders, "", "")[:2]
    placed = bool(artist and album) and not {artist.casefold(), album.casefold()} & _ANYBODYS
    for name in (artist, album) if bare else ():
        if name and bare.casefold().startswith(name.casefold()) and re.match(r"\s?[-–—]\s?\S", bare[len(name) :]):
            title = re.sub(r"\A\s?[-–—]\s?", "", bare[len(name) :])
            return name, album if name == artist else "", _after_album(title, album)
    left, right = split_names(bare)
    if right and not (placed and is_numbered):
        pieces = re.fullmatch(r"(.*?\s[-–—]\s[0-9]{1,3})(?:\s[-–—])?\s(.*)", right)
        return (left, pieces[1], pieces[2]) if pieces else (left, "", right)
    return (artist, album, bare) if placed else ("", "", bare)


def _after_album(title: str, album: str) -> str:
    """The title behind the album's name, where the file repeats it: "Artist - Album - 07 - Title"."""
    if album and title.casefold().startswith(album.casefold()) and DASH.match(title, len(album)):
        title = title[len(album) :].strip(" -–—")
        return _numbered(title)[2]
    return title
