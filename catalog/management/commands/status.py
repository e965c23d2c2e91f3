"""`manage.py status`: how the library stands, in a few lines or as the JSON of `/status`."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from catalog.reports import status
from catalog.system.console import PlainCommand
from catalog.text.humanize import ahead


class Command(PlainCommand):
    help = "Say how the library stands."
    requires_system_checks: list[str] = []  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the same as /status, on one line, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        seen = status.snapshot(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(seen, cls=DjangoJSONEncoder))
        else:
            for line in as_text(seen):
                self.stdout.write(line)


def as_text(seen: dict[str, Any]) -> list[str]:
    """The lines for a person: head line, counters, queue, and whatever is not as it should be."""
    counters, queue, now = seen["counters"], seen["queue"], seen["at"]
    lines = [
        _one_line(seen["headline"]),
        "  ".join(f"{name} {counters[name]:,}" for name in counters),
        f"queue: {queue['ready']:,} ready, {queue['cooling']:,} cooling; {seen['failures']['total']:,} have failed",
        f"music folder: {seen['storage']['state']} {seen['storage']['reason']}".rstrip(),
    ]
    for service in (service for service in seen["services"] if service["paused"]):
        until = "when a person says so" if service["paused_by_person"] else ahead(service["paused_until"], now)
        lines.append(f"{service['name']}: paused, goes on {until}. {service['reason']}".rstrip())
    if seen["workers"]["state"] != "running":
        lines.append("workers: none is running; start them with `make run`")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
