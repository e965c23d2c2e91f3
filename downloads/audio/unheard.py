"""Measure the files that nobody has listened to yet: adopted ones, and those of before fingerprints or loudness.

A few at a time, each written down when it is done: a stop or a crash loses one file's work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import Track, TrackQuerySet
from catalog.storage import state as storage
from downloads.audio import fingerprint, verify
from downloads.audio.verify import VerifiedAudio
from downloads.failures.kinds import DownloadError
from downloads.models import AudioFile

BATCH = 50  # files in one go; half a minute of one processor

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class HeardFiles:
    """How many were measured, how many cannot be; ``more`` where others wait."""

    heard: int = 0
    unreadable: int = 0
    more: bool = False


def unheard() -> TrackQuerySet:
    """Tracks whose file was not measured yet."""
    rows = Track.objects.filter(status=Track.Status.DOWNLOADED)
    return rows.filter(Q(audio_file=None) | Q(audio_file__heard_at=None)).order_by("pk")


def listen(now: Callable[[], datetime], should_stop: Callable[[], bool], most: int = BATCH) -> HeardFiles:
    """Measure up to ``most`` files. A file that is not there is left to the next pass of the folder."""
    report, after = HeardFiles(), 0
    while report.heard + report.unreadable < most and not should_stop() and storage.current().may_read:
        track = unheard().filter(pk__gt=after).first()
        if track is None:
            return report
        after = track.pk
        try:
            audio = verify.measure(track.local_path)
        except DownloadError as error:
            if error.kind != "bad_file" and error.kind != "no_audio":
                continue  # the disk's or the machine's fault: another time
            if not storage.current().may_read or not _is_there(track):
                continue
            logger.info("The file of track %s cannot be measured: %s", track.pk, error.message)
            audio, report.unreadable = VerifiedAudio(0, 0.0), report.unreadable + 1
        else:
            report.heard += 1
        _remember(track, audio, now())
    report.more = unheard().filter(pk__gt=after).exists()
    return report


def _is_there(track: Track) -> bool:
    try:
        return verify.require_file(track.local_path) > 0
    except DownloadError:
        return False


def _remember(track: Track, audio: VerifiedAudio, now: datetime) -> None:
    """Unless the track has another file by now."""
    with transaction.atomic():
        same = Track.objects.select_for_update().filter(pk=track.pk, local_path=track.local_path, size=track.size)
        if not same.filter(status=Track.Status.DOWNLOADED).exists():
            return
        defaults = {"duration_ms": audio.duration_ms or track.duration_ms or 0, "proved_at": now}
        row, _ = AudioFile.objects.get_or_create(track=track, defaults=defaults)
        fingerprint.remember(row, audio.fingerprint, audio.loudness, now)
