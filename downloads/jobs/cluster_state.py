"""What a cluster's processes share: when their cluster started, its heartbeat, and whether to stop.

A cluster is one tree of processes: its main process calls `register` before it forks, and all that is forked from it
inherits that. Its row (`catalog.models.Cluster`) says its host and the queue that it serves, and `started_at` tells it
from its predecessor: an older tree that was left over no longer claims anything.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from catalog.db import database_clock
from catalog.models import Cluster, ClusterQuerySet, Host
from catalog.storage import machine
from catalog.system.heartbeat import RESTART

BEAT_EVERY = 20.0  # seconds between a busy worker's heartbeats; one is missed by the manager after 3 minutes


@dataclass
class Membership:
    """The cluster that this process belongs to. ``last_beat``: of this process, in seconds of a monotonic clock."""

    queue: str
    started_at: datetime
    last_beat: float = field(default=float("-inf"))


_ours: Membership | None = None


def join(queue: str, started_at: datetime) -> None:
    """This process and what it forks are of the cluster that serves ``queue``, whose row says ``started_at``."""
    global _ours
    _ours = Membership(queue, started_at)


def register(queue: str, now: datetime, workers: int = 1) -> None:
    """Join the cluster that serves ``queue`` and starts ``now``. Its row replaces a predecessor's.

    Raises UserError where another machine has this one's name.
    """
    join(queue, now)
    flag_file("stop", queue).unlink(missing_ok=True)
    machine.require_own_name(now)
    machine.take_name()
    fresh = {"started_at": now, "beat_at": None, "reconciled_at": None, "workers": workers}
    Cluster.objects.update_or_create(host=settings.HOST_NAME, queue=queue, defaults=fresh)


def _own_row(ours: Membership) -> ClusterQuerySet:
    """The row of this process's cluster, as long as it has no successor."""
    return Cluster.objects.filter(host=settings.HOST_NAME, queue=ours.queue, started_at=ours.started_at)


def own_queue() -> str:
    """The queue that this process's cluster serves; "" in any other process."""
    return _ours.queue if _ours else ""


def unregister() -> None:
    """The cluster ended in good order: remove its row and its stop flag, so that no page misses its heartbeat."""
    if _ours:
        flag_file("stop", _ours.queue).unlink(missing_ok=True)
        with suppress(DatabaseError):
            _own_row(_ours).delete()


# --- Heartbeat --------------------------------------------------------------------------------------------


def heartbeat(now: datetime) -> None:
    """Record that a worker of this cluster is alive: in a file for the process manager, in the row for the pages.

    The manager gets a file because it must notice a stuck cluster also while the database is what hangs.
    """
    if _ours is None:
        return
    _ours.last_beat = time.monotonic()
    flag_file("beat", _ours.queue).touch()
    _own_row(_ours).update(beat_at=now)


def _heartbeat_while_busy() -> None:
    """A heartbeat from within a long task, at most every 20 s. A busy database may cost one, never the task."""
    if _ours and time.monotonic() - _ours.last_beat >= BEAT_EVERY:
        with suppress(DatabaseError):
            heartbeat(database_clock.now())


# --- May a worker claim, must it stop ---------------------------------------------------------------------


def running_clusters() -> list[Cluster]:
    """The clusters that run now. Read before a reconcile, given to `mark_reconciled` after it."""
    return list(Cluster.objects.all())


def mark_reconciled(clusters: list[Cluster], now: datetime) -> None:
    """A reconcile that began after these clusters had started has ended: their workers may claim."""
    for cluster in clusters:
        Cluster.objects.filter(pk=cluster.pk, started_at=cluster.started_at).update(reconciled_at=now)


def awaits_reconcile(now: datetime) -> bool:
    """Whether a cluster runs, on whichever host, whose workers still wait for their first reconcile."""
    return Cluster.objects.live(now).filter(reconciled_at=None).exists()


def may_claim() -> bool:
    """Whether a reconcile has ended since this process's cluster started, and no person has drained its host.

    No clock is compared: clocks get set.
    """
    if _ours is None or Host.objects.filter(name=settings.HOST_NAME, drained=True).exists():
        return False
    return _own_row(_ours).filter(reconciled_at__isnull=False).exists()


def is_served(queue: str, now: datetime) -> bool:
    """Whether a cluster for this queue lives, on whichever host."""
    return Cluster.objects.live(now).filter(queue=queue).exists()


def request_stop() -> None:
    """Set the stop flag of this process's cluster: its busy workers end their child and release their track.

    Without it a cluster waits for its workers, and they for their downloads (measured: 23 s and rows stuck; with it
    4 s and nothing stuck).
    """
    if _ours:
        flag_file("stop", _ours.queue).touch()


def should_stop() -> bool:
    """Whether a worker must end: a stop was requested, or its cluster is gone. Gives a heartbeat on the way."""
    if _ours is None:
        return False
    _heartbeat_while_busy()
    return stop_is_requested()


def stop_is_requested() -> bool:
    """The same without a heartbeat: for callbacks of a database that is busy with this process's query."""
    return _ours is not None and (flag_file("stop", _ours.queue).exists() or os.getppid() == 1)


def flag_file(kind: str, name: str) -> Path:
    """A file in DATA_DIR by which the processes of this host signal each other.

    "stop-<queue>"     the cluster's main process writes it; its busy workers read it and end
    "beat-<queue>"     workers touch it; the process manager's listener reads its modification time
    """
    return _run_dir() / f"{kind}-{name}"


def request_restart() -> None:
    """Let the process manager stop everything of this host in good order and start it anew, within 5 s.

    Without a manager nothing happens: who started the processes starts them again.
    """
    (_run_dir() / RESTART).touch(mode=0o600)


def _run_dir() -> Path:
    folder: Path = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
