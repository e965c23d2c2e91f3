"""Connecting, what a person sees of it, and choosing what to keep: over the pages, against a Spotify of our own."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import User as Person
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from catalog.ingest.replace import replace_catalog
from catalog.models import Account, Collection, Entry, Service, SpotifyApp, Track
from catalog.music.records import FILE, CollectionRecord, EntryRecord, TrackRecord
from catalog.spotify import accounts
from catalog.spotify.app import app
from catalog.spotify.sync import sync
from catalog.system.encryption import unseal
from tests.fakes.spotify import CLIENT_ID, Playlist
from tests.fakes.spotify import User as SpotifyUser
from tests.fakes.spotify_objects import entries, numbered
from tests.fakes.spotify_use import NOW
from tests.fakes.spotify_use import connect as connected

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(client: Client, spotify, anna) -> Client:
    client.force_login(Person.objects.create_superuser("keeper", "", "secret"))
    return client


def consent(client: Client) -> str:
    """Press Connect, consent at Spotify: the address at which one lands."""
    away = client.post("/connect/start")
    assert away.status_code == 302
    return requests.get(away["Location"], allow_redirects=False, timeout=600).headers["Location"]


def said(response) -> str:
    return response.content.decode()


# --- The way there ---


def test_a_person_is_walked_from_the_app_to_a_connected_account(keeper, spotify, anna, settings):
    settings.SPOTIFY_CLIENT_ID = ""
    anna.liked = numbered(0, 3)
    page = said(keeper.get("/connect"))
    assert settings.SPOTIFY_REDIRECT_URI in page and "Save your app above first" in page
    assert page.count('role="img"') == 2  # drawings of the steps there
    keeper.post("/connect/app", {"client_id": f" {CLIENT_ID} ", "client_secret": ""})
    assert "Save your app above first" not in said(keeper.get("/connect"))
    landed = consent(keeper)
    assert landed.startswith(settings.SPOTIFY_REDIRECT_URI)
    answer = keeper.get(landed.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert "Connected as Anna" in said(answer)
    account = Account.objects.get()
    assert (account.user_id, account.name, account.product, account.state) == ("anna", "Anna", "premium", "connected")
    assert "secret" not in account.token and json.loads(unseal(account.token))["refresh_token"].endswith("-secret")
    assert OrmQ.objects.exists()  # the first sync is asked for
    assert sync(timezone.now()).added == 3
    assert "connected" in said(keeper.get("/connect"))


def test_the_app_is_tested_and_what_is_wrong_said_in_a_sentence(keeper, spotify, settings):
    settings.SPOTIFY_CLIENT_ID = ""
    stored = {"client_id": CLIENT_ID}
    assert "Spotify knows the app" in said(keeper.post("/connect/app", stored, follow=True))
    spotify.redirects = {"http://127.0.0.1:9999/other"}
    page = said(keeper.post("/connect/app", {"test": "yes"}, follow=True))
    assert f"does not know the address {settings.SPOTIFY_REDIRECT_URI}" in page and "Spotify knows the app" not in page
    spotify.redirects = {settings.SPOTIFY_REDIRECT_URI}
    assert "Spotify knows the app" in said(keeper.post("/connect/app", {"test": "yes"}, follow=True))
    page = said(keeper.post("/connect/app", {"client_id": "f" * 32}, follow=True))
    assert "The app is stored." in page and "knows no app with this client id:" in page
    spotify.client_secret = "right"
    page = said(keeper.post("/connect/app", {**stored, "client_secret": "wrong"}, follow=True))
    assert "or not with this secret" in page and "wrong" not in page
    settings.SPOTIFY_ACCOUNTS_URL = "http://127.0.0.1:1"
    assert "cannot be reached" in said(keeper.post("/connect/app", {"test": "yes"}, follow=True))
    assert not Account.objects.exists()


def test_the_consent_is_asked_for_with_state_and_pkce_and_only_to_read(keeper, spotify):
    away = urlsplit(keeper.post("/connect/start")["Location"])
    query = {name: values[0] for name, values in parse_qs(away.query).items()}
    assert f"{away.scheme}://{away.netloc}" == spotify.url and away.path == "/authorize"
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 32 and query["client_id"] == CLIENT_ID
    assert all("modify" not in scope for scope in query["scope"].split())


@pytest.mark.parametrize("what", ["address", "query", "spaces around it"])
def test_the_address_one_landed_on_may_be_pasted(keeper, what):
    landed = consent(keeper)
    pasted = {"address": landed, "query": landed.split("?")[1], "spaces around it": f"\n {landed} "}[what]
    assert "Connected as Anna" in said(keeper.post("/connect/paste", {"address": pasted}, follow=True))


@pytest.mark.parametrize(
    "pasted", ["", "rubbish", "https://open.spotify.com/", "?code=x", "http://[::1", "%00=%ff&state"]
)
def test_another_address_is_refused_with_a_sentence(keeper, pasted):
    consent(keeper)
    page = said(keeper.post("/connect/paste", {"address": pasted}, follow=True))
    assert "not the address to which Spotify leads" in page
    assert not Account.objects.exists()


def test_a_consent_that_this_session_did_not_ask_for_is_refused(keeper, spotify):
    landed = consent(keeper)
    stranger = Client()
    stranger.force_login(Person.objects.get())
    assert "was not asked for here" in said(stranger.post("/connect/paste", {"address": landed}, follow=True))
    forged = landed.split("state=")[0] + "state=forged-é"
    assert "was not asked for here" in said(keeper.post("/connect/paste", {"address": forged}, follow=True))
    assert not Account.objects.exists()
    assert "Connected as Anna" in said(keeper.post("/connect/paste", {"address": landed}, follow=True))
    assert "used already" in said(keeper.post("/connect/paste", {"address": landed}, follow=True))


def test_a_consent_grows_old(spotify, anna):
    session: dict = {}
    address = accounts.begin(session, NOW)
    landed = requests.get(address, allow_redirects=False, timeout=600).headers["Location"]
    with pytest.raises(accounts.ConnectProblem, match="half an hour"):
        accounts.finish(session, landed, NOW + timedelta(minutes=31))
    assert accounts.finish(session, landed, NOW + timedelta(minutes=29)).user_id == "anna"


def test_who_says_no_at_spotify_is_believed(keeper):
    state = parse_qs(urlsplit(keeper.post("/connect/start")["Location"]).query)["state"][0]
    page = said(keeper.get(f"/connect/callback?error=access_denied&state={state}", follow=True))
    assert "You did not give permission" in page and not Account.objects.exists()


def test_who_lands_under_another_address_is_told_to_copy_it(keeper):
    landed = consent(keeper).removeprefix("http://127.0.0.1:8000")
    assert "Copy this page" in said(Client().get(landed))
    assert not Account.objects.exists()


def test_spotify_saying_no_while_connecting_is_a_sentence_and_stores_nothing(keeper, spotify):
    landed = consent(keeper)
    not_listed = {"error": {"status": 403, "message": "User not registered in the Developer Dashboard"}}
    spotify.fault("/me", 403, body=not_listed)
    page = said(keeper.post("/connect/paste", {"address": landed}, follow=True))
    assert "User Management" in page and not Account.objects.exists()


def test_connecting_again_keeps_the_row_and_ends_what_was_wrong(keeper, spotify):
    before = connected(spotify)
    Account.objects.update(state="reconnect", reason="The permission has ended.", consent_at=NOW - timedelta(days=400))
    page = said(keeper.get("/connect"))
    assert "reconnect needed" in page and "The permission has ended." in page
    keeper.post("/connect/paste", {"address": consent(keeper)})
    after = Account.objects.get()
    assert (after.pk, after.state, after.reason) == (before.pk, "connected", "")
    assert timezone.now() - after.consent_at < timedelta(minutes=1)


def test_a_household_connects_two_accounts(keeper, spotify):
    keeper.post("/connect/paste", {"address": consent(keeper)})
    spotify.add(SpotifyUser("ben"))
    spotify.consenting = "ben"
    keeper.post("/connect/paste", {"address": consent(keeper)})
    assert list(Account.objects.values_list("user_id", flat=True)) == ["anna", "ben"]


def test_disconnecting_forgets_the_token_and_keeps_the_songs(keeper, spotify, anna):
    anna.liked = numbered(0, 3)
    account = connected(spotify)
    sync(NOW)
    assert "Disconnected Anna" in said(keeper.post(f"/connect/{account.pk}/disconnect", follow=True))
    assert not Account.objects.exists()
    assert Track.objects.wanted().count() == 3


# --- The app ---


@pytest.mark.parametrize("client_id", ["", "short", "g" * 32, CLIENT_ID + "0", "<script>"])
def test_what_can_be_no_client_id_is_refused(keeper, settings, client_id):
    settings.SPOTIFY_CLIENT_ID = ""
    page = said(keeper.post("/connect/app", {"client_id": client_id}, follow=True))
    assert "no client id" in page and not SpotifyApp.objects.exists()


def test_a_stored_secret_is_sealed_and_never_shown(keeper, spotify, settings):
    settings.SPOTIFY_CLIENT_ID = ""
    spotify.client_secret = "app-secret-word"
    keeper.post("/connect/app", {"client_id": CLIENT_ID, "client_secret": "app-secret-word"})
    assert app().client_secret == "app-secret-word"
    assert "app-secret-word" not in SpotifyApp.objects.get().client_secret + repr(app())
    assert "app-secret-word" not in said(keeper.get("/connect"))
    assert "Connected as Anna" in said(keeper.post("/connect/paste", {"address": consent(keeper)}, follow=True))


def test_the_app_of_the_environment_is_not_changed_on_the_page(keeper):
    page = said(keeper.post("/connect/app", {"client_id": "a" * 32}, follow=True))
    assert "SPOTIFY_CLIENT_ID" in page and not SpotifyApp.objects.exists()


# --- What is shown ---


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("consented", "ends"),
    [
        (at(2026, 1, 15), at(2026, 7, 15)),
        (at(2026, 8, 31), at(2027, 2, 28)),
        (at(2026, 12, 31), at(2027, 6, 30)),
    ],
)
def test_a_consent_ends_after_six_months(consented, ends):
    assert Account(consent_at=consented).ends_at == ends


@pytest.mark.parametrize(
    ("days_left", "mood", "advice"),
    [(31, "ok", ""), (30, "warn", "in 30 days"), (7, "warn", "in 7 days"), (1, "bad", "tomorrow"), (0, "bad", "today")],
)
def test_the_end_of_a_consent_is_announced(days_left, mood, advice):
    account = Account(user_id="anna", consent_at=at(2026, 1, 15))
    shown = accounts.account_status(account, at(2026, 7, 15) - timedelta(days=days_left))
    assert shown.mood == mood and advice in shown.advice
    assert bool(shown.advice) == bool(advice)


def test_an_ended_consent_asks_to_reconnect():
    shown = accounts.account_status(Account(user_id="anna", consent_at=at(2026, 1, 15)), at(2026, 7, 16))
    assert (shown.word, shown.mood) == ("reconnect needed", "bad")


def test_only_accounts_that_want_attention_get_a_banner():
    Account.objects.create(user_id="anna", name="Anna", consent_at=NOW)
    Account.objects.create(user_id="ben", name="Ben", state="premium", reason="Its owner has no Premium.")
    Account.objects.create(user_id=f"{accounts.NAMELESS}abc", state="reconnect", reason="Not known yet.")
    assert accounts.alerts(NOW) == [("bad", "Ben: Its owner has no Premium.")]


def test_a_pause_is_shown_with_its_reason(keeper, spotify):
    connected(spotify)
    Service.objects.pause("spotify", timezone.now() + timedelta(hours=1), "Spotify asks for fewer requests.")
    page = said(keeper.get("/connect"))
    assert "Spotify is paused until" in page and "asks for fewer requests" in page


@pytest.mark.parametrize("state", ["premium", "not_allowed"])
def test_what_is_wrong_with_an_account_is_shown(keeper, spotify, state):
    account = connected(spotify)
    Account.objects.update(state=state, reason="A reason to read.")
    page = said(keeper.get("/connect"))
    assert Account.objects.get(pk=account.pk).get_state_display() in page and "A reason to read." in page


def test_the_pages_are_for_those_who_run_the_installation(client, spotify, settings):
    settings.STATUS_PUBLIC = True
    for path in ("/connect", "/collections"):
        assert client.get(path).status_code == 302
    for path in ("/connect/start", "/connect/paste", "/connect/app", "/collections/choose"):
        assert client.post(path).status_code == 302
    client.force_login(Person.objects.create_user("guest"))
    assert client.get("/connect").status_code == client.post("/collections/choose").status_code == 403


# --- Choosing ---


@pytest.fixture
def synced(keeper, spotify, anna) -> Client:
    anna.liked = numbered(0, 4)
    anna.playlists = [
        Playlist(1, "Road <b>trip", entries=entries(range(2, 8))),
        Playlist(2, "Discover Weekly", owner="spotify", entries=entries([50])),
    ]
    connected(spotify)
    sync(timezone.now())
    OrmQ.objects.all().delete()
    return keeper


def wanted() -> set[str]:
    return set(Track.objects.wanted().values_list("title", flat=True))


def songs(*numbers: int) -> set[str]:
    return {f"Song {number}" for number in numbers}


def test_each_collection_is_shown_with_its_ledger_and_closed_ones_with_the_way_round(synced):
    page = said(synced.get("/collections"))
    assert ">6 songs</a>" in page and ">4 songs</a>" in page
    assert "Road &lt;b&gt;trip" in page
    assert "Discover Weekly" in page and "The way round" in page and "1 not opened to us" in page


def test_a_collection_that_is_switched_off_is_no_longer_fetched_and_shared_songs_are(synced):
    trip = Collection.objects.get(name="Road <b>trip")
    page = said(synced.post("/collections/choose", {"off": trip.pk, "tab": "playlists"}, follow=True))
    assert "1 list switched off" in page
    assert wanted() == songs(0, 1, 2, 3)
    assert Entry.objects.filter(collection=trip).count() == 6
    assert not OrmQ.objects.exists()
    synced.post("/collections/choose", {"on": trip.pk, "tab": "playlists"})
    assert wanted() == songs(*range(8))
    assert OrmQ.objects.exists()  # workers are woken


def test_a_choice_outlives_the_next_sync(synced, anna):
    trip = Collection.objects.get(name="Road <b>trip")
    synced.post("/collections/choose", {"off": trip.pk})
    anna.playlists[0].change(entries(range(2, 12)))
    sync(timezone.now())
    assert trip.entries.count() == 10
    assert wanted() == songs(0, 1, 2, 3)


def test_a_whole_tab_is_switched_at_once_and_the_others_stay(synced):
    imported = EntryRecord(track=TrackRecord("Imported", ("Ida",)))
    replace_catalog([CollectionRecord(FILE, "a.csv", "a.csv", [imported])], timezone.now())
    synced.post("/collections/choose", {"off": "all", "tab": "playlists"})
    assert wanted() == {"Imported"}
    assert ">1 song</a>" in said(synced.get("/collections?tab=files"))


@pytest.mark.parametrize("word", ["off", "keep", "bin", "remove", "nothing"])
@pytest.mark.parametrize("which", ["", "0", "x", "²", "9" * 30, "-1"])
def test_a_choice_that_names_nothing_changes_nothing(synced, word, which):
    answer = synced.post("/collections/choose", {word: which, "tab": "nonsense", "page": which})
    assert answer.status_code == 302 and len(wanted()) == 8
    assert set(Collection.objects.values_list("removal", flat=True)) == {"keep"}


def test_what_becomes_of_files_is_chosen_for_each_collection(synced):
    trip = Collection.objects.get(name="Road <b>trip")
    page = said(synced.post("/collections/choose", {"bin": trip.pk, "tab": "playlists"}, follow=True))
    assert "files of songs that leave it go to the bin" in page and page.count("move to bin</span>") == 1
    assert list(Collection.objects.filter(removal="bin")) == [trip]
    assert "switched off; files of songs that nothing else holds go to the bin" in said(
        synced.post("/collections/choose", {"off": trip.pk}, follow=True)
    )
    synced.post("/collections/choose", {"keep": trip.pk})
    assert not Collection.objects.filter(removal="bin").exists()


def test_the_choice_is_a_plain_form_with_a_token(synced):
    page = said(synced.get("/collections"))
    trip = Collection.objects.get(name="Road <b>trip")
    assert f'name="bin" value="{trip.pk}"' in page and "csrfmiddlewaretoken" in page
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(Person.objects.get())
    assert forged.post("/collections/choose", {"bin": trip.pk}).status_code == 403
    assert forged.get("/collections/choose").status_code == 405
    assert not Collection.objects.filter(removal="bin").exists()


def test_what_an_account_left_behind_can_be_removed_and_what_a_sync_would_bring_back_cannot(synced):
    imported = EntryRecord(track=TrackRecord("Imported", ("Ida",)))
    replace_catalog([CollectionRecord(FILE, "a.csv", "a.csv", [imported])], timezone.now())
    trip = Collection.objects.get(name="Road <b>trip")
    assert 'name="remove"' not in said(synced.get("/collections"))
    synced.post("/collections/choose", {"remove": trip.pk})
    assert Collection.objects.filter(pk=trip.pk).exists()
    assert 'name="remove"' in said(synced.get("/collections?tab=files"))
    synced.post("/collections/choose", {"remove": Collection.objects.get(kind="file").pk})
    assert "Imported" not in wanted()
    synced.post(f"/connect/{Account.objects.get().pk}/disconnect")
    assert "1 list removed; files stay" in said(synced.post("/collections/choose", {"remove": trip.pk}, follow=True))
    assert wanted() == songs(0, 1, 2, 3)
    synced.post("/collections/choose", {"remove": "all", "tab": "playlists"})
    assert wanted() == songs(0, 1, 2, 3)


def test_many_collections_come_in_pages(synced):
    Collection.objects.bulk_create(
        Collection(kind="album", key=f"{number}", name=f"Album {number:03}") for number in range(150)
    )
    first, second = (said(synced.get(f"/collections?tab=albums&page={page}")) for page in (1, 2))
    assert "Album 000" in first and "Album 149" not in first and "Album 149" in second
    assert "Liked songs" not in first.split('aria-label="Playlists and albums"')[1]
