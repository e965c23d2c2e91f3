"""How similar two names are: another spelling costs little, another word or number much. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from downloads.matching.title_text import strip_marks

NEARLY_EQUAL = 0.985  # equal only after marks were dropped or numbers written alike: "Zoltanski" for "Żółtański"
OTHER_WORD = 0.85  # at most, where a word of one name is another word in the other
_UNRELATED = 0.5  # no way of writing makes one name of what has less in common; most pairs end here
_SAME_WORD = 70  # colour and color have 91, major and minor 60

ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
_NUMERALS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
_NUMERALS |= {"six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"}
_SHORT = {"pt": "part", "pts": "part", "parts": "part", "vol": "volume", "number": "no", "mr": "mister", "dr": "doctor"}
_ONE_WAY = ROMAN | _NUMERALS | _SHORT
_LETTERS = {"i": "1", "v": "5", "x": "10"}  # they are numbers only where the other name has one in their stead
_FILLERS = frozenset(["and", "und", "et", "n", "the"])  # left out at will
_APART = re.compile(r"\b(pt|part|vol|no|op|act)(?=\d)|(?<=\d)(?=[^\W\d_]\b)")  # "Pt2", "1B"


def similarity(one: str, other: str) -> float:
    """How similar two normalised texts are, 0..1; equal apart from optional marks or ways of writing is nearly 1."""
    if one == other:
        return 1.0
    plain_one, plain_other = strip_marks(one), strip_marks(other)
    if plain_one.replace(" ", "") == plain_other.replace(" ", ""):
        return NEARLY_EQUAL
    from rapidfuzz.fuzz import ratio  # here: most processes never compare names (3 MB)

    similar = ratio(one, other) / 100
    if plain_one is not one or plain_other is not other:
        similar = max(similar, ratio(plain_one, plain_other) * NEARLY_EQUAL / 100)
    if similar <= _UNRELATED:
        return similar
    if _spelled(plain_one) == _spelled(plain_other):
        return NEARLY_EQUAL
    if similar <= OTHER_WORD:
        return similar
    left, right = _unshared(plain_one, plain_other)
    # "in C Major" and "in C Minor", "Side A" and "Side B" have nearly all letters in common.
    other_word = left and right and ratio("".join(left), "".join(right)) < _SAME_WORD
    return OTHER_WORD if other_word else similar


def numbers_differ(one: str, other: str) -> bool:
    """Whether two names hold other numbers: "Part 2" and "Part II" are one song, and another one than "Part 1"."""
    return any(word.isdigit() for words in _unshared(strip_marks(one), strip_marks(other)) for word in words)


def _unshared(one: str, other: str) -> tuple[list[str], list[str]]:
    """The words of each text that the other has not, in their order, however they are written."""
    first, second = _spelled(one), _spelled(other)
    left, right = _without(first, second), _without(second, first)
    if any(word.isdigit() for word in (*left, *right)):
        left, right = ([_LETTERS.get(word, word) for word in words] for words in (left, right))
        left, right = _without(left, right), _without(right, left)
    return left, right


def _without(words: Sequence[str], others: Sequence[str]) -> list[str]:
    spare, left = Counter(others), []
    for word in words:
        if spare[word]:
            spare[word] -= 1
        else:
            left.append(word)
    return left


@lru_cache(maxsize=16384)
def _spelled(text: str) -> tuple[str, ...]:
    """The words of a text without marks, each written in one way."""
    words = [_ONE_WAY.get(word, word) for word in _APART.sub(r"\1 ", text).split()]
    return tuple(word for word in words if word not in _FILLERS) or tuple(words)
