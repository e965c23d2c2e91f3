"""An unchanged status is not read again; whatever is written, or time itself, makes it be read anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from catalog.models import ApiToken, Service
from catalog.reports import status
from downloads.api.kept_status import LONGEST, status_body
from tests.world import World


@pytest.mark.django_db(transaction=True)
def test_the_status_is_read_again_after_a_write_a_due_song_and_a_minute(
    transactional_db: None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.make_track("Later", retry_after=world.now + timedelta(seconds=20))
    reads: list[datetime] = []
    read = status.snapshot

    def noted(now: datetime) -> dict[str, Any]:
        reads.append(now)
        return read(now)

    monkeypatch.setattr(status, "snapshot", noted)

    def is_read(seconds: float) -> bool:
        before = len(reads)
        status_body(world.now + timedelta(seconds=seconds))
        return len(reads) > before

    kept = {False, connection.vendor == "postgresql"}  # there other databases of the server change the stamp too
    assert is_read(0) and {is_read(1), is_read(19)} <= kept
    assert is_read(20) and is_read(21) in kept  # the song is due
    Service.objects.pause_by_person("audio")
    assert is_read(22) and is_read(23) in kept
    assert is_read(23 + LONGEST.total_seconds()) and is_read(0)  # and the clock was set back


@pytest.mark.django_db(transaction=True)
def test_a_revoked_token_and_a_wrong_one_get_no_kept_status(
    transactional_db: None, world: World, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = reader.get("/api/v1/status")["ETag"]
    again = {"if-none-match": tag}
    assert reader.get("/api/v1/status", headers=again).status_code == 304
    with monkeypatch.context() as patch:
        if connection.vendor == "sqlite":
            again_asked = "a token that was let in is asked for again"
            patch.setattr(ApiToken.objects, "find", lambda *_: pytest.fail(again_asked))
        assert reader.get("/api/v1/status", headers=again).status_code == 304
    assert Client(headers={"authorization": "Bearer tk_wrong"}).get("/api/v1/status").status_code == 401
    ApiToken.objects.all().delete()
    assert reader.get("/api/v1/status").status_code == 401
