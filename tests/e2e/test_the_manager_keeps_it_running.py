"""`manage.py run` for real: what dies is started again, and what is stopped leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from catalog.storage.marker import MARKER
from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually

MAIN = r"manage\.py qcluster $"
DOWNLOADS = r"manage\.py qcluster --name downloads $"
WEB = r"config\.process\.web_server"
LISTENER = r"config\.process\.event_listener"


def everything(installation: Installation) -> bool:
    """Web server, two clusters of five and six processes, listener, manager."""
    return (
        len(installation.named(WEB)) == 1
        and len(installation.named(MAIN)) == 6
        and len(installation.named(DOWNLOADS)) == 6
        and len(installation.named(LISTENER)) == 1
        and bool(installation.status())
    )


OTHER_SIGNALS = [pytest.param(number, marks=pytest.mark.long) for number in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *OTHER_SIGNALS])
def test_a_stop_leaves_no_process_behind(installation: Installation, archive: HeldArchive, number: int) -> None:
    installation.import_songs(*SONGS)
    archive.held = True
    installation.start()
    eventually(lambda: everything(installation) and installation.fetching(), "all of it runs, a fetch is under way")
    assert installation.interrupt(number) == 0
    assert installation.processes() == {}
    said = installation.command("status", "--json").stdout.splitlines()[-1]
    assert '"downloading": 0' in said, "the attempt was given back"


def test_what_dies_is_started_again(installation: Installation) -> None:
    installation.start()
    eventually(lambda: everything(installation), "all of it runs")
    for pattern in (WEB, MAIN, DOWNLOADS, LISTENER):
        before = set(installation.named(pattern))
        os.kill(min(before), signal.SIGKILL)
        eventually(
            lambda pattern=pattern, before=before: (
                everything(installation)  # type: ignore[misc]
                and not before & set(installation.named(pattern))
            ),
            f"{pattern} is whole again, nothing of the old is left",
        )


def test_a_killed_manager_takes_everything_with_it(installation: Installation, archive: HeldArchive) -> None:
    installation.import_songs(SONGS[0])
    archive.held = True
    installation.start()
    eventually(lambda: everything(installation) and installation.fetching(), "all of it runs, a fetch is under way")
    assert installation.run
    os.kill(installation.run.pid, signal.SIGKILL)
    eventually(lambda: installation.processes() == {}, "nothing is left")


@pytest.mark.long
def test_a_manager_killed_in_its_first_second_leaves_nothing_either(installation: Installation) -> None:
    installation.start()
    assert installation.run
    eventually(lambda: installation.named(DOWNLOADS), "the first processes are there")
    os.kill(installation.run.pid, signal.SIGKILL)
    eventually(lambda: installation.processes() == {}, "nothing is left")


def test_the_control_socket_is_for_its_owner_only() -> None:
    # A short path whatever the temporary folder is called: where it is too long, the socket stands elsewhere.
    with (
        tempfile.TemporaryDirectory(prefix="tk", dir="/tmp") as folder,
        Installation(Path(folder) / "h") as installation,
    ):
        installation.start()
        path = installation.data / "run" / "manager.sock"
        look_at_the_socket(path)


def look_at_the_socket(path: Path) -> None:
    eventually(path.exists, "the control socket")
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_port_in_use_is_said_in_one_sentence(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        refused = installation.command("run", check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Port {installation.port} is in use by another program. Stop that one, or set PORT to a free port.\n"
    )
    assert installation.processes() == {}


def test_a_second_run_on_the_same_folder_is_refused(installation: Installation) -> None:
    installation.start()
    eventually(installation.status, "the first one runs")
    refused = installation.command("run", check=False)
    assert refused.returncode == 1
    assert "runs already" in refused.stderr
    eventually(installation.status, "the first one is unharmed")


def test_the_first_start_needs_nothing_and_offers_a_setup_link(installation: Installation) -> None:
    for name in ("AUDIO_SOURCE", "ARCHIVE_URL", "MUSIC_DIR"):
        del installation.environment[name]
    installation.start()
    eventually(installation.status, "the page answers")
    said = installation.log.read_text()
    assert f"http://127.0.0.1:{installation.port}/setup/" in said
    assert "Traceback" not in said
    assert "CRIT" not in said


CHOOSE = (
    "from catalog.db import database_clock; from downloads.jobs import maintenance;"
    "maintenance.ask('folder', database_clock.now(), path={!r})"
)


@pytest.mark.long
def test_another_music_folder_is_taken_by_a_start_of_everything(tmp_path: Path, archive: HeldArchive) -> None:
    with Installation(tmp_path / "home", archive, MUSIC_DIR="") as installation:
        installation.start()
        eventually(lambda: everything(installation), "all of it runs")
        eventually(lambda: installation.status()["storage"]["state"] == "online", "the default folder is there")
        before = set(installation.processes())
        installation.command("shell", "-c", CHOOSE.format(str(installation.music)))

        def has_it() -> bool:
            return everything(installation) and (installation.music / MARKER).exists()

        eventually(has_it, "all of it runs with the chosen folder")
        assert installation.run
        assert set(installation.named(LISTENER)).isdisjoint(before) and installation.run.poll() is None
        installation.import_songs(*SONGS[:2])
        eventually(lambda: installation.counts() == (0, 0, 2), "songs come into it")
        assert len(installation.files()) == 2 and not list((installation.data / "music").rglob("*.mp3"))
        assert installation.interrupt(signal.SIGTERM) == 0
        assert installation.processes() == {}
