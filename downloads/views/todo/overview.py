"""`/todo`: what only a person can settle, and calmly below it what looks after itself. `/failures`: all by reason."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.db import database_clock
from catalog.models import AdoptionMatch, Track
from catalog.reports import status
from catalog.web.permissions import keeper_page, may_act, readers_page
from downloads.failures.kinds import ERROR_KINDS
from downloads.models import AudioFile
from downloads.review.decisions import ASKS_A_PERSON
from downloads.review.questions import first_questions
from downloads.views.activity import charts

EXAMPLES = 3
NOT_FOUND = "no_match"


@keeper_page
def todo(request: HttpRequest) -> HttpResponse:
    """Groups of the same question, each with a few songs and one way on."""
    not_found = Track.objects.failed().filter(error_kind=NOT_FOUND).order_by("pk")
    matches = AdoptionMatch.objects.unanswered().select_related("track")
    context = {
        "section": "todo",
        "now": database_clock.now(),
        "review": status.described(Track.objects.filter(pk__in=first_questions(EXAMPLES)).order_by("pk")),
        "matches": matches.order_by("pk")[:EXAMPLES],
        "not_found": status.described(not_found[:EXAMPLES]),
        "not_found_total": not_found.count(),
        "not_found_kind": NOT_FOUND,
        "twice": AudioFile.objects.twice().count(),
    }
    return render(request, "todo/overview.html", context)


@readers_page
def failures(request: HttpRequest) -> HttpResponse:
    """What failed, by reason: how many, what helps, when it is tried again by itself."""
    now = database_clock.now()
    context = {
        "section": "activity",
        "now": now,
        "chart": charts.failures(now),
        "groups": [_group(row) for row in by_reason()],
        "may_act": may_act(request),
    }
    return render(request, "todo/failures.html", context)


def by_reason() -> QuerySet[Track, dict[str, Any]]:
    """Of each kind of error how many failed and when the first is tried again; the most first."""
    failed = Track.objects.failed().filter(error_kind__gte="")  # each: a range of the index by kind
    groups = failed.order_by().values("error_kind").annotate(total=Count("pk"), next=Min("retry_after"))
    return groups.order_by("-total", "error_kind")


def _group(row: dict[str, Any]) -> dict[str, Any]:
    kind = ERROR_KINDS.get(row["error_kind"], ERROR_KINDS["unknown"])
    songs = Track.objects.failed().filter(error_kind=row["error_kind"]).order_by("pk")
    return {
        "name": row["error_kind"],
        "total": row["total"],
        "next": row["next"],
        "sentence": kind.sentence,
        "cure": kind.cure,
        "to_choose": row["error_kind"] in ASKS_A_PERSON,
        "songs": status.described(songs[:EXAMPLES]),
    }
