"""The page Maintenance: what a check found, backups that can be saved, nothing else of DATA_DIR."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Run
from downloads.jobs import maintenance
from tests.world import World

NAME = "tonekeep-20260101-120000.sqlite3"


def test_a_check_is_asked_for_and_read(world: World, admin_client: Client) -> None:
    (world.root / "<stray>.mp3").write_bytes(b"x")
    page = admin_client.post("/maintenance/check", follow=True).content.decode()
    assert "is being checked" in page and "Check now" not in page
    maintenance.maintain()
    page = admin_client.get("/maintenance").content.decode()
    assert "7 audio files" in page and "<b>1</b> audio files that are no song" in page and "&lt;stray&gt;.mp3" in page
    (world.root / "<stray>.mp3").unlink()
    admin_client.post("/maintenance/check")
    maintenance.maintain()
    assert "Everything fits." in admin_client.get("/maintenance").content.decode()


def test_what_went_wrong_is_said_with_the_way_to_try_again(world: World, admin_client: Client) -> None:
    world.root.rename(world.root.with_name("away"))
    maintenance.ask("check", world.now)
    maintenance.maintain()
    page = admin_client.get("/maintenance").content.decode()
    assert "is not there" in page and "Check now" in page


def test_a_backup_is_saved_by_its_name_alone(world: World, admin_client: Client) -> None:
    (maintenance.backups_folder() / NAME).write_bytes(b"catalog")
    (maintenance.backups_folder() / "other.sqlite3").write_bytes(b"x")
    page = admin_client.get("/maintenance").content.decode()
    assert f"/maintenance/backups/{NAME}" in page and "other.sqlite3" not in page
    answer = admin_client.get(f"/maintenance/backups/{NAME}")
    assert b"".join(answer) == b"catalog"  # type: ignore[arg-type]  # a streaming answer
    assert answer["Content-Disposition"] == f'attachment; filename="{NAME}"'
    for name in ("other.sqlite3", "tonekeep-20260101-120001.sqlite3", "..", "../secret_key", "%2e%2e/secret_key"):
        assert admin_client.get(f"/maintenance/backups/{name}").status_code == 404, name


def test_a_backup_is_asked_for(world: World, admin_client: Client) -> None:
    page = admin_client.post("/maintenance/backup", follow=True).content.decode()
    assert "A backup is being made" in page and Run.objects.get().kind == "backup"


@pytest.mark.parametrize("address", ["/maintenance", f"/maintenance/backups/{NAME}"])
def test_a_keeper_may_not(world: World, keeper: Client, address: str) -> None:
    (maintenance.backups_folder() / NAME).write_bytes(b"catalog")
    assert keeper.get(address).status_code == 403
