"""Titles and artist names as texts: folded without losing a script, and taken apart into what they say. Pure.

Nothing here decides whether two titles are one song; `downloads.matching.score` does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from downloads.matching.version_words import NAMED_BY, Versions, versions_in, without_noise

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼʹ´`′＇ʻ"))
# Latin letters that have no decomposition: only for the hint that `skeleton` gives.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ё": "е", "ə": "e"}
)
_MARKS_ARE_OPTIONAL = (
    "LATIN",
    "GREEK",
    "ARABIC",
    "HEBREW",
)  # where leaving a mark out is a habit; not in が, й or Thai
_SEPARATORS_KEPT_OUT = "|~<>^｜"  # mathematical symbols by category, separators by use

_OPEN, _CLOSE = "([{【（［〔〈《", ")]}】）］〕〉》"
_QUOTED = re.compile(r"[\"“„](?=\S)([^\"“”„]+)[\"”“]|「([^」]+)」|『([^』]+)』|«([^»]+)»")
_SEPARATOR = re.compile(r"\s+[-‐‑–—―−~•·:/]+\s+|\s*[|｜]+\s*|\s*//+\s*|\s+-(?=\S)|(?<=\S)-\s+|\s*[–—―]\s*")
_FEATURING = re.compile(r"(?<!\S)(?:feat|ft|featuring|avec la participation de|при участии|при уч)(?!\S)")
_FEATURING_BRACKET = re.compile(r"(?:feat|ft|featuring|with|w|mit|con|avec|com|med|met|z|с)(?!\S)")
_CREDIT = re.compile(r"(?:prod|produced|producer|dir|directed|shot|music|words|composed)(?: by)?(?!\S)")
_SOURCE = re.compile(r"(?:from|aus|de la|du film|из|z filmu|tema de|theme from|music from)(?!\S)")
# Names are joined by these; the words themselves say nothing. "x" and "×" are how remixes and duets are written.
CONNECTORS = frozenset(
    [
        "and",
        "und",
        "et",
        "y",
        "e",
        "i",
        "и",
        "og",
        "och",
        "en",
        "ve",
        "x",
        "×",
        "+",
        "vs",
        "versus",
        "feat",
        "ft",
        "featuring",
        "with",
        "mit",
        "con",
        "avec",
        "the",
        "by",
        "presents",
        "pres",
    ]
)
_JOINED = re.compile(
    r"\s*[,;/&、，；＋]\s*|\s+(?:x|×|\+|vs\.?|and|und|et|y|и|og|och|en|feat\.?|ft\.?|featuring|with|mit|con)\s+",
    re.IGNORECASE,
)
_CHANNEL_TAIL = re.compile(
    r"(?:\s*-\s*topic|\s*vevo|\s+(?:official|music|tv|channel|band|musik|oficial))\s*$", re.IGNORECASE
)


@lru_cache(maxsize=32768)
def fold(text: str) -> str:
    """``text`` without case, punctuation and width: NFKC, casefold, words with single spaces. Every script is kept.

    Where that leaves nothing ("!!!", an emoji) the text itself is kept, so that "!!!" never equals "???".
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold())
    kept = "".join(_folded(ch) for ch in plain)
    return " ".join(kept.split()) or " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=16384)
def _folded(ch: str) -> str:
    category = unicodedata.category(ch)
    if category[0] in "LN" or category == "Sc" or (category == "Sm" and ch not in _SEPARATORS_KEPT_OUT):
        return ch
    if category[0] == "M" and not "\ufe00" <= ch <= "\ufe0f":
        return ch
    return "" if category in ("Cf", "Mn") else " "


@lru_cache(maxsize=32768)
def skeleton(folded: str) -> str:
    """``folded`` without the marks that people leave out when they type. A hint, never an identity."""
    if folded.isascii():
        return folded
    out: list[str] = []
    optional = False
    for ch in unicodedata.normalize("NFD", folded):
        if unicodedata.category(ch) != "Mn":
            optional = unicodedata.name(ch, "").startswith(_MARKS_ARE_OPTIONAL)
        elif optional:
            continue
        out.append(ch)
    return unicodedata.normalize("NFC", "".join(out)).translate(_PLAIN)


@lru_cache(maxsize=8192)
def scripts(folded: str) -> frozenset[str]:
    """The scripts of the letters in ``folded``; Chinese characters and kana count as one."""
    names = {unicodedata.name(ch, "?").split(" ", 1)[0] for ch in folded if ch.isalpha()}
    return frozenset("CJK" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else name for name in names)


