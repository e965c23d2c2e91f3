"""XML out of a file, without what makes a small file large in memory. Pure."""

from __future__ import annotations

from xml.etree import ElementTree

from catalog.importers.library_text import LibraryText
from catalog.importers.parsed_file import UnreadableFile, clean, shown


def parse_xml(file: LibraryText) -> ElementTree.Element:
    """The root element. Raises UnreadableFile for XML that is damaged or declares entities of its own."""
    refuse_entities(file)
    try:
        return ElementTree.fromstring(file.text)  # noqa: S314  entities are refused, expat limits the rest
    except (ElementTree.ParseError, ValueError) as error:
        raise damaged_xml(file, error) from None


def refuse_entities(file: LibraryText) -> None:
    if "<!ENTITY" in file.text:
        raise UnreadableFile(f"{shown(file.name)} declares XML entities: no playlist does. Export it again.")


def damaged_xml(file: LibraryText, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{shown(file.name)} is no whole XML file ({clean(str(error), 80)}): export it again.")
