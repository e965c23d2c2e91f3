"""The base classes of all commands."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.system.console import CommandReport, ReportCommand, stop_on_signal
from catalog.text.user_error import UserError


class Counting(ReportCommand):
    """Counts to three; with a problem or an error where the test says so."""

    requires_system_checks: list[str] = []  # type: ignore[assignment]
    problem = ""
    error: UserError | None = None

    def report(self, options: dict[str, Any]) -> CommandReport:
        if self.error:
            raise self.error
        with self.progress("steps") as progress:
            for done in range(1, 4):
                progress(done, 3)
        return CommandReport({"steps": 3}, ["Counted to 3."], self.problem, 3)


def run(command: Counting, *words: str) -> int:
    """Exit status of the command as a process would end."""
    try:
        command.run_from_argv(["manage.py", "counting", *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_report_is_lines_for_a_person_and_one_line_of_json_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Counting()) == 0
    assert capsys.readouterr() == ("Counted to 3.\n", "")
    assert run(Counting(), "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"steps": 3}
    assert printed.err == ""


def test_a_problem_is_its_sentence_alone_and_an_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    command = Counting()
    command.problem = "The disk is away. Bring it back."
    assert run(command) == 3
    assert capsys.readouterr() == ("Counted to 3.\n", "The disk is away. Bring it back.\n")


def test_an_error_of_the_users_is_its_sentence_alone(capsys: pytest.CaptureFixture[str]) -> None:
    command = Counting()
    command.error = UserError("There is no such song.")
    assert run(command) == 1
    assert capsys.readouterr() == ("", "There is no such song.\n")


def test_a_caller_of_a_command_gets_its_error_and_status() -> None:
    command = Counting()
    command.error = UserError("Nothing can be moved now.", 3)
    with pytest.raises(CommandError, match=r"^Nothing can be moved now\.$") as refused:
        call_command(command)
    assert refused.value.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_an_event_while_the_work_goes_on_and_what_it_was_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert signal.getsignal(number) is before
