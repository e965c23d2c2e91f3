"""The admin: state is read-only, three actions, nothing is counted, nothing of the job queue, nothing executed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from catalog.admin import RunAdmin
from catalog.models import (
    Account,
    AdoptionMatch,
    Alias,
    Artist,
    BinnedFile,
    Event,
    Folder,
    Library,
    Run,
    SetupLink,
    SpotifyApp,
    Track,
)
from catalog.tracks import transitions
from downloads.models import AudioFile, Candidate, Move, MoveBatch, RateLimitState, Replaced, Search
from tests.catalog.views.test_browse import storable
from tests.shared import SHARED_DATA, needs_shared
from tests.world import World

TRACKS = "/admin/catalog/track/"
RUN_COLUMNS = RunAdmin.list_display


@pytest.fixture
def admin_client(client: Client, world: World) -> Client:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def failed(world: World, title: str, kind: str) -> Track:
    track = world.make_track(title)
    claimed = transitions.claim_one(track.pk, world.now)
    assert claimed and claimed.claim
    later = world.now + timedelta(hours=9)
    transitions.fail(track.pk, claimed.claim, kind, f"{title} went wrong", later, world.now)
    return track


def shown(client: Client, query: str) -> set[str]:
    """The titles that the list of tracks shows."""
    answer = client.get(f"{TRACKS}?{query}")
    assert answer.status_code == 200
    return {track.title for track in answer.context["cl"].result_list}


def act(client: Client, action: str, *tracks: Track) -> Any:
    return client.post(TRACKS, {"action": action, "_selected_action": [track.pk for track in tracks]}, follow=True)


def test_the_filters_show_the_sets_of_the_pages(admin_client: Client, world: World) -> None:
    failed(world, "Gone", "removed"), failed(world, "Unmatched", "no_match")
    busy = world.make_track("Busy")
    transitions.claim_one(busy.pk, world.now)
    world.make_track("Due", retry_after=world.now - timedelta(days=1))
    world.make_track("Not mine", wanted=False)
    assert shown(admin_client, "is=failed") == {"Gone", "Unmatched"}
    assert shown(admin_client, "is=cooling") == {"Gone", "Unmatched"}
    assert shown(admin_client, "is=ready") == {"Due"}
    assert shown(admin_client, "is=downloading") == {"Busy"}
    assert shown(admin_client, "is=missing") == {"Gone", "Unmatched", "Due"}
    assert shown(admin_client, "is=not_wanted") == {"Not mine"}
    assert shown(admin_client, "error=removed") == {"Gone"}
    assert shown(admin_client, "is=failed&error=no_match") == {"Unmatched"}


def test_the_list_says_why_a_track_failed(admin_client: Client, world: World) -> None:
    failed(world, "Unmatched", "needs_decision")
    assert "needs decision: Unmatched went wrong" in admin_client.get(TRACKS).content.decode()


def test_the_search_knows_title_artist_album_isrc_and_spotify_id(admin_client: Client, world: World) -> None:
    track = world.make_track("Étude", "Ólöf", "Hafið", isrc="ISABC2600001")
    for words in ("Étude", "Ólöf+Étude", "ISABC2600001", track.spotify_id, "Hafið+Étude"):
        assert shown(admin_client, f"q={words}") == {"Étude"}, words


def test_a_tracks_page_tells_when_its_file_was_last_seen_by_the_last_pass(admin_client: Client, world: World) -> None:
    Library.objects.update(last_pass=datetime(2031, 5, 4, 3, 2, tzinfo=UTC))
    here, gone = world.tracks["Maria Ruiz/First Light/Morning"], failed(world, "Gone", "removed")
    pages = [admin_client.get(f"{TRACKS}{track.pk}/change/").content.decode() for track in (here, gone)]
    assert ["2031" in page for page in pages] == [True, False]


def test_no_column_of_a_track_can_be_written_by_hand(admin_client: Client, world: World) -> None:
    track = failed(world, "Gone", "removed")
    before = Track.objects.values().get(pk=track.pk)
    answer = admin_client.post(
        f"{TRACKS}{track.pk}/change/", {"title": "Other", "status": "downloaded", "attempts": "0"}
    )
    assert answer.status_code == 403
    assert Track.objects.values().get(pk=track.pk) == before
    page = admin_client.get(f"{TRACKS}{track.pk}/change/").content.decode()
    assert 'name="status"' not in page and 'name="title"' not in page


OURS = [model for model in admin.site._registry if model._meta.app_label in {"catalog", "downloads"}]


@pytest.mark.parametrize("model", OURS)
def test_nothing_is_added_or_deleted_by_hand(admin_client: Client, model: Any) -> None:
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    assert admin_client.get(address).status_code == 200
    assert admin_client.get(f"{address}add/").status_code == 403
    assert "delete_selected" not in admin_client.get(address).content.decode()


def test_a_track_cannot_be_deleted(admin_client: Client, world: World) -> None:
    track = failed(world, "Gone", "removed")
    assert admin_client.post(f"{TRACKS}{track.pk}/delete/", {"post": "yes"}).status_code == 403
    act(admin_client, "delete_selected", track)
    assert Track.objects.filter(pk=track.pk).exists()


def test_try_again_now_goes_through_the_transition_and_wakes_a_worker(admin_client: Client, world: World) -> None:
    first, second = failed(world, "Gone", "removed"), failed(world, "Unmatched", "no_match")
    here = world.tracks["Maria Ruiz/First Light/Morning"]
    answer = act(admin_client, "try_again", first, second, here)
    assert "2 songs tried again now." in answer.content.decode()
    assert set(Track.objects.queue().values_list("title", flat=True)) == {"Gone", "Unmatched"}
    assert world.status_of(here) == "downloaded"
    assert Event.objects.filter(kind="retry", by="anna").count() == 2
    assert any(row.task["func"].endswith(".download") for row in OrmQ.objects.all())


def test_an_action_reaches_the_rows_of_a_search_too(admin_client: Client, world: World) -> None:
    """A search by artist joins and makes the list distinct; a transition must work on it nevertheless."""
    track = failed(world, "Gone", "removed")
    wish = {"action": "try_again", "_selected_action": [track.pk]}
    admin_client.post(f"{TRACKS}?q=Maria&is=failed", wish, follow=True)
    assert Track.objects.queue().filter(pk=track.pk).exists()


def test_ignore_and_want_again(admin_client: Client, world: World) -> None:
    track = failed(world, "Gone", "removed")
    act(admin_client, "ignore", track)
    assert not Track.objects.wanted().filter(pk=track.pk).exists()
    act(admin_client, "want_again", track)
    assert Track.objects.wanted().filter(pk=track.pk).exists()


def test_a_track_shows_its_events_and_candidates(admin_client: Client, world: World) -> None:
    track = failed(world, "Gone", "removed")
    Candidate.objects.create(
        track=track, source="youtube", source_id="x", url="https://x.example", title="Gone (live)", found_at=world.now
    )
    page = admin_client.get(f"{TRACKS}{track.pk}/change/").content.decode()
    assert "Gone went wrong" in page
    assert "Gone (live)" in page


def test_the_list_of_tracks_counts_no_further_than_it_must(admin_client: Client, world: World) -> None:
    Track.objects.bulk_create([Track(title=f"{number}", identity=f"{number}") for number in range(210)])
    with CaptureQueriesContext(connection) as queries:
        answer = admin_client.get(f"{TRACKS}?is=not_wanted")
    assert len(answer.context["cl"].result_list) == 50
    about_tracks = [query["sql"] for query in queries if "catalog_track" in query["sql"]]
    assert about_tracks
    assert all("LIMIT" in sql or " IN (" in sql for sql in about_tracks), about_tracks


def test_pages_by_number_end_and_a_link_leads_on_by_key(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row is met once, whichever way the list is filtered."""
    monkeypatch.setattr("catalog.web.admin_base.COUNTED_TO", 100)
    made = Track.objects.bulk_create([Track(title=f"{number}", identity=f"{number}") for number in range(225)])
    met: list[int] = []
    address = f"{TRACKS}?is=not_wanted"
    for last_page in ("2", "2", "1"):
        for page in ("1", "2")[: int(last_page)]:
            answer = admin_client.get(f"{address}&p={page}")
            met += [track.pk for track in answer.context["cl"].result_list]
        text = answer.content.decode()
        assert ("those after them" in text) == (last_page == "2")
        address = TRACKS + answer.context["cl"].beyond
    assert met == [track.pk for track in made]
    assert "back to the first ones" in text


