"""By what names are put in order: as people look for them, not as their bytes are. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80  # characters: more tell no two names apart that anybody looks for
DIGITS = 6  # numbers of fewer digits are filled up, so that 2 comes before 10
ARTICLE = "the "  # left out at the beginning, as players do

_NUMBER = re.compile(r"[0-9]+")


def sort_key(name: str) -> str:
    """ "The 2 Ólöfs" is ordered as "000002 olofs": no case, accent, article or opening mark, numbers by their size.

    Scripts stay: only marks that Unicode takes apart from Latin, Greek and Cyrillic letters are dropped.
    """
    text = "".join(_base(sign) for sign in name.casefold())
    text = " ".join(text.split())
    start = next((place for place, sign in enumerate(text) if sign.isalnum()), 0)
    text = text[start:].removeprefix(ARTICLE) or text[start:]
    return _NUMBER.sub(lambda number: number[0].zfill(DIGITS), text[:LONGEST])[:LONGEST]


def _base(sign: str) -> str:
    """A letter without its accents; itself where it is a letter of a script in which a mark makes another letter."""
    taken_apart = unicodedata.normalize("NFKD", sign)
    if len(taken_apart) > 1 and taken_apart[0] < "\u0530":
        return "".join(part for part in taken_apart if not unicodedata.combining(part))
    return unicodedata.normalize("NFKC", sign)
