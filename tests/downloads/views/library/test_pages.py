"""The library's pages: every number leads to the rows it counts, actions for many, CSV, covers, one song's life."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import Album, Artist, Collection, Entry, Event, Track
from catalog.tracks import transitions
from downloads.views.library import songs
from downloads.views.library.songs import formula_safe
from tests.world import World

COVER = "https://i.scdn.co/image/ab67616d0000b273"


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def failed(world: World, title: str, kind: str, due: bool = False) -> Track:
    later = timezone.now() + timedelta(hours=-1 if due else 5)
    return world.make_track(title, error_kind=kind, last_error="It failed.", attempts=1, retry_after=later)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def coverage(text: str) -> dict[str, int]:
    """The legend of the bar: link -> number."""
    legend = text.partition('aria-label="Coverage"')[2].partition("</ul>")[0]
    pairs = re.findall(r'href="([^"]+)"><b>([\d,]+)</b>', legend)
    return {address.replace("&amp;", "&"): int(number) for address, number in pairs}


def listed(client: Client, address: str) -> int:
    rows = text_of(client, address).partition('id="songs">')[2].partition("</ul>")[0]
    return len(re.findall(r"<li ", rows))


def mixed(world: World) -> None:
    """One song in each state, beside the six that are here."""
    failed(world, "Asks", "needs_decision")
    failed(world, "Asks too", "choice_failed", due=True)
    failed(world, "Waits", "network")
    world.make_track("Next", retry_after=timezone.now() - timedelta(minutes=1))
    world.make_track("Nobody's", wanted=False)


def test_the_parts_of_the_bar_add_up_and_lead_to_as_many_songs(keeper: Client, world: World) -> None:
    mixed(world)
    parts = coverage(text_of(keeper, "/"))
    assert sum(parts.values()) == Track.objects.counts()["songs"]
    assert sorted(parts.values()) == [1, 1, 2, 6]
    for address, number in parts.items():
        assert listed(keeper, address) == number, address


@pytest.mark.parametrize("place", ["albums", "artists", "collections"])
def test_the_pages_of_albums_artists_and_collections_count_their_own_songs(
    keeper: Client, world: World, place: str
) -> None:
    mixed(world)
    model = {"albums": Album, "artists": Artist, "collections": Collection}[place]
    for row in model.objects.all():
        text = text_of(keeper, f"/{place}/{row.pk}")
        for address, number in coverage(text).items():
            assert listed(keeper, address) == number, address


def test_a_place_without_a_song_stands_with_its_reason(keeper: Client, world: World) -> None:
    Entry.objects.create(collection=world.collection, position=1, reason="episode", label="A podcast", digest=1)
    text = text_of(keeper, f"/collections/{world.collection.pk}")
    assert "A podcast" in text and "podcast episode" in text


def test_songs_that_were_chosen_are_tried_again_together(keeper: Client, world: World) -> None:
    first, second = failed(world, "First", "network"), failed(world, "Second", "network")
    other = failed(world, "Third", "network")
    keeper.post("/tracks/change", {"action": "retry", "song": [first.pk, second.pk, "nonsense"]})
    assert set(Event.objects.filter(kind="retry").values_list("track", flat=True)) == {first.pk, second.pk}
    assert not Track.objects.queue().filter(pk=other.pk).exists()


def test_all_that_fit_ask_first_where_they_are_many(
    keeper: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloads.views.library.songs.CONFIRM_ABOVE", 1)
    failed(world, "First", "network"), failed(world, "Second", "network"), failed(world, "Other", "no_match")
    asked = {"action": "ignore", "all": "yes", "status": "failed", "error": "network"}
    question = keeper.post("/tracks/change", asked).content.decode()
    assert "Stop trying: 2 songs?" in question and not Track.objects.filter(ignored=True).exists()
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', question))
    keeper.post("/tracks/change", fields)
    assert set(Track.objects.filter(ignored=True).values_list("title", flat=True)) == {"First", "Second"}


def test_a_list_is_sorted_newest_first_and_pages_through_all(keeper: Client, world: World) -> None:
    for number in range(130):
        world.make_track(f"Song {number}")
    first = text_of(keeper, "/tracks?sort=newest")
    assert first.index("Song 129") < first.index("Song 128")
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward
    second = text_of(keeper, "/tracks" + onward[1].replace("&amp;", "&"))
    rows = [re.findall(r'href="/tracks/(\d+)"', page.partition('id="songs">')[2]) for page in (first, second)]
    assert len(rows[0]) == 100 and len(set(rows[0] + rows[1])) == 136


def test_the_csv_holds_the_whole_list_and_no_formula(keeper: Client, world: World) -> None:
    world.make_track("=HYPERLINK(1)", artist="+Plus")
    answer = keeper.get("/tracks.csv?status=missing")
    lines = b"".join(answer).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert lines[0].startswith("title,artists,album,status")
    assert len(lines) == 2 and lines[1].startswith("'=HYPERLINK(1),'+Plus,")


def test_a_stranger_gets_no_csv_and_no_button(client: Client, world: World, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    assert client.get("/tracks.csv").status_code == 302
    for address in ("/tracks", f"/albums/{Album.objects.first().pk}", "/activity", "/failures"):  # type: ignore[union-attr]
        assert 'method="post"' not in text_of(client, address)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_like_a_formula(start: str) -> None:
    assert formula_safe(f"{start}1") == f"'{start}1"
    assert formula_safe(f"a{start}") == f"a{start}"


def test_an_album_without_a_cover_has_a_quiet_placeholder(keeper: Client, world: World) -> None:
    for album in (Album.objects.first(), None):
        answer = keeper.get(f"/covers/{album.pk if album else 0}")
        assert answer["Content-Type"] == "image/svg+xml" and "max-age=600" in answer["Cache-Control"]


def test_no_page_asks_another_host_for_a_picture(keeper: Client, world: World) -> None:
    Album.objects.update(cover_url=COVER)
    for address in ("/", "/albums", "/tracks", f"/tracks/{Track.objects.first().pk}"):  # type: ignore[union-attr]
        assert "scdn" not in text_of(keeper, address)


def test_a_songs_life_is_told_from_like_to_file(keeper: Client, world: World) -> None:
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    track.entries.update(added_at=world.now - timedelta(days=3))
    Event.objects.create(track=track, kind="fail", at=world.now - timedelta(days=2), reason="The connection failed.")
    Event.objects.create(track=track, kind="finish", at=world.now - timedelta(days=1))
    text = text_of(keeper, f"/tracks/{track.pk}")
    assert text.index("Downloaded") < text.index("Failed") < text.index("Added to Sample")
    assert "The connection failed." in text


def test_a_stranger_learns_no_reason_of_an_event(client: Client, world: World, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    Event.objects.create(track=track, kind="retry", at=world.now, reason="by anna")
    for address in (f"/tracks/{track.pk}", "/activity"):
        assert "anna" not in text_of(client, address)


def test_switching_all_off_asks_first_where_files_would_move(keeper: Client, world: World) -> None:
    Collection.objects.update(removal="bin")
    asked = {"off": "all", "tab": "files"}
    question = keeper.post("/collections/choose", asked)
    assert "6 files" in question.content.decode() and Collection.objects.get().enabled
    keeper.post("/collections/choose", {**asked, "confirmed": "yes"})
    assert not Collection.objects.get().enabled


def test_switching_one_off_or_removing_it_asks_too_where_files_would_move(keeper: Client, world: World) -> None:
    Collection.objects.update(removal="bin")
    row = Collection.objects.get()
    for word, button in (("off", "Switch “Sample” off"), ("remove", "Remove “Sample”")):
        page = keeper.post("/collections/choose", {word: row.pk}).content.decode()
        assert f"{button}, and move up to 6 files to the bin?" in page and Collection.objects.filter(enabled=True)
    keeper.post("/collections/choose", {"remove": row.pk, "confirmed": "yes"})
    assert not Collection.objects.exists()


def test_switching_more_than_a_hundred_songs_off_asks_with_their_number(keeper: Client, world: World) -> None:
    for number in range(95):
        world.make_track(f"Song {number}")
    page = keeper.post("/collections/choose", {"off": Collection.objects.get().pk}).content.decode()
    assert "It has 101 songs." in page and Collection.objects.get().enabled


def test_a_list_is_narrowed_to_what_one_host_has_in_hand(keeper: Client, world: World, settings: LazySettings) -> None:
    for name in ("attic", "nas"):
        settings.HOST_NAME = name
        track = world.make_track(f"Of {name}", retry_after=world.now)
        assert transitions.claim_one(track.pk, world.now)
    rows = keeper.get("/tracks?status=downloading&host=attic").context["rows"]
    assert [row["title"] for row in rows] == ["Of attic"]
    assert keeper.get("/tracks?status=downloading&host=none").context["rows"] == []


def test_a_change_of_many_songs_is_undone_for_those_it_changed(keeper: Client, world: World) -> None:
    first, second = failed(world, "First", "network"), failed(world, "Second", "network")
    before = failed(world, "Ignored before", "network")
    Track.objects.filter(pk=before.pk).update(ignored=True)
    keeper.post("/tracks/change", {"action": "ignore", "song": [first.pk, second.pk, before.pk]})
    page = text_of(keeper, "/tracks")
    assert "Undo for 2 songs" in page
    keeper.post("/tracks/change", {"action": "want", "undo": "yes"})
    assert list(Track.objects.filter(ignored=True)) == [before]
    assert "Undo for" not in text_of(keeper, "/tracks")


def test_a_list_is_narrowed_to_what_was_added_since_a_day(keeper: Client, world: World) -> None:
    old = failed(world, "Old one", "network")
    Track.objects.filter(pk=old.pk).update(added_at=timezone.now() - timedelta(days=30))
    week = f"{timezone.localtime() - timedelta(days=7):%Y-%m-%d}"
    assert "Old one" not in text_of(keeper, f"/tracks?since={week}")
    assert "Old one" in text_of(keeper, "/tracks?since=nonsense")


def shown(client: Client, address: str) -> list[str]:
    """The titles or names of the rows on a page, in their order."""
    text = text_of(client, address)
    rows = text.partition("data-list")[2].partition("</section>")[0].partition('<nav class="pager"')[0]
    return [one or other for one, other in re.findall(r'<b><bdi>(.*?)</bdi>|class="song"[^>]*><bdi>(.*?)</bdi>', rows)]


def test_songs_are_sorted_by_artist_and_by_album(keeper: Client, world: World) -> None:
    assert shown(keeper, "/tracks?sort=artist") == ["Morning", "Noon", "Evening", "Morning", "Bára", "波"]
    assert shown(keeper, "/tracks?sort=album")[:2] == ["Morning", "Noon"]


@pytest.mark.parametrize("status", ["songs", "downloaded", "known", "not_wanted", "downloading"])
def test_no_list_is_sorted_by_what_it_has_no_index_for(keeper: Client, world: World, status: str) -> None:
    text = text_of(keeper, f"/tracks?status={status}&sort=due")
    assert 'value="due"' not in text and 'value="failed"' not in text and '<option value="newest" selected>' in text


def test_a_list_says_how_many_songs_it_has_and_the_box_for_all_of_them(keeper: Client, world: World) -> None:
    for number in range(120):
        failed(world, f"Song {number}", "network")
    text = text_of(keeper, "/tracks?status=failed")
    assert "All 120 that fit" in text and 'data-count="120">Failed 120</a>' in text.replace("\n", "")


def test_a_long_list_is_not_counted(keeper: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(songs, "COUNTED_TO", 100)
    monkeypatch.setattr(songs, "SMALL_TO", 100)
    for number in range(120):
        failed(world, f"Song {number}", "network")
    text = text_of(keeper, "/tracks?status=failed")
    assert "All that fit, also on other pages" in text
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)  # random: may hold any number
    assert "120" not in text.partition("<h1>")[2].partition("data-list")[0]


def test_albums_begin_at_a_letter_and_are_found_without_their_accents(keeper: Client, world: World) -> None:
    for number in range(120):
        world.make_track(f"Song {number}", album=f"Zebra {number}")
    assert shown(keeper, "/albums?from=h")[:2] == ["Hafið", "Second Light"]
    assert shown(keeper, "/albums?from=z")[:3] == ["Zebra 0", "Zebra 1", "Zebra 2"]
    assert shown(keeper, "/albums?from=zz") == ["海"]
    assert shown(keeper, "/artists?q=olof") == ["Ólöf"]
    assert shown(keeper, "/artists?sort=newest")[-1] == "Maria Ruiz"


def test_a_wall_leads_back_to_the_page_before(keeper: Client, world: World) -> None:
    for number in range(250):
        world.make_track(f"Song {number}", album=f"Zebra {number}")
    pages = ["/albums"]
    for _ in range(2):
        pages.append("/albums" + html.unescape(re.findall(r'rel="next" href="([^"]+)"', text_of(keeper, pages[-1]))[0]))
    back = html.unescape(re.findall(r'rel="prev" href="([^"]+)"', text_of(keeper, pages[2]))[0])
    assert shown(keeper, f"/albums{back}") == shown(keeper, pages[1])
    assert 'rel="prev"' not in text_of(keeper, "/albums")


def test_the_second_page_of_the_queue_follows_the_first(keeper: Client, world: World) -> None:
    for number in range(60):
        failed(world, f"Song {number}", "network")
    first = text_of(keeper, "/queue?view=cooling")
    onward = html.unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    rest = shown(keeper, f"/queue{onward}")
    assert len(rest) == 10 and not set(rest) & set(shown(keeper, "/queue?view=cooling"))
