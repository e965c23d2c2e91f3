"""CSV text to a table: which separator, which quoting, which rows are whole. Pure.

Exports come as written (commas, every cell quoted), from Excel (semicolons or tabs, no quotes, blank rows, a
``sep=`` line) and wrapped once more (each line one quoted cell). All of them give the same table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.importers.parsed_file import MAX_ENTRIES, UnreadableFile, shown

SEPARATORS = ",;\t|"
MAX_LINE = 200_000  # characters; a cell holds at most 131,072 (the csv module's own limit)
MAX_COLUMNS = 500  # the widest export known has 36


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells, as many as the header has, and the number of its first line. ``flaw`` says in what the
    row does not fit its table; its cells are then not to be trusted."""

    line: int
    cells: tuple[str, ...]
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The header's words and the rows under it, blank ones left out."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, index: int) -> list[str]:
        """The filled cells of one column in whole rows, "null" counting as not filled."""
        cells = (row.cells[index].strip() for row in self.rows if not row.flaw)
        return [cell for cell in cells if cell and cell != "null"]


def read_table(text: str, name: str) -> Table | None:
    """The table in ``text``, or None where its first line has no separator.

    Raises UnreadableFile where a quotation mark never closes, or cells, lines or rows pass the limits.
    """
    if max(map(len, text.splitlines()), default=0) > MAX_LINE:
        raise UnreadableFile(f"{shown(name)} has a line of more than {MAX_LINE:,} characters: it is no library export.")
    text, separator = _separator(text)
    if not separator:
        return None
    records = _records(text, separator, name)
    if all(len(cells) == 1 for _, cells in records[:50]):
        inner = "\n".join(cells[0] for _, cells in records)
        return read_table(inner, name) if inner != text.strip() else None
    header = tuple(cell.strip() for cell in records[0][1])
    cut_off = not text.endswith(("\n", "\r"))
    last = records[-1][0]
    rows = (_row(line, cells, len(header), cut_off and line == last) for line, cells in records[1:])
    return Table(header, tuple(rows))


def _separator(text: str) -> tuple[str, str]:
    """The text without Excel's ``sep=`` line, and the separator that the first line has most of."""
    text = text.lstrip("\ufeff\r\n")
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return rest, first.strip()[4]
    counts = {mark: first.count(mark) for mark in SEPARATORS}
    best = max(SEPARATORS, key=lambda mark: counts[mark])
    return text, best if counts[best] else ""


def _records(text: str, separator: str, name: str) -> list[tuple[int, list[str]]]:
    """Line numbers and cells of every row that is not blank, the header first."""
    try:
        records = list(_parsed(text, separator, name, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise UnreadableFile(
                f"{shown(name)} ends inside a quotation: it was cut off or edited. Export it again."
            ) from None
        # Quotation marks that were not doubled: the lenient reading keeps them, and `_row` distrusts what
        # then runs over a line's end.
        records = list(_leniently(text, separator, name))
    if not records:
        raise UnreadableFile(f"{shown(name)} is empty: export it again.")
    return records


def _leniently(text: str, separator: str, name: str) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _parsed(text, separator, name, strict=False)
    except csv.Error as error:
        raise UnreadableFile(f"{shown(name)} is no CSV ({error}): export it again.") from None


def _parsed(text: str, separator: str, name: str, strict: bool) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    line, count = 1, 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
            count += 1
        if count > MAX_ENTRIES + 1 or len(cells) > MAX_COLUMNS:
            what = f"{MAX_COLUMNS} columns" if len(cells) > MAX_COLUMNS else f"{MAX_ENTRIES:,} rows"
            raise UnreadableFile(f"{shown(name)} has more than {what}: split it, or export it again.")
        line = reader.line_num + 1


def _row(line: int, cells: list[str], width: int, cut_off: bool) -> Row:
    """Excel leaves out empty cells at a row's end, and a hand may add some; anything else is a flaw."""
    flaw = ""
    if any(cell.strip() for cell in cells[width:]):
        flaw = f"the line has {len(cells)} cells instead of {width}"
    elif len(cells) < width and cut_off:
        flaw = f"the last line is cut off after {len(cells)} of {width} cells"
    elif any("\n" in cell and cell.count("spotify:") for cell in cells):
        flaw = "a quotation mark is missing, so that lines ran together"
    padded = [*cells[:width], *[""] * (width - len(cells))]
    return Row(line, tuple(padded), flaw)