def test_a_list_in_another_order_has_no_link_by_key(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.web.admin_base.COUNTED_TO", 2)
    runs = "/admin/catalog/run/"
    for number in range(3):
        Run.objects.create(kind="sync", started_at=world.now, done=number)
    by_done = f"o={RUN_COLUMNS.index('done')}"
    assert [run.done for run in admin_client.get(f"{runs}?{by_done}&all=").context["cl"].result_list] == [0, 1, 2]
    assert "those after them" in admin_client.get(TRACKS).content.decode()
    assert "those after them" not in admin_client.get(f"{runs}?{by_done}").content.decode()


LONG = ["track", "artist", "album", "entry", "event", "folder", "adoptionmatch", "binnedfile"]


@pytest.mark.parametrize("name", LONG)
def test_a_list_that_may_be_long_is_not_sorted_by_a_column(admin_client: Client, world: World, name: str) -> None:
    """Neither by a link nor by an address typed by hand: at a million rows each would sort them all."""
    plain, asked = (admin_client.get(f"/admin/catalog/{name}/{query}") for query in ("", "?o=1.-2.3"))
    assert "sortable" not in plain.content.decode()
    first, typed = (answer.context["cl"].queryset.query.order_by for answer in (plain, asked))
    assert first[0] == typed[0] and set(first) | set(typed) <= {"pk", "-pk"}


@pytest.mark.parametrize("query", ["p=0", "p=99999999999", "p=x", "p=-1", "id__gt=x", "all=", "o=99.-x", "is=nothing"])
def test_an_address_typed_by_hand_shows_a_page(admin_client: Client, world: World, query: str) -> None:
    answer = admin_client.get(f"{TRACKS}?{query}", follow=True)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 6


def test_a_search_with_few_answers_is_made_once(admin_client: Client, world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert shown(admin_client, "q=maria") == {"Morning", "Noon", "Evening"}
        assert shown(admin_client, "q=nowhere") == set()
    assert len([query["sql"] for query in queries if "LIKE" in query["sql"].upper()]) == 2
    answer = admin_client.get(f"{TRACKS}?q=maria")
    assert [track.pk for track in answer.context["cl"].result_list] == sorted(
        track.pk for track in answer.context["cl"].result_list
    )


def test_a_search_looks_at_the_artists_once_and_not_for_each_track(admin_client: Client, world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert shown(admin_client, "q=maria") == {"Morning", "Noon", "Evening"}
    assert not [query["sql"] for query in queries if "EXISTS" in query["sql"] and "catalog_credit" in query["sql"]]


def test_the_last_events_come_first_and_lead_on_to_older_ones(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.web.admin_base.COUNTED_TO", 2)
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    events = [Event.objects.create(track=track, kind="fail", reason=f"{number}", at=world.now) for number in range(3)]
    answer = admin_client.get("/admin/catalog/event/")
    assert answer.context["cl"].beyond == f"?id__lt={events[1].pk}"
    rest = admin_client.get(f"/admin/catalog/event/{answer.context['cl'].beyond}")
    assert [event.pk for event in rest.context["cl"].result_list] == [events[0].pk]


def test_django_q_has_no_model_in_the_admin(admin_client: Client) -> None:
    for model in apps.get_app_config("django_q").get_models():
        assert not admin.site.is_registered(model)
    assert b"django_q" not in admin_client.get("/admin/").content.lower()
    assert admin_client.get("/admin/django_q/schedule/").status_code == 404


def rows_to_look_at(world: World) -> list[Any]:
    """One row of each model that a person can look at besides the tracks, in the words of a real one."""
    track, now = world.tracks["Maria Ruiz/First Light/Morning"], world.now
    batch = MoveBatch.objects.create(kind="apply", asked_at=now, template="{title}")
    return [
        Folder.objects.get(tracks=track),
        AdoptionMatch.objects.create(track=track, file="Stray/Morning.mp3", size=5, why="as long"),
        BinnedFile.objects.create(track=track, state="binned", origin="A/B.mp3", target="bin/B.mp3", moved_at=now),
        Search.objects.create(track=track, words="morning live", asked_at=now),
        Replaced.objects.create(track=track, path="/music/old.mp3", size=5, asked_at=now),
        batch,
        Move.objects.create(batch=batch, track=track, origin="A/B.mp3", target="C/B.mp3", size=5),
        RateLimitState.objects.create(source="youtube", not_before=now, booked_until=now),
    ]


def test_what_is_kept_beside_the_tracks_can_be_looked_at_and_not_changed(admin_client: Client, world: World) -> None:
    for row in rows_to_look_at(world):
        address = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        assert list(admin_client.get(address).context["cl"].result_list) != [], address
        page = admin_client.get(f"{address}{row.pk}/change/")
        assert page.status_code == 200 and 'name="_save"' not in page.content.decode(), address
        stored = type(row).objects.values().get(pk=row.pk)
        changed = dict.fromkeys(stored, "other") | {"_save": "Save"}
        assert admin_client.post(f"{address}{row.pk}/change/", changed).status_code == 403, address
        assert type(row).objects.values().get(pk=row.pk) == stored, address


def test_a_track_shows_what_was_proven_of_its_file_and_the_names_it_is_known_by(
    admin_client: Client, world: World
) -> None:
    track, other = world.tracks["Maria Ruiz/First Light/Morning"], world.tracks["Maria Ruiz/Second Light/Evening"]
    AudioFile.objects.create(track=track, duration_ms=185_000, codec="opus", same_as=other, proved_at=world.now)
    Alias.objects.create(track=track, key="spotify:0000000000000000000009")
    page = admin_client.get(f"{TRACKS}{track.pk}/change/").content.decode()
    assert "opus" in page and "spotify:0000000000000000000009" in page
    assert admin_client.get(f"{TRACKS}{other.pk}/change/").status_code == 200


def test_secrets_have_no_page_in_the_admin() -> None:
    assert not [model for model in (SpotifyApp, SetupLink) if admin.site.is_registered(model)]


def test_a_token_is_not_shown(admin_client: Client) -> None:
    account = Account.objects.create(user_id="anna", name="Anna", token="sealed-refresh-token")
    for path in ("/admin/catalog/account/", f"/admin/catalog/account/{account.pk}/change/"):
        answer = admin_client.get(path)
        assert answer.status_code == 200 and b"sealed-refresh-token" not in answer.content


def test_the_admin_is_entered_by_our_log_in_and_by_owners_alone(client: Client, world: World) -> None:
    guest = User.objects.create_user("guest", "", "secret")
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/login?next=/admin/"
    client.force_login(guest)
    page = client.get("/admin/", follow=True).content.decode()
    assert "You are logged in as guest, who may not see this page." in page and 'href="/admin/"' not in page


@needs_shared
def test_naughty_strings_are_text_in_the_admin_too(admin_client: Client, world: World) -> None:
    naughty = [text for text in storable(json.loads((SHARED_DATA / "nasty" / "blns.json").read_text())) if "<" in text]
    assert len(naughty) > 100
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    for text in naughty:
        Event.objects.create(track=track, kind="fail", reason=text, at=world.now)
        world.make_track(text)
    Track.objects.filter(pk=track.pk).update(title=naughty[0])
    Artist.objects.filter(credits__track=track).update(name=naughty[1])
    for path in (TRACKS, f"{TRACKS}{track.pk}/change/", "/admin/catalog/event/", "/admin/catalog/artist/"):
        page = admin_client.get(path).content.decode()
        assert not [text for text in naughty if text in page and "<script" in text.lower()]
        assert "<img src=x" not in page and "javascript:alert" not in page.replace("&lt;", "<").partition("<a href=")[0]


def test_failed_songs_have_a_list_with_what_was_found_and_the_page_that_cures(
    admin_client: Client, world: World
) -> None:
    asks = world.make_track("Asks", error_kind="needs_decision", last_error="No recording fits.", attempts=3)
    Candidate.objects.create(track=asks, source="youtube", source_id="x", url="", title="One", found_at=world.now)
    page = admin_client.get("/admin/downloads/failedtrack/").content.decode()
    assert f'href="/decide/{asks.pk}"' in page and 'class="field-found">1<' in page
    assert "Morning" not in page
    assert admin_client.get(f"/admin/downloads/failedtrack/{asks.pk}/change/").status_code == 200


def test_many_songs_are_changed_only_after_a_question_with_their_number(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.admin.CONFIRM_ABOVE", 1)
    chosen = {"action": "ignore", "_selected_action": [track.pk for track in world.tracks.values()]}
    question = admin_client.post(TRACKS, chosen).content.decode()
    assert "Stop trying: 6 songs?" in question and not Track.objects.filter(ignored=True).exists()
    admin_client.post(TRACKS, {**chosen, "confirmed": "yes"})
    assert Track.objects.filter(ignored=True).count() == 6


def test_the_machinery_is_left_out_of_the_index_and_reached_by_address(admin_client: Client) -> None:
    index = admin_client.get("/admin/").content.decode()
    for name in ("catalog/folder", "catalog/entry", "downloads/move", "downloads/replaced"):
        assert f"/admin/{name}/" not in index
        assert admin_client.get(f"/admin/{name}/").status_code == 200
    assert "/admin/downloads/failedtrack/" in index
