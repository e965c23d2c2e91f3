"""All health checks in one list, what needs attention first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.reports import status
from catalog.text.humanize import count
from downloads.health.check import FAIL, OK, SEVERITY, WARN, Check
from downloads.health.proxy_headers import proxy_checks
from downloads.health.sources import source_checks
from downloads.health.storage import storage_checks
from downloads.health.system import system_checks
from downloads.health.upkeep import upkeep_checks

KEPT_FOR = 60  # seconds: the number in the navigation
_kept: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class HealthReport:
    """``checks`` by severity, the worst first."""

    checks: list[Check]

    def count(self, state: str) -> int:
        return sum(check.state == state for check in self.checks)

    @property
    def to_look_at(self) -> list[Check]:
        return [check for check in self.checks if check.state != OK]

    @property
    def well(self) -> list[Check]:
        return [check for check in self.checks if check.state == OK]

    @property
    def attention(self) -> int:
        return len(self.to_look_at)

    @property
    def sentence(self) -> str:
        total = count(len(self.checks), "check")
        return f"{total}, {self.attention} to look at" if self.attention else f"{total}, all is well"

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": not self.count(FAIL),
            "failures": self.count(FAIL),
            "warnings": self.count(WARN),
            "checks": [asdict(check) for check in self.checks],
        }


def attention(now: datetime) -> int:
    """How many checks ask for a look, at most a minute old: every page shows it, and the checks cost tens of ms."""
    asked = (str(settings.DATA_DIR), int(now.timestamp()) // KEPT_FOR)
    if _kept.get("asked") != asked:
        _kept.update(asked=asked, number=health_report(now).attention)
    return int(_kept["number"])


def health_report(now: datetime) -> HealthReport:
    """Run every check. Reads rows, DATA_DIR and this machine; the music folder is not touched."""
    conditions = status.conditions(now)
    checks = [
        *storage_checks(conditions, now),
        *source_checks(conditions, now),
        *system_checks(conditions, now),
        *proxy_checks(now),
        *upkeep_checks(now),
    ]
    return HealthReport(sorted(checks, key=lambda check: SEVERITY.index(check.state)))
