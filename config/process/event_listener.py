"""Cures what supervisord alone leaves behind. supervisord starts this and writes its events to stdin.

Measured: `kill -9` of a cluster's main process leaves 5 orphans beside the new cluster, `kill -9` of supervisord 13;
`kill -9` of an *idle* worker stops a whole cluster silently, since it held the lock of the task queue (django-q2 #23).

    a program exited               kill the rest of its process group
    stdin ended                    supervisord is gone: stop every program, kill every group 10 s later, then go
    no heartbeat for 3 minutes     stop that cluster, and kill its group 20 s later; supervisord starts it again
    a file "restart" in DATA_DIR/run   stop everything in good order and start it anew: another music folder was chosen

No Django and no database in here: it must notice a cluster that hangs because the database does. No clock either that
somebody could set: heartbeats are files, and only whether they changed counts, measured by a monotonic clock.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from supervisor.childutils import get_headers, listener
from supervisor.xmlrpc import SupervisorTransport

from catalog.system import child_lifetime
from catalog.system.heartbeat import RESTART, SILENT_AFTER

KILL_AFTER = 20.0  # seconds that a stale cluster gets to stop by itself
LAST_ORDERS = 10.0  # seconds that everything gets to stop by itself once the manager is gone

# Which program's heartbeat is which file: the name of the queue that the cluster serves.
BEATS = {"jobs": "beat-tonekeep", "downloads": "beat-downloads"}

Kill = Callable[[int, int], None]


@dataclass
class Watched:
    """One running cluster: its main process, its last heartbeat as seen, and when it was asked to stop."""

    pid: int
    beat: int | None
    changed_at: float
    asked_at: float | None = None


@dataclass
class ProcessWatcher:
    """What is known of the running programs. ``now`` is a monotonic clock in seconds."""

    run_dir: Path
    kill: Kill = os.kill
    kill_group: Kill = os.killpg
    say: Callable[[str], object] = lambda sentence: sys.stderr.write(f"{sentence}\n")
    pids: dict[str, int] = field(default_factory=dict)
    watched: dict[str, Watched] = field(default_factory=dict)

    def see(self, running: Mapping[str, int]) -> None:
        """Remember the main processes: program -> pid, which is also the id of its process group."""
        self.pids.update({name: pid for name, pid in running.items() if pid > 0})

    def exited(self, name: str, pid: int) -> None:
        """A program's main process is gone: nothing of its group may go on beside its successor."""
        if pid > 0:
            self._end_group(pid)
        if self.pids.get(name) == pid:
            del self.pids[name]
        self.watched.pop(name, None)

    def stop_all(self) -> None:
        """The manager is gone: nobody else will ever stop these."""
        for pid in self.pids.values():
            self._stop(pid)

    def end_all(self) -> None:
        """Whatever is left of them."""
        for pid in self.pids.values():
            self._end_group(pid)

    def alive(self) -> bool:
        """Whether any process of any program is left."""
        return any(self._group_lives(pid) for pid in self.pids.values())

    def look(self, now: float) -> None:
        """Compare each cluster's heartbeat with the last look; stop, then kill, one that gives none."""
        for name, beat_file in BEATS.items():
            if pid := self.pids.get(name):
                self._look_at(name, pid, self._beat(beat_file), now)

    def _look_at(self, name: str, pid: int, beat: int | None, now: float) -> None:
        watch = self.watched.get(name)
        if watch is None or watch.pid != pid:
            self.watched[name] = Watched(pid, beat, now)
        elif watch.asked_at is not None:
            if now - watch.asked_at >= KILL_AFTER:
                self._end_group(pid)
        elif watch.beat != beat:
            watch.beat, watch.changed_at = beat, now
        elif now - watch.changed_at >= SILENT_AFTER.total_seconds():
            self.say(f"{name}: no heartbeat for {SILENT_AFTER.total_seconds():.0f} s, starting it again.")
            watch.asked_at = now
            self._stop(pid)

    def _beat(self, name: str) -> int | None:
        try:
            return (self.run_dir / name).stat().st_mtime_ns
        except OSError:
            return None

    def _stop(self, pid: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            self.kill(pid, signal.SIGTERM)

    def _group_lives(self, pid: int) -> bool:
        try:
            self.kill_group(pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _end_group(self, pid: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            self.kill_group(pid, signal.SIGKILL)


def _server(control: str) -> xmlrpc.client.ServerProxy:
    return xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, f"unix://{control}"))


def running_programs(control: str) -> dict[str, int]:
    """Program -> pid of everything that supervisord runs, this process aside; {} where it cannot be asked."""
    try:
        programs: list[dict[str, object]] = _server(control).supervisor.getAllProcessInfo()  # type: ignore[assignment]
        pids = {str(program["name"]): int(str(program["pid"])) for program in programs}
    except (OSError, xmlrpc.client.Error):
        return {}
    return {name: pid for name, pid in pids.items() if pid not in (0, os.getpid())}


def restart_if_asked(keeper: ProcessWatcher, control: str) -> None:
    """Let supervisord stop everything and start anew where a job has left the file that asks for it."""
    mark = keeper.run_dir / RESTART
    if mark.exists():
        with suppress(OSError, xmlrpc.client.Error):
            _server(control).supervisor.restart()
            mark.unlink()


def handle(keeper: ProcessWatcher, event: str, payload: str, control: str, now: float) -> None:
    """One event of supervisord. Which pid has started is asked by call: its events name it a second late, or never."""
    about = get_headers(payload)
    if event in ("PROCESS_STATE_EXITED", "PROCESS_STATE_STOPPED", "PROCESS_STATE_BACKOFF"):
        name = about["processname"]
        keeper.exited(name, int(about.get("pid", keeper.pids.get(name, 0))))
    elif event in ("PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING"):
        keeper.see(running_programs(control))
    elif event == "TICK_5":
        keeper.look(now)
        restart_if_asked(keeper, control)


def listen(keeper: ProcessWatcher, control: str, stdin: TextIO, stdout: TextIO, clock: Callable[[], float]) -> None:
    """Until stdin ends: read an event, act, say OK."""
    keeper.see(running_programs(control))
    while True:
        listener.ready(stdout)
        line = stdin.readline()
        if not line:
            return
        headers = get_headers(line)
        payload = stdin.read(int(headers["len"]))
        handle(keeper, headers["eventname"], payload.split("\n", 1)[0], control, clock())
        listener.ok(stdout)


def stop_orphans(keeper: ProcessWatcher) -> None:
    """The manager is gone: let everything stop in good order, then make sure that nothing is left."""
    keeper.stop_all()
    give_up = time.monotonic() + LAST_ORDERS
    while keeper.alive() and time.monotonic() < give_up:
        time.sleep(0.2)
    keeper.end_all()


def main(run_dir: str, control: str) -> None:
    """Listen until the manager ends. A SIGTERM from it is an orderly stop, after all others have stopped."""
    child_lifetime.on_parent_death(0)  # this one must outlive the manager
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keeper = ProcessWatcher(Path(run_dir))
    try:
        listen(keeper, control, sys.stdin, sys.stdout, time.monotonic)
    finally:
        stop_orphans(keeper)


if __name__ == "__main__":
    main(*sys.argv[1:])
