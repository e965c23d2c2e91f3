"""Where a track's file belongs below the music folder: templates, legal names, collisions. Pure, no Django.

A *place* is a path relative to the music folder, parts joined by "/". Whatever a title holds, each part is a
legal name on Linux, macOS and a Windows share, stays inside the folder, and is seen by players.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from catalog.text.user_error import UserError

MAX_NAME = 255  # bytes of one name: ext4, XFS, Btrfs, ZFS; NTFS and APFS count UTF-16 units and so allow more
MAX_PLACE = 900  # bytes of the whole place: 4,096 are allowed for a path, 1,024 on macOS, the root included
MAX_UNITS = 230  # UTF-16 units of the whole place: Explorer and many players stop at 260, a drive's path included
PART_ROOM = 8  # bytes kept free for what a copying program appends: .part, .tmp, ~
SUFFIX_ROOM = 24  # bytes kept free for " [id-2]", so that a collision rarely shortens the title
MAX_FOLDERS = 6  # a template with more is a mistake
SHORTEST = 32  # bytes that a name keeps when a place is too long as a whole

# Characters that a Windows share refuses, and how they read best. What is not listed but unprintable is dropped.
REPLACED = {
    "/": "-",  # AC/DC -> AC-DC
    "\\": "-",
    ":": "-",
    "|": "-",
    '"': "'",
    "<": "(",
    ">": ")",
    "*": "_",
    "#": "＃",  # VLC ends a playlist's line at the plain one
    "?": "",  # "Why?" reads as "Why"; a title of nothing else becomes "___"
}

# Device names of Windows, with any extension: opening CON.mp3 there opens the console.
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"]
)

# What a template may name. In [brackets] stands what is left out where one of its fields is unknown.
FIELDS = {
    "title": "the title",
    "artist": "the main artist",
    "artists": "all artists, with commas",
    "albumartist": "the album's artist, else the main artist; Various Artists for a compilation",
    "shelf": "Compilations for a compilation, else the album's artist",
    "album": "the album",
    "year": "the year, four digits",
    "track": "the track's number, two digits",
    "disc": "the disc's number, only where there is more than one disc",
}

PRESETS = {
    # Artist/Album (year)/track title: what Navidrome, Jellyfin and Plex show well; the disc only where it tells.
    "navidrome": "{albumartist}/[{album}[ ({year})]]/[{disc}-][{track} ]{title}",
    # The defaults of beets, https://beets.readthedocs.io/en/stable/reference/config.html#path-format-configuration
    "beets": "{shelf}/[{album}]/[{track} ]{title}",
    # One folder: for sticks, cars and players that show file names.
    "flat": "{artist} - {title}",
}
DEFAULT_TEMPLATE = PRESETS["navidrome"]


class TemplateError(UserError, ValueError):
    """A template that cannot be used; the text is one sentence for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What a name is made of. ``artists`` are in billing order; ``year`` may be a whole date ("2011-03-01")."""

    title: str
    artists: tuple[str, ...]
    album: str = ""
    album_artist: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    disc_total: int | None = None
    year: str = ""
    compilation: bool = False


@dataclass(slots=True)
class _Group:
    """A piece of a template: literal text, ("field", name) and optional groups, in order."""

    parts: list[str | tuple[str, str] | _Group] = field(default_factory=list)


def check_template(template: str) -> None:
    """Raise `TemplateError` with one sentence unless every track has a place by this template."""
    _parsed(template)


def relative_place(naming: Naming, extension: str, template: str = DEFAULT_TEMPLATE) -> str:
    """The place of a track: "Artist/Album (2011)/01 Title.mp3".

    A folder of which nothing is known is left out. ``extension`` is "mp3" or ".mp3". Raises `TemplateError`
    (see `check_template`) and ValueError for an extension that is none.
    """
    ending = _ending(extension)
    values = _values(naming)
    rendered = [_rendered(part, values) for part in _parsed(template)]
    folders = [name for name in map(_legal, rendered[:-1]) if name]
    stem = _legal(rendered[-1]) or "_"
    return _fitted(folders, stem, ending)


def next_place(place: str, short_id: str, attempt: int) -> str:
    """What to try where ``place`` is taken: attempt 1 is "Title [id].mp3", attempt 2 is "Title [id-2].mp3", …

    ``place`` is always the first choice, not the answer of the last call; attempt 0 gives it back.
    """
    if attempt < 1:
        return place
    folder, slash, name = place.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 8:
        stem, dot, ending = name, "", ""
    mark = re.sub(r"[^0-9A-Za-z_]", "", short_id)[:22] or "x"
    suffix = f" [{mark}]" if attempt == 1 else f" [{mark}-{attempt}]"
    room = MAX_NAME - PART_ROOM - len(f"{suffix}{dot}{ending}".encode())
    return f"{folder}{slash}{_cut(stem, room)}{suffix}{dot}{ending}"


def _values(naming: Naming) -> dict[str, str]:
    """The text of every field of ``FIELDS``, printable, "" where unknown."""
    named = [artist for artist in naming.artists if artist.strip()]
    main = named[0] if named else "Unknown Artist"
    various = "Various Artists" if naming.compilation else main
    album_artist = naming.album_artist if naming.album_artist.strip() else various
    year = re.match(r"[0-9]{4}", naming.year)
    several = (naming.disc_total or 0) > 1 or (naming.disc_number or 0) > 1
    values = {
        "title": naming.title if naming.title.strip() else "Untitled",
        "artist": main,
        "artists": ", ".join(named) or main,
        "albumartist": album_artist,
        "shelf": "Compilations" if naming.compilation else album_artist,
        "album": naming.album,
        "year": year[0] if year and year[0] != "0000" else "",
        "track": _number(naming.track_number, 2),
        "disc": _number(naming.disc_number, 1) if several else "",
    }
    return {name: _printable(value) for name, value in values.items()}


def _number(number: int | None, digits: int) -> str:
    return f"{number:0{digits}d}" if number is not None and 0 < number < 100_000 else ""


# --- templates


@lru_cache(maxsize=64)
def _parsed(template: str) -> tuple[_Group, ...]:
    """The parts between slashes, the last of which names the file; raises `TemplateError`."""
    if template.startswith("/"):
        raise TemplateError("The template starts with a slash; places are always below the music folder.")
    names = template.split("/")
    for name in names:
        if name.strip(" .") != name or not name:
            raise TemplateError(f"“{name}” cannot be a name: it is empty, or begins or ends with a dot or a space.")
        illegal = sorted({char for char in name if char in REPLACED or not char.isprintable()})
        if illegal:
            raise TemplateError(f"The template may not hold {' '.join(map(ascii, illegal))}; some disks refuse it.")
    parts = tuple(_group(_pieces(name), name) for name in names)
    if len(parts) > MAX_FOLDERS + 1:
        raise TemplateError(f"The template has more than {MAX_FOLDERS} folders; use fewer slashes.")
    if "title" not in _fields(parts[-1]):
        raise TemplateError("The template's last part names the file and needs {title} in it.")
    return parts


def _pieces(name: str) -> Iterator[str]:
    return iter(re.findall(r"\{[^{}\[\]]*\}|[\[\]{}]|[^{}\[\]]+", name))


def _group(pieces: Iterator[str], name: str, depth: int = 0) -> _Group:
    group = _Group()
    for piece in pieces:
        if piece == "[":
            group.parts.append(_group(pieces, name, depth + 1))
        elif piece == "]" and depth:
            return group
        elif piece in ("]", "{", "}"):
            raise TemplateError(f"“{name}” has a {piece} without its counterpart.")
        elif piece.startswith("{"):
            group.parts.append(("field", _known_field(piece)))
        else:
            group.parts.append(piece)
    if depth:
        raise TemplateError(f"“{name}” has a [ without its counterpart.")
    return group


def _known_field(piece: str) -> str:
    name = piece[1:-1]
    if name not in FIELDS:
        raise TemplateError(f"{piece} is no field; there are {', '.join(f'{{{known}}}' for known in FIELDS)}.")
    return name


def _fields(group: _Group) -> set[str]:
    found: set[str] = set()
    for part in group.parts:
        if isinstance(part, _Group):
            found |= _fields(part)
        elif isinstance(part, tuple):
            found.add(part[1])
    return found


def _rendered(group: _Group, values: dict[str, str]) -> str:
    """The text of a part; an inner group is left out where one of its own fields is unknown."""
    text = []
    for part in group.parts:
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, tuple):
            text.append(values[part[1]])
        elif all(values[inner[1]] for inner in part.parts if isinstance(inner, tuple)):
            text.append(_rendered(part, values))
    return "".join(text)


# --- legal names


def _printable(text: str) -> str:
    """``text`` in NFC with every character allowed in a name; "" only where it is blank."""
    text = unicodedata.normalize("NFC", text).replace(": ", " - ")
    shown = " ".join(text.translate(_ALLOWED).split())
    if shown.strip(" .") or not text.strip():
        return unicodedata.normalize("NFC", shown)
    return "_" * min(len(text.strip()), 8)  # "???", "...", nothing but invisible characters


class _Allowed(dict[int, str]):
    """What a character becomes in a name, worked out from its Unicode category when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = self._replacement(chr(code))
        return replacement

    @staticmethod
    def _replacement(char: str) -> str:
        kind = unicodedata.category(char)
        if char in REPLACED:
            return REPLACED[char]
        if kind in ("Zs", "Zl", "Zp") or char in "\t\n\r\x0b\x0c\x85":
            return " "
        if kind in ("Cc", "Cf"):  # bell, NUL; marks of direction make a name read backwards, joiners hide in it
            return ""
        # A lone surrogate cannot be written as UTF-8, a noncharacter is refused by APFS.
        if kind == "Cs" or (kind == "Cn" and (ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF)):
            return "_"
        return char


