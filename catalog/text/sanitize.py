"""Texts from elsewhere, made harmless for what they go into: a database, a log, a terminal. Pure.

Nothing is taken from a text for looking odd: only what a database refuses to store, and what a terminal or a log would
act on instead of showing it. Pages escape by themselves.
"""

from __future__ import annotations

import html
import re
import unicodedata

# What ends a line, moves a terminal's cursor or turns the direction of writing for all that follows.
_ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_NEVER_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def clean_text(text: str, limit: int) -> str:
    """``text`` as one line: NFC, no control characters, no lone surrogates, stripped, at most ``limit`` characters.

    Format characters stay: joiners are part of emoji and of Indic scripts.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text.strip()
    text = _SURROGATES.sub("\ufffd", text[: 4 * limit])
    text = _NEVER_TEXT.sub("", _BREAKS.sub(" ", text))
    return unicodedata.normalize("NFC", text).strip()[:limit].strip()


def is_escaped(text: str) -> bool:
    """Whether each ampersand of ``text`` begins an HTML entity: it was written for a page."""
    return "&" in text and text.count("&") == len(_ENTITY.findall(text))


def without_entities(text: str, keep: str = "") -> str:
    """``text`` with HTML's entities read, also where they were escaped twice: "&amp;#39;" is an apostrophe.

    Entities of the characters in ``keep`` stay as they are.
    """

    def read(entity: re.Match[str]) -> str:
        char = html.unescape(entity[0])
        return entity[0] if char in keep else char

    return _ENTITY.sub(read, _ENTITY.sub(read, text))


def storable(text: str) -> str:
    """``text`` without what databases refuse: NUL (PostgreSQL) and halves of surrogate pairs (both)."""
    if text.isprintable():
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    """``text`` in one line for people: white space as single spaces, nothing in it that a terminal acts on."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(_ACTS.sub(" ", text).split())


def escaped(text: str) -> str:
    """``text`` with everything that a terminal acts on spelled out, as in ``\\x1b``: nothing is lost from a log."""
    return _ACTS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
