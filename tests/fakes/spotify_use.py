"""What tests do with the Spotify stand-in: connect an account, read its library, remember what was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from catalog.models import Account
from catalog.music.records import WITHDRAWN, CollectionRecord
from catalog.spotify.client import KnownCollection, LibraryReader, read_library
from catalog.spotify.library_reader import Known
from catalog.system.encryption import seal
from tests.fakes.spotify import SpotifyStandIn

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FRESH, STALE = 9_999_999_999, 0  # values of expires_at, in seconds since 1970


def connect(spotify: SpotifyStandIn, user_id: str = "anna", expires_at: int = FRESH) -> Account:
    """An account that has consented."""
    token = spotify.token(user_id) | {"expires_at": expires_at}
    return Account.objects.create(user_id=user_id, name=user_id.title(), token=seal(json.dumps(token)), consent_at=NOW)


def read(spotify: SpotifyStandIn, known: Known | None = None) -> tuple[dict[str, CollectionRecord], LibraryReader]:
    """The records by name, and the reading when it has ended."""
    account = Account.objects.first() or connect(spotify)
    reading = read_library(account, known or {}, NOW)
    return {record.name: record for record in reading}, reading


def as_known(records: dict[str, CollectionRecord]) -> dict[tuple[str, str], KnownCollection]:
    """What the catalog would know after these records."""
    return {
        (record.kind, record.key): KnownCollection(
            name=record.name,
            snapshot=record.snapshot if record.complete else "",
            tracks=sum(entry.track is not None for entry in record.entries),
            withdrawn=sum(entry.reason == WITHDRAWN for entry in record.entries),
            closed=record.closed,
            problem=record.problem,
        )
        for record in records.values()
    }


def titles(record: CollectionRecord) -> list[str]:
    """What stands in a collection, in its order."""
    return [entry.track.title if entry.track else entry.reason for entry in record.entries]
