"""2,000 mutated exports: each is read, or refused with one sentence that leaves the catalog as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from catalog.importers.import_files import import_files
from catalog.importers.parsed_file import UnreadableFile
from catalog.importers.reader import read_library_stream
from catalog.models import Album, Alias, Artist, Collection, Credit, Entry, Track
from tests.shared import SHARED_CASES, SHARED_DATA, needs_cases, needs_shared

pytestmark = [pytest.mark.django_db, needs_shared, needs_cases]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LARGEST = 200_000  # bytes of an original: many small ones find more than a few large ones
ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-8-sig",
    "cp1252",
    "cp1250",
    "cp1251",
    "shift_jis",
    "latin-1",
    "utf-7",
    "utf-32",
)

Mutation = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 3, 30))):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut(data: bytes, dice: random.Random) -> bytes:
    start, end = sorted(dice.randrange(len(data) + 1) for _ in range(2))
    return dice.choice((data[:end], data[start:], data[:start] + data[end:]))


def doubled(data: bytes, dice: random.Random) -> bytes:
    start, end = sorted(dice.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] * dice.choice((1, 2, 5)) + data[end:]


def encoded_anew(data: bytes, dice: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(dice.choice(ENCODINGS), "replace")


def lines_shuffled(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    dice.shuffle(lines)
    return b"".join(lines)


def signs_swapped(data: bytes, dice: random.Random) -> bytes:
    one, other = dice.sample((b'"', b",", b";", b"\t", b"\n", b"\r", b"{", b"<", b"\x00", b"null", b"-"), 2)
    return data.replace(one, other, dice.choice((-1, 5)))


MUTATIONS: tuple[Mutation, ...] = (flipped, cut, doubled, encoded_anew, lines_shuffled, signs_swapped)


def originals() -> list[Path]:
    files = [
        path for root in (SHARED_DATA / "exports", SHARED_CASES) for path in sorted(root.rglob("*")) if path.is_file()
    ]
    return [path for path in files if 0 < path.stat().st_size <= LARGEST and path.suffix != ".md"]


def mutants(number: int) -> Iterator[tuple[str, bytes]]:
    """``number`` mutants, the same at each run; each went through one mutation or two."""
    dice, files = random.Random(17), originals()
    for count in range(number):
        path = files[count % len(files)]
        data = path.read_bytes()
        for mutate in dice.sample(MUTATIONS, dice.choice((1, 1, 2))):
            data = mutate(data, dice) or b"\n"
        yield path.name, data


def rows() -> list[int]:
    return [model.objects.count() for model in (Artist, Album, Track, Credit, Alias, Collection, Entry)]


@pytest.mark.parametrize("number", [40, pytest.param(2_000, marks=pytest.mark.long)])
def test_a_mutated_export_is_read_or_refused_in_one_sentence(number: int) -> None:
    for name, data in mutants(number):
        before = rows()
        try:
            files = read_library_stream(BytesIO(data), name)
        except UnreadableFile as error:
            sentence = str(error)
            assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 500, (name, sentence)
            assert rows() == before
            continue
        for file in files:
            assert file.entries == file.tracks + sum(file.reasons.values())
        reports = import_files(files, NOW)
        for report in reports:
            row = report.as_dict()
            assert row["entries"] == row["tracks"] + sum(row["skipped"].values())
