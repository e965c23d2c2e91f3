"""A source's records into the catalog."""

import itertools
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.ingest.replace import forget_collections, replace_catalog
from catalog.models import Album, Artist, BinnedFile, Collection, Entry, Track
from catalog.music.records import EPISODE, CollectionRecord, EntryRecord, TrackRecord
from catalog.tracks import transitions, wanted
from catalog.tracks.place import Place

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def song(number: int, **changes) -> TrackRecord:
    fields = {
        "title": f"Song {number}",
        "artists": (f"Artist {number % 7}", "Guest"),
        "album": f"Album {number % 5}",
        "duration_ms": 200_000 + number,
        "spotify_id": f"{number:022d}",
        "isrc": f"DEAAA{number:07d}",
        "track_number": number,
    }
    return TrackRecord(**fields | changes)


def playlist(*tracks, key="list", complete=True, **changes) -> CollectionRecord:
    entries = [track if isinstance(track, EntryRecord) else EntryRecord(track=track) for track in tracks]
    return CollectionRecord("playlist", key, key.title(), entries, complete=complete, total=len(entries), **changes)


def titles(key="list") -> list[str]:
    rows = Entry.objects.filter(collection__key=key).order_by("position").select_related("track")
    return [row.track.title if row.track else row.label for row in rows]


def test_a_new_collection_brings_its_tracks_with_artists_and_album():
    report = replace_catalog([playlist(song(1), song(2))], NOW)
    assert report.total("new_tracks") == 2
    track = Track.objects.get(spotify_id=f"{1:022d}")
    assert track.artist_names == ["Artist 1", "Guest"]
    assert track.album.title == "Album 1"
    assert (track.status, track.wanted, track.duration_ms) == ("missing", True, 200_001)
    assert track.identity


def test_replace_catalog_persists_local_path_and_flags(tmp_path):
    replace_catalog([playlist(song(1), song(2))], NOW)
    first, second = Track.objects.order_by("pk")
    transitions.adopt(first.pk, Place.of(str(tmp_path), "A/one.mp3"), 10, NOW)
    claimed = transitions.claim_one(second.pk, NOW)
    transitions.fail(second.pk, claimed.claim, "no_match", "nothing fits", NOW, NOW)
    wanted.ignore(Track.objects.filter(pk=second.pk), NOW)
    state = ["status", "local_path", "file_name", "size", "last_seen", "last_error", "attempts", "ignored", "wanted"]
    before = list(Track.objects.order_by("pk").values(*state))
    replace_catalog([playlist(song(1, title="Song one"), song(2, album="Else"), song(3))], NOW)
    assert list(Track.objects.order_by("pk").values(*state))[:2] == before
    assert Track.objects.get(pk=first.pk).title == "Song one"


