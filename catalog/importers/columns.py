"""Which column of a table says what: by its cells first, by its neighbours, and by a few common words. Pure.

Exports carry headers in the language of the site, and Excel's users rename and move them. Addresses, ISRCs,
dates and lengths are recognised by their form in any language; only the names of a track, its artists and its
album are text like any other. Those stand right of their addresses, or are named by one of the words below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from statistics import median

from catalog.importers.csv_table import Table
from catalog.music.records import SPOTIFY_ID, clean_isrc

# Roles: what a column can say.
URI, SPOTIFY, ALBUM_URI = "uri", "spotify", "album_uri"
ARTIST_URIS, ALBUM_ARTIST_URIS = "artist_uris", "album_artist_uris"
NAMES = TITLE, ARTISTS, ALBUM, ALBUM_ARTISTS, PLAYLIST = "title", "artists", "album", "album_artists", "playlist"
ISRC, ADDED_AT, RELEASED, COVER, EXPLICIT = "isrc", "added_at", "released", "cover", "explicit"
DURATION, SECONDS, CLOCK = "duration", "seconds", "clock"  # a length in ms, in s, as 3:45
TRACK_NUMBER, DISC_NUMBER = "track_number", "disc_number"
TYPE = "type"  # what a row is: a song, an album, an artist
FURTHER_ARTISTS = frozenset(f"artists {number}" for number in range(2, 10))  # in numbered columns

Columns = dict[str, int]

_DATE = r"[0-9]{4}(-[0-9]{1,2}){0,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}"
YES = frozenset(["true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "doğru"])
NO = frozenset(["false", "falsch", "faux", "falso", "onwaar", "falskt", "yanlış"])

# The form of a cell; the first that fits. A column has a form if nine of ten filled cells have it.
FORMS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("track", re.compile(r"spotify:(track|local|episode):|https?://open\.spotify\.com/.*(track|episode)/").match),
    ("artist", re.compile(r"spotify:artist:").match),
    ("album", re.compile(r"spotify:album:").match),
    ("isrc", clean_isrc),
    ("moment", re.compile(rf"({_DATE})[T ][0-9]{{1,2}}:[0-9]{{2}}").match),
    ("date", re.compile(rf"({_DATE})\Z").match),
    ("image", re.compile(r"https?://\S*(scdn\.co/image|spotifycdn\.com/image|\.jpe?g|\.png|\.webp)").match),
    ("flag", lambda cell: cell.lower() in YES | NO),
    ("clock", re.compile(r"([0-9]{1,2}:)?[0-9]{1,3}:[0-9]{2}\Z").match),
    ("number", re.compile(r"[0-9]{1,9}\Z").match),
    ("id", SPOTIFY_ID.match),
    ("ids", re.compile(r"[0-9A-Za-z]{22}(?: ?[,;|] ?[0-9A-Za-z]{22}){0,50}\Z").match),
    ("url", re.compile(r"https?://\S+\Z").match),
    ("token", re.compile(r"(?=\S{0,79}[0-9])(?=\S{0,79}[A-Za-z])[\w:.=+/-]{8,80}\Z", re.ASCII).match),
)
BY_FORM = {"isrc": ISRC, "moment": ADDED_AT, "date": RELEASED, "image": COVER, "flag": EXPLICIT, "clock": CLOCK}
ADDRESSES = {"track", "artist", "album"}
NEVER_A_NAME = ADDRESSES | {"isrc", "moment", "image", "flag"}  # where nothing else says that it is one
CODES = {"id", "ids", "url", "token", "image"}  # of an album or a list, whatever its header says

# Words for what only a header can tell, in the languages of the exporting sites: pieces of words that
# belong to one meaning. "Album artist" has two of them, which is why the artist is asked first.
ARTIST_WORDS = (
    "artist", "artiest", "künstler", "interpret", "performer", "καλλιτέχν", "アーティスト", "فنان",
    "sanatçı", "歌手", "艺人", "藝人", "艺术家", "藝術家", "исполнител", "kunstner", "wykonawc", "가수",
)  # fmt: skip
ALBUM_WORDS = ("album", "álbum", "albüm", "άλμπουμ", "アルバム", "ألبوم", "专辑", "專輯", "альбом", "앨범")
TITLE_WORDS = (
    "track", "title", "titel", "titre", "título", "titolo", "song", "name", "canción", "traccia", "faixa",
    "låt", "parça", "nummer", "κομματ", "トラック", "曲", "أغنية", "歌", "трек", "назван", "utwór", "제목",
)  # fmt: skip
COUNTS = {"tracks", "songs", "titres", "plays"}  # over numbers: how many of them there are
DISCOGS = {"catalog", "release id"}  # its collection lists albums, each under "Title"
VAGUE_TITLES = {"name", "nummer"}  # of a list, a person or a place as well as of a song
PLAYLIST_WORDS = ("playlist", "プレイリスト", "плейлист")
LENGTH_WORDS = ("duration", "length", "dauer", "länge", "durée", "duración", "durata", "milli")
TIME_HEADERS = {"time", "total time", "track time", "zeit", "temps", "tiempo", "tempo totale", "totaltime", "seconds"}
NUMBER_HEADERS = {
    TRACK_NUMBER: {
        "track number",
        "track no",
        "track nr",
        "tracknumber",
        "track number on album",
        "titelnummer",
        "numéro de piste",
    },
    DISC_NUMBER: {
        "disc number",
        "disc no",
        "disk number",
        "discnumber",
        "disc number of album",
        "cd nummer",
        "numéro de disque",
    },
}
TYPE_HEADERS = {"type", "typ", "kind", "item type", "tipo", "object type"}
# What a row is by its cell in the column of types; a file with any other word there uses it otherwise.
SONG, ALBUM_ROW, ARTIST_ROW, SHOW_ROW = "song", "album", "artist", "show"
KINDS = {
    **dict.fromkeys(("song", "songs", "track", "tracks", "favorite", "favourite", "playlist", "liked", "music"), SONG),
    **dict.fromkeys(("album", "albums"), ALBUM_ROW),
    **dict.fromkeys(("artist", "artists"), ARTIST_ROW),
    **dict.fromkeys(("podcast", "show", "episode", "audiobook"), SHOW_ROW),
}
# iTunes' "Plain Text": how many columns it has, and the places of some.
ITUNES_WIDTHS = (31, 27)
ITUNES_NUMBERS = {"size": 10, SECONDS: 11, DISC_NUMBER: 12, TRACK_NUMBER: 14, "sample rate": 20}
ADDED_WORDS = ("added", "hinzugefügt", "tag time", "tagtime", "tagged", "liked at", "saved at", "timestamp")
# A header with one of these names something about a track or an album, not the thing itself.
ABOUT = {
    "uri", "url", "isrc", "genre", "genres", "label", "type", "by", "number", "date", "popularity", "id", "ids",
    "key", "ms", "image", "duration", "index", "position", "owner", "count", "sort", "no", "nr",
}  # fmt: skip


def find_columns(table: Table) -> Columns:
    """The columns of a table that are understood, each role at most once.

    Words outrank neighbours, so that moved columns are followed; addresses outrank both.
    """
    forms = [_form(table.column(index)) for index in range(len(table.header))]
    words = [_words(cell) for cell in table.header]
    # "7000" may be a year; under "Duration (ms)" it is a song of seven seconds.
    lengths = [form == "date" and _has(header, LENGTH_WORDS) for form, header in zip(forms, words, strict=True)]
    forms = ["number" if length else form for form, length in zip(forms, lengths, strict=True)]
    columns: Columns = {}
    _itunes(columns, table, forms)
    _types(columns, table, words)
    _addresses(columns, forms, words)
    _names(columns, forms, words)
    _neighbours(columns, forms)
    _values(columns, forms, words)
    _numbers(columns, table, forms, words)
    return columns


def _itunes(columns: Columns, table: Table, forms: list[str]) -> None:
    """The "Plain Text" of iTunes and Music: its columns stand in one order, under names in the person's language.

    Known by how many there are, and by the sample rates, sizes and lengths in their places.
    """
    if len(forms) not in ITUNES_WIDTHS:
        return
    # Older ones lack the four columns of classical works, which stand after the fifth.
    at = {name: place - (4 if len(forms) == ITUNES_WIDTHS[1] else 0) for name, place in ITUNES_NUMBERS.items()}
    rates, sizes = (_median(table.column(at[name])[:500]) for name in ("sample rate", "size"))
    if 8_000 <= rates <= 384_000 and sizes > rates:
        columns |= {TITLE: 0, ARTISTS: 1, ALBUM: 3}
        columns |= {role: at[role] for role in (SECONDS, DISC_NUMBER, TRACK_NUMBER)}


def is_album_list(table: Table, columns: Columns) -> bool:
    """Whether the table lists albums: by addresses of albums without any of tracks, or by what Discogs calls them."""
    if {_words(header) for header in table.header} >= DISCOGS:
        return True
    return ALBUM_URI in columns and URI not in columns and SPOTIFY not in columns


def _form(cells: list[str]) -> str:
    """The form of a column's first 500 filled cells; "empty" where none is filled, "text" where none fits."""
    sample = cells[:500]
    for form, fits in FORMS if sample else ():
        if sum(1 for cell in sample if fits(cell)) >= len(sample) * 0.9:
            return form
    return "text" if sample else "empty"


