"""`/players`: players are added, told, changed and removed, and what they are entered with is never shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django_q.models import OrmQ

from catalog.system.encryption import seal, unseal
from downloads.models import Player
from downloads.players.tell import follow_environment
from tests.world import World

SECRET = "open sesame"
NAVIDROME = {"kind": "subsonic", "address": "http://nas:4533/", "user": "anna", "secret": SECRET, "playlists": "yes"}


def test_a_player_is_added_and_its_password_is_never_shown(admin_client: Any, world: World) -> None:
    added = admin_client.post("/players/add", NAVIDROME, follow=True).content.decode()
    player = Player.objects.get()
    assert (player.address, player.user, player.asked) == ("http://nas:4533", "anna", True)
    assert unseal(player.secret) == SECRET and SECRET not in player.secret
    assert OrmQ.objects.count() == 1, "the job that tells players is asked for"
    Player.objects.update(told_at=world.now, ok=False, answer="It could not be reached.")
    page = admin_client.get("/players").content.decode()
    assert "http://nas:4533" in page and "It could not be reached." in page
    for shown in (added, page):
        assert SECRET not in shown and player.secret not in shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"address": "http://anna:pw@nas:4533"}, "in their own fields"),
        ({"address": "ftp://nas"}, "in their own fields"),
        ({"kind": "mpd", "address": "nas:six"}, "host:port"),
        ({"kind": "command", "address": "/bin/sh"}, "Choose the kind"),
        ({"secret": ""}, "A password or token is needed"),
        ({"folder": "a\nb"}, "A folder is one line"),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_typed_stays_but_for_the_password(
    admin_client: Any, world: World, change: dict[str, str], says: str
) -> None:
    answer = admin_client.post("/players/add", NAVIDROME | change)
    page = answer.content.decode()
    assert answer.status_code == 400 and says in page
    assert SECRET not in page and 'value="anna"' in page
    assert not Player.objects.exists()


def test_an_empty_password_leaves_the_present_one(admin_client: Any, world: World) -> None:
    player = Player.objects.create(kind="mpd", address="nas:6600", secret=seal(SECRET), asked=False)
    admin_client.post(f"/players/{player.pk}/save", {"enabled": "yes", "folder": "ours"})
    player.refresh_from_db()
    assert (unseal(player.secret), player.folder, player.asked) == (SECRET, "ours", True)
    admin_client.post(f"/players/{player.pk}/save", {"secret": "another"})
    player.refresh_from_db()
    assert unseal(player.secret) == "another" and not player.enabled


def test_the_button_tells_everything_anew_and_a_removed_player_is_gone(admin_client: Any, world: World) -> None:
    player = Player.objects.create(kind="mpd", address="nas:6600", asked=False)
    admin_client.post(f"/players/{player.pk}/test")
    player.refresh_from_db()
    assert player.asked and OrmQ.objects.count() == 1
    admin_client.post(f"/players/{player.pk}/remove")
    assert not Player.objects.exists()


def test_what_the_environment_names_follows_it_and_no_page_changes_it(
    admin_client: Any, world: World, settings: LazySettings
) -> None:
    settings.SUBSONIC_URL, settings.SUBSONIC_USER, settings.SUBSONIC_PASSWORD = "http://nas:4533", "anna", SECRET
    follow_environment()
    player = Player.objects.get()
    form = {"user": "eve", "secret": "hers", "enabled": "yes", "folder": "/music"}
    admin_client.post(f"/players/{player.pk}/save", form)
    admin_client.post(f"/players/{player.pk}/remove")
    follow_environment()
    player.refresh_from_db()
    assert (player.user, unseal(player.secret), player.folder, player.enabled) == ("anna", SECRET, "/music", True)
    Player.objects.update(asked=False)
    settings.SUBSONIC_PASSWORD = "another"
    follow_environment()
    player.refresh_from_db()
    assert unseal(player.secret) == "another" and player.asked
    settings.SUBSONIC_URL = ""
    follow_environment()
    assert not Player.objects.exists()
