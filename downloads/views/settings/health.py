"""`/health`: whether everything that downloads need is in order, each finding with its cure."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.web.permissions import keeper_page, wants_json
from downloads.health.report import health_report


@keeper_page
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """A page to a browser, JSON by Accept."""
    report = health_report(database_clock.now())
    if wants_json(request):
        return JsonResponse(report.as_dict())
    return render(request, "settings/health.html", {"section": "settings", "report": report, "page": "health"})
