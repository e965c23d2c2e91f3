"""The snapshot behind the status page, `/status`, `/metrics` and `manage.py status`. Nothing is cached.

All numbers of one snapshot are read from one moment of the database, so that they add up. No file is looked at: the
state of the music folder is in the rows that `catalog.storage.state` writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min

from catalog.db.id_sets import id_subquery
from catalog.db.snapshot_read import snapshot_read
from catalog.models import Account, Cluster, Credit, Event, Host, Library, Run, Service, Track, TrackQuerySet
from catalog.reports import plan
from catalog.reports.headline import headline
from catalog.storage import acting_host
from catalog.storage import state as storage
from catalog.storage.probe import ACCEPT
from catalog.system.heartbeat import SILENT_AFTER
from catalog.tracks import transitions

ITEMS = 50  # of the queue, in one answer
FAILURES = 20
LONGEST_RUN = timedelta(hours=6)  # the jobs' own time limit: a run without an end that is older was cut off
CLOCKS_DIFFER = timedelta(minutes=1)  # a run that began later than that did so by a clock that was set back since
RATE_OVER = timedelta(hours=1)  # songs fetched in this time say how fast it goes
RATE_FROM = 3  # fewer say nothing

SERVICES = ("spotify", "audio", "storage")


def snapshot(now: datetime, items: int = ITEMS) -> dict[str, Any]:
    """Everything that `/status` shows, ``items`` of the queue among it; times are aware, for `DjangoJSONEncoder`.

    ``counters["missing"] = queue["ready"] + queue["cooling"]``, and the three states add up to ``songs``.
    """
    with snapshot_read():
        counters = Track.objects.counts()
        # Counted in the smaller set: a fresh library is due as a whole, and hardly a song of it cools down.
        cooling = Track.objects.cooling(now).order_by().aggregate(count=Count("pk"), first=Min("retry_after"))
        next_up, downloading, failed = _described(
            Track.objects.queue(now)[:items],
            Track.objects.downloading().order_by("pk")[:ITEMS],
            Track.objects.failed().filter(failed_at__isnull=False).order_by("-failed_at", "-pk")[:FAILURES],
        )
        services, library = Service.objects.in_bulk(), Library.current()
        answer: dict[str, Any] = {
            "at": now,
            "counters": counters,
            "queue": {
                "ready": counters["missing"] - cooling["count"],
                "cooling": cooling["count"],
                "next_due": cooling["first"],
                "items": next_up,
            },
            "storage": _storage(services.get("storage") or Service(name="storage"), library),
            "services": _services(services, now),
            "downloading": downloading,
            "failures": {
                "total": Track.objects.failed().count(),
                "items": failed,
            },
            "runs": {kind: latest_run(kind, now) for kind in (Run.Kind.SYNC, Run.Kind.RECONCILE)},
            "workers": _workers(now),
            "hosts": _hosts(now),
            "plan": plan_state(library),
            "rest": plan.reason_to_rest(now),
            "connected": Account.objects.filter(state=Account.State.CONNECTED).exists(),
        }
        answer["seconds_left"] = _seconds_left(answer, now)
    answer["headline"], answer["mood"] = headline(answer)
    return answer


def described(tracks: TrackQuerySet) -> list[dict[str, Any]]:
    """Tracks as they stand in an answer."""
    return _described(tracks)[0]


def _described(*sets: TrackQuerySet) -> list[list[dict[str, Any]]]:
    """Several sets of tracks, and one more query for the artists of all. No objects: they took half the page."""
    about = ("title", "album_id", "track_number", "duration_ms", "wanted", "ignored")
    columns = (*about, "status", "attempts", "last_error", "error_kind", "failed_at", "retry_after")
    lists = [list(tracks.values("pk", "album__title", "progress", *columns)) for tracks in sets]
    artists = billed(row["pk"] for rows in lists for row in rows)
    return [
        [
            {
                "id": row["pk"],
                "artists": artists.get(row["pk"], []),
                "album": row["album__title"] or "",
                "percent": row["progress"],
                **{name: row[name] for name in columns},
            }
            for row in rows
        ]
        for rows in lists
    ]


def billed(track_ids: Iterable[int]) -> dict[int, list[str]]:
    """The artists' names of each of these tracks, in billing order."""
    names: dict[int, list[str]] = defaultdict(list)
    credits = Credit.objects.filter(track__in=id_subquery(track_ids)).order_by("track", "position")
    for track_id, name in credits.values_list("track_id", "artist__name"):
        names[track_id].append(name)
    return names


