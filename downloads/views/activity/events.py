"""`/activity`: what happened, newest first; neighbours of one kind are told together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from catalog.db import database_clock
from catalog.models import Event, Run
from catalog.reports.listings import day_of
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import may_act, readers_page
from downloads.views.activity import charts

Kind = Event.Kind
FILTERS = {
    "arrived": ("Arrived", (Kind.FINISH,)),
    "failed": ("Failed", (Kind.FAIL,)),
    "files": ("Files", (Kind.VANISH, Kind.RESTORE, Kind.ADOPT, Kind.MOVE, Kind.CHANGE, Kind.RECOVER)),
    "people": ("People", (Kind.RETRY, Kind.IGNORE, Kind.WANT, Kind.DECIDE)),
}
# Icon, colour, and what is said of several songs at once.
MARKS = {
    Kind.FINISH: ("download", "ok", "arrived"),
    Kind.FAIL: ("triangle-alert", "warn", "failed"),
    Kind.VANISH: ("eye-off", "warn", "lost their files"),
    Kind.RESTORE: ("folder-check", "ok", "have their files back"),
    Kind.ADOPT: ("folder-check", "ok", "were recognised in the folder"),
    Kind.MOVE: ("move", "", "were moved"),
    Kind.CHANGE: ("file-up", "", "were changed by another program"),
    Kind.RECOVER: ("shield-check", "", "were recovered after a crash"),
    Kind.RETRY: ("rotate-ccw", "busy", "are tried again"),
    Kind.IGNORE: ("ban", "", "are not tried any more"),
    Kind.WANT: ("heart", "busy", "are wanted again"),
    Kind.DECIDE: ("hand", "busy", "had a recording chosen"),
}
RUN_LABELS = {
    Run.Kind.RECONCILE: "Folder scan",
    Run.Kind.ADOPT: "Look for music that is here",
    Run.Kind.CHECK: "Check of the library",
    Run.Kind.FOLDER: "Another music folder",
    Run.Kind.DATABASE: "Check of the database",
}
NAMED = 4  # songs of a group that are named before it is opened
RUNS = 6


@dataclass(frozen=True, slots=True)
class Happening:
    """Neighbouring events of one kind: the latest ``event`` stands for all ``events``."""

    events: list[Event]
    icon: str
    mood: str
    outcome: str

    @property
    def event(self) -> Event:
        return self.events[0]

    @property
    def total(self) -> int:
        return len(self.events)

    @property
    def named(self) -> list[Event]:
        return self.events[:NAMED]

    @property
    def day(self) -> date:
        return timezone.localtime(self.event.at).date()


@readers_page
def activity(request: HttpRequest) -> HttpResponse:
    """One page of 100 events; the pictures and the last runs stand on the first page alone."""
    now = database_clock.now()
    name = request.GET.get("kind", "")
    events = _between(Event.objects.all(), request.GET.get("since", ""), request.GET.get("until", ""))
    if name == "failed":
        events = _of_errors(events, request.GET.get("error", ""), request.GET.get("without", ""))
    # Each kind by its own index: a few moved files lie below a million arrivals.
    sets = [events.filter(kind=kind) for kind in FILTERS[name][1]] if name in FILTERS else [events]
    page = asked_page(request, [some.values_list("at", "pk", named=True) for some in sets], ("-at", "-pk"))
    shown = Event.objects.select_related("track").in_bulk([row.pk for row in page.rows])
    pager = links(request, page)
    first, rows = not pager["first"], [shown[row.pk] for row in page.rows if row.pk in shown]
    context = {
        "section": "activity",
        "now": now,
        "kind": name,
        "filters": [(key, label) for key, (label, _) in FILTERS.items()],
        "days": [(day, list(each)) for day, each in groupby(_together(rows), lambda one: one.day)],
        "runs": _last_runs() if first and not name else [],
        "charts": _charts(now) if first and not name else [],
        "pager": pager,
        "may_act": may_act(request),
    }
    return render(request, "activity/events.html", context)


def _last_runs() -> list[tuple[str, Run]]:
    """The last of them, each with its name."""
    runs = Run.objects.order_by("-started_at")[:RUNS]
    return [(RUN_LABELS.get(Run.Kind(run.kind), run.kind.capitalize()), run) for run in runs]


def _charts(now: datetime) -> list[tuple[str, charts.Chart]]:
    """Heading and picture of those that have something to show."""
    arrivals = charts.arrivals(now)
    found = [("Four weeks", arrivals if arrivals.total else None), ("Coverage", charts.coverage(now))]
    return [(heading, chart) for heading, chart in found if chart]


def _between(events: QuerySet[Event], since: str, until: str) -> QuerySet[Event]:
    """Events of the days from ``since`` to ``until`` (YYYY-MM-DD, the server's zone); what is no day is left out."""
    first, last = day_of(since), day_of(until)
    if first:
        events = events.filter(at__gte=first)
    return events.filter(at__lt=last + timedelta(days=1)) if last else events


def _of_errors(events: QuerySet[Event], only: str, without: str) -> QuerySet[Event]:
    """Failures of one kind of error, or of all but some, as the picture of failures links to them."""
    if only:
        events = events.filter(error_kind=only)
    return events.exclude(error_kind__in=without.split(",")[:10]) if without else events


def _together(events: list[Event]) -> list[Happening]:
    def alike(event: Event) -> tuple[str, date]:
        return event.kind, timezone.localtime(event.at).date()

    groups = [list(group) for _, group in groupby(events, alike)]
    return [Happening(group, *MARKS.get(Kind(group[0].kind), ("clock", "", ""))) for group in groups]
