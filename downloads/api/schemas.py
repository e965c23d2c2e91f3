"""What the API answers. Times are ISO 8601 with their zone, lengths are milliseconds, sizes bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Counters(Schema):
    """``missing + downloading + downloaded = songs``."""

    missing: int
    downloading: int
    downloaded: int
    songs: int
    artists: int
    albums: int


class QueuedTrack(Schema):
    id: int
    title: str
    artists: list[str]
    album: str
    duration_ms: int | None
    status: str
    percent: int
    attempts: int
    last_error: str
    error_kind: str
    retry_after: datetime


class Queue(Schema):
    ready: int
    cooling: int
    next_due: datetime | None = None
    items: list[QueuedTrack]


class Storage(Schema):
    """``state`` is online, offline, held, full or readonly."""

    state: str
    reason: str
    free_bytes: int | None
    last_pass: datetime | None


class ServiceState(Schema):
    name: str
    state: str
    reason: str
    paused: bool
    paused_by_person: bool
    paused_until: datetime | None


class HealthCheck(Schema):
    """``state`` is ok, warn or fail; ``cure`` is empty where all is well."""

    name: str
    title: str
    state: str
    text: str
    cure: str


class Health(Schema):
    ok: bool = Field(description="no check failed")
    failures: int
    warnings: int
    checks: list[HealthCheck]


class Host(Schema):
    name: str
    fetching: int
    acts: bool = Field(description="syncs and scans for all hosts")
    storage: str = Field(description="the music folder as this host sees it: online, offline, full, readonly or empty")
    storage_reason: str
    drained: bool = Field(description="fetches nothing new")
    silent: bool
    silent_since: datetime | None


class Status(Schema):
    headline: str
    mood: str = Field(description="ok, busy, warn or bad")
    counters: Counters
    queue: Queue
    storage: Storage
    services: list[ServiceState]
    hosts: list[Host] = Field(description="empty where there is but one")
    failures: int = Field(description="missing songs whose last attempt failed")
    seconds_left: int | None = Field(description="at the pace of the last hour")


class QueuePage(Schema):
    ready: int
    cooling: int
    items: list[QueuedTrack]
    after: str = Field(description="what to ask for to get the next page; empty at the end")


class Song(Schema):
    """``local_path`` is empty where there is no file, and for tokens that may not act."""

    id: int
    title: str
    artists: list[str]
    album: str
    duration_ms: int | None
    isrc: str
    spotify_id: str | None
    status: str
    wanted: bool
    ignored: bool
    attempts: int
    last_error: str
    error_kind: str
    retry_after: datetime
    last_seen: datetime | None
    size: int | None
    local_path: str


class SongPage(Schema):
    items: list[Song]
    after: str


class PlanOut(Schema):
    """``here + ask + fetch`` are the songs that it is about; ``up_to`` is what `plan/accept` wants to be told."""

    here: int
    ask: int
    fetch: int
    others: int = Field(description="files of no song, which are left alone")
    accepted: bool
    up_to: int


class Address(Schema):
    address: str = Field(max_length=500)


class CandidateOut(Schema):
    id: int
    source: str
    url: str
    title: str
    artists: list[str]
    album: str
    duration_ms: int | None
    score: float
    verdict: str


class EventOut(Schema):
    id: int
    track_id: int
    at: datetime
    kind: str
    reason: str


class SongDetails(Song):
    candidates: list[CandidateOut]
    events: list[EventOut]
    collections: list[str]


class EventPage(Schema):
    items: list[EventOut]
    after: int = Field(description="the id of the last event: ask for those after it")


class CollectionOut(Schema):
    """``here`` of ``tracks`` are on disk; the ledger's parts add up to what the source says."""

    id: int
    name: str
    kind: str
    enabled: bool
    total: int
    tracks: int
    here: int
    sentence: str


class CollectionPage(Schema):
    items: list[CollectionOut]
    after: str


class Changed(Schema):
    """How many songs the action changed; 0 where there was nothing to change."""

    changed: int


class Requested(Schema):
    """The work is done in the background."""

    requested: str


def plain(value: dict[str, Any], schema: type[Schema]) -> dict[str, Any]:
    """The parts of ``value`` that ``schema`` has."""
    return {name: value[name] for name in schema.model_fields if name in value}