def _words(header: str) -> str:
    """A header's words in lower case: "AlbumTitle" is two, "Artist_ID" too."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return " ".join(re.findall(r"[^\W_]+", apart.casefold()))


def _types(columns: Columns, table: Table, words: list[str]) -> None:
    """The column that says what each row is. An album's own type ("album", "single") is another thing."""
    for index, header in enumerate(words):
        kinds = {KINDS.get(cell.lower()) for cell in table.column(index)} if header in TYPE_HEADERS else {None}
        if kinds and None not in kinds:
            columns.setdefault(TYPE, index)


def _has(words: str, pieces: Iterable[str]) -> bool:
    return any(piece in words for piece in pieces)


def _meaning(header: str) -> str:
    """The name that a header's words ask for, or ""."""
    if ABOUT.intersection(header.split()):
        return ""
    if _has(header, PLAYLIST_WORDS):
        return PLAYLIST
    if _has(header, ARTIST_WORDS):
        return ALBUM_ARTISTS if _has(header, ALBUM_WORDS) else ARTISTS
    if _has(header, ALBUM_WORDS):
        return ALBUM
    return TITLE if _has(header, TITLE_WORDS) else ""


def _addresses(columns: Columns, forms: list[str], words: list[str]) -> None:
    for index, (form, header) in enumerate(zip(forms, words, strict=True)):
        if form == "artist":
            of_album = ARTIST_URIS in columns or _has(header, ALBUM_WORDS)
            columns.setdefault(ALBUM_ARTIST_URIS if of_album else ARTIST_URIS, index)
        elif form in ("track", "album"):
            columns.setdefault(URI if form == "track" else ALBUM_URI, index)
        elif form in ("id", "ids") and _has(header, ARTIST_WORDS):
            columns.setdefault(ALBUM_ARTIST_URIS if _has(header, ALBUM_WORDS) else ARTIST_URIS, index)
        elif form == "id" and _has(header, ALBUM_WORDS):
            columns.setdefault(ALBUM_URI, index)
        elif form == "id" and _has(header, ("spotify", "track")):
            columns.setdefault(SPOTIFY, index)
        elif form == "empty" and index == 0 and "uri" in header:
            columns.setdefault(URI, index)  # an empty playlist: every language calls its first column so


