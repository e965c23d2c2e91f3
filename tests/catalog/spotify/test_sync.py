"""The sync run, through real spotipy, into the real catalog."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.ingest.replace import replace_catalog
from catalog.models import Account, Album, Alias, Artist, Collection, Credit, Entry, Run, Service, Track
from catalog.music.records import FILE, CollectionRecord, EntryRecord, TrackRecord
from catalog.reports.ledger import ledgers
from catalog.spotify.sync import sync
from catalog.system.encryption import unseal
from catalog.system.file_locks import try_lock
from tests.fakes.spotify import Playlist, SavedAlbum, User
from tests.fakes.spotify_objects import (
    album,
    entries,
    episode,
    local_track,
    numbered,
    playlist_entry,
    spotify_id,
    track,
)
from tests.fakes.spotify_use import NOW, STALE, connect

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def state() -> dict:
    """Everything that a sync may change of the catalog, row by row."""
    tables = (Artist, Album, Track, Credit, Alias, Entry)
    rows = {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}
    return rows | {"Collection": list(Collection.objects.order_by("pk").values("key", "name", "enabled", "snapshot"))}


def songs(name: str) -> list[str]:
    found = Entry.objects.filter(collection__name=name).order_by("position")
    return [entry.track.title if entry.track else entry.reason for entry in found.select_related("track")]


@pytest.fixture
def library(spotify, anna) -> User:
    """Liked songs 0-119, a playlist of songs 60-159, an album of ten more."""
    anna.liked = numbered(0, 120)
    anna.playlists = [Playlist(1, "Road trip", entries=entries(range(60, 160)))]
    anna.albums = [SavedAlbum.of(album(90, "Long Player"), first=900)]
    connect(spotify)
    return anna


# --- What comes in ---


def test_a_whole_library_comes_in_and_every_song_is_one_track(library):
    report = sync(NOW)
    assert report.complete, report.sentence()
    assert (report.added, report.new_tracks, report.gone) == (230, 170, 0)
    assert Track.objects.queue(NOW).count() == report.to_fetch == 170
    assert songs("Road trip") == [f"Song {number}" for number in range(60, 160)]
    assert "170 to download" in report.sentence()


def test_a_second_sync_changes_nothing_and_costs_three_calls(library):
    first = sync(NOW)
    before = state()
    report = sync(LATER)
    assert state() == before
    assert (report.added, report.updated, report.gone, report.moved) == (0, 0, 0, 0)
    assert (report.calls_before, report.calls) == (first.calls, 3)
    assert "Nothing has changed" in report.sentence()


def test_download_state_survives_every_sync(library, spotify):
    sync(NOW)
    Track.objects.filter(title="Song 5").update(attempts=3, last_error="No match", retry_after=LATER)
    columns = ("status", "local_path", "attempts", "last_error", "retry_after", "size", "last_seen")
    before = list(Track.objects.order_by("pk").values_list(*columns))
    library.liked[0]["track"]["name"] = "Song 119 (remaster)"
    library.liked[0]["added_at"] = "2025-01-01T00:00:00Z"
    assert sync(LATER).updated == 1
    assert list(Track.objects.order_by("pk").values_list(*columns)) == before


def test_additions_removals_and_moves_follow_spotify(library):
    sync(NOW)
    library.playlists[0].change([*entries([3, 200]), *library.playlists[0].entries[:-2]])
    report = sync(LATER)
    assert (report.added, report.gone, report.new_tracks) == (2, 2, 1)
    assert songs("Road trip") == ["Song 3", "Song 200", *(f"Song {number}" for number in range(60, 158))]
    assert not Track.objects.get(title="Song 159").wanted
    assert Track.objects.get(title="Song 3").wanted


def test_a_playlist_that_was_deleted_at_spotify_is_forgotten_and_its_songs_are_no_longer_wanted(library):
    sync(NOW)
    library.playlists.append(Playlist(2, "Other", entries=entries([300])))
    sync(LATER)
    del library.playlists[0]
    report = sync(LATER)
    assert report.forgotten == ["Road trip"] and "No longer in the library: Road trip." in report.sentence()
    assert not Collection.objects.filter(name="Road trip").exists()
    assert not Track.objects.get(title="Song 150").wanted and Track.objects.get(title="Song 70").wanted


def test_a_re_issued_song_finds_its_track_again(library):
    sync(NOW)
    before = Track.objects.get(title="Song 7").pk
    again = track(7) | {"id": spotify_id("again", 7), "uri": f"spotify:track:{spotify_id('again', 7)}"}
    library.liked[-8] = {"added_at": "2025-01-01T00:00:00Z", "track": again}
    library.liked.sort(key=lambda saved: saved["added_at"], reverse=True)
    report = sync(LATER)
    assert report.new_tracks == 0
    assert Entry.objects.get(collection__kind="liked", track__title="Song 7").track_id == before


def test_an_account_adds_nothing_to_what_was_imported_from_a_file(library):
    imported = [
        EntryRecord(track=TrackRecord(f"Song {number}", ("The Tests",), spotify_id=spotify_id("track", number)))
        for number in range(160)
    ]
    replace_catalog([CollectionRecord(FILE, "liked.csv", "liked.csv", imported)], NOW)
    report = sync(LATER)
    assert report.new_tracks == 10  # the album's
    assert Track.objects.count() == 170


def test_two_accounts_share_their_tracks_and_not_their_collections(library, spotify):
    spotify.add(User("ben", liked=numbered(100, 30)))
    connect(spotify, "ben")
    report = sync(NOW)
    assert [(each.user_id, each.problem) for each in report.accounts] == [("anna", ""), ("ben", "")]
    assert Collection.objects.filter(kind="liked").count() == 2
    assert Track.objects.filter(title="Song 110").count() == 1


# --- Complete or nothing removed ---


@pytest.mark.parametrize("page", range(3))
def test_a_server_error_on_any_page_of_the_liked_songs_leaves_the_catalog_as_it_was(library, spotify, page):
    sync(NOW)
    before = state()
    library.liked.pop(60)
    spotify.fault("/me/tracks", 500, skip=page)
    report = sync(LATER)
    assert state() == before
    assert not report.complete and "Spotify has a problem of its own" in report.sentence()


@pytest.mark.parametrize("page", range(2))
def test_a_server_error_on_any_page_of_a_playlist_leaves_the_catalog_as_it_was(library, spotify, page):
    sync(NOW)
    before = state()
    library.playlists[0].change(entries([*range(60, 100), *range(101, 160)]))
    spotify.fault(r"/playlists/\w+/items", 500, skip=page)
    report = sync(LATER)
    assert state() == before
    assert not report.complete and "Spotify has a problem of its own" in report.sentence()


def test_what_was_read_of_a_broken_list_is_added_and_nothing_is_removed(library, spotify):
    sync(NOW)
    library.playlists[0].change([*entries([500]), *entries(range(70, 160))])
    spotify.fault(r"/playlists/\w+/items", 500, skip=1)
    report = sync(LATER)
    assert (report.added, report.gone) == (1, 0)
    assert {"Song 500", "Song 60", "Song 69"} <= set(songs("Road trip"))
    assert "problem" in Collection.objects.get(name="Road trip").problem
    Service.objects.go_on("spotify")
    assert sync(LATER).gone == 10
    assert Collection.objects.get(name="Road trip").problem == ""


def test_an_emptied_library_removes_nothing(library):
    sync(NOW)
    before = state()
    library.liked, library.playlists, library.albums = [], [], []
    report = sync(LATER)
    assert state() == before
    assert not report.complete and len(report.problems) == 3


def test_a_null_among_the_playlists_is_said_and_is_no_failure_and_nothing_is_forgotten(library, spotify):
    library.playlists.append(Playlist(2, "Other", entries=entries([300])))
    sync(NOW)
    spotify.twist("/me/playlists", lambda page: page["items"].__setitem__(0, None), times=2)
    report = sync(LATER)
    assert report.complete and Run.objects.filter(kind="sync").first().ok
    assert "Anna: 1 playlist could not be read: Spotify lists nothing in its place." in report.sentence()
    assert report.forgotten == [] and Collection.objects.filter(name="Road trip").exists()
    assert sync(LATER, dry_run=True).notes == report.notes == Run.objects.filter(kind="sync").first().report["notes"]
    assert sync(LATER).notes == []


def test_a_playlist_that_was_removed_is_forgotten_a_day_later_though_another_one_is_null(library, spotify):
    library.playlists += [Playlist(number, f"Other {number}", entries=entries([300 + number])) for number in (2, 3)]
    sync(NOW)
    spotify.twist("/me/playlists", lambda page: page | {"items": [None, *page["items"][2:]], "total": 2}, times=9)
    spotify.fault(f"/playlists/{library.playlists[1].key}", 404, times=9)

    assert sync(LATER).forgotten == []
    assert sync(LATER + timedelta(hours=20)).forgotten == []
    assert sync(LATER + timedelta(hours=25)).forgotten == ["Road trip"]
    assert Collection.objects.filter(name="Other 2").exists()  # it may be the one that Spotify cannot show


def test_a_null_among_the_albums_is_said_and_its_neighbours_come_in(library, spotify):
    library.albums.append(SavedAlbum.of(album(91, "Short Player"), first=950))
    spotify.twist("/me/albums", lambda page: page["items"].__setitem__(0, None))
    report = sync(NOW)
    assert report.complete and "1 saved album could not be read" in report.sentence()
    assert list(Collection.objects.filter(kind="album").values_list("name", flat=True)) == ["Short Player"]


# --- Limits ---


@pytest.mark.parametrize("retry_after", ["86400", "soon", "Mon, 23 Nov 2026 12:00:00 GMT"])
def test_a_429_ends_the_sync_at_once_and_pauses_spotify(library, spotify, retry_after):
    spotify.fault("/me/tracks", 429, headers={"Retry-After": retry_after})
    started = time.monotonic()
    report = sync(NOW)
    assert time.monotonic() - started < 3600  # not the day that it named
    service = Service.objects.get(name="spotify")
    assert service.is_paused(NOW) and service.reason == "Spotify asks for fewer requests."
    assert len(spotify.paths()) == 1
    assert report.paused.startswith("Spotify is paused until 2026-11-2")
    assert report.sentence().count("asks for fewer requests") == 1


def test_a_paused_spotify_is_not_asked_and_goes_on_by_itself_afterwards(library, spotify):
    Service.objects.pause("spotify", NOW + timedelta(minutes=5), "Spotify asks for fewer requests.")
    assert sync(NOW).paused and spotify.requests == []
    report = sync(LATER)
    assert report.complete and report.added
    assert Service.objects.get(name="spotify").strikes == 0


MEANINGS = [
    ("Active premium subscription required for the owner of the app.", "premium"),
    ("User not registered in the Developer Dashboard", "not_allowed"),
    ("Insufficient client scope", "reconnect"),
]


@pytest.mark.parametrize(("message", "word"), MEANINGS)
def test_each_403_shows_on_the_account_and_pauses_nothing(library, spotify, message, word):
    spotify.fault("/me/tracks", 403, body={"error": {"status": 403, "message": message}})
    report = sync(NOW)
    account = Account.objects.get()
    assert account.state == word and account.reason and report.sentence().count(account.reason) == 1
    assert report.accounts[0].problem == account.reason
    assert not Service.objects.get(name="spotify").is_paused(NOW)


def test_what_was_put_right_at_spotify_works_again(library, spotify):
    Account.objects.update(state="premium", reason="Spotify opens its interface only to apps whose owner has Premium.")
    assert sync(NOW).complete
    assert (Account.objects.get().state, Account.objects.get().reason) == ("connected", "")


def test_an_ended_consent_is_said_once_at_spotify_and_at_every_sync_here(library, spotify):
    Account.objects.all().delete()
    connect(spotify, expires_at=STALE)
    spotify.refresh.clear()
    assert "connect the account again" in sync(NOW).sentence()
    asked = len(spotify.requests)
    assert Account.objects.get().state == "reconnect"
    assert "connect the account again" in sync(LATER).sentence()
    assert len(spotify.requests) == asked


# --- The run ---


def test_two_syncs_never_run_together(library):
    with try_lock("sync"):
        report = sync(NOW)
    assert report.busy and "Another sync is running" in report.sentence()
    assert Track.objects.count() == Run.objects.count() == 0


def test_a_run_is_written_down_with_its_report_and_without_secrets(library, spotify):
    sync(NOW)
    run = Run.objects.get(kind="sync")
    assert run.ok and run.problem == "" and (run.done, run.total) == (3, 3)
    assert run.report["added"] == 230 and run.ended_at >= run.started_at == NOW
    spotify.fault("/me/playlists", 503)
    sync(LATER)
    failed = Run.objects.filter(kind="sync").first()
    assert failed.ok is False and "Spotify is paused" in failed.problem
    assert "-secret" not in json.dumps([run.report, failed.report])


def test_a_run_that_ends_in_an_error_is_written_down_as_failed(library, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("disk I/O error")

    monkeypatch.setattr("catalog.spotify.sync.replace_catalog", fail)
    with pytest.raises(RuntimeError):
        sync(NOW)
    run = Run.objects.get()
    assert run.ok is False and run.ended_at and run.problem
    monkeypatch.undo()
    assert sync(LATER).complete


def test_a_dry_run_tells_the_plan_and_writes_nothing(library):
    sync(NOW)
    library.playlists[0].change([*entries([3, 200]), *library.playlists[0].entries[:-2]])
    library.playlists.append(Playlist(2, "New", entries=entries([201])))
    before, runs = state(), Run.objects.count()
    plan = sync(LATER, dry_run=True)
    assert (state(), Run.objects.count()) == (before, runs)
    done = sync(LATER)
    told = ("added", "gone", "moved", "merged", "new_tracks", "to_fetch", "calls", "collections", "changes")
    assert {name: getattr(plan, name) for name in told} == {name: getattr(done, name) for name in told}
    assert plan.added == 3 and plan.sentence().startswith("It would be: 3 new, 2 gone")
    assert [(change["name"], change["added"], change["gone"]) for change in plan.changes] == [
        ("Road trip", 2, 2),
        ("New", 1, 0),
    ]


def test_a_pause_that_a_dry_run_meets_is_kept(library, spotify):
    spotify.fault("/me/playlists", 429, headers={"Retry-After": "600"})
    assert sync(NOW, dry_run=True).paused
    assert Service.objects.get(name="spotify").is_paused(NOW)
    assert Track.objects.count() == 0


def test_a_stop_is_heard_between_two_collections(library):
    report = sync(NOW, should_stop=lambda: Entry.objects.exists())
    assert list(Collection.objects.values_list("kind", flat=True)) == ["liked"]
    assert "stopped" in report.sentence() and not report.complete


def test_a_full_sync_reads_what_seems_unchanged_and_changes_nothing(library):
    first = sync(NOW)
    before = state()
    assert sync(LATER, full=True).calls == first.calls
    assert state() == before


def test_one_collection_a_day_is_read_whole_for_corrections_that_no_head_shows(library, spotify):
    sync(NOW)
    for entry in (library.liked[110], library.playlists[0].entries[90]):  # deep in their lists
        (entry.get("item") or entry["track"])["name"] += " (Corrected)"
    corrected = Track.objects.filter(title__endswith=" (Corrected)")
    assert (sync(LATER).calls, corrected.count()) == (3, 0)
    read = []
    for day in (1, 2, 3):
        sync(LATER + timedelta(days=day))
        read.append((corrected.count(), sync(LATER + timedelta(days=day, hours=1)).calls))
    assert read == [(1, 3), (2, 3), (2, 3)]


def test_progress_is_told(library):
    heard = []
    sync(NOW, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 1), (2, 2), (3, 3)]


# --- A token in the environment, and none at all ---


def test_a_token_of_the_environment_is_moved_into_a_row_once(spotify, anna, settings):
    anna.liked = numbered(0, 3)
    settings.SPOTIFY_REFRESH_TOKEN = spotify.token("anna")["refresh_token"]
    assert sync(NOW).added == 3
    account = Account.objects.get()
    assert (account.user_id, account.name) == ("anna", "Anna")
    assert json.loads(unseal(account.token))["refresh_token"] != settings.SPOTIFY_REFRESH_TOKEN
    assert sync(LATER).complete and Account.objects.count() == 1


def test_a_token_that_was_renewed_before_spotify_said_whose_it_is_is_not_lost(spotify, anna, settings):
    settings.SPOTIFY_REFRESH_TOKEN = spotify.token("anna")["refresh_token"]
    spotify.fault("/me", 503)
    assert sync(NOW).paused
    assert sync(LATER).complete
    assert Account.objects.get().user_id == "anna"


def test_a_dead_token_of_the_environment_is_said_and_a_new_one_is_taken(spotify, anna, settings):
    settings.SPOTIFY_REFRESH_TOKEN = "AQ-dead"
    assert sync(NOW).problems[0].startswith("SPOTIFY_REFRESH_TOKEN: The permission has ended")
    settings.SPOTIFY_REFRESH_TOKEN = spotify.token("anna")["refresh_token"]
    assert sync(LATER).complete
    assert Account.objects.get().user_id == "anna"


def test_without_an_account_it_says_what_to_do_next_and_that_is_no_error(spotify, db):
    report = sync(NOW)
    assert report.complete and not report.connected
    assert "/connect" in report.sentence() and "import_library" in report.sentence()
    assert spotify.requests == []


def test_without_an_app_it_says_what_to_do_next(spotify, settings):
    settings.SPOTIFY_CLIENT_ID = ""
    settings.SPOTIFY_REFRESH_TOKEN = "AQ-token"
    report = sync(NOW)
    assert not report.complete and "SPOTIFY_CLIENT_ID" in report.sentence()


# --- The ledger ---


def test_the_ledger_adds_up(spotify, anna):
    odd = [playlist_entry(episode(1)), *[playlist_entry(local_track())] * 2, *[playlist_entry(None)] * 3]
    anna.playlists = [
        Playlist(1, "Mixed", entries=[*entries([1, 2, 3, 2, 1]), *odd]),
        Playlist(2, "Discover Weekly", owner="spotify", entries=entries([7, 8])),
    ]
    connect(spotify)
    collections = {found["name"]: found for found in sync(NOW).collections}
    assert collections["Mixed"]["sentence"] == (
        "Spotify says 11 = 3 tracks + 3 withdrawn + 1 episode + 2 local files + 2 duplicates"
    )
    assert collections["Discover Weekly"]["sentence"] == "Spotify says 2 = 0 tracks + 2 not opened to us"
    assert collections["Liked songs"]["sentence"] == "Spotify says 0 = 0 tracks"


def test_the_ledger_adds_up_after_a_read_that_was_not_whole(library, spotify):
    sync(NOW)
    library.playlists[0].change(entries(range(70, 160)))
    spotify.fault(r"/playlists/\w+/items", 500, skip=1)
    sync(LATER)
    assert all(adds_up(found) for found in ledgers())
    kept = next(found for found in ledgers() if found["name"] == "Road trip")
    assert (kept["total"], kept["kept"]) == (90, 10)


def adds_up(found: dict) -> bool:
    parts = ("tracks", "withdrawn", "episodes", "local", "unreadable", "duplicates", "unread")
    return found["total"] == sum(found[part] for part in parts) - found["kept"]


# --- The command ---


@pytest.fixture
def healthy(world, library):
    """The sample world's folder, so that the command can reconcile."""
    return library


