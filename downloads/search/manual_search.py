"""Searches in a person's own words. A page only writes them down; a job asks, so that no page waits for a site."""

from __future__ import annotations

import logging
from datetime import datetime

from catalog.models import Service, Track
from catalog.tracks import transitions
from downloads.failures.kinds import ERROR_KINDS, SERVICE, DownloadError
from downloads.models import Search
from downloads.search import candidates, rate_limit
from downloads.search.sources import source

LONGEST = 200  # characters: what YouTube Music is asked at most
AT_ONCE = 10  # answered in one go; the rest at the next tick

logger = logging.getLogger(__name__)


def ask(track: Track, words: str, now: datetime) -> Search:
    """Write down what to search for. ValueError, with a sentence, for words that are none."""
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    if not words:
        raise ValueError("Write some words to search for, such as a title and an artist.")
    if len(words) > LONGEST:
        raise ValueError(f"That is too long to search for: {LONGEST} characters are the most.")
    fresh = {"words": words, "asked_at": now, "answered_at": None, "found": 0, "problem": ""}
    return Search.objects.update_or_create(track=track, defaults=fresh)[0]


def waiting(now: datetime) -> bool:
    """Whether somebody waits for an answer that may be sought now."""
    return Search.objects.filter(answered_at=None).exists() and not Service.objects.named("audio").is_paused(now)


def answer_all(now: datetime) -> int:
    """Search for what persons asked for, the longest waiting first. How many were answered.

    A site that says stop pauses nothing here: its questions wait, and the workers meet the same refusal.
    """
    answered = 0
    if not waiting(now):
        return 0
    for search in Search.objects.filter(answered_at=None).select_related("track").order_by("asked_at")[:AT_ONCE]:
        if not rate_limit.may_request(now):
            break
        try:
            count = _answer(search, now)
        except DownloadError as error:
            if ERROR_KINDS[error.kind].fault == SERVICE:
                _close(search, now, 0, f"{ERROR_KINDS[error.kind].sentence} Ask again later.")
                break
            count, problem = 0, error.message
        else:
            problem = "" if count else "Nothing was found by these words."
        _close(search, now, count, problem)
        answered += 1
    return answered


def _answer(search: Search, now: datetime) -> int:
    """Search, keep what was found; a track that something fits by now is due again."""
    rate_limit.record_request(now)
    query = candidates.query_for(search.track)
    results = source().search(query, search.words)
    candidates.keep(search.track, query, results, now)
    if candidates.fitting(search.track):
        transitions.retry(Track.objects.filter(pk=search.track_id), now, "found by a person's own words")
    return len(results)


def _close(search: Search, now: datetime, count: int, problem: str) -> None:
    """Unless the person has asked for something else meanwhile."""
    same = Search.objects.filter(pk=search.pk, words=search.words, asked_at=search.asked_at)
    same.update(answered_at=now, found=count, problem=problem[:300])
    logger.info("A person's search for track %s found %s", search.track_id, count)
