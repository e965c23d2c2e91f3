"""Two processes see what one sees, and one is enough when the other dies."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.library.reconcile import reconcile
from catalog.models import Track
from catalog.scanning.folder_stamp import FilesystemTrust
from catalog.scanning.scan import Expectation, FolderScanner
from catalog.scanning.scan_worker import ScanWorker
from tests.world import World

FAR_AHEAD_NS = 4_000_000_000_000_000_000


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[FolderScanner]:
    for number in range(10):
        (tmp_path / f"Ártist {number}").mkdir()
        (tmp_path / f"Ártist {number}" / "1.mp3").write_text("a")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield FolderScanner(descriptor, FilesystemTrust(str(tmp_path)), FAR_AHEAD_NS, sizes=True)
    os.close(descriptor)


def asks() -> list[Expectation]:
    """Ten folders; in each one file is there, one is gone, one is of another size."""
    return [
        Expectation(number, f"Ártist {number}", None, None, None, None, 0, "1.mp3/5/gone.mp3/1") for number in range(11)
    ]


def test_two_processes_see_what_one_sees(scanner: FolderScanner, tmp_path: Path) -> None:
    alone = scanner.look(asks())
    with ScanWorker(scanner, str(tmp_path)) as worker:
        for _ in range(2):
            worker.send(asks())
            together = worker.receive()
            assert together == alone
    assert worker.other.returncode is not None, "it is gone with its pass"
    assert len(alone) == 11
    assert alone[0].gone == ("gone.mp3",) and alone[0].other_size == ("1.mp3/1",)


@pytest.mark.parametrize("before_sending", [True, False])
def test_one_is_enough_when_the_other_dies(scanner: FolderScanner, tmp_path: Path, before_sending: bool) -> None:
    alone = scanner.look(asks())
    with ScanWorker(scanner, str(tmp_path)) as worker:
        if not before_sending:
            os.kill(worker.other.pid, signal.SIGSTOP)
            worker.send(asks())
        worker.other.kill()
        worker.other.wait(10)
        if before_sending:
            worker.send(asks())
        assert worker.receive() == alone


def test_the_other_process_gets_no_secret(
    scanner: FolderScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    with ScanWorker(scanner, str(tmp_path)) as worker:
        worker.send(asks())
        worker.receive()
        assert Path(f"/proc/{worker.other.pid}/environ").read_bytes().find(b"do not tell") == -1


def test_a_full_pass_in_two_processes_finds_what_is_gone_and_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.library.reconcile.TWO_PROCESSES_FROM", 1)
    monkeypatch.setattr("catalog.library.reconcile.processors", lambda: 2)
    monkeypatch.setattr("catalog.scanning.folder_index.CHUNK", 2)
    assert reconcile(world.now, full=True).complete
    shutil.move(world.root / "Maria Ruiz", world.root.with_name("away"))

    assert reconcile(world.later(hours=1), full=True).vanished == 3
    assert Track.objects.counts()["missing"] == 3
    shutil.move(world.root.with_name("away"), world.root / "Maria Ruiz")
    report = reconcile(world.later(hours=1), full=True)
    assert (report.restored, report.folders, report.listed) == (3, 4, 4)
    unchanged = reconcile(world.later(hours=1), sizes=True)
    assert (unchanged.rows_changed, unchanged.other_size) == (0, 0)