def run_command(capsys, *arguments: str) -> tuple[int, str]:
    try:
        call_command("sync", *arguments)
    except CommandError as error:
        return error.returncode, f"{capsys.readouterr().out}{error}"
    return 0, capsys.readouterr().out


def test_the_command_syncs_then_reconciles_and_tells_both(healthy, world, capsys):
    gone = next(iter(world.tracks.values()))
    Path(gone.local_path).unlink()
    code, out = run_command(capsys, "--json")
    report = json.loads(out.splitlines()[-1])
    assert code == 0
    assert (report["added"], report["reconcile"]["vanished"]) == (230, 1)
    assert all(adds_up(found) for found in report["collections"])
    gone.refresh_from_db()
    assert gone.status == "missing"


def test_the_command_tells_the_cost_before_and_after_and_each_ledger(healthy, capsys):
    run_command(capsys)
    code, out = run_command(capsys)
    assert code == 0
    assert "The sync before this one cost 9 calls to Spotify." in out and "(3 calls to Spotify)" in out
    assert "Road trip: Spotify says 100 = 100 tracks" in out


def test_the_command_says_whose_a_collection_is_in_a_household(healthy, spotify, capsys):
    spotify.add(User("ben", liked=numbered(300, 3)))
    connect(spotify, "ben")
    _, out = run_command(capsys)
    assert "  Anna: Liked songs: 120 added" in out and "  Ben: Liked songs: 3 added" in out
    assert "  Anna: Liked songs: Spotify says 120 = 120 tracks" in out
    assert "  Ben: Liked songs: Spotify says 3 = 3 tracks" in out


