"""The process manager: supervisord with the program list of `supervisord.conf`, and what it needs around it.

`manage.py run` replaces itself by this module, so that no second Python stays in memory. The only importer of
`supervisor` besides `config.process.event_listener`, which supervisord starts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from supervisor.loggers import LevelsByName
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from catalog.system import child_lifetime
from catalog.system.heartbeat import RESTART
from catalog.text.user_error import UserError
from config.process import forked_program

RUN = "run"  # the folder in DATA_DIR for locks, marks and heartbeats of running processes
SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107 for a unix socket, and supervisord adds a suffix of ".<pid>"


def port_problem(bind: str, port: int) -> str:
    """Why no server could listen there, in a sentence with the cure; "" where one can.

    supervisord would restart a web server without a port for ever: so it is asked first.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        return f"BIND is {bind!r}, which is no address; write 127.0.0.1 (this machine only) or 0.0.0.0 (everybody)."
    except OSError as error:
        return {
            errno.EADDRINUSE: f"Port {port} is in use by another program. Stop that one, or set PORT to a free port.",
            errno.EACCES: f"Port {port} needs root. Set PORT to 1024 or higher.",
            errno.EADDRNOTAVAIL: f"BIND is {bind!r}, which is no address of this machine; write 127.0.0.1 or 0.0.0.0.",
        }.get(error.errno or 0, f"Nothing can listen on {bind} port {port}: {error.strerror}.")
    return ""


def address(bind: str, port: int) -> str:
    """``bind:port`` as in an address, IPv6 in brackets."""
    return f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"


def page_address(bind: str, port: int) -> str:
    """Where a browser on this machine finds the page, without a slash at the end."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound
    return f"http://{address(everywhere.get(bind, bind), port)}"


def hold_folder(run_dir: Path) -> bool:
    """Lock the run folder for this process and what it becomes by exec. False: another manager holds it."""
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    run_dir.chmod(0o700)
    descriptor = os.open(run_dir / "manager.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    os.set_inheritable(descriptor, True)
    return True


def require_stopped(run_dir: Path) -> None:
    """Hold the run folder, so that nothing can start meanwhile. Raises UserError where a manager runs."""
    if not hold_folder(run_dir):
        raise UserError("Tonekeep is running. Stop it first, then run this command again.")


def socket_path(run_dir: Path) -> Path:
    """Where the control socket stands: the run folder, or a private folder where that path is too long."""
    path = run_dir / "manager.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    return Path(tempfile.mkdtemp(prefix="tonekeep-")) / "manager.sock"  # mkdtemp: mode 0700


def replace_this_process() -> None:
    """Become the manager, or a new one in the stead of this one: it reads the settings anew. Does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "config.process.supervisor"])  # noqa: S606


class Options(ServerOptions):
    """supervisord's options; a hang-up (the terminal was closed) stops it instead of making it start over."""

    def get_signal(self) -> int | None:
        received: int | None = super().get_signal()
        return signal.SIGTERM if received == signal.SIGHUP else received

    def setpgrp(self) -> None:
        """Runs in each program before its exec: a group of its own, and a stop in good order if we are killed."""
        super().setpgrp()
        child_lifetime.on_parent_death(signal.SIGTERM)

    held: frozenset[int] = frozenset()  # descriptors that belong to imported modules

    def close_fd(self, fd: int) -> None:
        """Runs in each program for each descriptor of ours; what a module would close itself stays until it does."""
        if fd not in self.held:
            super().close_fd(fd)

    def fork(self) -> int:
        """Leave no garbage to the fork: it would close descriptors there whose numbers belong to others by then."""
        forked_program.tidy_up()
        return int(super().fork())

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        """The last step of a program's start, in its fork: each is one of ours, which this process has imported."""
        forked_program.become(argv[1:], env)

    def openhttpservers(self, supervisord: Supervisor) -> None:
        """Its socket has no password: mode 0700 guards it. supervisord would call that critical at every start."""
        level, self.logger.level = self.logger.level, LevelsByName.CRIT + 1
        super().openhttpservers(supervisord)
        self.logger.level = level

    def set_uid_or_exit(self) -> None:
        """It runs as whoever started it; no other user is meant, and no warning needed."""


def expansions(run_dir: Path, control: Path, roles: Collection[str], watch: str) -> dict[str, str]:
    """The values that `supervisord.conf` asks for."""
    home = Path(__file__).resolve().parents[2]
    values = {
        "HOME": str(home),
        "PYTHON": sys.executable,
        "RUN": str(run_dir),
        "SOCKET": str(control),
        "WEB": str("web" in roles).lower(),
        "JOBS": str("jobs" in roles).lower(),
        "DOWNLOADS": str("downloads" in roles).lower(),
        "WATCH": str("watch" in roles and watch != "off").lower(),
        "LOG": "/dev/fd/1",
    }
    return {f"ENV_TONEKEEP_{name}": value for name, value in values.items()}


def make_stdout_a_pipe() -> None:
    """/dev/fd/1 cannot be opened where it is a socket (systemd's journal): put a pipe and `cat` in between."""
    if stat.S_ISSOCK(os.fstat(1).st_mode):
        cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        assert cat.stdin is not None
        os.dup2(cat.stdin.fileno(), 1)
        cat.stdin.close()


def main() -> None:
    """Run supervisord in this process until a signal ends it."""
    from config import settings  # here: a setting that cannot be used is said by `run`, not at import

    make_stdout_a_pipe()
    run_dir = settings.DATA_DIR / RUN
    (run_dir / RESTART).unlink(missing_ok=True)
    control = socket_path(run_dir)
    options = Options()
    options.environ_expansions.update(expansions(run_dir, control, settings.ROLES, settings.WATCH))
    configuration = Path(__file__).with_name("supervisord.conf")
    options.realize(["--configuration", str(configuration), "--nodaemon"], doc="")
    options.first, options.test = True, False
    options.held = forked_program.preload(settings.ROLES)
    try:
        with suppress(ExitNow):
            Supervisor(options).main()
        starts_anew = options.mood == SupervisorStates.RESTARTING
    finally:
        options.close_httpservers()
        if control.parent != run_dir:
            with suppress(OSError):
                control.parent.rmdir()
    if starts_anew:
        replace_this_process()


if __name__ == "__main__":
    main()
