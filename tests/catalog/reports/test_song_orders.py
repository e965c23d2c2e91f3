"""Each order shows each song of a list once, page after page, whether the list is short or long."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from catalog.models import Album, Track, TrackQuerySet
from catalog.reports import song_orders
from catalog.reports.song_orders import ORDERS, page_of_songs
from catalog.tracks import transitions
from catalog.web.keyset_pages import page_of
from tests.world import World

ARTISTS = ["The Zombies", "abba", "Björk", "Maria Ruiz", "Ólöf", "山田"]


@pytest.fixture
def songs(world: World) -> list[Track]:
    """Forty songs of six artists on eleven albums, some of neither."""
    made = [
        world.make_track(f"Song {n}", artist=ARTISTS[n % 6], album=f"Album {n % 11}", number=n // 11, disc_number=n % 2)
        for n in range(40)
    ]
    for track in made[:5]:
        track.credits.all().delete()
    Track.objects.filter(pk__in=[track.pk for track in made[3:9]]).update(album=None)
    return made


def walked(rows: TrackQuerySet, order: str, size: int) -> list[int]:
    found: list[int] = []
    after = ""
    for _ in range(100):
        page = page_of_songs(rows, ORDERS[order], after, size=size)
        found += [row.pk for row in page.rows]
        after = page.after
        if not after:
            return found
    raise AssertionError("no end")


@pytest.mark.parametrize("few", [5_000, 0], ids=["sorted as a whole", "walked"])
@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("order", ["newest", "oldest", "artist", "album", "due"])
def test_each_song_is_shown_once(
    songs: list[Track], order: str, size: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_orders, "FEW", few)
    monkeypatch.setattr(song_orders, "FIRST_GROUPS", 2)
    rows = Track.objects.missing()
    found = walked(rows, order, size)
    assert sorted(found) == sorted(rows.values_list("pk", flat=True)) and len(found) == 40


@pytest.mark.parametrize("few", [5_000, 0], ids=["sorted as a whole", "walked"])
def test_songs_stand_by_artist_then_album_disc_and_number(
    songs: list[Track], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_orders, "FEW", few)
    rows = Track.objects.in_bulk(walked(Track.objects.missing(), "artist", 7))
    found = [rows[pk] for pk in walked(Track.objects.missing(), "artist", 7)]
    names = [track.artist_names[0] if track.artist_names else "" for track in found]
    assert list(dict.fromkeys(names)) == ["abba", "Björk", "Maria Ruiz", "Ólöf", "The Zombies", "山田", ""]
    for one, other in itertools.pairwise(found):
        if one.artist_names and one.artist_names == other.artist_names:
            places = [(t.album_id or 0, t.disc_number or 0, t.track_number or 0, t.pk) for t in (one, other)]
            assert places == sorted(places)


@pytest.mark.parametrize("few", [5_000, 0], ids=["sorted as a whole", "walked"])
def test_songs_stand_by_album_and_those_of_none_last(
    songs: list[Track], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_orders, "FEW", few)
    albums = dict(Track.objects.values_list("pk", "album__title"))
    found = [albums[pk] for pk in walked(Track.objects.missing(), "album", 7)]
    titles = list(Album.objects.filter(tracks__status="missing").order_by("sort_key").values_list("title", flat=True))
    assert list(dict.fromkeys(found)) == [*dict.fromkeys(titles), None]


def test_what_failed_last_stands_first(world: World) -> None:
    made = [world.make_track(f"Song {n}") for n in range(5)]
    for place in (2, 0, 4):
        held = transitions.claim_one(made[place].pk, now := world.later(minutes=1))
        assert held and held.claim
        transitions.fail(held.pk, held.claim, "network", "It failed.", now + timedelta(days=1), now)
    expected = [made[place].pk for place in (4, 0, 2)]
    assert walked(Track.objects.failed(), "failed", 2) == expected


def test_an_error_that_a_release_leaves_has_its_moment_too(world: World) -> None:
    track = world.make_track("Song")
    held = transitions.claim_one(track.pk, world.now)
    assert held and held.claim
    transitions.release(track.pk, held.claim, world.now, error=("disk", "The disk failed."))
    assert walked(Track.objects.failed(), "failed", 1) == [track.pk]


@pytest.mark.parametrize("after", ["x", "[1]", '["a", "b", 1, 1, 1, 1]', '["a", 1, 1, 1, 1, 99999999999999999999999]'])
def test_a_key_that_cannot_be_read_shows_the_first_page(songs: list[Track], after: str) -> None:
    first = page_of_songs(Track.objects.missing(), ORDERS["artist"], size=5)
    assert page_of_songs(Track.objects.missing(), ORDERS["artist"], after, size=5) == first


@pytest.mark.parametrize("by", [("pk",), ("-pk",), ("track_number", "-pk")])
def test_the_page_before_is_the_page_that_was_before(songs: list[Track], by: tuple[str, ...]) -> None:
    rows = Track.objects.missing()
    pages = [page_of(rows, by, size=7)]
    while pages[-1].after:
        pages.append(page_of(rows, by, pages[-1].after, size=7))
    assert len(pages) == 6 and not pages[0].before
    for earlier, later in itertools.pairwise(pages):
        back = page_of(rows, by, before=later.before, size=7)
        assert back.rows == earlier.rows and bool(back.before) == bool(earlier.before)
        assert page_of(rows, by, back.after, size=7).rows == later.rows
