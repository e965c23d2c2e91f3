"""`/log`: the last lines of the log, for who runs the installation. They were redacted when they were written."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.web.permissions import owner_page
from downloads.health.log_tail import last_lines

LINES = 200


@owner_page
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Newest last, as a log reads."""
    lines = last_lines(Path(settings.LOG_FILE), LINES)
    return render(request, "settings/log.html", {"section": "settings", "lines": lines})
