"""One host at a time acts for the whole library: its tick, sync, reconcile, moves and tags. A lease in the database.

The lease is a row that one conditional UPDATE takes, and that its holder renews by the tick and from within long
passes. It is not an advisory lock: the server keeps that for as long as it believes in the connection, which for a host
that was cut off is until TCP gives up (two hours by default), and a pooler in between hands the lock to strangers. Who
has not renewed for `LEASE` stops before its next step; nobody else can have taken over by then.

SQLite has one machine: there the locks of `catalog.system.file_locks` are enough, and no lease is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError

from catalog.db import database_clock
from catalog.models import Cluster, Host, Lease
from catalog.models.hosts import MAIN_QUEUE, is_shared
from catalog.system.file_locks import try_lock

NAME = "library"
AWAY = "offline"  # `Host.storage` of one that does not see the library
LEASE = timedelta(seconds=90)  # and `WATCH_EVERY` until others see its end: taken over within two minutes
WATCH_EVERY = 15.0  # seconds between two looks at it by a cluster's main process
RENEW_EVERY = 15.0  # seconds
PASSES = ("sync", "reconcile", "plan")  # the locks of what may run for long


@dataclass
class _Held:
    """What this process knows: the lease's token, and when it was renewed last (`database_clock.elapsed`)."""

    token: str = ""
    renewed: float = float("-inf")


_held = _Held()


def take(now: datetime) -> bool:
    """Act for the library from here on, or go on. False: another host acts, or should."""
    if not is_shared():
        return True
    if leaves_it_to_another(now):
        release(now)
        return False
    began = database_clock.elapsed()
    _held.token = Lease.objects.take(NAME, settings.HOST_NAME, now, now + LEASE)
    _held.renewed = began
    return bool(_held.token)


def still_acts() -> bool:
    """Whether this process may take its next step; renews the lease on the way. A busy database may cost one renewal.

    False once another host has taken over, and where the lease could not be renewed before its end.
    """
    if not is_shared():
        return True
    began = database_clock.elapsed()
    in_time = bool(_held.token) and began - _held.renewed < LEASE.total_seconds()
    if not in_time or began - _held.renewed < RENEW_EVERY:
        return in_time
    try:
        if not Lease.objects.renew(NAME, _held.token, database_clock.now() + LEASE):
            _held.token = ""
            return False
    except DatabaseError:
        return True
    _held.renewed = began
    return True


def or_lost(should_stop: Callable[[], bool]) -> Callable[[], bool]:
    """``should_stop`` of a pass that also ends where this host no longer acts."""
    return lambda: should_stop() or not still_acts()


@contextmanager
def try_act(lock: str) -> Iterator[bool]:
    """Hold the lock ``lock`` of this host and act for the library. Yields False where somebody else does either."""
    with try_lock(lock) as alone:
        yield alone and take(database_clock.now())


def needs_tick(now: datetime) -> bool:
    """Whether this host should tick at once: nobody acts, or this one does and has not renewed for half a lease."""
    lease = Lease.objects.filter(name=NAME, expires_at__gt=now).first() if is_shared() else None
    if lease is None:
        return is_shared()
    return lease.host == settings.HOST_NAME and lease.expires_at - now < LEASE / 2


def holder(now: datetime) -> str:
    """The host that acts; "" where none does."""
    if not is_shared():
        return str(settings.HOST_NAME)
    return Lease.objects.filter(name=NAME, expires_at__gt=now).values_list("host", flat=True).first() or ""


def is_elsewhere(now: datetime) -> bool:
    """Whether another host acts now."""
    return holder(now) not in ("", settings.HOST_NAME)


def leaves_it_to_another(now: datetime) -> bool:
    """Whether this host last saw no library at its MUSIC_DIR, and another that runs jobs sees it."""
    if not is_shared() or not Host.objects.filter(name=settings.HOST_NAME, storage=AWAY).exists():
        return False
    others = Cluster.objects.live(now).filter(queue=MAIN_QUEUE).exclude(host=settings.HOST_NAME).values("host")
    return Host.objects.filter(name__in=others).exclude(storage__in=["", AWAY]).exists()


def speaks(now: datetime) -> bool:
    """Whether what this host sees of the music folder is what the library's rows say; else it is offline alone."""
    return not is_elsewhere(now) and not leaves_it_to_another(now)


def reason_not_to_act(otherwise: str) -> str:
    """Why nothing is done here: the host that acts, or the sentence ``otherwise`` where that is this one."""
    host = holder(database_clock.now())
    if host in ("", settings.HOST_NAME):
        return otherwise
    return f"The host {host} acts for the whole library now: do it there, or stop Tonekeep there first."


def release(now: datetime) -> None:
    """Let another host take over at once: this one stops. Not while a pass of this host, or a command, goes on."""
    if not is_shared():
        return
    with ExitStack() as locks:
        if all(locks.enter_context(try_lock(name)) for name in PASSES):
            Lease.objects.release(NAME, settings.HOST_NAME, now)
