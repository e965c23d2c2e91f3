"""The base classes of all commands: plain output, `--json`, progress bar, stop on a signal, errors in a sentence.

Titles, playlists' names and paths come from Spotify, from files and from strangers' discs. Raw, one of them could
rename the terminal's window, overwrite what was printed before it, or reverse the rest of the line.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder

from catalog.text.sanitize import escaped
from catalog.text.user_error import UserError

if TYPE_CHECKING:
    from tqdm import tqdm

PAUSED = 3  # exit status where nothing may be done now: paused, held, offline


class PlainOutput(OutputWrapper):
    """Writes each text as one line. What Django has coloured itself (its system checks) comes with a style function."""

    def write(  # type: ignore[override]  # as Django's own, which takes more than a file's
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        """As Django's, with control characters, escape sequences and changes of direction spelled out."""
        super().write(msg if style_func else escaped(msg), style_func, ending)


class PlainCommand(BaseCommand):
    """Base of every command. Texts are written to ``self.stdout`` and ``self.stderr`` as they are."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command. A UserError ends it with its sentence alone, or as CommandError under `call_command`."""
        self.stdout = PlainOutput(options.pop("stdout", None) or sys.stdout)
        self.stderr = PlainOutput(options.pop("stderr", None) or sys.stderr)
        self.stderr.style_func = self.style.ERROR
        try:
            return super().execute(*args, **options)
        except UserError as error:
            if not self._called_from_command_line:  # type: ignore[attr-defined]  # Django's, in no stub
                raise CommandError(str(error), returncode=error.exit_status) from error
            self.stderr.write(str(error))
            sys.exit(error.exit_status)


@dataclass(frozen=True, slots=True)
class CommandReport:
    """What a command prints: ``data`` with --json, else ``lines``. ``problem`` is a sentence that goes to stderr."""

    data: Mapping[str, Any]
    lines: Iterable[str] = ()
    problem: str = ""
    exit_status: int = 1


class ReportCommand(PlainCommand):
    """Base of the commands that take `--json` (one line, last on stdout)."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report; where it names a problem, exit with its status."""
        self.json = options["json"]
        report = self.report(options)
        for line in [json.dumps(report.data, cls=DjangoJSONEncoder)] if self.json else report.lines:
            self.stdout.write(line)
        if report.problem:
            raise UserError(report.problem, report.exit_status)

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Do the command's work. Raises UserError."""
        raise NotImplementedError

    @contextmanager
    def progress(self, unit: str, total: int | None = None) -> Iterator[Progress]:
        """A bar on a terminal's stderr; nothing elsewhere and with --json."""
        from tqdm import tqdm  # here: the watcher and the clusters are commands too

        hidden = True if self.json else None  # None: hidden where stderr is no terminal
        with tqdm(total=total, unit=f" {unit}", unit_scale=True, disable=hidden, file=sys.stderr) as bar:
            yield Progress(bar)


class Progress:
    """Called with how many are done, and of how many where that is known by then."""

    def __init__(self, bar: tqdm[Any]) -> None:
        self._bar = bar

    def __call__(self, done: int, total: int | None = None) -> None:
        self._bar.total = self._bar.total if total is None else total
        self._bar.update(done - self._bar.n)

    def write(self, text: str) -> None:
        """Print a line on stdout above the bar."""
        self._bar.write(escaped(text), file=sys.stdout)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of ending the process: the work ends at its next safe point."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
