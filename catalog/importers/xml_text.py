"""XML out of a file, without what makes a small file large in memory. Pure."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from catalog.importers.library_text import LibraryText
from catalog.importers.parsed_file import UnreadableFile, clean, shown

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,500}>")


def parse_xml(file: LibraryText) -> ElementTree.Element:
    """The root element. Raises UnreadableFile for XML that is damaged or declares entities of its own."""
    refuse_entities(file)
    try:
        return ElementTree.fromstring(without_declaration(file))  # noqa: S314  entities are refused, expat limits the rest
    except (ElementTree.ParseError, ValueError) as error:
        raise damaged_xml(file, error) from None


def without_declaration(file: LibraryText) -> str:
    """The text without its XML declaration: it is decoded already, whatever encoding that names."""
    return _DECLARATION.sub("", file.text, count=1)


def refuse_entities(file: LibraryText) -> None:
    if "<!ENTITY" in file.text:
        raise UnreadableFile(f"{shown(file.name)} declares XML entities: no playlist does. Export it again.")


def damaged_xml(file: LibraryText, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{shown(file.name)} is no whole XML file ({clean(str(error), 80)}): export it again.")
