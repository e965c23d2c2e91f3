"""manage.py reconcile and manage.py watch, as a person or a manager runs them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from catalog.models import Run, Track
from catalog.storage import hold
from catalog.storage import state as storage
from catalog.storage.marker import MARKER
from downloads.management.commands.watch import _request_pass
from tests.world import World

MORNING = "Maria Ruiz/First Light/Morning"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines on stdout."""
    call_command("reconcile", *arguments)
    return capsys.readouterr().out.splitlines()


def test_a_pass_says_what_it_found_and_wakes_the_workers(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path(world.tracks[MORNING].local_path).unlink()

    lines = run(capsys)

    assert lines == ["5 files are there, 1 missing.", "  missing: Maria Ruiz/First Light/01 Morning.mp3"]
    assert world.status_of(world.tracks[MORNING]) == "missing"
    assert OrmQ.objects.exists()


def test_its_report_is_one_line_of_json(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path(world.tracks[MORNING].local_path).unlink()

    report = json.loads(run(capsys, "--full", "--json")[-1])

    assert (report["vanished"], report["full"], report["complete"], report["state"]) == (1, True, True, "online")


def test_a_dry_run_changes_nothing_and_wakes_nobody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path(world.tracks[MORNING].local_path).unlink()

    assert run(capsys, "--dry-run")[0] == "5 files are there, 1 would be missing."
    assert Track.objects.counts()["downloaded"] == 6
    assert not OrmQ.objects.exists() and not Run.objects.exists()


def test_an_offline_library_is_said_so_and_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / MARKER).unlink()

    with pytest.raises(CommandError, match="drive is probably not mounted"):
        run(capsys, "--json")
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["state"], report["complete"]) == ("offline", False)
    assert Track.objects.counts()["downloaded"] == 6


def test_a_person_accepts_another_folder(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / MARKER).unlink()

    assert run(capsys, "--accept-root") == ["6 files are there."]
    assert (world.root / MARKER).exists()


def test_a_folder_that_is_not_there_cannot_be_accepted(world: World, settings: LazySettings) -> None:
    settings.MUSIC_DIR = str(world.root / "nowhere")
    with pytest.raises(CommandError, match="is not there"):
        call_command("reconcile", "--accept-root")


def test_a_person_accepts_missing_files(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    hold.begin(40, 46, world.now)
    run(capsys, "--accept-missing")
    assert storage.current().state == "online"


def test_accepting_is_not_for_dry_runs(world: World) -> None:
    with pytest.raises(CommandError, match="leave out --dry-run"):
        call_command("reconcile", "--accept-root", "--dry-run")


def test_a_collection_that_is_not_there_is_one_sentence(world: World) -> None:
    with pytest.raises(CommandError, match="There is no collection called 'Nope'"):
        call_command("reconcile", "--collection", "Nope")


def test_a_part_of_the_library_is_named_by_its_folder(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "Maria Ruiz", "--json")[-1])["folders"] == 2


@pytest.mark.parametrize("name", ["Maria Ruiz", "Maria Ruiz/", "./Maria Ruiz", "{root}/Maria Ruiz"])
def test_a_part_may_be_named_as_a_shell_completes_it(
    world: World, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path(world.tracks[MORNING].local_path).unlink()
    assert "1 missing" in run(capsys, name.format(root=world.root))[0]


@pytest.mark.parametrize("name", ["Maria", "/etc", "../elsewhere"])
def test_a_part_that_nobody_knows_is_said_and_not_passed_over(world: World, name: str) -> None:
    with pytest.raises(CommandError, match=f"no file in {name}"):
        call_command("reconcile", name)
    assert not Run.objects.exists()


def test_a_change_that_watch_has_heard_of_asks_for_a_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downloads.management.commands.watch.call_in_fork", lambda body: body())
    _request_pass()
    assert [row.func().rpartition(".")[2] for row in OrmQ.objects.all()] == ["handle_backlog"]


def test_watch_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """The process as a manager runs it: it says that it waits, and a SIGTERM ends it with status 0."""
    root = Path(__file__).resolve().parents[2]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "WATCH": "off"}
    process = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "watch"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().startswith("WATCH is off")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()
