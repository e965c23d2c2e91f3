"""CSV text to a table: which separator, which quoting, which rows are whole. Pure.

Exports come as written (commas, every cell quoted), from Excel (semicolons or tabs, no quotes, blank rows, a ``sep=``
line), wrapped once more (each line one quoted cell), with blanks before the quotation marks, and with quotation marks
inside a cell that nobody doubled, or that a backslash marks. All of them give the same table. Rows are parsed anew
each time they are asked for: a large file's cells are never all in memory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import itemgetter

from catalog.importers.parsed_file import MAX_ENTRIES, MAX_LINE, UnreadableFile, shown

SEPARATORS = ",;\t|"
MAX_LINES = 1_000_000  # blank ones too: Excel leaves some, a cell may have several; each costs as much as a row
MAX_COLUMNS = 500  # the widest export known has 36
SAMPLE_ROWS = 500  # rows by whose cells a column is judged

Record = tuple[int, list[str]]  # the number of its first line, and its cells
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells, as many as the header has, and the number of its first line. ``flaw`` says in what the
    row does not fit its table; its cells are then not to be trusted."""

    line: int
    cells: tuple[str, ...]
    flaw: str = ""


class Table:
    """The header's words and the rows under it, blank ones left out."""

    def __init__(self, dialect: Dialect, lines_above: int) -> None:
        self._dialect = dialect
        self._above = lines_above
        self.header = tuple(cell.strip() for cell in next(dialect.records())[1])

    def rows(self) -> Iterator[Row]:
        """All rows, parsed while they are asked for."""
        records = self._dialect.records()
        next(records)
        cut_off = not self._dialect.text.endswith(("\n", "\r"))
        latest = next(records, None)
        while latest:
            following = next(records, None)
            yield self._row(*latest, cut_off and following is None)
            latest = following

    @cached_property
    def sample(self) -> tuple[Row, ...]:
        return tuple(islice(self.rows(), SAMPLE_ROWS))

    def column(self, index: int) -> list[str]:
        """The filled cells of one column in the sample's whole rows, "null" counting as not filled."""
        cells = (row.cells[index].strip() for row in self.sample if not row.flaw)
        return [cell for cell in cells if cell and cell != "null"]

    def _row(self, line: int, cells: list[str], cut_off: bool) -> Row:
        """Excel leaves out empty cells at a row's end, and a hand may add some; anything else is a flaw."""
        flaw, width = "", len(self.header)
        runs_on = "\n" in "".join(cells)
        if any(cell.strip() for cell in cells[width:]):
            flaw = f"the line has {len(cells)} cells instead of {width}"
        elif len(cells) < width and cut_off:
            flaw = f"the last line is cut off after {len(cells)} of {width} cells"
        elif runs_on and any("\n" in cell and cell.count("spotify:") for cell in cells):
            flaw = "a quotation mark is missing, so that lines ran together"
        elif self._dialect.by_line and any(cell.startswith('"') and cell.count('"') % 2 for cell in cells):
            flaw = "a quotation mark is missing"
        if len(cells) != width:
            cells = [*cells[:width], *[""] * (width - len(cells))]
        return Row(line + self._above, tuple(cells), flaw)


def read_table(text: str, name: str, lines_above: int = 0) -> Table | None:
    """The table in ``text`` under this many lines, or None where its first line has no separator.

    Raises UnreadableFile where a quotation mark never closes, or cells, lines or rows pass the limits.
    """
    below = _without_lines(text, lines_above).lstrip("\ufeff")
    text = below.lstrip("\r\n")
    blank = below[: len(below) - len(text)]
    text, separator, above = _separator(text)
    above += blank.count("\n") or blank.count("\r")
    if not separator:
        return None
    dialect = Dialect(text, separator, name)
    if inner := dialect.unwrapped():
        return read_table(inner, name)
    return Table(dialect, lines_above + above)


def _without_lines(text: str, count: int) -> str:
    end = 0
    for match in islice(_LINE.finditer(text), count):
        end = match.end()
    return text[end:]


def _separator(text: str) -> tuple[str, str, int]:
    """The text without Excel's ``sep=`` line, the separator of the first line, and how many lines were left out."""
    match = _LINE.match(text)
    first = match[0] if match else ""
    declared = re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE)
    if declared and match:
        return text[match.end() :], declared[1], 1
    wrapped = next(csv.reader([first]), [""])[0] if first.startswith('"') else ""  # the whole line as one quoted cell
    counts = {mark: max(_cells(first, mark), _cells(wrapped, mark)) for mark in SEPARATORS}
    best = max(SEPARATORS, key=lambda mark: counts[mark])
    return text, best if counts[best] > 1 else "", 0


def _cells(line: str, separator: str) -> int:
    return len(next(csv.reader([line], delimiter=separator), []))


