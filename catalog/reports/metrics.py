"""The status for Prometheus (text format 0.0.4), by its own client library.

Label values are our own words (states, kinds of errors, services, clusters): never a name of a song or a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from catalog.models import Timing, Track
from catalog.models.timings import BEYOND, BOUNDS

Sample = tuple[tuple[str, ...], float]


def work_done(now: datetime) -> dict[str, Any]:
    """What `/status` does not say: failures by kind, the age of the queue in seconds, how long the steps took."""
    kinds = Track.objects.failed().order_by().values_list("error_kind").annotate(songs=Count("pk"))
    oldest = Track.objects.queue(now).order_by().aggregate(oldest=Min("retry_after"))["oldest"]
    timings = Timing.objects.order_by("step", "result", "up_to")
    return {
        "kinds": sorted(kinds),
        "queue_age": max((now - oldest).total_seconds(), 0) if oldest else 0,
        "timings": list(timings.values_list("step", "result", "up_to", "count", "milliseconds")),
    }


def exposition(snapshot: dict[str, Any], work: dict[str, Any]) -> str:
    """``snapshot`` is the answer of `catalog.reports.status.snapshot` or a stranger's part of it, ``work`` is
    `work_done`'s."""
    registry = CollectorRegistry()
    registry.register(_Families([*_gauges(snapshot, work), *_histograms(work["timings"])]))
    return generate_latest(registry).decode()


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauges(snapshot: dict[str, Any], work: dict[str, Any]) -> Iterator[Metric]:
    counters, queue, storage, now = snapshot["counters"], snapshot["queue"], snapshot["storage"], snapshot["at"]
    states, services = ("missing", "downloading", "downloaded"), snapshot["services"]
    yield _gauge("tracks", "Wanted tracks by state.", ["status"], [((name,), counters[name]) for name in states])
    yield _gauge("artists", "Artists of wanted tracks.", [], [((), counters["artists"])])
    yield _gauge("albums", "Albums of wanted tracks.", [], [((), counters["albums"])])
    waiting: list[Sample] = [((state,), queue[state]) for state in ("ready", "cooling")]
    yield _gauge("queue", "Missing tracks: due now, or cooling down.", ["state"], waiting)
    yield _gauge("queue_age_seconds", "How long the oldest due track has been due.", [], [((), work["queue_age"])])
    failed: list[Sample] = [((kind,), songs) for kind, songs in work["kinds"]]
    yield _gauge("failed", "Missing tracks whose last attempt failed, by the kind of the error.", ["kind"], failed)
    online = storage["state"] == "online"
    yield _gauge("storage_online", "1 while the music folder may be written.", [], [((), online)])
    if storage.get("free_bytes") is not None:
        yield _gauge("storage_free_bytes", "Free space where the music folder is.", [], [((), storage["free_bytes"])])
    paused: list[Sample] = [((service["name"],), service["paused"]) for service in services]
    yield _gauge("service_paused", "1 while a service stops the claim.", ["service"], paused)
    stated: list[Sample] = [((service["name"], service["state"]), 1) for service in services]
    yield _gauge("service_state", "1 for the state in which a service is.", ["service", "state"], stated)
    beats = snapshot["workers"].get("beats", {}).items()
    silent: list[Sample] = [((name,), (now - at).total_seconds()) for name, at in beats]
    yield _gauge("worker_silent_seconds", "Time since a cluster's last heartbeat.", ["cluster"], silent)


def _gauge(name: str, text: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"tonekeep_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family


def _histograms(timings: Iterable[tuple[str, str, int, int, int]]) -> Iterator[Metric]:
    """One of each step; a bucket holds all that took at most so long, so each row counts in those after it too."""
    counted: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for step, result, up_to, count, milliseconds in timings:
        counted[step][result][up_to] = count
        sums[step, result] += milliseconds
    for step, results in counted.items():
        family = HistogramMetricFamily(f"tonekeep_{step}_seconds", f"How long a {step} took.", labels=["result"])
        for result, rows in results.items():
            below, buckets = 0, []
            for bound in (*BOUNDS, BEYOND):
                below += rows.get(bound, 0)
                buckets.append(("+Inf" if bound == BEYOND else str(bound / 1000), below))
            family.add_metric((result,), buckets, sums[step, result] / 1000)
        yield family
