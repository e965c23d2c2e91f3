"""Titles and artist names as texts: normalised without losing a script, cut into segments and names. Pure.

Nothing here decides whether two titles are one song; `downloads.matching.score` does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from downloads.matching.version_words import NAMED_BY, Versions, find_versions, phrases, strip_noise

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼʹ´`′＇ʻ"))
# Latin letters that have no decomposition: only for the hint that `strip_marks` gives.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ё": "е", "ə": "e"}
)
# Scripts whose writers often leave marks out; not kana (が), Cyrillic (й) or Thai.
_MARKS_ARE_OPTIONAL = ("LATIN", "GREEK", "ARABIC", "HEBREW")
_SEPARATING_SYMBOLS = "|~<>^｜"  # mathematical symbols by category, separators by use

_OPEN, _CLOSE = "([{【（［〔〈《", ")]}】）］〕〉》"
_QUOTED = re.compile(r"[\"“„](?=\S)([^\"“”„]+)[\"”“]|「([^」]+)」|『([^』]+)』|«([^»]+)»")
_SEPARATOR = re.compile(r"\s+[-‐‑–—―−~•·:/]+\s+|\s*[|｜]+\s*|\s*//+\s*|\s+-(?=\S)|(?<=\S)-\s+|\s*[–—―]\s*")
# ' - From "The Film" Soundtrack' says what "(From “The Film”)" says; a bracket may cut the quotation short.
_FROM_QUOTED = re.compile(
    r"\s[-–—]\s+(from\s+(?:the\s+(?:\w+\s+){0,3})?(?:[\"“„«][^\"”“»]+(?:[\"”“»][^-–—]*|$)|['‘][^'’]+['’][^-–—]*))",
    re.IGNORECASE,
)
_FEATURING = re.compile(r"(?<!\S)(?:feat|ft|featuring|avec la participation de|при участии|при уч)(?!\S)")
_FEATURING_BRACKET = re.compile(r"(?:feat|ft|featuring|with|w|mit|con|avec|com|med|met|z|с)(?!\S)")
_CREDIT = re.compile(r"(?:prod|produced|producer|dir|directed|shot|music|words|composed)(?: by)?(?!\S)")
_SOURCE = re.compile(r"(?:from|aus|de la|du film|из|z filmu|tema de|theme from|music from)(?!\S)")
# Names are joined by these; the words themselves say nothing. "x" and "×" are how remixes and duets are written.
CONNECTORS = frozenset(
    phrases(
        "and, und, et, y, e, i, и, og, och, en, ve, x, ×, +, vs, versus, feat, ft, featuring, with, mit, con, avec, "
        "the, by, presents, pres"
    )
)
_JOINED = re.compile(
    r"\s*[,;/&、，；＋]\s*|\s+(?:x|×|\+|vs\.?|and|und|et|y|и|og|och|en|feat\.?|ft\.?|featuring|with|mit|con)\s+",
    re.IGNORECASE,
)
_CHANNEL_TAIL = re.compile(
    r"(?:\s*-\s*topic|\s*vevo|\s+(?:official|music|tv|channel|band|musik|oficial))\s*$", re.IGNORECASE
)
# Words between a version and its name: "Live at …", "remix by …". They distinguish nothing.
_LINKS = frozenset(
    phrases(
        "at, in, from, on, of, for, to, by, a, an, his, her, this, that, im, am, auf, bei, aus, w, z, v, в, на, с, из, "
        "and, n, +, à, de, la, le, du, en, el, los, las, al, do, da, di, no, na"
    )
)


class _Characters(dict[int, str]):
    """What a character becomes, worked out from its Unicode category when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = self._replacement(chr(code))
        return replacement

    @staticmethod
    def _replacement(ch: str) -> str:
        category = unicodedata.category(ch)
        if category[0] in "LN" or category == "Sc" or (category == "Sm" and ch not in _SEPARATING_SYMBOLS):
            return ch
        if category[0] == "M" and not "\ufe00" <= ch <= "\ufe0f":
            return ch
        return "" if category in ("Cf", "Mn") else " "


_CHARACTERS = _Characters()


@lru_cache(maxsize=32768)
def normalise(text: str) -> str:
    """``text`` without case, punctuation and width: NFKC, casefold, words with single spaces. Every script is kept.

    Where that leaves nothing ("!!!", an emoji) the text itself is kept, so that "!!!" never equals "???".
    """
    plain = text.translate(_APOSTROPHES)
    if plain.isascii():
        plain = plain.casefold()
    else:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    characters = plain.translate(_CHARACTERS)
    return " ".join(characters.split()) or " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=32768)
def strip_marks(normalised: str) -> str:
    """``normalised`` without the marks that people leave out when they type. A hint, never an identity."""
    if normalised.isascii():
        return normalised
    out: list[str] = []
    optional = False
    for ch in unicodedata.normalize("NFD", normalised):
        if unicodedata.category(ch) != "Mn":
            optional = unicodedata.name(ch, "").startswith(_MARKS_ARE_OPTIONAL)
        elif optional:
            continue
        out.append(ch)
    return unicodedata.normalize("NFC", "".join(out)).translate(_PLAIN)


_LATIN = frozenset({"LATIN"})