def comparable(one: str, other: str) -> bool:
    """False where two folded texts share no script: then neither their likeness nor their difference says anything."""
    first, second = scripts(one), scripts(other)
    return not first or not second or bool(first & second)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a title: its folded text, and whether it stood in brackets."""

    text: str
    bracketed: bool


@lru_cache(maxsize=16384)
def segments(title: str) -> tuple[Segment, ...]:
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
    cut = [Segment(fold(p), inside) for text, inside in pieces for p in _pieces(text, inside) if p.strip()]
    return tuple(segment for segment in cut if any(ch.isalnum() for ch in segment.text)) or (
        Segment(fold(title), False),
    )


def _pieces(text: str, inside: bool) -> list[str]:
    if inside:
        return [text]
    quoted = _QUOTED.sub(lambda found: " | " + next(filter(None, found.groups())) + " | ", text)
    return _SEPARATOR.split(quoted)


@lru_cache(maxsize=16384)
def names_in(text: str) -> frozenset[str]:
    """The folded names that one artist field may mean: as it stands, and its parts at commas and "&"."""
    plain = _CHANNEL_TAIL.sub("", text).strip() or text
    parts = [fold(part) for part in _JOINED.split(plain)]
    return frozenset({fold(plain), *parts} - {""})


# Words between a version and its name: "Live at …", "remix by …". They distinguish nothing.
_LINKS = frozenset(
    (
        "at",
        "in",
        "from",
        "on",
        "of",
        "for",
        "to",
        "by",
        "a",
        "an",
        "his",
        "her",
        "this",
        "that",
        "im",
        "am",
        "auf",
        "bei",
        "aus",
        "w",
        "z",
        "v",
        "в",
        "на",
        "с",
        "из",
        "à",
        "de",
        "la",
        "le",
        "du",
        "en",
        "el",
        "los",
        "las",
        "al",
        "do",
        "da",
        "di",
        "no",
        "na",
    )
)


def descriptor(versions: Versions) -> frozenset[str]:
    """The words that name a version ("wembley", "2006" of "live at wembley 2006"), marks left out."""
    named = frozenset(words(" ".join(versions.rest))) - _LINKS - frozenset(NAMED_BY) if versions.rest else frozenset()
    return named | versions.years


def words(folded: str) -> tuple[str, ...]:
    """The words of a folded name that identify it, marks left out."""
    all_words = skeleton(folded).split()
    return tuple(word for word in all_words if word not in CONNECTORS) or tuple(all_words)


@dataclass(frozen=True, slots=True)
class Title:
    """What a wished title says. ``name`` has everything that belongs to the song, ``short`` not its brackets."""

    whole: str
    name: str
    short: str
    hard: frozenset[str]
    soft: frozenset[str]
    descriptors: frozenset[frozenset[str]]
    featured: frozenset[str]


def cut_featuring(folded: str) -> tuple[str, str]:
    """Text before "feat." and the names behind it ("" where there are none)."""
    found = _FEATURING.search(folded)
    return (folded[: found.start()].strip(), folded[found.end() :].strip()) if found else (folded, "")


def featuring(segment: Segment) -> str:
    """The names in a "feat. …" or "(with …)" segment, or ""."""
    if segment.bracketed and (found := _FEATURING_BRACKET.match(segment.text)):
        return segment.text[found.end() :].strip()
    before, names = cut_featuring(segment.text)
    return "" if before else names


def says_nothing(segment: Segment) -> bool:
    """Whether a segment is only noise: "Official Video", "2011 Remaster", "prod. by …", "From the film …"."""
    if _CREDIT.match(segment.text) or (segment.bracketed and _SOURCE.match(segment.text)):
        return not versions_in(segment.text).hard
    return not without_noise(segment.text) and not versions_in(segment.text).hard


@lru_cache(maxsize=4096)
def wished(title: str, artists: tuple[str, ...]) -> Title:
    """A library's title taken apart: "Song (feat. B) - Live at C" is "song", featuring "b", live, {"c"}."""
    pieces = list(segments(title))
    own = {fold(artist) for artist in artists}
    if len(pieces) > 1 and not pieces[0].bracketed and pieces[0].text in own and not pieces[1].bracketed:
        pieces = pieces[1:]  # "Artist - Title", as files and videos are named
    main = next((at for at, piece in enumerate(pieces) if not piece.bracketed), 0)
    short, names = cut_featuring(pieces[main].text)
    named, featured = [short or pieces[main].text], [names]
    hard: set[str] = set()
    soft: set[str] = set()
    described: list[frozenset[str]] = []
    behind_version = False
    for at, piece in enumerate(pieces):
        if at == main:
            continue
        before, guests = cut_featuring(piece.text)  # "Ann Remix; feat. Bo" is not Bo's
        found = versions_in(before or piece.text)
        if who := featuring(piece):
            featured.append(who)
        elif found.hard or found.soft:
            featured.append(guests if before else "")
            hard |= found.hard
            soft |= found.soft
            described.append(descriptor(found))
        elif behind_version and not piece.bracketed:  # "Live at the Hall, Town - May 3rd, 1986"
            described[-1] |= descriptor(found)
        elif not says_nothing(piece):
            named.insert(0, piece.text) if at < main else named.append(piece.text)
        behind_version = bool(found.hard) and not piece.bracketed
    names_set = frozenset(name for part in featured for name in names_in(part))
    return Title(
        fold(title),
        " ".join(named),
        short,
        frozenset(hard),
        frozenset(soft),
        frozenset(filter(None, described)),
        names_set,
    )
