"""Which one-byte encoding makes words of bytes that are no UTF-8. Pure.

A word counts where all its letters beyond ASCII are of one language's alphabet, and its capitals stand where a word has
them: "Dvořák" is Czech, "Dvoøák" of cp1252 is of no language; "³" inside a word is none at all. Japanese and Korean are
told by their own letters. What makes no words, or as many in several encodings, is left to whoever asks.
"""

from __future__ import annotations

import re
from collections import Counter

NEEDED = 0.9  # share of the words beyond ASCII that a language has to explain
CLEAR = 0.15  # … and by how much more than in another encoding, where several languages have to
SAMPLE = 200_000  # bytes that are looked at

# Encoding -> the letters beyond ASCII of the languages written in it.
ALPHABETS: dict[str, tuple[str, ...]] = {
    "cp1252": (
        "àâæçéèêëîïôœùûüÿ",
        "äöüß",
        "áéíñóúüç",
        "ãáàâçéêíóôõúü",
        "àèéìíîòóùú",
        "åäöæøéü",
        "áðéíóúýþæö",
        "éèëïóöüá",
        "àçéèíïóòúü",
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıİöşüâî",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),
    "cp1251": (
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш",
    ),
    "koi8_r": ("абвгдежзийклмнопрстуфхцчшщъыьэюяё",),
    "cp1253": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",),
}
_WESTERN = ALPHABETS["cp1252"]
# Cyrillic and Greek letters stand in the same places: these ten are two thirds of the letters in their languages.
COMMONEST = {"cp1251": "оеаинтсрвл", "koi8_r": "оеаинтсрвл", "cp1253": "αοιετσνηυρς"}
# Letters of a to z that a language, named by the others, does not have in words of its own.
LACKS = {"áðéíóúýþæö": "cqwz", "çğıİöşüâî": "qwx", "āčēģīķļņšūž": "qwxy", "ąčęėįšųūž": "qwx"}
# Where ç stands in the languages of cp1252: before a, o and u, or last. Elsewhere it is Turkish, or another letter.
_MISPLACED = re.compile("ç(?![aouáàâãóòôõúùûü]|$)")
_TURKISH = re.compile("[ğışİĞŞ]")
_WORD = re.compile(r"[^\s\x00-\x26\x28-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")  # with what a wrong encoding puts in
_KANA = re.compile("[ぁ-ヺー]")
_HANGUL = re.compile("[가-힣]")
_QUOTES = "‘’“”„«»–—…´`"


def encoding_of(data: bytes) -> str:
    """The encoding that makes words of ``data``, "" where none does or several do."""
    sample = _sample(data)
    if _is_asian(sample, "cp932", _KANA, 0.3):
        return "cp932"
    if _is_asian(sample, "cp949", _HANGUL, 0.95):
        return "cp949"
    fitting = [encoding for encoding in ALPHABETS if _fits(data, encoding)]
    words = {encoding: _words(sample, encoding) for encoding in fitting}
    if "cp1254" in words and not _TURKISH.search("".join(words["cp1254"])):
        fitting.remove("cp1254")  # all others of its letters stand in the same places as in cp1252
    for score, margin in ((_of_one_language, 0.0), (_of_any_language, CLEAR)):
        scores = {encoding: score(words[encoding], ALPHABETS[encoding]) for encoding in fitting}
        best = max(scores, key=lambda encoding: scores[encoding], default="")
        if best and scores[best] >= NEEDED:
            rivals = [
                encoding for encoding in fitting if encoding != best and scores[encoding] >= scores[best] - margin
            ]
            # Among the western ones the first is by far the commonest: "é" alone is in each of them.
            if not rivals or (best == "cp1252" and not margin):
                return best
            if not margin and {best, *rivals} <= COMMONEST.keys():
                return _likelier([best, *rivals], words)
    return ""


def _likelier(encodings: list[str], words: dict[str, Counter[str]]) -> str:
    """Of encodings whose letters stand in the same places, the one whose language's commonest letters are common."""
    shares = sorted((_common_share(words[encoding], COMMONEST[encoding]), encoding) for encoding in encodings)
    return shares[-1][1] if shares[-1][0] - shares[-2][0] >= CLEAR else ""


def _common_share(words: Counter[str], commonest: str) -> float:
    letters = [char for word in words for char in word.lower() if char > "\x7f"]
    return sum(char in commonest for char in letters) / max(1, len(letters))


def _sample(data: bytes) -> bytes:
    """The beginning, as far as whole lines go."""
    return data if len(data) <= SAMPLE else data[: data.rfind(b"\n", 0, SAMPLE) + 1] or data[:SAMPLE]


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _words(sample: bytes, encoding: str) -> Counter[str]:
    """The words with letters beyond ASCII, without typographic quotation marks and dashes."""
    text = sample.decode(encoding, "replace").translate(dict.fromkeys(map(ord, _QUOTES), " "))
    return Counter(word for word in _WORD.findall(text) if not word.isascii())


def _of_one_language(words: Counter[str], alphabets: tuple[str, ...]) -> float:
    """The share of the words that the best language of an encoding explains."""
    return max(sum(n for word, n in words.items() if _is_word(word, each)) for each in alphabets) / max(
        1, words.total()
    )


def _of_any_language(words: Counter[str], alphabets: tuple[str, ...]) -> float:
    """The share of the words that some language of an encoding explains: a list of several countries."""
    explained = sum(n for word, n in words.items() if any(_is_word(word, each) for each in alphabets))
    return explained / max(1, words.total())


def _is_word(word: str, letters: str) -> bool:
    """Whether a word is one of the language with these letters; hyphens and apostrophes part it."""
    is_latin = letters[0] < "\u0250"  # other scripts stand in no word beside A to Z
    lower = word.lower()
    if not set(lower).isdisjoint(LACKS.get(letters, "")) or (letters in _WESTERN and _MISPLACED.search(lower)):
        return False
    return all(
        part.isalpha()
        and (part.islower() or part.isupper() or part.istitle() or part[1:].islower())
        and all((is_latin and char.isascii()) or char in letters or char.lower() in letters for char in part)
        for part in re.split(r"[-'0-9]", word)
        if part and not part.isascii()
    )


def _is_asian(sample: bytes, encoding: str, own: re.Pattern[str], needed: float) -> bool:
    """Whether the text is mostly in letters that only this encoding's language has, ten of them at least."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    foreign = sum(char > "\x7f" for char in text)
    found = len(own.findall(text))
    return found >= 10 and found >= needed * foreign
