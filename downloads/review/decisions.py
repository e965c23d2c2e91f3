"""What a person decides about the recordings of a track. Written into the candidates' rows, so it outlives every sync,
retry and new search; the workers only read it.

Each deed is an event of its track and makes the track due at once, so that the workers can act on it. What is already
on disk gives way only when the chosen recording is there and proven (`downloads.file_moves.superseded`).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import Event, Track, TrackQuerySet
from catalog.text.humanize import count
from catalog.tracks import transitions
from downloads.fetch.url_allowlist import AddressRefused, youtube_id
from downloads.models import Candidate, FormerFile, Replaced
from downloads.search.sources import AUDIO_SOURCES, source

YOUTUBE = "youtube"
# Failures that only a person can end; everything else mends itself or is tried again.
ASKS_A_PERSON = ("needs_decision", "no_match", "choice_failed")

Verdict = Candidate.Verdict


def awaiting_review() -> TrackQuerySet:
    """Wanted tracks that wait for a person's word."""
    return Track.objects.failed().filter(error_kind__in=ASKS_A_PERSON)


def choose(candidate: Candidate, now: datetime, by: str) -> None:
    """Take this one and nothing else. A choice made before is one among the others again."""
    with transaction.atomic():
        track = Track.objects.select_for_update().get(pk=candidate.track_id)
        Candidate.objects.filter(track=track, verdict=Verdict.CHOSEN).exclude(pk=candidate.pk).update(
            verdict=Verdict.OPEN, why=""
        )
        Candidate.objects.filter(pk=candidate.pk).update(verdict=Verdict.CHOSEN, why="")
        from_another = not came_from(track, candidate)
        _make_due(track, now, f"take {_name(candidate)}", by, replaces=from_another)


def exclude(candidate: Candidate, now: datetime, by: str) -> None:
    """Never take this one. A file that came from it gives way to another recording."""
    with transaction.atomic():
        track = Track.objects.select_for_update().get(pk=candidate.track_id)
        Candidate.objects.filter(pk=candidate.pk).update(verdict=Verdict.NEVER, why="")
        from_it = came_from(track, candidate)
        _make_due(track, now, f"never {_name(candidate)}", by, replaces=from_it)


def exclude_all(track: Track, now: datetime, by: str) -> None:
    """Never take any of those that were found; a new search may find others."""
    with transaction.atomic():
        row = Track.objects.select_for_update().get(pk=track.pk)
        shown = Candidate.objects.filter(track=row, verdict__in=(Verdict.OPEN, Verdict.CHOSEN))
        refused = shown.update(verdict=Verdict.NEVER, why="")
        _make_due(row, now, f"none of {count(refused, 'recording')}", by, replaces=False)


def reset(candidate: Candidate, now: datetime, by: str) -> None:
    """The person has no opinion of this one any more; also where its content had failed the proof."""
    with transaction.atomic():
        track = Track.objects.select_for_update().get(pk=candidate.track_id)
        Candidate.objects.filter(pk=candidate.pk).update(verdict=Verdict.OPEN, why="")
        _make_due(track, now, f"no word on {_name(candidate)}", by, replaces=False)


def choose_url(track: Track, text: str, now: datetime, by: str) -> Candidate:
    """Take the YouTube recording that a bare id or an address of YouTube's own hosts names; else AddressRefused.

    Only the id is kept: the address that is fetched from is made of it, here and again in the child.
    """
    candidate = get_or_create_candidate(track, YOUTUBE, youtube_id(text), "", now)
    choose(candidate, now, by)
    return candidate


def get_or_create_candidate(track: Track, name: str, source_id: str, url: str, now: datetime) -> Candidate:
    """The row of this recording among the track's candidates, made where a person is the first to name it."""
    defaults = {"url": checked_url(name, source_id, url), "found_at": now, "reasons": ["named by a person"]}
    return Candidate.objects.get_or_create(track=track, source=name, source_id=source_id, defaults=defaults)[0]


def checked_url(name: str, source_id: str, url: str) -> str:
    """The address that a recording of the audio source ``name`` is fetched from; else AddressRefused."""
    if name not in AUDIO_SOURCES:
        raise AddressRefused("It comes from an audio source that is not set up here.")
    return source(name).url_of(source_id, url)


def listening_address(candidate: Candidate) -> str:
    """Where a person can listen to it; "" where it is an address that would not be fetched from either."""
    try:
        return checked_url(candidate.source, candidate.source_id, candidate.url)
    except AddressRefused:
        return ""


def _make_due(track: Track, now: datetime, reason: str, by: str, replaces: bool) -> None:
    """A missing track is tried at once. Where ``replaces``, the file that is here is to give way to another one."""
    Event.objects.record([track.pk], Event.Kind.DECIDE, reason, now, by)
    if track.status == Track.Status.MISSING:
        transitions.retry(Track.objects.filter(pk=track.pk), now, "decided by a person")
    elif track.status == Track.Status.DOWNLOADED and replaces:
        Replaced.objects.create(track=track, path=track.local_path, size=track.size or 0, asked_at=now)
        transitions.replace(track.pk, track.local_path, now, "another recording was chosen")


def came_from(track: Track, candidate: Candidate) -> bool:
    """Whether the track's file is this very recording."""
    return Track.objects.filter(pk=track.pk, audio_file__candidate=candidate).exists()


def _name(candidate: Candidate) -> str:
    title = f"“{candidate.title}” " if candidate.title else ""
    return f"{title}({candidate.source} {candidate.source_id})"


def move_with_merge(sender: object, keep: int, drop: int, **_: object) -> None:
    """Two rows turned out to be one recording: what a person said of either stands (`catalog.ingest.merge.merging`)."""
    known = set(Candidate.objects.filter(track=keep).values_list("source", "source_id"))
    FormerFile.objects.filter(track=drop).update(track=keep)
    has_choice = Candidate.objects.filter(track=keep, verdict=Verdict.CHOSEN).exists()
    for row in Candidate.objects.filter(track=drop):
        if row.verdict == Verdict.CHOSEN and has_choice:
            continue
        if (row.source, row.source_id) not in known:
            Candidate.objects.filter(pk=row.pk).update(track=keep)
        elif row.verdict in (Verdict.CHOSEN, Verdict.NEVER):
            same = Candidate.objects.filter(track=keep, source=row.source, source_id=row.source_id)
            open_one = Q(verdict__in=[Verdict.OPEN, Verdict.DISPROVED])
            Candidate.objects.filter(pk=row.pk).update(verdict=Verdict.OPEN)
            same.filter(open_one).update(verdict=row.verdict, why=row.why)
