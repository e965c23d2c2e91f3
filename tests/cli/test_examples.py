"""The mission's four examples, as a person would try them: commands and HTTP only."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.cli.program import get

TITLES = ("Morning", "Noon", "Evening")


def test_example_1_a_populated_catalog_with_no_files_is_all_missing_and_all_queued(program):
    program.manage("import_library", str(program.write_library(*TITLES)))
    program.manage("reconcile")
    assert program.counters() == (3, 0, 0)
    with program.web() as address:
        status = get(f"{address}/status")
        assert status["queue"]["ready"] == 3
        assert {item["title"] for item in status["queue"]["items"]} == set(TITLES)
        assert [status["counters"][name] for name in ("songs", "artists", "albums")] == [3, 1, 1]
        assert len(get(f"{address}/queue")["items"]) == 3
        assert "Morning" in get(f"{address}/", accept="text/html")


def test_example_1_holds_too_where_the_rows_said_downloaded_before(program):
    program.serve(*TITLES)
    program.manage("import_library", str(program.write_library(*TITLES)))
    program.manage("work", "--until-empty")
    assert program.counters() == (0, 0, 3)
    for path in program.files():
        path.unlink()
    program.manage("reconcile")
    assert program.counters() == (3, 0, 0)
    assert program.status()["queue"]["ready"] == 3


def test_example_2_after_downloads_the_counters_match_the_disk_and_the_queue_is_empty(program):
    program.serve(*TITLES)
    program.manage("import_library", str(program.write_library(*TITLES)))
    program.manage("work", "--until-empty")
    status = program.status()
    assert len(program.files()) == status["counters"]["downloaded"] == 3
    assert (status["queue"]["ready"], status["queue"]["items"]) == (0, [])
    assert program.json("reconcile", "--full")["vanished"] == 0


def test_example_3_a_file_that_is_gone_is_missing_after_the_next_sync_and_fetched_again(program):
    program.serve(*TITLES)
    program.manage("import_library", str(program.write_library(*TITLES)))
    program.manage("work", "--until-empty")
    victim = program.files()[0]
    victim.unlink()
    program.manage("sync")
    assert program.counters() == (1, 0, 2)
    program.manage("work", "--until-empty")
    assert program.counters() == (0, 0, 3)
    assert victim.exists()


def test_example_3_a_file_with_another_name_is_known_again_and_not_fetched(program):
    program.serve(*TITLES)
    program.manage("import_library", str(program.write_library(*TITLES)))
    program.manage("work", "--until-empty")
    victim = program.files()[0]
    renamed = victim.rename(victim.with_name("my own name.mp3"))
    program.manage("sync")
    assert program.counters() == (0, 0, 3)
    program.manage("work", "--until-empty")
    assert renamed.exists() and not victim.exists()


def test_example_4_failures_wait_longer_and_longer_and_leave_the_queue_meanwhile(program):
    program.manage("import_library", str(program.write_library("Morning")))
    delays = []
    for attempt in range(1, 5):
        assert program.status()["queue"]["ready"] == 1
        program.manage("work", "--until-empty")
        status = program.status()
        assert (status["queue"]["ready"], status["queue"]["cooling"]) == (0, 1)
        (failure,) = status["failures"]["items"]
        assert (failure["attempts"], failure["error_kind"]) == (attempt, "no_match")
        delays.append(datetime.fromisoformat(failure["retry_after"]) - datetime.fromisoformat(status["at"]))
        program.time_passes()
    assert delays == sorted(delays)
    assert timedelta(minutes=4) < delays[0] < timedelta(minutes=6)
    assert timedelta(hours=10) < delays[3] < timedelta(hours=14)
    program.serve("Morning")
    program.manage("work", "--until-empty")
    assert program.counters() == (0, 0, 1)


def test_importing_again_changes_nothing_and_fetches_nothing(program):
    program.serve(*TITLES)
    library = str(program.write_library(*TITLES))
    program.manage("import_library", library)
    program.manage("work", "--until-empty")
    again = program.json("import_library", library)
    assert (again["entries"], again["tracks"], again["new_tracks"], again["added"]) == (3, 3, 0, 0)
    asked = program.archive.requests.total()
    program.manage("work", "--until-empty")
    assert program.archive.requests.total() == asked


def test_music_that_is_there_already_is_adopted_and_not_fetched(program):
    program.serve(*TITLES)
    library = str(program.write_library(*TITLES))
    program.manage("import_library", library)
    program.manage("work", "--until-empty")
    for path in program.files():
        path.rename(program.music / f"old {path.name}")
    fresh = {"DATA_DIR": str(program.home / "fresh")}
    for words in (["migrate", "--verbosity", "0"], ["import_library", library], ["adopt"]):
        done = program.run(*words, **fresh)
        assert done.returncode == 0, done.stderr
    asked = program.archive.requests.total()
    assert program.run("work", "--until-empty", **fresh).returncode == 0
    assert program.archive.requests.total() == asked
    assert len(program.files()) == 3