class Dialect:
    """One way to take a text's lines apart into cells."""

    def __init__(self, text: str, separator: str, name: str) -> None:
        self.text, self.separator, self.name = text, separator, name
        before_quotes = rf'(^|{re.escape(separator)}){_blanks(separator)}+(?=")'
        blanks = {found[0].lstrip(separator) for found in re.finditer(before_quotes, text[:100_000], re.MULTILINE)}
        self.skips_blanks = bool(blanks)
        # The csv module skips spaces alone: tabs and no-break spaces are taken out before it reads a line.
        self._unusual = re.compile(before_quotes) if any(blank.strip(" ") for blank in blanks) else None
        self.by_line = False
        self._choose()

    def records(self) -> Iterator[Record]:
        """Every row that is not blank, the header first."""
        for record in self._raw():
            cells = record[1]
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield record

    def unwrapped(self) -> str:
        """The text inside, where each line is one quoted cell; "" where it is not."""
        if any(len(cells) != 1 for _, cells in islice(self.records(), 50)):
            return ""
        inner = "\n".join(cells[0] for _, cells in self.records())
        return inner if inner != self.text.strip() else ""

    def _choose(self) -> None:
        """Read the text once, strictly; where that fails, without skipping blanks, then line by line."""
        attempts = [(True, False)] if self.skips_blanks else []
        for skips_blanks, by_line in [*attempts, (False, False), (self.skips_blanks, True)]:
            self.skips_blanks, self.by_line = skips_blanks, by_line
            try:
                self._check_limits()
                return
            except csv.Error as error:
                problem = error
        raise UnreadableFile(f"{shown(self.name)} is no CSV ({problem}): export it again.")

    def _check_limits(self) -> None:
        count = -1
        for _, cells in self.records():
            count += 1
            if count > MAX_ENTRIES or len(cells) > MAX_COLUMNS:
                what = f"{MAX_COLUMNS} columns" if len(cells) > MAX_COLUMNS else f"{MAX_ENTRIES:,} rows"
                raise UnreadableFile(f"{shown(self.name)} has more than {what}: split it, or export it again.")
        if count < 0:
            raise UnreadableFile(f"{shown(self.name)} is empty: export it again.")

    def _lines(self) -> Iterator[str]:
        for number, line in enumerate(_lines(self.text)):
            if number > MAX_LINES:
                raise UnreadableFile(f"{shown(self.name)} has more than {MAX_LINES:,} lines: export it again.")
            if len(line) > MAX_LINE:
                raise UnreadableFile(
                    f"{shown(self.name)} has a line of more than {MAX_LINE:,} characters: it is no library export."
                )
            yield self._unusual.sub(r"\1", line) if self._unusual else line

    def _raw(self) -> Iterator[Record]:
        if self.by_line:
            yield from self._line_by_line()
            return
        reader = csv.reader(self._lines(), delimiter=self.separator, strict=True, skipinitialspace=self.skips_blanks)
        line = 1
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1

    def _line_by_line(self) -> Iterator[Record]:
        """Each line for itself: quotation marks that nobody doubled spoil no other line.

        Raises UnreadableFile where only the last line ends inside a quotation: the file was cut off.
        """
        open_line, width = "", 0
        for number, line in enumerate(self._lines(), 1):
            try:
                rows = list(
                    csv.reader([line], delimiter=self.separator, strict=True, skipinitialspace=self.skips_blanks)
                )
                cells = rows[0] if rows else []
                open_line = ""
                if len(cells) > width > 0:
                    cells = undoubled(line.rstrip("\r\n"), self.separator, width)
            except csv.Error as error:
                cells = undoubled(line.rstrip("\r\n"), self.separator, width)
                open_line = line if "unexpected end" in str(error) else ""
            width = width or len(cells)
            yield number, cells
        if open_line:
            raise UnreadableFile(
                f"{shown(self.name)} ends inside a quotation: it was cut off or edited. Export it again."
            )


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, one at a time: a return, a line feed, or both end one."""
    if text.count("\r") != text.count("\r\n"):
        yield from filter(None, map(itemgetter(0), _LINE.finditer(text)))
        return
    start, find = 0, text.find
    while end := find("\n", start) + 1:  # three times as fast
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def undoubled(line: str, separator: str, width: int = 0) -> list[str]:
    """The cells of a line in whose quoted cells stand bare quotation marks: one closes only before a separator.

    Where that gives other than ``width`` cells, marks are taken in pairs (``"One, "two", three"``), then those with a
    backslash as text: the first reading that gives ``width`` cells is taken, else the plain one.
    """
    mark = rf'"{_blanks(separator)}*(?={re.escape(separator)}|\Z)'
    plain = _split(line, separator, re.compile(mark), False)
    if len(plain) == width or not width:
        return plain
    others = (
        _split(line, separator, re.compile(how), pairs) for how, pairs in ((mark, True), (rf"(?<!\\){mark}", False))
    )
    return next((cells for cells in others if len(cells) == width), plain)


def _split(line: str, separator: str, closing: re.Pattern[str], pairs: bool) -> list[str]:
    """The cells where a quotation ends at ``closing``; with ``pairs``, where the marks within it are even in number.

    A cell that is never closed keeps its first quotation mark.
    """
    cells, position, may_close = [], 0, True
    while position <= len(line):
        start = position
        while line[start : start + 1] == " ":
            start += 1
        is_quoted = may_close and line[start : start + 1] == '"'
        end = _end(line, start + 1, closing, pairs) if is_quoted else None
        may_close = may_close and (end is not None or not is_quoted)  # one search to the end of the line is enough
        if end:
            cells.append(_bare(line[start + 1 : end.start()]))
            position = end.end() + 1
        else:
            stop = line.find(separator, position)
            stop = len(line) if stop < 0 else stop
            cells.append(line[position:stop])
            position = stop + 1
    return cells


def _end(line: str, start: int, closing: re.Pattern[str], pairs: bool) -> re.Match[str] | None:
    """Where a quoted cell's text that begins at ``start`` ends."""
    marks = 0
    for end in closing.finditer(line, start):
        marks += line.count('"', start, end.start())
        start = end.start()
        if not pairs or marks % 2 == 0:
            return end
    return None


def _blanks(separator: str) -> str:
    """A pattern for one blank within a line that is not the separator."""
    return rf"(?:(?!{re.escape(separator)})[^\S\r\n])"


def _bare(cell: str) -> str:
    """A cell's text: where all its quotation marks are doubled, each pair is one; so is one with a backslash."""
    if '\\"' in cell:
        return cell.replace('\\"', '"')
    return cell.replace('""', '"') if all(len(run) % 2 == 0 for run in re.findall('"+', cell)) else cell
