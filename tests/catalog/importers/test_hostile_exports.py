"""42 exports and 20 zips that ask for too much: each is read as what it is, or refused in a sentence, at little cost.

`python bench/hostile.py` prints what each of them costs.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from catalog.importers import read_process
from catalog.importers.parsed_file import ReadFile, UnreadableFile
from catalog.importers.read_process import read_in_process
from catalog.importers.reader import read_library_file
from catalog.system.programs import Limits
from tests.hostile_files import EXPORTS, LARGE, LARGE_ZIPS, ZIPS, one, written

SECONDS = 2.0  # of a processor; each takes a few hundredths
LARGE_SECONDS = 30.0
# What is in it can be read, and adds up; all others are refused.
MAY_BE_READ = {
    "a length of 9000 digits.m3u",
    "as many lines as are allowed.txt",
    "twelve million blank lines.txt",
    "formulas.csv",
    "titles at the limit.csv",
    "ten thousand guests.csv",
    "entities of entities.csv",
    "bare quotation marks.csv",
    "as many columns as are allowed.csv",
    "the same key again and again.json",
    "dashes.txt",
    "dashes of each kind.txt",
    "uris of uris.csv",
    "headers alone.m3u",
    "half characters.json",
    "a list's name of a megabyte.json",
    "a packed size of four gigabytes.zip",  # its checksum is right: the size is not believed, and not needed
}


def read(folder: Path, name: str, data: bytes) -> list[ReadFile] | str:
    """What is in it, or the sentence by which it is refused."""
    try:
        return read_library_file(written(folder, name, data))
    except UnreadableFile as error:
        return str(error)


def require_sense(name: str, answer: list[ReadFile] | str) -> None:
    if isinstance(answer, str):
        assert answer.endswith(".") and answer.isprintable() and len(answer) < 500
        return
    assert name in MAY_BE_READ
    assert all(file.entries == file.tracks + sum(file.reasons.values()) for file in answer)
    assert sum(file.entries for file in answer) <= 250_000


def test_there_are_as_many_as_it_says() -> None:
    assert (len(EXPORTS), len(ZIPS)) == (42, 20)
    assert EXPORTS.keys() > LARGE and ZIPS.keys() > LARGE_ZIPS


@pytest.mark.parametrize("name", sorted(EXPORTS.keys() - LARGE))
def test_a_hostile_export_costs_little(tmp_path: Path, name: str) -> None:
    data = EXPORTS[name]()
    began = time.process_time()
    answer = read(tmp_path, name, data)
    assert time.process_time() - began < SECONDS
    require_sense(name, answer)


@pytest.mark.parametrize("name", sorted(ZIPS.keys() - LARGE_ZIPS))
def test_a_hostile_zip_is_refused_whole_at_little_cost(tmp_path: Path, name: str) -> None:
    data = ZIPS[name]()
    began = time.process_time()
    answer = read(tmp_path, f"{name}.zip", data)
    assert time.process_time() - began < SECONDS
    require_sense(f"{name}.zip", answer)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.zip"], "nothing is unpacked to disk"


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(LARGE | LARGE_ZIPS))
def test_a_large_hostile_file_costs_no_more_than_a_whole_library(tmp_path: Path, name: str) -> None:
    data, file_name = (EXPORTS[name](), name) if name in EXPORTS else (ZIPS[name](), f"{name}.zip")
    began = time.process_time()
    answer = read(tmp_path, file_name, data)
    assert time.process_time() - began < LARGE_SECONDS
    require_sense(file_name, answer)


def test_what_the_other_process_reads_is_what_the_reader_reads(tmp_path: Path) -> None:
    good = written(tmp_path, "good.csv", b"title,artist\nNana,Falla\n")
    other = written(tmp_path, "token", b"A - B\nC - D\n")
    read_there = read_in_process([(good, ""), (other, "mine.txt")])
    assert read_there == [*read_library_file(good), *read_library_file(other, "mine.txt")]


def test_a_refusal_of_the_other_process_is_the_readers_own_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, "list.csv", b"%PDF-1.7 ...")
    with pytest.raises(UnreadableFile, match="is a PDF: export the list as CSV"):
        read_in_process([(path, "")])
    with pytest.raises(UnreadableFile, match="hold more than 1 songs together"):
        read_in_process([(written(tmp_path, "two.txt", b"A - B\nC - D\n"), "")], most=1)


@pytest.mark.parametrize("limits", [Limits(memory_bytes=60 * 2**20), Limits(cpu_seconds=1)])
def test_a_file_that_breaks_a_limit_is_refused_and_costs_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    if limits.cpu_seconds:
        endless = tmp_path / "read_process.py"
        endless.write_text("while True: pass")
        monkeypatch.setattr(read_process, "__file__", str(endless))
    monkeypatch.setattr(read_process, "LIMITS", limits)
    path = written(tmp_path, "library.csv", b"title,artist\n" + b"Nana,Falla\n" * 100_000)
    with pytest.raises(UnreadableFile, match="needs more memory or time than any library export"):
        read_in_process([(path, "library.csv")])


def test_the_other_process_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary" * 9)
    seen: list[dict[str, str]] = []
    start = read_process.programs.start

    def watched(command: list[str], *, env: dict[str, str] | None = None, **options: object) -> object:
        seen.append(dict(env or read_process.programs.clean_environment()))
        return start(command, env=env, **options)

    monkeypatch.setattr(read_process.programs, "start", watched)
    read_in_process([(written(tmp_path, "a.zip", one("list.csv")()), "")])
    assert seen and "canary" not in str(seen)
