"""Lists of links: kept as ids, named by what the catalog knows or by Spotify once an account is connected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.importers.import_files import import_files, with_albums
from catalog.importers.reader import read_text
from catalog.models import Collection, Entry, Track
from catalog.reports.ledger import ledger
from catalog.spotify import link_names
from catalog.spotify.sync import sync
from tests.fakes.spotify import SavedAlbum, SpotifyStandIn, User
from tests.fakes.spotify_objects import album, track
from tests.fakes.spotify_use import NOW, connect

pytestmark = pytest.mark.django_db


def bring(*ids: str) -> None:
    lines = "".join(f"https://open.spotify.com/track/{spotify_id}\n" for spotify_id in ids)
    import_files([read_text(lines.encode(), "links.txt")], NOW)


def reasons() -> list[str]:
    return list(Entry.objects.order_by("position").values_list("reason", flat=True))


@pytest.fixture
def connected(spotify: SpotifyStandIn, anna: User) -> SpotifyStandIn:
    connect(spotify)
    spotify.catalog = [track(number) for number in range(5)]
    return spotify


def test_links_are_named_and_wanted_by_the_next_sync(connected: SpotifyStandIn) -> None:
    bring(*(raw["id"] for raw in connected.catalog))
    (collection,) = Collection.objects.with_ledger()
    assert ledger(collection)["sentence"] == "The file lists 5 = 0 tracks + 5 links without names yet"

    report = sync(NOW)

    assert report.complete and "5 links have their names now." in report.notes
    assert reasons() == [""] * 5
    assert [row.title for row in Track.objects.wanted().order_by("pk")] == [raw["name"] for raw in connected.catalog]
    assert all(Track.objects.values_list("duration_ms", flat=True))


def test_a_named_list_that_is_imported_again_stays_as_it_is(connected: SpotifyStandIn) -> None:
    ids = [raw["id"] for raw in connected.catalog]
    bring(*ids)
    sync(NOW)
    bring(*ids)
    assert reasons() == [""] * 5


def test_a_link_to_nothing_is_withdrawn_and_asked_for_once(connected: SpotifyStandIn) -> None:
    bring("0" * 22)
    sync(NOW)
    asked = len(connected.paths())
    sync(NOW)
    assert reasons() == ["withdrawn"]
    assert "/v1/tracks/" + "0" * 22 not in connected.paths()[asked:]


def test_a_link_that_the_catalog_knows_needs_no_spotify() -> None:
    known = "3n3Ppam7vgaVa1iaRUc9Lp"
    table = f"Track URI,Track Name,Artist Name(s)\nspotify:track:{known},Nana,Falla\n"
    import_files([read_text(table.encode(), "known.csv")], NOW)
    bring(known)
    assert Entry.objects.filter(track__title="Nana", reason="").count() == 2


def test_many_links_are_named_some_at_a_time(connected: SpotifyStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_names, "AT_ONCE", 2)
    bring(*(raw["id"] for raw in connected.catalog))
    assert "2 links have their names now, 3 more follow with the next syncs." in sync(NOW).notes
    sync(NOW)
    sync(NOW)
    assert reasons() == [""] * 5


def test_albums_that_a_file_names_are_put_in_by_the_next_sync(connected: SpotifyStandIn) -> None:
    connected.albums = [SavedAlbum.of(album(7, "Tides", tracks=60), 100), SavedAlbum.of(album(8, tracks=2), 200)]
    ids = [saved.album["id"] for saved in connected.albums] + ["0" * 22]
    rows = "".join(f"Tides,Stella North,,Album,{spotify_id}\n" for spotify_id in ids)
    file = read_text(f"Track name,Artist name,Playlist name,Type,Spotify - id\n{rows}".encode(), "all.csv")

    (report,) = import_files([file], NOW)
    assert report.notes[0].startswith("not taken: albums, 3") and not Collection.objects.exists()
    import_files([with_albums(file)], NOW)
    connected.fault(f"/albums/{ids[1]}", 429, headers={"Retry-After": "60"})
    assert sync(NOW).paused
    assert [c.name for c in Collection.objects.filter(entries__track__isnull=False).distinct()] == ["Tides"]

    assert "2 albums came from links." in sync(NOW + timedelta(hours=1)).notes
    asked = len(connected.paths())
    import_files([with_albums(file)], NOW)
    sync(NOW + timedelta(hours=3))
    assert not [path for path in connected.paths()[asked:] if "/v1/albums/" in path]
    assert Track.objects.wanted().count() == 62
    assert Entry.objects.get(track=None).reason == "withdrawn"


def test_a_pause_keeps_what_was_named_by_then(connected: SpotifyStandIn) -> None:
    ids = [raw["id"] for raw in connected.catalog]
    bring(*ids)
    connected.fault(f"/tracks/{ids[2]}", 429, headers={"Retry-After": "60"})
    assert sync(NOW).paused
    assert reasons() == ["", "", "link", "link", "link"]
