"""What a recording sounds like, by ffmpeg's Chromaprint, so that the same sound under two songs is noticed.

A fingerprint is a row of 32-bit numbers, eight for each second. Two are compared bit by bit at every shift of a few
seconds; which ones are worth comparing a handful of their numbers tells, those that are smallest once mixed (min-hash,
Broder 1997): they are the same in both as often as the fingerprints have numbers in common.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, QuerySet

from catalog.db.id_sets import id_subquery
from catalog.models import Track
from downloads.audio import ffmpeg, verify
from downloads.failures.kinds import DownloadError
from downloads.models import AudioFile, Candidate, FingerprintHash

TIMEOUT = 120.0  # seconds
KEPT = 8  # numbers of a fingerprint that are looked up
COMPARED = 20  # other sounds that one is compared with, those with most numbers in common
SHIFT = 40  # numbers, about 5 s, that two recordings may begin apart
LEAST = 80  # numbers, about 10 s, that must overlap: less proves nothing
# Equal bits of two fingerprints. Unrelated music has about a half; the same sound in another codec has above 0.9.
SAME = 0.88

logger = logging.getLogger(__name__)


def fingerprint(path: str) -> array[int]:
    """The fingerprint of a file, of its beginning alone; empty where it cannot be made, which is nobody's failure."""
    arguments = ["-v", "error", *ffmpeg.input_arguments(path), "-vn", "-map", "0:a:0"]
    arguments += ["-t", str(verify.FINGERPRINTED), "-ac", "1", "-ar", str(verify.RATE), *verify.AS_FINGERPRINT]
    tool = ffmpeg.find_chromaprint()
    try:
        raw = ffmpeg.run_ffmpeg(arguments, ffmpeg=tool, timeout=TIMEOUT).stdout if tool else b""
    except DownloadError as error:
        logger.info("No fingerprint: %s", error.message)
        return array("I")
    return _numbers(raw[: len(raw) // 4 * 4])


def _numbers(raw: bytes) -> array[int]:
    return array("I", raw)


def remember(audio_file: AudioFile, numbers: array[int], loudness: float | None, now: datetime) -> None:
    """Keep what was measured of a track's file, and write down which other track has the same sound."""
    twin = same_sound(audio_file.track_id, numbers)
    with transaction.atomic():
        FingerprintHash.objects.filter(track=audio_file.track_id).delete()
        FingerprintHash.objects.bulk_create(
            FingerprintHash(track_id=audio_file.track_id, value=value) for value in looked_up(numbers)
        )
        Candidate.objects.filter(pk=audio_file.candidate_id or 0).update(fingerprint=numbers.tobytes())
        AudioFile.objects.filter(pk=audio_file.pk).update(
            fingerprint=numbers.tobytes(), loudness=loudness, heard_at=now, same_as=twin.track_id if twin else None
        )


def sounds_refused(candidate: Candidate, numbers: array[int]) -> bool:
    """Whether a recording sounds as one that was fetched for the same track before and is refused."""
    refused = (Candidate.Verdict.NEVER, Candidate.Verdict.DISPROVED)
    rows = Candidate.objects.filter(track=candidate.track_id, verdict__in=refused).exclude(fingerprint=b"")
    prints = rows.exclude(pk=candidate.pk).values_list("fingerprint", flat=True)
    return any(likeness(numbers, _numbers(bytes(raw))) >= SAME for raw in prints)


def same_sound(track_id: int, numbers: array[int]) -> AudioFile | None:
    """The file of another track that sounds the same, the most alike one; None where there is none."""
    return _most_alike(numbers, AudioFile.objects.filter(track__status=Track.Status.DOWNLOADED).exclude(pk=track_id))


def find_track(path: str, track_ids: Sequence[int]) -> int | None:
    """Which of these tracks had a file of the same sound as the one at ``path``; None for none of them."""
    had = AudioFile.objects.filter(pk__in=id_subquery(track_ids))
    if not had.exclude(fingerprint=b"").exists():
        return None
    numbers = fingerprint(path)
    twin = _most_alike(numbers, had) if numbers else None
    return twin.track_id if twin else None


def _most_alike(numbers: array[int], among: QuerySet[AudioFile]) -> AudioFile | None:
    near = FingerprintHash.objects.filter(value__in=looked_up(numbers), track__in=among.values("pk"))
    ids = near.values("track").annotate(common=Count("pk")).order_by("-common", "track").values_list("track", flat=True)
    rows = among.filter(track__in=list(ids[:COMPARED]))
    scored = [(likeness(numbers, _numbers(bytes(row.fingerprint))), row) for row in rows]
    best = max(scored, key=lambda pair: pair[0], default=None)
    return best[1] if best and best[0] >= SAME else None


def looked_up(numbers: Sequence[int]) -> list[int]:
    """The few numbers by which a fingerprint is found again. 0 is silence, which all recordings share."""
    return sorted(set(numbers) - {0}, key=_mixed)[:KEPT]


def _mixed(number: int) -> int:
    # Knuth's multiplicative hash: without it the smallest numbers would be near-silences.
    return (number * 2_654_435_761) & 0xFFFFFFFF


def likeness(first: Sequence[int], second: Sequence[int]) -> float:
    """The share of equal bits at the best shift, 0 to 1; 0 where too little overlaps to say."""
    best = 0.0
    for shift in range(-SHIFT, SHIFT + 1):
        one, other = first[max(0, shift) :], second[max(0, -shift) :]
        length = min(len(one), len(other))
        if length >= LEAST:
            unequal = sum((a ^ b).bit_count() for a, b in zip(one, other, strict=False))
            best = max(best, 1 - unequal / (32 * length))
    return best