def conditions(now: datetime) -> dict[str, Any]:
    """What decides whether anything is downloaded now: the parts of `snapshot` that every page's banner needs."""
    services, library = Service.objects.in_bulk(), Library.current()
    return {
        "storage": _storage(services.get("storage") or Service(name="storage"), library),
        "services": _services(services, now),
        "workers": _workers(now),
        "plan": plan_state(library),
        "rest": plan.reason_to_rest(now),
    }


def plan_state(library: Library | None = None) -> dict[str, Any]:
    """Whether a plan waits for a person, and the sentence that says so. Without a song there is none."""
    library = library or Library.current()
    reason = plan.reason_to_wait(library)
    waits = bool(reason) and Track.objects.wanted().exists()
    return {"waits": waits, "reason": reason if waits else "", "to_bin": plan.to_let_go(library)}


def _storage(service: Service, library: Library) -> dict[str, Any]:
    """What the last look at the music folder left in the rows."""
    state = storage.as_written(service, library)
    return {
        "state": state.state,
        "reason": state.reason,
        "root": state.root,
        "may_be_accepted": ACCEPT in state.reason,
        "checked_at": service.checked_at,
        "free_bytes": library.free_bytes,
        "held_since": library.held_since,
        "last_pass": library.last_pass,
    }


def _services(rows: dict[str, Service], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "state": service.state,
            "reason": service.reason,
            "paused": service.is_paused(now),
            "paused_by_person": service.paused_by_person,
            "paused_until": service.paused_until if service.is_paused(now) else None,
        }
        for name, service in ((name, rows.get(name) or Service(name=name)) for name in SERVICES)
    ]


def latest_run(kind: str, now: datetime) -> dict[str, Any] | None:
    """The last run of this kind as the pages show it; None where there was none."""
    run = Run.objects.filter(kind=kind, started_at__lte=now + CLOCKS_DIFFER).order_by("-started_at").first()
    if run is None:
        return None
    return {
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "running": run.ended_at is None and now - run.started_at < LONGEST_RUN,
        "ok": run.ok,
        "done": run.done,
        "total": run.total,
        "problem": run.problem,
    }


def storage_state() -> str:
    """The state of the music folder in a word; "" before the first look at it."""
    service = Service.objects.filter(pk="storage").first()
    return str(_storage(service, Library.current())["state"]) if service and service.checked_at else ""


def workers_state(now: datetime) -> str:
    """Whether the workers report: "running", "silent" or "none"."""
    return str(_workers(now)["state"])


def _workers(now: datetime) -> dict[str, Any]:
    """``state`` is "running", "silent" (no heartbeat for three minutes) or "none" (stopped, or never started).

    A cluster is not missed where another host serves its queue: `_hosts` says that this one is silent.
    """
    rows = list(Cluster.objects.order_by("host", "queue"))
    several = len({row.host for row in rows}) > 1
    labels = {row: str(row) if several else row.queue for row in rows}
    beats = {labels[row]: row.beat_at or row.started_at for row in rows}
    served = {row.queue for row in rows if abs(now - beats[labels[row]]) <= SILENT_AFTER}
    silent = [labels[row] for row in rows if row.queue not in served]
    state = "none" if not beats else "silent" if silent else "running"
    oldest = min((beats[name] for name in silent), default=None)
    return {"state": state, "silent": silent, "silent_since": oldest, "beats": beats}


def _hosts(now: datetime) -> list[dict[str, Any]]:
    """Each host, with what it fetches and since when it is silent; [] where there is but one."""
    rows = list(Host.objects.order_by("name"))
    if len(rows) < 2:
        return []
    claims = Track.objects.downloading().values_list("claim", flat=True)
    fetching = Counter(transitions.host_of(claim) for claim in claims if claim)
    heard = {row.host: max(at for at in (row.started_at, row.beat_at) if at) for row in Cluster.objects.all()}
    live = set(Cluster.objects.live(now).values_list("host", flat=True))
    acting = acting_host.holder(now)
    return [
        {
            "name": row.name,
            "fetching": fetching[row.name],
            "acts": row.name == acting,
            "drained": row.drained,
            "silent": row.name not in live,
            "silent_since": None if row.name in live else heard.get(row.name),
            "storage": row.storage,
            "storage_reason": row.storage_reason,
        }
        for row in rows
    ]


def _seconds_left(snapshot: dict[str, Any], now: datetime) -> int | None:
    """How long the queue takes at the pace of the last hour; None where too little was fetched to say."""
    to_do = snapshot["queue"]["ready"] + snapshot["counters"]["downloading"]
    finished = Event.objects.filter(kind=Event.Kind.FINISH, at__gt=now - RATE_OVER, at__lte=now)
    moments = list(finished.order_by("-at").values_list("at", flat=True)[:100])
    if not to_do or len(moments) < RATE_FROM:
        return None
    pace = (now - moments[-1]).total_seconds() / len(moments)
    return round(pace * to_do)
