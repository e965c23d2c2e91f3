"""Bytes to text: which encoding a file is in, and what a spreadsheet program did to it. Pure.

Guessing an encoding by statistics gives wrong titles without a word; so only what proves itself is taken:
UTF-8, UTF-16 and UTF-32 by their marks or structure, then what makes words (`catalog.text.word_encodings`), then
Windows-1252, where its letters stand as in words.
"""

from __future__ import annotations

import codecs
import re

from catalog.importers.parsed_file import UnreadableFile, shown
from catalog.text.word_encodings import encoding_of

# What a file is that is no text, by its first bytes, and what to do with it instead.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as “CSV UTF-8” and take that"),
    (b"%PDF", "a PDF: export the list as CSV and take that"),
    (b"SQLite format 3", "a database: take the CSV or JSON file that the export gave you"),
)
BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WESTERN_NOTE = "read as Windows-1252: titles in other scripts may have been lost when it was saved so"
REPAIRED_NOTE = "its letters had been garbled by a program that read UTF-8 as Windows-1252, and were put right"

SLICE = 1 << 20  # characters that are turned back at once: mostly the first ones show that there is nothing to repair

_CONTENT = re.compile("[^\x00 \t\r\n\ufeff]")
_MULTIBYTE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]+")
_BEYOND_LATIN_SIGNS = re.compile("[^\x00-\xbf]")  # letters whose bytes `_MULTIBYTE` finds
_FOREIGN = re.compile(r"[^\W\d_\x00-\x7f]+")
_OPEN_BYTES = "\x81\x8d\x8f\x90\x9d"
_OPEN_BYTES_STAY = "tonekeep.open_bytes"


def _open_bytes_stay(error: UnicodeError) -> tuple[bytes, int]:
    """Windows turns the five bytes that its code page leaves open into control characters and back."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in _OPEN_BYTES:
        return error.object[error.start].encode("latin-1"), error.start + 1
    raise error


codecs.register_error(_OPEN_BYTES_STAY, _open_bytes_stay)


def decode(data: bytes, name: str) -> tuple[str, str]:
    """The text in ``data`` and a note on how it was read ("" = as it stands).

    Raises UnreadableFile where it is no text, or its encoding cannot be told.
    """
    for magic, what in MAGIC:
        if data.startswith(magic):
            raise UnreadableFile(f"{shown(name)} is {what}.")
    text, note = _decoded(data, name)
    if not _CONTENT.search(text):
        raise UnreadableFile(f"{shown(name)} is empty: export it again.")
    if "\x00" in text or _mostly_controls(text):
        raise _no_text(name)
    repaired = _put_right(text)
    return (repaired, REPAIRED_NOTE) if repaired else (text, note)


def _decoded(data: bytes, name: str) -> tuple[str, str]:
    encoding, skip = _declared(data)
    try:
        return data[skip:].decode(encoding), ""
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or skip or len(_MULTIBYTE.findall(data[: error.start])) >= 3:
            line = data[: error.start].count(b"\n") + 1
            raise UnreadableFile(
                f"{shown(name)} is damaged: line {line} is not {encoding.upper()} like the rest. Export it again."
            ) from None
    told = encoding_of(data) if b"\x00" not in data else ""
    if told not in ("", "cp1252"):
        return data.decode(told), f"read as {told}, in which its letters make words"
    return _western(data, name), WESTERN_NOTE


def _declared(data: bytes) -> tuple[str, int]:
    """The encoding by its mark, or by where the NUL bytes of UTF-16 stand, and the mark's length."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding, len(mark)
    head = data[:4000]
    if len(head) < 8:  # too short to tell by its structure
        return "utf-8", 0
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) * 0.3 and not even:
        return "utf-16-le", 0
    if even > len(head) * 0.3 and not odd:
        return "utf-16-be", 0
    return "utf-8", 0


def _western(data: bytes, name: str) -> str:
    """``data`` as Windows-1252, where that reads like words.

    Cyrillic, Greek or Japanese in one-byte encodings decodes without an error, to whole words of accented
    letters; in Western European text one such letter stands among plain ones.
    """
    if b"\x00" in data:
        raise _no_text(name)
    text = data.decode("cp1252", "replace")
    runs = _FOREIGN.findall(text)
    long_runs = sum(len(run) > 2 for run in runs)
    if "\ufffd" in text or not runs or long_runs > len(runs) * 0.1:
        raise UnreadableFile(
            f"{shown(name)} is in an encoding that cannot be told: save it as “CSV UTF-8”, or export it again."
        )
    return text


def _put_right(text: str) -> str:
    """``text`` as it was before UTF-8 was read as Windows-1252 and saved again, or "" where it was not.

    All or nothing: real text with one accented letter before a plain one is no UTF-8 when turned back.
    """
    if text.isascii():
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    parts = []
    try:
        for start in range(0, len(text), SLICE):
            data = text[start : start + SLICE].encode("cp1252", _OPEN_BYTES_STAY)
            parts.append(decoder.decode(data))
        parts.append(decoder.decode(b"", final=True))
    except UnicodeError:
        return ""
    repaired = "".join(parts)
    return repaired if len(_BEYOND_LATIN_SIGNS.findall(repaired)) >= 3 else ""


def _mostly_controls(text: str) -> bool:
    head = text[:10_000]
    return sum(char < " " and char not in "\t\n\v\f\r" for char in head) > len(head) * 0.05


def _no_text(name: str) -> UnreadableFile:
    return UnreadableFile(f"{shown(name)} is not a text file: take the CSV or JSON file that the export gave you.")
