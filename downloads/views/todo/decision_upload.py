"""Decisions as a file: saved from the page, and a friend's taken in (`downloads.review.decision_export`)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.importers.parsed_file import file_size
from catalog.system.command_line import command
from catalog.text.humanize import count
from catalog.web.permissions import keeper_button, keeper_page
from downloads.jobs import queue
from downloads.review import decision_export

LARGEST = 10_000_000  # bytes in one upload: 25,000 decisions; the command takes more
NAMED = 3  # refused decisions that the message names


@keeper_page
@require_safe
def decisions_export(request: HttpRequest) -> HttpResponse:
    """`/decide/decisions.json`: every decision, to save."""
    answer = JsonResponse(decision_export.exported(), json_dumps_params={"ensure_ascii": False, "indent": 1})
    answer["Content-Disposition"] = 'attachment; filename="tonekeep-decisions.json"'
    return answer


@keeper_button
def decisions_import(request: HttpRequest) -> HttpResponse:
    """Make the decisions of an uploaded file ours; what is refused or of songs that are not here is said."""
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST:
        problem = f"The file is larger than {file_size(LARGEST)}: import it by `{command('decisions import FILE')}`."
        messages.error(request, problem if file else "Choose a file first.")
        return redirect("review_list")
    try:
        entries = decision_export.read(file.read())
    except decision_export.NotDecisions as error:
        messages.error(request, str(error))
        return redirect("review_list")
    report = decision_export.imported(entries, database_clock.now(), request.user.get_username())
    queue.wake()
    answer = f"{count(report.read, 'decision')} read: {report.made} made, {report.known} stood already,"
    answer += f" {report.not_here} of songs that are not here, {report.refused_count} refused."
    (messages.warning if report.refused_count else messages.success)(
        request, " ".join([answer, *report.refused[:NAMED]])
    )
    return redirect("review_list")
