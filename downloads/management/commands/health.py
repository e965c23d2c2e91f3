"""manage.py health: the checks of the page Health, for a terminal and for monitoring."""

from __future__ import annotations

from typing import Any

from catalog.db import database_clock
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.humanize import count
from downloads.health.check import FAIL, Check
from downloads.health.report import health_report


class Command(ReportCommand):
    help = "Check whether everything that downloads need is in order. Exit status 1 where a check fails."

    def report(self, options: dict[str, Any]) -> CommandReport:
        """One line for each check, the worst first."""
        report = health_report(database_clock.now())
        failures = report.count(FAIL)
        problem = f"{count(failures, 'check')} failed." if failures else ""
        return CommandReport(report.as_dict(), [*map(_line, report.checks), f"{report.sentence}."], problem)


def _line(check: Check) -> str:
    return f"{check.state:4}  {check.title}: {check.text} {check.cure}".rstrip()
