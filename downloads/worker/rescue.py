"""What a crash left: claims whose deadline has passed, and stages of nobody. Nothing here sleeps or reads a clock."""

from __future__ import annotations

import logging
import random
from datetime import datetime

from django.db import transaction

from catalog.models import Track, TrackQuerySet
from catalog.storage import state as storage
from catalog.system.atomic_files import file_size
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from downloads.failures import backoff, clock_skew
from downloads.publishing import existing_file, publish, staging
from downloads.publishing.staging import claim_key, claim_key_in

logger = logging.getLogger(__name__)


def recover(now: datetime) -> int:
    """Decide about every track whose worker's deadline has passed, and sweep the stages of the dead.

    How many were decided; none while offline.
    """
    clock_skew.repair_clock_skew(now)
    state = storage.check(now)
    decided = _recover_expired(now) if state.may_read else 0
    if state.may_write:
        sweep_stages()
    return decided


def _recover_expired(now: datetime) -> int:
    decided = 0
    for track in Track.objects.expired(now):
        try:
            decided += recover_one(track, backoff.next_try(now, track.attempts, random.random()), now)
        except OSError as error:
            logger.warning("Track %s cannot be recovered yet: %s", track.pk, error.strerror)
    return decided


def recover_one(track: Track, retry_after: datetime, now: datetime) -> bool:
    """Decide about a track whose worker's deadline has passed. False: somebody else has. OSError: it cannot be known.

    Downloaded only if a regular file of the reserved size at the reserved place carries this claim's key. The stage
    goes first: its worker may be late instead of dead, and could link its file in after we had looked.
    """
    abandoned = Track.objects.expired(now).filter(pk=track.pk, claim=track.claim)
    if not abandoned.exists():  # it has renewed in the meantime: its stage is its own
        return False
    failpoint("recovering")
    staging.clear_stage(track)
    failpoint("fenced")
    row = abandoned.first()
    if row is None:
        return False
    if row.reserved and _was_published(row):
        decided = transitions.recover_downloaded(row, now, "its worker ended after it was published")
    else:
        decided = _recover_missing(abandoned, retry_after, now)
    failpoint("recovered")
    return decided


def _recover_missing(abandoned: TrackQuerySet, retry_after: datetime, now: datetime) -> bool:
    with transaction.atomic():
        row = abandoned.select_for_update().first()
        if row is None:
            return False
        if row.reserved:
            publish.remove_placeholder(row)
        return transitions.recover_missing(row, retry_after, now, "its worker ended before it was done")


def _was_published(track: Track) -> bool:
    size = file_size(track.local_path)
    if size is None or size != track.size:
        return False
    # It was being adopted: then it says whose it is, but not under this claim.
    return claim_key_in(track.local_path) == claim_key(track) or existing_file.is_of(track, track.local_path)


def sweep_stages() -> int:
    """Remove stages whose claim is no longer held by anybody. How many; what the disk keeps is swept later."""
    try:
        return staging.sweep_stages()
    except OSError as error:
        logger.warning("The staging folder cannot be swept: %s", error.strerror)
        return 0
