"""A table's rows as tracks: names, ids, lengths and dates out of the cells of one row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from catalog.importers import columns as col
from catalog.importers.csv_table import Row, Table
from catalog.importers.parsed_file import (
    MAX_DURATION_MS,
    MAX_LABEL,
    Skipped,
    as_entry,
    clean,
    moment,
    no_track,
    whole_number,
)
from catalog.music.records import UNREADABLE, VARIOUS_ARTISTS, EntryRecord, TrackRecord, clean_isrc, spotify_id_of

# What a spreadsheet program leaves where it took a title for a formula.
FORMULA_ERRORS = {"#NAME?", "#WERT!", "#VALUE!", "#REF!", "#BEZUG!", "#DIV/0!", "#NOM?", "#VALEUR!", "#¿NOMBRE?"}
_SLASHED = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}")
_COMMA = r"(?<!\\),(?!(?<=[0-9],)[0-9]{3}(?![0-9]))"  # not that of "10,000"
_ESCAPED = re.compile(r"\\(?=,)")
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?![\d-])")
_BETWEEN_URIS = re.compile(r"[,;|]")
# Of the best known.
NAMES_WITH_COMMAS = (
    *("tyler, the creator", "earth, wind & fire", "crosby, stills & nash", "crosby, stills, nash & young"),
    *("blood, sweat & tears", "emerson, lake & palmer", "peter, paul & mary", "peter, paul and mary"),
    *(
        "medeski, martin & wood",
        "dave dee, dozy, beaky, mick & tich",
        "black country, new road",
        "beck, bogert & appice",
    ),
)
# Albums and artists come again in the next rows: they are worked out once, and kept as one text in memory.
remembered = lru_cache(1000)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table keeps what, and whether its slashed dates begin with the day (None: it cannot be told)."""

    columns: col.Columns
    day_first: bool | None

    def cell(self, row: Row, role: str) -> str:
        """A row's cell for this role, stripped; "" where there is no such column. The "null" of old exports is ""
        too, but for names: there are songs called so."""
        index = self.columns.get(role)
        if index is None:
            return ""
        text = row.cells[index].strip()
        return "" if text == "null" and role not in col.NAMES else text


def layout_of(table: Table, columns: col.Columns) -> Layout:
    """The layout of a table: Excel writes dates the way of its country, and a whole column tells which."""
    roles = [role for role in (col.RELEASED, col.ADDED_AT) if role in columns]
    if not any(_SLASHED.match(cell) for role in roles for cell in table.column(columns[role])):
        return Layout(columns, None)
    dates = [row.cells[columns[role]].strip() for row in table.rows() if not row.flaw for role in roles]
    pairs = [match.groups() for cell in dates if (match := _SLASHED.match(cell))]
    first, second = any(int(a) > 12 for a, _ in pairs), any(int(b) > 12 for _, b in pairs)
    dotted = any("." in cell for cell in dates)
    return Layout(columns, None if first == second and not dotted else first or dotted)


def read_rows(rows: Iterable[Row], layout: Layout) -> tuple[list[EntryRecord], list[Skipped]]:
    """An entry for every row, in order, and the rows that were not understood."""
    entries, skipped = [], []
    for row in rows:
        entry, problem = read_row(row, layout)
        entries.append(entry)
        if problem:
            skipped.append(skipped_row(row, problem))
    return entries, skipped


def skipped_row(row: Row, problem: str) -> Skipped:
    return Skipped(row.line, clean(", ".join(filter(None, row.cells)), MAX_LABEL), problem)


def read_row(row: Row, layout: Layout) -> tuple[EntryRecord, str]:
    """A row's entry, and why it was not understood ("" where it was)."""
    problem = row.flaw
    if not problem and layout.cell(row, col.TITLE) in FORMULA_ERRORS:
        problem = "a spreadsheet program replaced the title by its own error"
    if problem:
        return EntryRecord(reason=UNREADABLE, label=clean(", ".join(filter(None, row.cells)), MAX_LABEL)), problem
    uri = layout.cell(row, col.URI) or layout.cell(row, col.SPOTIFY)
    return as_entry(_track(row, layout, uri), uri, _added_at(row, layout))


def _track(row: Row, layout: Layout, uri: str) -> TrackRecord:
    cell = lambda role: layout.cell(row, role)  # noqa: E731  (one row, one layout, seventeen columns)
    explicit = cell(col.EXPLICIT).lower()
    album_artists = cell(col.ALBUM_ARTIST_URIS)
    return TrackRecord(
        title=clean(cell(col.TITLE)),
        artists=_artists(row, layout),
        album=_clean_again(cell(col.ALBUM)),
        album_artists=artists_of(cell(col.ALBUM_ARTISTS), _count(album_artists), addressed=True),
        duration_ms=_duration(cell(col.DURATION), cell(col.SECONDS), cell(col.CLOCK)),
        isrc=clean_isrc(cell(col.ISRC)),
        spotify_id=spotify_id_of(uri) if not no_track(uri) else "",
        album_spotify_id=_album_id(cell(col.ALBUM_URI)),
        track_number=whole_number(cell(col.TRACK_NUMBER), 32767),
        disc_number=whole_number(cell(col.DISC_NUMBER), 32767),
        release_date=release_date(cell(col.RELEASED), layout.day_first),
        explicit=True if explicit in col.YES else False if explicit in col.NO else None,
        compilation=VARIOUS_ARTISTS in album_artists,
        cover_url=_clean_again(cell(col.COVER)),
    )