def test_an_unchanged_collection_costs_no_write():
    records = [playlist(*(song(number) for number in range(50)))]
    replace_catalog(records, NOW)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        report = replace_catalog(records, NOW)
    writes = [query["sql"] for query in queries if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert writes == []
    assert report.total("added") == report.total("updated") == report.total("gone") == 0


def test_additions_removals_and_moves_are_counted_and_kept_in_order():
    replace_catalog([playlist(song(1), song(2), song(3), song(4))], NOW)
    report = replace_catalog([playlist(song(5), song(3), song(1), song(4))], NOW)
    assert titles() == ["Song 5", "Song 3", "Song 1", "Song 4"]
    assert (report.total("added"), report.total("gone"), report.total("moved")) == (1, 1, 1)
    assert Track.objects.get(title="Song 2").wanted is False


def test_many_insertions_at_one_place_number_the_list_anew():
    tracks = [song(1), song(2)]
    for number in range(3, 40):
        tracks.insert(1, song(number))
        replace_catalog([playlist(*tracks)], NOW)
        assert titles() == [track.title for track in tracks]


def test_an_incomplete_read_adds_and_updates_but_never_removes():
    replace_catalog([playlist(song(1), song(2), song(3))], NOW)
    report = replace_catalog([playlist(song(1, title="New name"), song(9), complete=False, problem="page 2")], NOW)
    assert set(titles()) == {"New name", "Song 2", "Song 3", "Song 9"}
    assert Track.objects.wanted().count() == 4
    assert (report.total("gone"), report.complete) == (0, False)
    assert Collection.objects.get().problem == "page 2"


def test_several_ids_of_one_recording_are_one_track():
    same_isrc = song(1, spotify_id="B" * 22, duration_ms=202_900)
    same_identity = song(1, spotify_id="C" * 22, isrc="USXXX0000001", album="Best of")
    report = replace_catalog([playlist(song(1), same_isrc, same_identity)], NOW)
    assert Track.objects.count() == 1
    assert Track.objects.get().aliases.count() == 3
    assert (report.collections[0].duplicates, report.collections[0].merged) == (2, 2)
    assert Track.objects.get().album.title == "Album 1"


@pytest.mark.parametrize(
    "other",
    [
        song(1, spotify_id="B" * 22, duration_ms=200_001 + 3001),
        song(1, spotify_id="B" * 22, isrc="", title="Song 1 - Live"),
        song(1, spotify_id="B" * 22, isrc="USXXX0000001", artists=("Somebody else",)),
    ],
)
def test_another_recording_stays_another_track(other):
    replace_catalog([playlist(song(1), other)], NOW)
    assert Track.objects.count() == 2


def test_clean_and_explicit_are_two_recordings():
    clean = song(1, explicit=False, isrc="USXXX0000001", spotify_id="B" * 22)
    replace_catalog([playlist(song(1, explicit=True), clean)], NOW)
    assert Track.objects.count() == 2


def test_a_record_without_length_and_id_finds_the_track_that_is_there():
    replace_catalog([playlist(song(1))], NOW)
    bare = TrackRecord(title="Song 1", artists=("Artist 1", "Guest"), album="Album 1")
    report = replace_catalog([playlist(bare, key="file")], NOW)
    assert Track.objects.count() == 1
    assert (report.total("new_tracks"), report.total("merged")) == (0, 1)


def test_an_imported_track_gets_its_id_from_a_later_login_and_no_second_row():
    bare = TrackRecord(title="Song 1", artists=("Artist 1", "Guest"), album="Album 1")
    replace_catalog([CollectionRecord("file", "export", "Export", [EntryRecord(track=bare)])], NOW)
    replace_catalog([playlist(song(1, album_spotify_id="A" * 22))], NOW)
    track = Track.objects.get()
    assert (track.spotify_id, track.duration_ms, track.isrc) == (f"{1:022d}", 200_001, "DEAAA0000001")


def test_two_releases_of_a_recording_do_not_overwrite_each_other():
    other = song(1, spotify_id="B" * 22, album="Best of", track_number=17)
    records = [playlist(song(1), key="a"), playlist(other, key="b")]
    replace_catalog(records, NOW)
    report = replace_catalog([playlist(song(1), song(2), key="a"), playlist(other, song(3), key="b")], NOW)
    track = Track.objects.get(spotify_id=f"{1:022d}")
    assert (track.album.title, track.track_number) == ("Album 1", 1)
    assert report.total("updated") == 0


def test_two_rows_that_turn_out_to_be_one_recording_are_merged():
    replace_catalog([playlist(song(1, isrc="", title="Sonng 1")), playlist(song(1, spotify_id="B" * 22), key="b")], NOW)
    assert Track.objects.count() == 2
    replace_catalog([playlist(song(1))], NOW)
    track = Track.objects.get()
    assert track.aliases.count() == track.entries.count() == 2
    assert titles("b") == titles("list") == ["Song 1"]


def test_two_rows_with_files_are_not_merged(tmp_path):
    replace_catalog([playlist(song(1, isrc="", title="Sonng 1")), playlist(song(1, spotify_id="B" * 22), key="b")], NOW)
    for number, track in enumerate(Track.objects.all()):
        transitions.adopt(track.pk, Place.of(str(tmp_path), f"{number}.mp3"), 10, NOW)
    replace_catalog([playlist(song(1))], NOW)
    assert Track.objects.downloaded().count() == 2


def test_entries_that_are_no_tracks_keep_their_place_and_the_sum_adds_up():
    episode = EntryRecord(reason=EPISODE, label="Episode 4")
    report = replace_catalog([playlist(song(1), episode, song(1), song(2))], NOW).collections[0]
    assert titles() == ["Song 1", "Episode 4", "Song 1", "Song 2"]
    assert (report.entries, report.tracks, report.duplicates, report.skipped) == (4, 3, 1, {"episode": 1})
    row = Collection.objects.with_ledger().get()
    assert row.listed == 4 == row.distinct_tracks + row.duplicates + row.episodes
    assert row.withdrawn == row.local == row.unreadable == 0


def test_a_closed_or_unchanged_collection_keeps_its_entries():
    replace_catalog([playlist(song(1), snapshot="s1")], NOW)
    replace_catalog([playlist(unchanged=True, snapshot="s1"), playlist(key="else", closed=True)], NOW)
    assert titles() == ["Song 1"]
    assert Collection.objects.get(key="else").closed


def test_a_collection_that_spotify_no_longer_lists_goes_and_its_files_stay(tmp_path):
    replace_catalog([playlist(song(1), account="me"), playlist(song(2), key="b", account="me")], NOW)
    track = Track.objects.get(title="Song 1")
    transitions.adopt(track.pk, Place.of(str(tmp_path), "one.mp3"), 10, NOW)
    assert forget_collections("me", [("playlist", "b")], NOW) == 1
    track.refresh_from_db()
    assert (track.wanted, track.status) == (False, "downloaded")


def test_artists_and_albums_have_one_row_each():
    replace_catalog([playlist(song(1), song(8, artists=("ARTIST 1",)), song(6))], NOW)
    assert sorted(Artist.objects.values_list("name", flat=True)) == ["Artist 1", "Artist 6", "Guest"]
    assert Album.objects.filter(title="Album 1").count() == 2  # by two album artists


def test_tracks_without_a_title_are_not_taken_for_one_another():
    nameless = [song(1, title="", isrc="", spotify_id=name * 22) for name in "AB"]
    replace_catalog([playlist(*nameless)], NOW)
    assert Track.objects.count() == 2


# --- A process that ends in the middle ---


class Died(BaseException):
    """A process that ends at once."""


def die_before_write(number: int):
    """A process that ends instead of its ``number``th write."""
    written = itertools.count()

    def ask(execute, sql, parameters, many, context):
        if sql.split()[0] in {"INSERT", "UPDATE", "DELETE"} and next(written) == number:
            raise Died
        return execute(sql, parameters, many, context)

    return ask


def six_songs() -> None:
    """A catalog of one list of six songs, whose files go to the bin, and of nothing else."""
    for model in (Collection, BinnedFile, Track, Artist, Album):
        model.objects.all().delete()
    replace_catalog([playlist(*map(song, range(1, 7)))], NOW)
    Collection.objects.update(removal="bin")


def outcome() -> tuple:
    wanted = set(Track.objects.wanted().values_list("title", flat=True))
    marks = set(Album.objects.filter(wanted=True).values_list("title", flat=True))
    return titles(), wanted, marks, set(BinnedFile.objects.values_list("track__title", "state"))


DEEDS = {
    "read again": lambda: replace_catalog([playlist(song(9), song(3), song(1, album="New"), song(8), song(7))], NOW),
    "forgotten": lambda: forget_collections("", [], NOW),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_crash_at_any_moment_is_made_good_by_doing_it_again(monkeypatch, deed):
    monkeypatch.setattr("catalog.ingest.replace.BATCH", 2)
    six_songs()
    deed()
    expected = outcome()
    for number in itertools.count():
        six_songs()
        try:
            with connection.execute_wrapper(die_before_write(number)):
                deed()
            break
        except Died:
            deed()
        assert outcome() == expected, f"died before write {number}"
    assert number > 9
