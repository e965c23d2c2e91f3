"""Whether a failure is the track's or everybody's, and the pause of a service that failed for everybody.

The kinds are `downloads.failures.kinds.ERROR_KINDS`. Pauses are times in the catalog: nothing here sleeps or reads a
clock.
"""

from __future__ import annotations

import errno
import random
from datetime import datetime

from django.conf import settings

from catalog.models import Event, Service, Track
from catalog.storage import acting_host
from catalog.storage import state as storage
from downloads.failures import backoff, clock_skew
from downloads.failures.kinds import CANDIDATE, ERROR_KINDS, SERVICE

IN_A_ROW = 5  # different tracks that must meet the same failure before it is everybody's
SCAN_LIMIT = 40  # ended tracks at most that are looked at
LOGIN_KINDS = {"login", "bot_check"}  # a site says so of itself, or of one recording alone
# What says nothing of a site: the search had no match, a person's choice, a name, content that failed its proof.
_TRACKS_OWN = {"no_match", "needs_decision", "choice_failed", "no_free_name", "stopped"} | {
    kind for kind, error in ERROR_KINDS.items() if error.bans
}

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


def is_everybodys(kind: str, track: Track, now: datetime) -> bool:
    """Whether a failure of this track pauses a service for all: by its kind, or since others have met it too."""
    error = ERROR_KINDS[kind]
    if is_recordings_own(kind, track):
        return False
    return error.fault == SERVICE or (kind not in _TRACKS_OWN and _others_met_it_too(kind, track, now))


def is_recordings_own(kind: str, track: Track) -> bool:
    """Whether this track alone met a refusal twice, which others did not: then it is the recording's, not the site's.

    A track that was released because of such a kind keeps it as its ``error_kind`` (`keeps_kind`).
    """
    return keeps_kind(kind) and track.error_kind == kind and Service.objects.named("audio").strikes <= 1


def keeps_kind(kind: str) -> bool:
    """Whether a track that is released because of this kind is to say so: one recording alone may be the cause."""
    return kind in LOGIN_KINDS or ERROR_KINDS[kind].fault == CANDIDATE


def _others_met_it_too(kind: str, track: Track, now: datetime) -> bool:
    """Whether four other tracks failed likewise since the last one that arrived, whatever else failed in between.

    Transport failures count as one kind. Of other kinds only first attempts count: a recording that is known to be
    dead says nothing new.
    """
    service = ERROR_KINDS[kind].service
    same = {one for one, error in ERROR_KINDS.items() if service and error.service == service} or {kind}
    if not service and track.attempts > 1:
        return False
    ended = Event.objects.filter(kind__in=[Event.Kind.FINISH, Event.Kind.FAIL], at__lte=now).exclude(track=track.pk)
    others: set[int] = set()
    for event in ended.select_related("track")[:SCAN_LIMIT]:
        if event.kind == Event.Kind.FINISH:
            break
        if event.track.error_kind in same and (service or event.track.attempts <= 1):
            others.add(event.track_id)
    return len(others) >= IN_A_ROW - 1


def pause(kind: str, message: str, retry_after: float | None, now: datetime) -> None:
    """Pause the service that failed, the audio source where none is named. ``retry_after`` is in seconds."""
    error = ERROR_KINDS[kind]
    if kind == "stopped":
        return
    if error.service == "storage":
        if not storage.check(now).may_write and not acting_host.speaks(now):
            return  # offline alone: this host's own looks keep it from claiming, the others go on
        Service.objects.pause("storage", now + clock_skew.FULL_DISK_PAUSE, message, _storage_state(kind), now)
    else:
        strikes = _strikes_of_this_pause(now)
        rest = backoff.service_pause(strikes, retry_after)
        if error.fault != SERVICE:  # a network that is down comes back sooner than a site forgives
            rest = backoff.cooldown(strikes, random.random())
        Service.objects.pause("audio", now + rest, f"{error.sentence} {message}", now=now)


def _strikes_of_this_pause(now: datetime) -> int:
    """Which pause in a row this is. Workers that meet one refusal together belong to the same pause."""
    row = Service.objects.named("audio")
    together = row.is_paused(now) and row.state != "canary"
    return max(1, row.strikes + (0 if together else 1))


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
