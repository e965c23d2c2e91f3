"""The status in Prometheus' text format (version 0.0.4).

Pure: the reading comes in as `catalog.reports.status` made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Sample = tuple[dict[str, str], float]


def exposition(snapshot: dict[str, Any]) -> str:
    """``snapshot`` is `catalog.reports.status.snapshot`'s answer.

    All gauges; label values are our own words, never a name's.
    """
    return "\n".join(line for family in _families(snapshot) for line in _lines(*family)) + "\n"


def _families(snapshot: dict[str, Any]) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    counters, queue, storage, now = snapshot["counters"], snapshot["queue"], snapshot["storage"], snapshot["at"]
    states = ("missing", "downloading", "downloaded")
    yield "tracks", "Wanted tracks by state.", [({"status": name}, counters[name]) for name in states]
    yield "artists", "Artists of wanted tracks.", [({}, counters["artists"])]
    yield "albums", "Albums of wanted tracks.", [({}, counters["albums"])]
    yield "queue", "Missing tracks: due now, or cooling down.", [({"state": s}, queue[s]) for s in ("ready", "cooling")]
    yield "failed", "Missing tracks with a last error.", [({}, snapshot["failures"]["total"])]
    yield "storage_online", "1 while the music folder may be written.", [({}, storage["state"] == "online")]
    if storage.get("free_bytes") is not None:
        yield "storage_free_bytes", "Free space where the music folder is.", [({}, storage["free_bytes"])]
    yield "service_paused", "1 while a service stops the claim.", _paused(snapshot["services"])
    beats = snapshot["workers"].get("beats", {}).items()
    silent = [({"cluster": name}, (now - at).total_seconds()) for name, at in beats]
    yield "worker_silent_seconds", "Time since a cluster's last heartbeat.", silent


def _paused(services: list[dict[str, Any]]) -> list[Sample]:
    return [({"service": service["name"]}, service["paused"]) for service in services]


def _lines(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP tonekeep_{name} {text}"
    yield f"# TYPE tonekeep_{name} gauge"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(content)}"' for label, content in labels.items())
        label_set = f"{{{inside}}}" if inside else ""
        yield f"tonekeep_{name}{label_set} {round(value, 3) if value % 1 else int(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