@lru_cache(maxsize=8192)
def scripts(normalised: str) -> frozenset[str]:
    """The scripts of the letters in ``normalised``; Chinese characters and kana count as one."""
    if normalised.isascii():
        return _LATIN if any(map(str.isalpha, normalised)) else frozenset()
    names = {unicodedata.name(ch, "?").split(" ", 1)[0] for ch in normalised if ch.isalpha()}
    return frozenset("CJK" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else name for name in names)


def share_script(one: str, other: str) -> bool:
    """False where two normalised texts have no script in common: their letters can then not be compared."""
    first, second = scripts(one), scripts(other)
    return not first or not second or bool(first & second)


def name_words(normalised: str) -> tuple[str, ...]:
    """The words of a normalised name that identify it, marks left out."""
    words = strip_marks(normalised).split()
    return tuple(word for word in words if word not in CONNECTORS) or tuple(words)


@lru_cache(maxsize=16384)
def split_names(text: str) -> frozenset[str]:
    """The normalised names that one artist field may mean: as it stands, and its parts at commas and "&"."""
    plain = _CHANNEL_TAIL.sub("", text).strip() or text
    parts = [normalise(part) for part in _JOINED.split(plain)]
    return frozenset({normalise(plain), *parts} - {""})


_SHORTEST_HALF = 3  # letters of a name that stands beside the same name in another script without a sign between


@lru_cache(maxsize=16384)
def split_scripts(text: str) -> frozenset[str]:
    """The two halves of a name that is written in two scripts ("Имя / Name", "Name (名前)"), normalised; else none."""
    if text.isascii():
        return frozenset()
    runs: list[tuple[frozenset[str], list[str]]] = []
    for word in normalise(text).split():
        letters = scripts(word)
        if runs and (not letters or letters == runs[-1][0]):
            runs[-1][1].append(word)
        else:
            runs.append((letters, [word]))
    halves = frozenset(" ".join(words) for _, words in runs)
    if len(runs) != 2 or not all(letters for letters, _ in runs) or runs[0][0] & runs[1][0]:
        return frozenset()
    is_divided = any(ch in text for ch in f"{_OPEN}-–—/|·")
    return halves if is_divided or all(len(half) >= _SHORTEST_HALF for half in halves) else frozenset()


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a title: its normalised text, and whether it stood in brackets."""

    text: str
    bracketed: bool


@lru_cache(maxsize=16384)
def split_segments(title: str) -> tuple[Segment, ...]:
    """``title`` cut at brackets, quotation marks, dashes with spaces and bars, in the order of writing."""
    pieces: list[tuple[str, bool]] = []
    depth, start = 0, 0
    for at, ch in enumerate(title):
        if ch in _OPEN:
            pieces.append((title[start:at], depth > 0))
            depth, start = depth + 1, at + 1
        elif ch in _CLOSE and depth:
            pieces.append((title[start:at], True))
            depth, start = depth - 1, at + 1
    pieces.append((title[start:], depth > 0))
    pieces = [cut for text, inside in pieces for cut in _split_at_source(text, inside)]
    cut = [Segment(normalise(p), inside) for text, inside in pieces for p in _split_at_separators(text, inside)]
    return tuple(segment for segment in cut if any(ch.isalnum() for ch in segment.text)) or (
        Segment(normalise(title), False),
    )


def _split_at_source(text: str, bracketed: bool) -> list[tuple[str, bool]]:
    """The text, and what it says of a film behind a dash as if that stood in brackets."""
    match = None if bracketed else _FROM_QUOTED.search(text)
    if match is None:
        return [(text, bracketed)]
    return [(text[: match.start()], False), (match[1], True), (text[match.end() :], False)]


def _split_at_separators(text: str, bracketed: bool) -> list[str]:
    if bracketed:
        return [text]
    quoted = _QUOTED.sub(lambda match: " | " + next(filter(None, match.groups())) + " | ", text)
    return _SEPARATOR.split(quoted)


def split_featuring(normalised: str) -> tuple[str, str]:
    """Text before "feat." and the names behind it ("" where there are none)."""
    match = _FEATURING.search(normalised)
    return (normalised[: match.start()].strip(), normalised[match.end() :].strip()) if match else (normalised, "")


def featured_names(segment: Segment) -> str:
    """The names in a "feat. …" or "(with …)" segment, or ""."""
    if segment.bracketed and (match := _FEATURING_BRACKET.match(segment.text)):
        return segment.text[match.end() :].strip()
    before, names = split_featuring(segment.text)
    return "" if before else names


def is_noise(segment: Segment) -> bool:
    """Whether a segment says nothing: "Official Video", "2011 Remaster", "prod. by …", "From the film …"."""
    if _CREDIT.match(segment.text) or (segment.bracketed and _SOURCE.match(segment.text)):
        return not find_versions(segment.text).exclusive
    return not strip_noise(segment.text) and not find_versions(segment.text).exclusive


def descriptor(versions: Versions) -> frozenset[str]:
    """The words that name a version ("wembley", "2006" of "live at wembley 2006"), marks left out."""
    if not versions.rest:
        return versions.years
    return frozenset(name_words(" ".join(versions.rest))) - _LINKS - frozenset(NAMED_BY) | versions.years
