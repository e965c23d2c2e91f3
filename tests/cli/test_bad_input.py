"""Bad input: one clear sentence, a non-zero exit, nothing lost or half imported."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.archive import ArchiveServer
from tests.cli.program import Program
from tests.ports import free_port


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One installation with three songs in its catalog, shared: what is refused must leave it as it was."""
    home = tmp_path_factory.mktemp("home")
    (home / "shelf").mkdir()
    with ArchiveServer(home / "shelf", songs=[]) as archive:
        program = Program(home, archive)
        program.manage("import_library", str(program.write_library("Morning", "Noon", "Evening")))
        yield program


def no_csv(path: Path) -> None:
    path.write_text("<html><body>404</body></html>")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def a_column_is_missing(path: Path) -> None:
    path.write_text('"Popularity","Added At"\n"3","2026-01-01T00:00:00Z"\n')


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


def a_folder(path: Path) -> None:
    path.mkdir()


def absent(path: Path) -> None:
    pass


@pytest.mark.parametrize("harm", [no_csv, empty, a_column_is_missing, binary, huge, a_folder, absent])
def test_a_file_that_is_no_library_is_refused_in_a_sentence(program, tmp_path, harm: Callable[[Path], None]):
    bad = tmp_path / "bad.csv"
    harm(bad)
    good = program.write_library("Morning", "Noon", "Evening", "Another one")
    done = program.run("import_library", str(good), str(bad))
    refused_in_a_sentence(done)
    assert "bad.csv" in done.stderr
    assert program.status()["counters"]["songs"] == 3, "nothing of the good file beside it was imported"


def refused_in_a_sentence(done) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.rstrip().endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://root@127.0.0.1/test"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3"),
        ("DATABASE_URL", "postgres://nobody:secret@127.0.0.1:1/none"),
        ("PORT", "eighty"),
        ("AUDIO_FORMAT", "wav"),
        ("ARCHIVE_URL", "ftp://example.org"),
        ("STATUS_PUBLIC", "perhaps"),
        ("MIN_FREE_GB", "-1"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("DATA_DIR", "/dev/null/data"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_a_sentence(program, name, value):
    done = program.run("status", **{name: value})
    refused_in_a_sentence(done)
    assert name in done.stderr
    assert "secret" not in done.stderr


COMMANDS = [
    ["status"],
    ["sync"],
    ["reconcile", "--json"],
    ["work", "--until-empty"],
    ["tick"],
    ["migrate"],
    ["qcluster"],
    ["run"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_out_of_reach_is_one_sentence_whatever_was_asked_for(program, words):
    done = program.run(*words, DATABASE_URL="sqlite:////nowhere/at/all.sqlite3", PORT=str(free_port()))
    refused_in_a_sentence(done)
    assert "database" in done.stderr
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("what", "words"), [("locks", ["sync"]), ("locks", ["migrate"]), ("run", ["run"])])
def test_a_data_folder_that_cannot_be_used_is_said_with_what_is_wrong(program, tmp_path, what, words):
    data = tmp_path / "data"
    assert program.run("migrate", DATA_DIR=str(data)).returncode == 0
    shutil.rmtree(data / what, ignore_errors=True)
    (data / what).write_text("no folder")
    done = program.run(*words, DATA_DIR=str(data), PORT=str(free_port()))
    refused_in_a_sentence(done)
    assert f"{data / what}: " in done.stderr
    assert "DATA_DIR" in done.stderr


def test_a_command_before_migrate_says_so(program, tmp_path):
    done = program.run("status", DATA_DIR=str(tmp_path / "new"))
    refused_in_a_sentence(done)
    assert "migrate" in done.stderr


def a_file(path: Path) -> None:
    path.write_bytes(b"music")


@pytest.mark.parametrize("harm", [a_file, absent])
def test_a_music_folder_that_is_none_is_said_and_changes_nothing(program, tmp_path, harm):
    music = tmp_path / "music"
    harm(music)
    before = program.status()["counters"]
    done = program.run("reconcile", MUSIC_DIR=str(music))
    refused_in_a_sentence(done)
    assert "music" in done.stderr
    done = program.run("work", "--until-empty", MUSIC_DIR=str(music))
    assert done.returncode == 3
    assert program.status()["counters"] == before
    assert not music.is_dir()
    program.manage("reconcile")  # and with the right folder all is well again