def _artists(row: Row, layout: Layout) -> tuple[str, ...]:
    """The artists of a row: of one cell, or of numbered columns with a name each."""
    if further := layout.columns.keys() & col.FURTHER_ARTISTS:
        names = [clean(layout.cell(row, role)) for role in (col.ARTISTS, *sorted(further))]
        return tuple(dict.fromkeys(filter(None, names)))
    addresses = layout.cell(row, col.ARTIST_URIS)
    return artists_of(layout.cell(row, col.ARTISTS), _count(addresses), addressed=col.ARTIST_URIS in layout.columns)


_clean_again = remembered(clean)
_album_id = remembered(spotify_id_of)


@remembered
def _count(uris: str) -> int:
    """How many addresses or ids stand in a cell."""
    return len([uri for uri in _BETWEEN_URIS.split(uris) if uri.strip()])


@remembered
def artists_of(text: str, count: int = 0, addressed: bool = False) -> tuple[str, ...]:
    """The names in a cell of artists, ``count`` of them where their ids say so (0: unknown).

    The separator is the one that gives as many names as there are ids. Without ids only ";" separates: "Tyler, The
    Creator" is one artist. ``addressed``: exportify.app's own way, which escapes commas in names.
    """
    text = text.strip()
    names = [text] if count == 1 else []
    if count > 1:
        names = next((way for way in _ways(text, count) if len(way) == count), [])
    if not names:
        comma = addressed and (count > 1 or "\\," in text)
        names = re.split(r"(?<!\\), ", text) if comma else text.split(";")
    cleaned = (clean(_ESCAPED.sub("", name)) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name))


def _ways(text: str, count: int) -> Iterator[list[str]]:
    """The ways to take a cell of names apart, the likelier first."""
    # Where a comma stands without a blank, those with one are within names: "Tyler, The Creator,A$AP Rocky".
    for separator, comma in ((rf"{_COMMA}(?! )", ""), (r"(?<!\\), ", ", "), (";", ""), (_COMMA, ",")):
        yield (pieces := re.split(separator, text))
        if comma and len(pieces) > count:
            yield _joined(pieces, count, comma)
    for separator in (r"\|", " & ", r", | & ", r"[,;]|\s&\s", "/", r", |\sand\s|\s&\s"):
        yield re.split(separator, text)


def _joined(pieces: list[str], count: int, comma: str) -> list[str]:
    """The pieces between commas as ``count`` names: "Tyler", "The Creator" is one. [] where nothing tells which."""
    pieces = list(pieces)
    while len(pieces) > count:
        signs = [_sign(pieces[:at], pieces[at]) for at in range(1, len(pieces))]
        at = signs.index(max(signs))
        if not signs[at]:
            return []
        pieces[at : at + 2] = [comma.join(pieces[at : at + 2])]
    return pieces


def _sign(before: list[str], piece: str) -> int:
    """How much speaks for a comma within a name before ``piece``; 0 where nothing does."""
    name = f"{before[-1]}, {piece}".casefold()
    if any(known.startswith(name) or known.endswith(name) for known in NAMES_WITH_COMMAS):
        return 4
    if re.match(r"(?:jr|sr|ii|iii)\b", piece, re.IGNORECASE):
        return 3
    if piece.startswith(("The ", "the ")):
        return 2
    return int(bool(re.search(r"\s(?:&|and|y|und|et)\s", piece)) and " " not in before[-1])  # "Earth", "Wind & Fire"


def _duration(milliseconds: str, seconds: str, clock: str) -> int | None:
    """A length in milliseconds from whichever cell is filled ("3:45" in the clock's), or None."""
    if milliseconds:
        return whole_number(milliseconds, MAX_DURATION_MS)
    parts = clock.split(":") if re.fullmatch(r"[0-9]{1,3}(:[0-9]{1,2}){1,2}", clock) else [seconds]
    numbers = [int(part) for part in parts if re.fullmatch(r"[0-9]{1,6}", part)]
    total = sum(number * 60**place for place, number in enumerate(reversed(numbers)))
    return total * 1000 if 0 < total * 1000 <= MAX_DURATION_MS else None


@remembered
def release_date(text: str, day_first: bool | None) -> str:
    """A release date as "YYYY", "YYYY-MM" or "YYYY-MM-DD", or "" where it is none.

    Of a slashed date only the year is taken where nothing in the file tells the day from the month.
    """
    if match := _DAY_FIRST.match(text):
        first, second, year = match.groups()
        day, month = (first, second) if day_first else (second, first)
        text = year if day_first is None else f"{year}-{month:0>2}-{day:0>2}"
    match = _YEAR_FIRST.match(text)
    if not match or match[1] < "1000":
        return ""
    try:
        datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1), tzinfo=UTC)
    except ValueError:
        return ""
    return match[0]


def _added_at(row: Row, layout: Layout) -> datetime | None:
    text = layout.cell(row, col.ADDED_AT)
    if not text:
        return None
    if not re.match(r"\d{1,2}[./-]", text):
        return moment(text)
    day, _, time = text.partition(" ")
    date = release_date(day, layout.day_first)
    return moment(f"{date}T{time.strip():0>5}" if time else date) if len(date) == 10 else None