def _names(columns: Columns, forms: list[str], words: list[str]) -> None:
    """Columns of text first: "Track number" and "Album date" have words of names, but cells of another form."""
    ranked = sorted(range(len(words)), key=lambda index: words[index] in VAGUE_TITLES)
    for only_text in (True, False):
        for index, header in ((index, words[index]) for index in ranked):
            meaning = _meaning(header)
            fits = forms[index] == "text" if only_text else forms[index] not in ADDRESSES
            if forms[index] == "number" and header in COUNTS:
                continue
            is_code = forms[index] in CODES and (meaning != TITLE or header.endswith(" id"))
            if meaning and fits and not is_code and index not in columns.values():
                columns.setdefault(meaning, index)
    _numbered_artists(columns, words)
    if ARTISTS not in columns and ALBUM_ARTISTS in columns:
        columns[ARTISTS] = columns[ALBUM_ARTISTS]


def _numbered_artists(columns: Columns, words: list[str]) -> None:
    """ "Artist name 1", "Artist name 2", …: one name in each."""
    stem, _, last = words[columns[ARTISTS]].rpartition(" ") if ARTISTS in columns else ("", "", "")
    if last != "1":
        return
    for index, header in enumerate(words):
        role = f"artists {header.removeprefix(f'{stem} ')}"
        if header.startswith(f"{stem} ") and role in FURTHER_ARTISTS:
            columns.setdefault(role, index)


