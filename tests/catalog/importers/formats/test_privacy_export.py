"""Spotify's privacy export: what its files say, old and new, alone and in their zip."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from catalog.importers.reader import ReadFile, UnreadableFile, read_library_stream
from catalog.music.records import EPISODE, LOCAL, UNREADABLE, WITHDRAWN
from tests.catalog.importers.entries import read_one, track_of, tracks_of
from tests.shared import SHARED_DATA, needs_shared

EXPORTS = SHARED_DATA / "exports" / "privacy"
TRACK = {"trackName": "Nana", "artistName": "Falla", "albumName": "Canciones", "trackUri": "spotify:track:" + "a" * 22}


def read(data: object, name: str = "Playlist1.json") -> ReadFile:
    return read_one(json.dumps(data), name)


def playlist(*items: object, name: str = "Abend") -> dict[str, object]:
    return {"name": name, "lastModifiedDate": "2021-11-18", "items": list(items)}


def slot(**things: object) -> dict[str, object]:
    """A playlist's item: one thing, the other slots null."""
    return {"track": None, "episode": None, "localTrack": None, "addedDate": "2021-11-12"} | things


@needs_shared
@pytest.mark.parametrize("file_name", ["2020_YourLibrary_no_uri_EXCERPT.json", "2025_YourLibrary_with_uri.json"])
def test_a_recorded_library_gives_every_liked_track_as_it_is_written(file_name):
    data = json.loads((EXPORTS / file_name).read_text("utf-8"))
    file = read(data, file_name)
    (liked,) = file.collections
    assert (liked.name, liked.total, liked.complete, file.skipped) == ("Liked songs", len(data["tracks"]), True, ())
    for item, entry in zip(data["tracks"], liked.entries, strict=True):
        track = track_of(entry)
        assert (track.title, track.artists, track.album) == (item["track"], (item["artist"],), item["album"])
        assert track.spotify_id == item.get("uri", "").removeprefix("spotify:track:")
        assert (track.duration_ms, track.isrc) == (None, "")
    if "no_uri" in file_name:
        assert file.notes[0].startswith(f"not taken: saved albums, {len(data['albums'])} (")
    else:
        assert [album.name for album in file.albums] == [item["album"] for item in data["albums"]]


@needs_shared
def test_a_recorded_playlist_file_gives_each_playlist():
    data = json.loads((EXPORTS / "2021_Playlist1_EXCERPT.json").read_text("utf-8"))
    file = read(data)
    assert [(c.name, len(c.entries)) for c in file.collections] == [
        (p["name"], len(p["items"])) for p in data["playlists"]
    ]
    assert file.tracks == file.entries == 10
    assert file.collections[0].entries[0].added_at == datetime(2021, 11, 12, tzinfo=UTC)


def test_an_old_playlist_file_with_flat_tracks_and_no_addresses_is_read():
    flat = {"trackName": "Nana", "artistName": "Falla"}
    file = read({"playlists": [{"name": "Alt", "tracks": [flat]}]}, "Playlist.json")
    (track,) = tracks_of(file)
    assert (track.title, track.artists, track.album, track.spotify_id) == ("Nana", ("Falla",), "", "")


def test_what_can_be_no_track_keeps_its_place_with_a_reason():
    file = read(
        {
            "playlists": [
                playlist(
                    slot(track=TRACK),
                    slot(episode={"episodeName": "Folge 1", "showName": "Reihe", "episodeUri": "spotify:episode:x"}),
                    slot(localTrack={"uri": "spotify:local:Demo+Band::Kellerlied:184"}),
                    slot(audiobook={"audiobookName": "Buch"}),
                    slot(),
                    slot(track=TRACK | {"trackName": ""}),
                    slot(track={"trackName": None, "artistName": None}),
                    "nonsense",
                )
            ]
        }
    )
    (collection,) = file.collections
    reasons = ["", EPISODE, LOCAL, EPISODE, WITHDRAWN, WITHDRAWN, UNREADABLE, UNREADABLE]
    assert [entry.reason for entry in collection.entries] == reasons
    assert [entry.label for entry in collection.entries[1:4]] == ["Folge 1 - Reihe", "Demo Band - Kellerlied", "Buch"]
    assert (file.entries, file.tracks, collection.total) == (8, 1, 8)
    assert [skip.line for skip in file.skipped] == [7, 8] and not collection.complete


def test_playlists_of_one_name_stay_two_and_keep_their_keys():
    data = {"playlists": [playlist(slot(track=TRACK), name="Mix"), playlist(name="MIX"), playlist(name="mix")]}
    first, second, third = read(data).collections
    assert [c.key for c in (first, second, third)] == [first.key, first.key + " (2)", first.key + " (3)"]
    assert [c.key for c in read(data).collections] == [c.key for c in (first, second, third)]
    assert (second.name, third.name) == ("MIX (2)", "mix (3)")


@pytest.mark.parametrize(
    "data",
    [
        [{"endTime": "2021-01-01 10:00", "artistName": "Falla"}],
        {"tracks": "many"},
        {"playlists": {"name": "x"}},
        {},
    ],
)
def test_json_of_something_else_is_refused_with_what_to_take_instead(data):
    with pytest.raises(UnreadableFile, match=r"take YourLibrary.json or Playlist1.json"):
        read(data, "StreamingHistory0.json")


@pytest.mark.parametrize(
    "text", ['{"tracks": [', '{"tracks": [{}]} x', "[" * 200_000, '{"tracks": [' + "9" * 5000 + "]}"]
)
def test_json_that_is_cut_off_or_hostile_is_refused_with_a_sentence(text):
    with pytest.raises(UnreadableFile, match=r"(no whole JSON|nested too deeply).*again"):
        read_library_stream(io.BytesIO(text.encode()), "YourLibrary.json")


def test_lone_surrogates_and_control_characters_do_not_come_in():
    track = TRACK | {"trackName": "\ud83d Na\x00na\u0007\n2", "albumName": "e\u0301"}
    (cleaned,) = tracks_of(read({"playlists": [playlist(slot(track=track))]}))
    assert (cleaned.title, cleaned.album) == ("\ufffd Nana 2", "é")


def test_of_the_zip_only_the_library_and_the_playlists_are_opened():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Spotify Account Data/Identity.json", '{"tracks": [{"track": "A", "artist": "B"}]}')
        archive.writestr("Spotify Account Data/Payments.csv", "title,artist\nA,B\n")
        archive.writestr("Spotify Account Data/Playlist2.json", json.dumps({"playlists": [playlist(name="Abend")]}))
        archive.writestr("Spotify Account Data/Playlist1.json", json.dumps({"playlists": [playlist(name="Abend")]}))
        archive.writestr(
            "Spotify Account Data/YourLibrary.json", json.dumps({"tracks": [{"track": "A", "artist": "B"}]})
        )
        archive.writestr("Spotify Account Data/Read_Me_First.pdf", b"%PDF-1.4")
    files = read_library_stream(io.BytesIO(packed.getvalue()), "my_spotify_data.zip")
    assert [file.name.rsplit("/", 1)[-1] for file in files] == ["Playlist1.json", "Playlist2.json", "YourLibrary.json"]
    assert len({c.key for file in files for c in file.collections}) == 3
    assert files[0].notes == ("not opened: other files in the zip, 3",)
