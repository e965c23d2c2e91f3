"""Decisions as a file: to keep beside a backup, to take to another installation, to share.

A decision names its song by Spotify id, ISRC and identity and length, never by a row's number, and its recording by
source and id. What is read is a stranger's text: an address that nothing may be fetched from is refused here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.models import Alias, Track
from catalog.music.identity import identity_key, same_length
from catalog.music.records import SPOTIFY_ID, clean_isrc
from catalog.text.user_error import UserError
from downloads.fetch.url_allowlist import AddressRefused
from downloads.models import Candidate
from downloads.review import decisions

FORMAT, VERSION = "tonekeep decisions", 1
LARGEST = 100_000_000  # bytes; a decision takes about 400
LISTED = 50  # problems that a report names
SAID_BY_A_PERSON = (Candidate.Verdict.CHOSEN, Candidate.Verdict.NEVER)


class NotDecisions(UserError):
    """The file holds no decisions that can be read; one sentence."""


@dataclass(slots=True)
class ImportedDecisions:
    """How many were read, made, stood already, are of songs that are not here; ``refused`` says which and why."""

    read: int = 0
    made: int = 0
    known: int = 0
    not_here: int = 0
    refused: list[str] = field(default_factory=list)
    refused_count: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def refuse(self, why: str) -> None:
        self.refused_count += 1
        if len(self.refused) < LISTED:
            self.refused.append(why)


def exported() -> dict[str, Any]:
    """Every decision, fit for JSON, in an order that does not change from one export to the next."""
    rows = Candidate.objects.filter(verdict__in=SAID_BY_A_PERSON).order_by("track", "source", "source_id")
    rows = rows.select_related("track").prefetch_related("track__credits__artist")
    return {"format": FORMAT, "version": VERSION, "decisions": [_entry(row) for row in rows]}


def _entry(row: Candidate) -> dict[str, Any]:
    track = row.track
    return {
        "song": {
            "title": track.title,
            "artists": track.artist_names,
            "spotify_id": track.spotify_id or "",
            "isrc": track.isrc,
            "duration_ms": track.duration_ms,
        },
        "verdict": row.verdict,
        "recording": {
            "source": row.source,
            "id": row.source_id,
            "url": row.url,
            "title": row.title,
            "artists": row.artists,
            "duration_ms": row.duration_ms,
        },
    }


def read(content: bytes) -> list[dict[str, Any]]:
    """The decisions in an exported file. NotDecisions where it is none."""
    if len(content) > LARGEST:
        raise NotDecisions("The file is larger than 100 MB: no list of decisions is.")
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotDecisions("The file is not JSON; choose one that Tonekeep saved.") from error
    if (
        not isinstance(payload, dict)
        or payload.get("format") != FORMAT
        or not isinstance(payload.get("decisions"), list)
    ):
        raise NotDecisions("The file holds no decisions; choose one that Tonekeep saved.")
    if payload.get("version") != VERSION:
        raise NotDecisions("The file was written by another version of the program; update this one first.")
    return [entry for entry in payload["decisions"] if isinstance(entry, dict)]


def imported(entries: list[dict[str, Any]], now: datetime, by: str) -> ImportedDecisions:
    """Make these decisions ours, all or none. A choice in the file replaces ours; songs not here are left out."""
    report = ImportedDecisions()
    with transaction.atomic():
        for number, entry in enumerate(entries, 1):
            report.read += 1
            try:
                with transaction.atomic():
                    _import(entry, now, by, report)
            except (AddressRefused, ValueError, TypeError, AttributeError, KeyError) as error:
                problem = str(error) if isinstance(error, AddressRefused) else "It cannot be understood."
                report.refuse(f"Decision {number}: {problem}")
    return report


def _import(entry: dict[str, Any], now: datetime, by: str, report: ImportedDecisions) -> None:
    verdict, recording = entry["verdict"], entry["recording"]
    source, source_id = _text(recording["source"], 10), _text(recording["id"], 500)
    if verdict not in SAID_BY_A_PERSON or not source or not source_id:
        raise ValueError
    url = decisions.checked_url(source, source_id, _text(recording.get("url", ""), 2000))
    track = song_of(entry["song"])
    if track is None:
        report.not_here += 1
        return
    row = _row(track, source, source_id, url, recording, now)
    if row.verdict == verdict:
        report.known += 1
        return
    (decisions.choose if verdict == Candidate.Verdict.CHOSEN else decisions.exclude)(row, now, by)
    report.made += 1


def _row(track: Track, source: str, source_id: str, url: str, entry: dict[str, Any], now: datetime) -> Candidate:
    row = decisions.get_or_create_candidate(track, source, source_id, url, now)
    if not row.title:
        length = entry.get("duration_ms")
        row.title = _text(entry.get("title", ""), 500)
        row.artists = [_text(name, 500) for name in entry.get("artists", []) if isinstance(name, str)][:50]
        row.duration_ms = length if type(length) is int and 0 < length < 2**31 else None
        row.save(update_fields=["title", "artists", "duration_ms"])
    return row


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise ValueError
    value.encode()  # half a sign, as JSON can write it, is no text that a database keeps
    return value.strip()


def song_of(entry: dict[str, Any]) -> Track | None:
    """Which of our tracks a file means: by Spotify id, else ISRC, else title, artists and length; None if unsure."""
    spotify_id, isrc, length = entry.get("spotify_id"), entry.get("isrc"), entry.get("duration_ms")
    if isinstance(spotify_id, str) and SPOTIFY_ID.match(spotify_id):
        alias = Alias.objects.filter(key=f"spotify:{spotify_id}").select_related("track").first()
        if alias:
            return alias.track
    known = length if type(length) is int else None
    return next((found for found in _alike(entry, isrc, known)), None)


def _alike(entry: dict[str, Any], isrc: Any, length: int | None) -> Iterator[Track]:
    """What ISRC, then the words find, each only where exactly one track is meant."""
    artists = [name for name in entry.get("artists", []) if isinstance(name, str)]
    title = entry.get("title")
    looked_up = []
    if isinstance(isrc, str) and clean_isrc(isrc):
        looked_up.append(Track.objects.filter(isrc=clean_isrc(isrc)))
    if isinstance(title, str) and title and artists:
        looked_up.append(Track.objects.filter(identity=identity_key(title, artists)))
    for rows in looked_up:
        same = [track for track in rows[:20] if same_length(track.duration_ms, length)]
        if len(same) == 1:
            yield same[0]