def _neighbours(columns: Columns, forms: list[str]) -> None:
    """exportify.app writes each name right of its address; exportify.net, which has the track's address only,
    writes title, album and artists one after another."""
    places = [(URI, 1, TITLE), (ARTIST_URIS, 1, ARTISTS), (ALBUM_URI, 1, ALBUM), (ALBUM_ARTIST_URIS, 1, ALBUM_ARTISTS)]
    if ARTIST_URIS not in columns and ALBUM_URI not in columns:
        places += [(URI, 2, ALBUM), (URI, 3, ARTISTS)]
    for address, step, name in places:
        index = columns[address] + step if address in columns else len(forms)
        never = ADDRESSES if step == 1 else NEVER_A_NAME  # a song may be called "True"
        if index < len(forms) and forms[index] not in never and index not in columns.values():
            columns.setdefault(name, index)


def _values(columns: Columns, forms: list[str], words: list[str]) -> None:
    """Dates, codes and flags, by their form. Excel writes a moment of adding as a mere date where it can."""
    for index, (form, header) in enumerate(zip(forms, words, strict=True)):
        role = BY_FORM.get(form, ISRC if header == "isrc" else "")
        if form == "date" and _has(header, ADDED_WORDS):
            role = ADDED_AT
        if role in (ADDED_AT, RELEASED) and _has(header, ("modified", "played", "skipped", "geändert", "gespielt")):
            role = ""
        if role and index not in columns.values():
            columns.setdefault(role, index)


def _numbers(columns: Columns, table: Table, forms: list[str], words: list[str]) -> None:
    """The length is the column of the largest numbers, and where a track's address stands in the table no word
    is needed for it; the numbers left of it are the track's and the disc's (exportify.app)."""
    if SECONDS in columns:
        return
    free = {index for index, form in enumerate(forms) if form == "number"} - set(columns.values())
    named = {index for index in free if _has(words[index], LENGTH_WORDS) or words[index] in TIME_HEADERS}
    for role, headers in NUMBER_HEADERS.items():
        index = next((index for index in free if words[index] in headers), None)
        if index is not None:
            columns.setdefault(role, index)
    sizes = {index: _median(table.column(index)[:500]) for index in named or (free if URI in columns else ())}
    longest = max(sizes, key=lambda index: sizes[index], default=-1)
    if longest < 0 or not (named or sizes[longest] >= 1000):
        return
    # A list by hand has seconds: a median under 10,000 is no length in milliseconds, nor one over it in seconds.
    seconds = URI not in columns and sizes[longest] < 10_000 and "ms" not in words[longest].split()
    columns[SECONDS if seconds else DURATION] = longest
    for step, role in ((1, TRACK_NUMBER), (2, DISC_NUMBER)):
        if longest - step in free and URI in columns and role not in columns:
            columns[role] = longest - step


def _median(cells: list[str]) -> float:
    """The median of the cells that are numbers: in a damaged table some are not."""
    return median([int(cell) for cell in cells if cell.isascii() and cell.isdecimal() and len(cell) <= 12] or [0])
