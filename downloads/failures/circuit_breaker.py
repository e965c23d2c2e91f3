"""Whether a failure is the track's or everybody's, and the pause of a service that failed for everybody.

The kinds are `downloads.failures.kinds.ERROR_KINDS`. Pauses are times in the catalog: nothing here sleeps or reads a
clock.
"""

from __future__ import annotations

import errno
import random
from datetime import datetime

from django.conf import settings

from catalog.models import Event, Service
from catalog.storage import state as storage
from downloads.failures import backoff, clock_skew
from downloads.failures.kinds import ERROR_KINDS, SERVICE

IN_A_ROW = 5  # different tracks that must meet a network error before it is everybody's

DISK_ERRORS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EIO: "storage",
    errno.ESTALE: "storage",
    errno.ENODEV: "storage",
    errno.ENXIO: "storage",
    errno.ENOTCONN: "storage",
    errno.ETIMEDOUT: "storage",
}


def is_everybodys(kind: str, track_id: int, now: datetime) -> bool:
    """Whether a failure of this track's pauses a service for all: by its kind, or since others have met it too."""
    error = ERROR_KINDS[kind]
    return error.fault == SERVICE or (bool(error.service) and _others_met_it_too(error.service, track_id, now))


def _others_met_it_too(service: str, track_id: int, now: datetime) -> bool:
    """Whether the last four tracks that ended were others, and all failed of this service too."""
    ended = Event.objects.filter(kind__in=[Event.Kind.FINISH, Event.Kind.FAIL], at__lte=now)
    ended = ended.exclude(track=track_id)
    last = list(ended.select_related("track")[: IN_A_ROW - 1])
    kinds = {kind for kind, error in ERROR_KINDS.items() if error.service == service}
    return len({event.track_id for event in last}) == IN_A_ROW - 1 and all(
        event.kind == Event.Kind.FAIL and event.track.error_kind in kinds for event in last
    )


def pause(kind: str, message: str, retry_after: float | None, now: datetime) -> None:
    """Pause the service that this kind of failure belongs to, if any; ``retry_after`` is in seconds, if it said so."""
    error = ERROR_KINDS[kind]
    if error.service == "storage":
        storage.check(now)
        Service.objects.pause("storage", now + clock_skew.FULL_DISK_PAUSE, message, _storage_state(kind), now)
    elif error.service:
        strikes = Service.objects.named(error.service).strikes + 1
        rest = backoff.service_pause(strikes, retry_after)
        if error.fault != SERVICE:  # a network that is down comes back sooner than a site forgives
            rest = backoff.cooldown(strikes, random.random())
        Service.objects.pause(error.service, now + rest, f"{error.sentence} {message}", now=now)


def _storage_state(kind: str) -> str:
    return {"disk_full": "full", "read_only": "readonly"}.get(kind, "offline")


def disk_failure(error: OSError, now: datetime) -> tuple[str, str]:
    """The kind of failure and its sentence, where the library's disk refused: one folder's is the track's fault."""
    kind = DISK_ERRORS.get(error.errno or 0, "")
    state = storage.check(now)
    if not kind and not state.may_write:
        kind = "storage"
    reason = error.strerror or str(error)
    if kind:
        return kind, f"{ERROR_KINDS[kind].sentence} ({reason})"
    where = error.filename or settings.MUSIC_DIR
    return "unknown", f"The file cannot be put in place: {reason} ({where})."
