"""`/log`: the last lines of the log, for who runs the installation. They were redacted when they were written."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.web.permissions import owner_page

READ = 64_000  # bytes from the end
LINES = 200


@owner_page
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Newest last, as a log reads."""
    return render(request, "settings/log.html", {"section": "settings", "lines": last_lines(Path(settings.LOG_FILE))})


def last_lines(path: Path) -> list[str]:
    """The last lines of a file, read from its end; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return lines[1 if size > READ else 0 :][-LINES:]
