"""An old backup over a newer folder: what is there is taken up again, and nothing is fetched twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Program


def restore(program: Program, copy: Path) -> None:
    """What the manual says: the copy takes the place of the database, its side files go."""
    live = program.home / "data" / "tonekeep.sqlite3"
    for side in ("-wal", "-shm"):
        Path(f"{live}{side}").unlink(missing_ok=True)
    shutil.copyfile(copy, live)


def fetches(program: Program) -> int:
    return sum(count for path, count in program.archive.requests.items() if path.startswith("/audio/"))


@pytest.mark.long
def test_an_old_backup_over_a_newer_folder_adopts_what_is_there_and_fetches_nothing(program):
    titles = ("Morning", "Noon", "Evening", "Night")
    program.serve(*titles)
    program.manage("import_library", str(program.write_library(*titles[:2])))
    program.manage("reconcile")
    copy = program.home / "copy.sqlite3"
    assert program.json("backup", str(copy))["tracks"] == 2
    program.manage("import_library", str(program.write_library(*titles)))
    program.manage("work", "--until-empty")
    assert program.counters() == (0, 0, 4)
    files = {path: path.stat().st_ino for path in program.files()}
    before = fetches(program)
    assert before >= 4

    restore(program, copy)
    assert program.counters() == (2, 0, 0)
    program.manage("import_library", str(program.write_library(*titles)))  # the source still knows all four
    program.manage("reconcile")
    assert program.json("work", "--until-empty")["results"] == {"adopted": 4}
    assert program.counters() == (0, 0, 4)
    assert fetches(program) == before
    assert {path: path.stat().st_ino for path in program.files()} == files
    assert sum(program.json("check_library")["counts"].values()) == 0


def test_a_backup_of_a_full_library_over_an_emptied_folder_says_what_is_missing(program):
    program.serve("Morning", "Noon")
    program.manage("import_library", str(program.write_library("Morning", "Noon")))
    program.manage("work", "--until-empty")
    copy = program.home / "copy.sqlite3"
    program.manage("backup", str(copy))
    program.files()[0].unlink()
    restore(program, copy)
    assert program.counters() == (0, 0, 2)
    assert program.json("reconcile")["vanished"] == 1
    assert program.counters() == (1, 0, 1)