def test_the_command_ends_with_1_where_something_could_not_be_read(healthy, spotify, capsys):
    spotify.twist("/me/playlists", lambda page: page.update(items=None))
    code, out = run_command(capsys)
    assert code == 1 and "The list of playlists is not whole" in out


def test_the_command_ends_with_3_where_spotify_is_paused(healthy, spotify, capsys):
    spotify.fault("/me/tracks", 429, headers={"Retry-After": "600"})
    code, out = run_command(capsys, "--json")
    assert code == 3 and "Spotify is paused until" in out
    assert "reconcile" in json.loads(out.splitlines()[0])


def test_the_dry_run_of_the_command_changes_nothing(healthy, world, capsys):
    before = state()
    code, out = run_command(capsys, "--dry-run")
    assert code == 0 and state() == before
    assert "It would be: 230 new" in out and "176 to download" not in out


def test_what_spotify_tells_of_an_album_is_kept_with_it(library):
    saved = library.albums[0].album
    saved |= {"label": "Parkwood", "copyrights": [{"type": "C", "text": "C"}, {"type": "P", "text": "2006 Sony"}]}
    sync(NOW)
    row = Album.objects.get(title="Long Player")
    assert (row.label, row.copyright, row.release_type) == ("Parkwood", "2006 Sony", "album")
    assert (row.artist_names, row.total_tracks) == (["The Tests"], saved["total_tracks"])


def test_one_collection_a_day_is_read_whole_so_that_a_correction_under_an_unchanged_head_arrives(library):
    library.playlists.append(Playlist(2, "Other", entries=entries(range(300, 310))))
    sync(NOW)
    corrected = library.playlists[1].entries[3]
    corrected["item"]["name"] = "Song 303 (Corrected)"  # the snapshot stays what it was
    unchanged = sync(LATER).calls
    updated: list[int] = []
    read_whole: set[str] = set()
    for day in range(1, 5):
        report = sync(NOW + timedelta(days=day, hours=1))
        updated.append(report.updated)
        whole = Collection.objects.filter(whole_read_at=NOW + timedelta(days=day, hours=1))
        read_whole.update(whole.values_list("name", flat=True))
        assert whole.count() == 1, "one a day"
        assert sync(NOW + timedelta(days=day, hours=2)).calls == unchanged
    assert sum(updated) == 1
    assert Track.objects.filter(title="Song 303 (Corrected)").exists()
    assert read_whole == set(Collection.objects.values_list("name", flat=True))
