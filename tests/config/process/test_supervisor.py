"""What the process manager checks and prepares before it starts anything."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from config.process import supervisor

ROOT = Path(__file__).resolve().parents[3]


def test_a_port_in_use_is_named_with_its_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert supervisor.port_problem("127.0.0.1", port) == (
            f"Port {port} is in use by another program. Stop that one, or set PORT to a free port."
        )
    assert supervisor.port_problem("127.0.0.1", port) == ""


def test_an_address_of_another_machine_is_refused() -> None:
    assert "no address of this machine" in supervisor.port_problem("192.0.2.1", 8000)


def test_an_address_that_is_none_is_refused() -> None:
    assert "BIND is 'not an address'" in supervisor.port_problem("not an address", 8000)


def test_ipv6_stands_in_brackets() -> None:
    assert supervisor.address("::1", 8000) == "[::1]:8000"
    assert supervisor.page_address("0.0.0.0", 8000) == "http://127.0.0.1:8000"


def test_the_control_socket_stands_in_the_run_folder_where_its_path_is_short_enough(tmp_path: Path) -> None:
    short = Path("/tmp/x")
    assert supervisor.socket_path(short) == short / "manager.sock"


def test_a_long_path_moves_the_control_socket_into_a_private_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    path = supervisor.socket_path(deep)
    assert len(os.fsencode(path)) < 100
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.rmdir()


def test_one_data_folder_takes_one_manager(tmp_path: Path) -> None:
    """The lock outlives an exec and ends with its process."""
    hold = (
        "import sys, os; from pathlib import Path; from config.process import supervisor as manager;"
        "ok = manager.hold_folder(Path(sys.argv[1])); print(ok, flush=True);"
        "os.execv('/bin/cat', ['cat']) if ok else None"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdin and first.stdout
        assert first.stdout.readline() == "True\n"
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
        assert second.stdout == "False\n"
        first.stdin.close()
    third = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True, timeout=600)
    assert third.stdout == "True\n"
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_a_log_that_is_a_socket_gets_its_lines_all_the_same() -> None:
    """systemd's journal: /dev/fd/1, which supervisord opens for every program, cannot be opened where it is one."""
    say = (
        "from config.process.supervisor import make_stdout_a_pipe as m; m(); open('/dev/fd/1', 'w').write('a line\\n')"
    )
    journal, ours = socket.socketpair()
    with journal, ours:
        done = subprocess.run(
            [sys.executable, "-c", say], cwd=ROOT, stdout=ours.fileno(), stderr=subprocess.PIPE, timeout=600
        )
        assert done.returncode == 0, done.stderr
        journal.settimeout(20)
        assert journal.recv(100) == b"a line\n"
