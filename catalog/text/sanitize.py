"""Texts from elsewhere, made harmless for what they go into: a database, a log, a terminal. Pure.

Nothing is taken from a text for looking odd: only what a database refuses to store, and what a terminal or a log would
act on instead of showing it. Pages escape by themselves.
"""

from __future__ import annotations

import re

# What ends a line, moves a terminal's cursor or turns the direction of writing for all that follows.
_ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


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