_ALLOWED = _Allowed()


def _legal(text: str) -> str:
    """``text`` as the name of a folder or the stem of a file; "" where nothing is left."""
    # A leading dot hides a file from players, and Windows drops dots and spaces at the end.
    text = unicodedata.normalize("NFC", _printable(text).strip(" ."))
    device, dot, rest = text.partition(".")
    return f"{device.rstrip()}_{dot}{rest}" if device.rstrip().casefold() in RESERVED else text


def _ending(extension: str) -> str:
    ending = extension.removeprefix(".").lower()
    if not re.fullmatch(r"[a-z0-9]{1,8}", ending):
        raise ValueError(f"{extension!r} is no file extension.")
    return f".{ending}"


def _fitted(folders: list[str], stem: str, ending: str) -> str:
    """The place with every name, and the whole, within its limits; the longest names give way first."""
    folders = [_cut(name, MAX_NAME - PART_ROOM) for name in folders]
    names = [*folders, _cut(stem, MAX_NAME - PART_ROOM - SUFFIX_ROOM - len(ending))]
    while _too_long(place := "/".join(names) + ending):
        longest = max(range(len(names)), key=lambda index: len(names[index].encode()))
        size = len(names[longest].encode())
        if size <= SHORTEST:
            break
        names[longest] = _cut(names[longest], max(SHORTEST, size * 9 // 10))
    return place


def _too_long(place: str) -> bool:
    room = SUFFIX_ROOM + PART_ROOM
    return len(place.encode()) + room > MAX_PLACE or len(place.encode("utf-16-le")) // 2 + room > MAX_UNITS


def _cut(name: str, size: int) -> str:
    """The beginning of ``name`` in at most ``size`` bytes, not inside a character with its marks."""
    raw = name.encode()
    if len(raw) <= size:
        return name
    end = whole = len(raw[:size].decode("utf-8", "ignore"))
    while end and _continues(name[end]):
        end -= 1
    # Nothing but marks, or hundreds on one letter: then in the middle of them.
    return _legal(name[: end or whole]) or "_"


def _continues(char: str) -> bool:
    """Whether ``char`` belongs to the letter before it: marks, skin tones, the later parts of a Hangul syllable."""
    return unicodedata.category(char)[0] == "M" or 0x1F3FB <= ord(char) <= 0x1F3FF or 0x1160 <= ord(char) <= 0x11FF
