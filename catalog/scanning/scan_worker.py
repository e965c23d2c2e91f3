"""Scan folders in a child process beside this one: a full pass then uses two cores.

The child runs this file. It has the root's descriptor, no environment, no Django and no database: it reads lists of
`Expectation` from its stdin and writes lists of `ScanResult` to its stdout, both marshalled. Should it die, its folders
are scanned here: it can make a pass faster, and nothing else.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress

if __name__ == "__main__":  # run as a file, without the project on its path
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from catalog.scanning.folder_stamp import FilesystemTrust
from catalog.scanning.scan import AskRow, FolderScanner, ScanResult

SHARE = 0.6  # of the folders go to the other process: this one has the rows to read as well


class ScanWorker:
    """The scanner of a pass, and a child process beside it. Use it in a ``with``."""

    def __init__(self, scanner: FolderScanner, root: str) -> None:
        self.scanner = scanner
        self.given: list[AskRow] = []
        self.found: list[ScanResult] = []
        import subprocess  # here: the other process runs this file too, and would spend a third of its start on it

        how = (str(scanner.root_fd), str(scanner.now_ns), "sizes" if scanner.sizes else "names", "/".join(scanner.own))
        self.other = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", os.path.abspath(__file__), *how, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[scanner.root_fd],
            env={},
        )

    def __enter__(self) -> ScanWorker:
        return self

    def __exit__(self, *_: object) -> None:
        """End the other process, whatever it is doing."""
        self.other.kill()
        self.other.communicate()

    def send(self, asks: list[AskRow]) -> None:
        """Give the other process its share, and look at the rest meanwhile. Once before each `receive`."""
        cut = int(len(asks) * SHARE)
        self.given = asks[:cut]
        assert self.other.stdin
        with suppress(OSError):  # it is gone: `receive` will notice
            marshal.dump([tuple(ask) for ask in self.given], self.other.stdin)
            self.other.stdin.flush()
        self.found = self.scanner.look(asks[cut:])

    def receive(self) -> list[ScanResult]:
        """What both found."""
        assert self.other.stdout
        try:
            theirs = [ScanResult(*columns) for columns in marshal.load(self.other.stdout)]  # noqa: S302  our own process
        except (OSError, EOFError, ValueError, TypeError):
            theirs = self.scanner.look(self.given)
        return theirs + self.found


def processors() -> int:
    """How many processors this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(look: Callable[[list[AskRow]], list[ScanResult]]) -> None:
    """The other process: answer lists of asks until there are no more."""
    while True:
        try:
            asks = marshal.load(sys.stdin.buffer)  # noqa: S302  our own parent
        except EOFError:
            return
        marshal.dump([tuple(result) for result in look(asks)], sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    root_fd, start_ns, compared, names, root = sys.argv[1:]
    own = frozenset(filter(None, names.split("/")))
    serve(FolderScanner(int(root_fd), FilesystemTrust(root), int(start_ns), compared == "sizes", own).look)
