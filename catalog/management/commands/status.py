"""`manage.py status`: how the library stands, in a few lines or as the JSON of `/status`."""

from __future__ import annotations

from typing import Any

from catalog.db import database_clock
from catalog.reports import status
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.humanize import ahead


class Command(ReportCommand):
    help = "Say how the library stands; with --json the same as /status."
    requires_system_checks: list[str] = []  # type: ignore[assignment]  # they load every page: 15 MB, 0.2 s

    def report(self, options: dict[str, Any]) -> CommandReport:
        snapshot = status.snapshot(database_clock.now())
        return CommandReport(snapshot, as_text(snapshot))


def as_text(snapshot: dict[str, Any]) -> list[str]:
    """The lines for a person: head line, counters, queue, and whatever is not as it should be."""
    counters, queue, now = snapshot["counters"], snapshot["queue"], snapshot["at"]
    lines = [
        _one_line(snapshot["headline"]),
        "  ".join(f"{name} {counters[name]:,}" for name in counters),
        f"queue: {queue['ready']:,} up next, {queue['cooling']:,} waiting to retry; "
        f"{snapshot['failures']['total']:,} have failed",
        f"music folder: {snapshot['storage']['state']} {snapshot['storage']['reason']}".rstrip(),
    ]
    for service in (service for service in snapshot["services"] if service["paused"]):
        until = "when a person says so" if service["paused_by_person"] else ahead(service["paused_until"], now)
        lines.append(f"{service['name']}: paused, goes on {until}. {service['reason']}".rstrip())
    if snapshot["workers"]["state"] != "running":
        lines.append("workers: none is running; start Tonekeep again")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
