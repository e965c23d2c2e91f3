"""Lists in the encodings of old players are read by what makes words, or refused: never with wrong letters unasked."""

from __future__ import annotations

import pytest

from catalog.importers.parsed_file import UnreadableFile
from catalog.text.word_encodings import encoding_of
from tests.catalog.importers.entries import read_one, tracks_of

LISTS = {
    "cp1250": [
        "Antonín Dvořák - Slovanské tance\nKarel Gott - Když muž se ženou snídá\nLucie - Šrouby do hlavy\n",
        "Myslovitz - Długość dźwięku samotności\nKult - Gdy nie ma dzieci\nRóża - Ćma\n",
        "Omega - Gyöngyhajú lány\nEdda - Kölyköd voltam\nKórus - Ősz és tűz\n",
    ],
    "cp1251": [
        "Кино - Группа крови\nДДТ - Осень\nАлла Пугачёва - Миллион алых роз\n",
        "Океан Ельзи - Обійми\nВВ - Весна\n",
    ],
    "koi8_r": ["Кино - Группа крови\nДДТ - Осень\nАлиса - Трасса\n"],
    "cp1253": ["Γιάννης Πάριος - Πιο καλή η μοναξιά\nΧάρις Αλεξίου - Δι' ευχών\n"],
    "cp1254": ["Sezen Aksu - Şarkı Söylemek Lazım\nDuman - Her Şeyi Yak\n", "Barış Manço - Gülpembe\n"],
    "cp1257": [
        "Prāta Vētra - Mana dziesma\nLīvi - Dzimtā valoda\n",
        "Antis - Zombiai ir kiti šūdai\nHiperbolė - Žiogo kelionė\n",
    ],
    "cp932": ["宇多田ヒカル - さくらドロップス\n椎名林檎 - ここでキスして。\n"],
    "cp949": ["아이유 - 좋은 날\n이문세 - 붉은 노을\n들국화 - 행진\n"],
    "cp1252": [
        "Björk - Jóga\nSigur Rós - Sæglópur\n",
        "Édith Piaf - Padam\nNoël - L'été\n",
        "Die Ärzte - Männer sind Schweine\nX - Größe\n",
    ],
}


@pytest.mark.parametrize(
    ("encoding", "text"), [(encoding, text) for encoding, texts in LISTS.items() for text in texts]
)
@pytest.mark.parametrize("head", ["", "#EXTM3U\n"])
def test_a_list_is_read_in_the_encoding_that_makes_words_of_it(encoding: str, text: str, head: str) -> None:
    lines = text.splitlines()
    listed = "".join(f"#EXTINF:200,{line}\nx{number}.mp3\n" for number, line in enumerate(lines)) if head else text
    file = read_one((head + listed).encode(encoding), "list.m3u" if head else "list.txt")
    assert [f"{' '.join(track.artists)} - {track.title}" for track in tracks_of(file)] == lines
    assert file.notes


@pytest.mark.parametrize(
    "data", [b"\xe9\xf1\xb3 - \xbf\xa1\xfe\xae\n" * 5, bytes(range(128, 256)) * 3, b"A - B\xff\xfe\xfd\n"]
)
def test_bytes_that_make_no_words_are_of_no_encoding(data: bytes) -> None:
    assert encoding_of(data) == ""


def test_letters_that_several_encodings_share_are_western() -> None:
    assert encoding_of("Café - Été\n".encode("cp1252")) == "cp1252"


def test_what_makes_words_in_two_encodings_is_not_guessed() -> None:
    with pytest.raises(UnreadableFile, match="cannot be told"):
        read_one("周杰倫 - 青花瓷\n五月天 - 倔強\n".encode("big5"), "list.m3u")
