"""One file's text, and what readers look at: its beginning, lines, JSON, XML or table. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog.importers.columns import ARTISTS, TITLE, URI, Columns, find_columns
from catalog.importers.csv_table import Table, read_table
from catalog.importers.json_values import table_text
from catalog.importers.parsed_file import MAX_ENTRIES, MAX_LINE, ReadFile, UnreadableFile, clean, extension, shown

TITLE_LINES = 10  # lines above the column names that are looked past
SAMPLE = 20_000  # characters in which the column names are looked for

_LINE = re.compile(r"[^\r\n]+")


class LibraryText:
    """A decoded file, as formats recognise and read it. What is wrong with it is raised as UnreadableFile."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text.lstrip("\ufeff")
        self.name = name
        self.extension = extension(name)

    @cached_property
    def start(self) -> str:
        """The first 1,000 characters without blanks before them."""
        return self.text[:2000].lstrip("\ufeff \t\r\n")[:1000]

    @property
    def is_json(self) -> bool:
        return (
            self.start[:1] in "{["
            and bool(self.start)
            and (self.extension in (".json", ".spotdl") or bool(re.match(r'[{\[]\s*["{\[\]}]', self.start)))
        )

    @property
    def is_xml(self) -> bool:
        return bool(re.match(r"<(!doctype|html|\?xml|head|plist|playlist)", self.start, re.IGNORECASE))

    @cached_property
    def json(self) -> Any:
        try:
            return json.loads(self.text)
        except RecursionError:
            raise UnreadableFile(f"{shown(self.name)} is nested too deeply for an export: export it again.") from None
        except ValueError as error:
            raise UnreadableFile(
                f"{shown(self.name)} is no whole JSON file ({clean(str(error), 80)}): export it again."
            ) from None

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines that are not blank, stripped, with their numbers. Only line feeds and returns end a line."""
        number = count = end = 0
        for match in _LINE.finditer(self.text):
            number += _breaks(self.text, end, match.start())
            end = match.end()
            if end - match.start() > MAX_LINE:
                raise UnreadableFile(
                    f"{shown(self.name)} has a line of more than {MAX_LINE:,} characters: it is no list of tracks."
                )
            if line := match[0].strip():
                count += 1
                if count > MAX_ENTRIES:
                    raise UnreadableFile(f"{shown(self.name)} has more than {MAX_ENTRIES:,} lines: split it.")
                yield number + 1, line

    @cached_property
    def table(self) -> Table | None:
        """The table under the first line that names columns of tracks, else under the first line; None for none.

        JSON that is a list of songs is one too.
        """
        if self.is_json:
            return read_table(text, self.name) if (text := table_text(self.json)) else None
        return read_table(self.text, self.name, self._lines_above())

    @cached_property
    def columns(self) -> Columns:
        return find_columns(self.table) if self.table else {}

    def _lines_above(self) -> int:
        """How many lines stand above the column names: a title, as in Shazam's export."""
        sample = self.text[:SAMPLE]
        if len(self.text) > SAMPLE:
            sample = sample[: sample.rfind("\n") + 1]
        for above in range(TITLE_LINES):
            try:
                table = read_table(sample, self.name, above)
            except UnreadableFile:
                continue
            if table and names_tracks(find_columns(table)):
                return above
        return 0


def names_tracks(columns: Columns) -> bool:
    """Whether these columns tell tracks."""
    return URI in columns or (TITLE in columns and ARTISTS in columns)


def _breaks(text: str, start: int, end: int) -> int:
    """The ends of lines between two places: a return and a line feed are one."""
    between = text[start:end]
    return between.count("\n") + between.count("\r") - between.count("\r\n")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: whether a text is such, and what it holds."""

    recognises: Callable[[LibraryText], bool]
    read: Callable[[LibraryText], ReadFile]
