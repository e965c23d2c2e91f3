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
    assert set(answer.json()) == {"at", "counters", "queue", "storage", "workers"}
    assert str(world.root) not in answer.content.decode()
    assert answer.json()["storage"]["reason"] == ""
    assert "headline" in admin_client.get("/status").json()
