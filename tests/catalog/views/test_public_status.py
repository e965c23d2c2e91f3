"""What STATUS_PUBLIC tells a stranger."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.world import World


def test_a_stranger_learns_numbers_and_songs_but_no_path_and_no_reason(
    client: Client, admin_client: Client, world: World, settings: Any
) -> None:
    settings.STATUS_PUBLIC = True
    (world.root / ".tonekeep").unlink()
    world.make_track("Waiting", last_error=f"{world.root}/x: no space", error_kind="disk_full")
    answer = client.get("/status")
    runs_and_songs = {"queue", "downloading", "failures", "runs"}
    assert set(answer.json()) == {"at", "headline", "counters", "storage", "workers"} | runs_and_songs
    assert str(world.root) not in answer.content.decode()
    assert answer.json()["storage"]["reason"] == ""
    assert "last_error" not in str(answer.json())
    assert "services" in admin_client.get("/status").json()
