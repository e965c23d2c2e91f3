"""Strangers that are slow or large, against a server of its own: `/healthz` while they stall, the disk while one posts.

    python bench/stalled.py [--seconds 600] [--connections 40] [--gigabytes 5] [--json]

Starts the web server alone on a free port, over an empty database in a temporary folder. Half of the connections send
half a head, a quarter half a body, a quarter a byte of a head each second; whichever the server closes comes again at
once. `/healthz` is asked once a second from a connection of its own. Then one stranger posts a form of 5 GB to four
addresses, sending for as long as the server takes anything. Exit status 1 where an answer took more than 2 s or a byte
of a form was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
WITHIN = 2.0  # seconds for an answer
HOST = "127.0.0.1"
HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\nhalf"
FORM = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
POSTS = ("/nosuch", "/login", "/admin/login/", "/import")


class Stalled:
    """A connection that never comes to its end; a fresh one wherever the server has closed it."""

    closed = 0  # times, of all

    def __init__(self, number: int, port: int) -> None:
        self._port, self._trickles = port, number % 4 == 3
        self._first = BODY if number % 4 == 2 else HEAD
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection((HOST, self._port), timeout=WITHIN)
        self._socket.sendall(self._first)
        self._socket.setblocking(False)

    def go_on(self) -> None:
        """A byte more where it trickles; open anew where it is closed."""
        try:
            if self._trickles:
                self._socket.send(b"x")
            if self._socket.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        Stalled.closed += 1
        self._socket.close()
        with suppress(OSError):
            self._open()


def healthz(port: int) -> float | None:
    """Seconds until the answer was whole; None where there was none within 10 s."""
    began = time.monotonic()
    try:
        connection = HTTPConnection(HOST, port, timeout=10)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        connection.close()
    except (OSError, HTTPException):
        return None
    return time.monotonic() - began if answer.status == 200 else None


def stall(port: int, seconds: float, connections: int) -> dict[str, object]:
    stalled = [Stalled(number, port) for number in range(connections)]
    took: list[float] = []
    none = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        turn = time.monotonic() + 1
        for one in stalled:
            one.go_on()
        answer = healthz(port)
        none += answer is None
        took += [answer] if answer is not None else []
        time.sleep(max(0.0, turn - time.monotonic()))
    return {
        "seconds": seconds,
        "connections": connections,
        "closed_by_server": Stalled.closed,
        "asked": len(took) + none,
        "unanswered": none,
        "median_ms": round(1000 * statistics.median(took or [0]), 1),
        "slowest_ms": round(1000 * max(took or [0]), 1),
    }


def post(port: int, path: str, size: int, folder: Path) -> dict[str, object]:
    """A form of ``size`` bytes, sent for as long as the server takes any; what was kept of it in between and after."""
    sent = most = 0
    before = kept_bytes(folder)
    with socket.create_connection((HOST, port), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + FORM)
        block, answer = bytes(1 << 20), b""
        with suppress(OSError):
            while sent < size:
                readable, writable, _ = select.select([connection], [connection], [], 10)
                if readable:
                    answer += connection.recv(4096)
                    if b"\r\n" in answer:
                        break
                if not writable:
                    break
                sent += connection.send(block)
                most = max(most, kept_bytes(folder) - before)
    return {"path": path, "said": answer[9:12].decode(), "sent": sent, "kept": max(most, kept_bytes(folder) - before)}


def kept_bytes(folder: Path) -> int:
    """Bytes of all files of the server but its database and its log."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".sqlite3" not in path.name]
    return sum(path.stat().st_size for path in files if path.name != "log")


def served(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "TMPDIR": str(folder),
    }
    for arguments in (["manage.py", "migrate", "--verbosity", "0"], ["-m", "config.process.web_server"]):
        with log.open("ab") as output:
            server = subprocess.Popen(
                [sys.executable, *arguments], cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        if arguments[0] == "manage.py":
            server.wait()
    end = time.monotonic() + 60
    while healthz(port) is None:
        if time.monotonic() > end or server.poll() is not None:
            server.kill()
            raise SystemExit(f"The web server did not start: {log.read_text()}")
        time.sleep(0.2)
    return server


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listening:
        return int(listening.getsockname()[1])


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines() if Path("/proc").is_dir() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--connections", type=int, default=40)
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name) / "data", free_port()
        folder.mkdir()
        server = served(folder, port, folder / "log")
        try:
            found = stall(port, given.seconds, given.connections)
            found["posts"] = posts = [post(port, path, int(given.gigabytes * 1e9), folder) for path in POSTS]
            found["memory_mb"] = round(memory_mb(server.pid), 1)
            with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
                ticks = stat.read().rpartition(")")[2].split()[11:13]
            found["processor_seconds"] = round(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), 1)
        finally:
            server.terminate()
            server.wait()
    fine = not found["unanswered"] and float(str(found["slowest_ms"])) < 1000 * WITHIN
    fine = fine and not any(each["kept"] for each in posts)
    if given.json:
        print(json.dumps(found))
    else:
        for key, value in found.items():
            print(f"{key:20} {value}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
