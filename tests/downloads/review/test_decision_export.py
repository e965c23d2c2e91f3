"""Decisions written to a file and read from it: what survives, whom they are given to, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Alias, Track
from downloads.models import Candidate
from downloads.review import decision_export
from tests.world import World

pytestmark = pytest.mark.django_db


def offer(track: Track, name: str, verdict: str = "", **columns: Any) -> Candidate:
    fields = {"source": "youtube", "source_id": name, "found_at": track.added_at, "verdict": verdict}
    fields["url"] = f"https://www.youtube.com/watch?v={name}"
    return Candidate.objects.create(track=track, **(fields | columns))


def verdicts(track: Track) -> dict[str, str]:
    return dict(track.candidates.values_list("source_id", "verdict"))


@pytest.fixture
def decided(world: World) -> Track:
    track = world.make_track("Nocturne", isrc="DEAAA2600001")
    offer(track, "aaaaaaaaaa1", "chosen", title="Nocturne (2019)", artists=["Maria Ruiz"], duration_ms=181_000)
    offer(track, "aaaaaaaaaa2", "never")
    offer(track, "aaaaaaaaaa3")
    offer(track, "aaaaaaaaaa4", "disproved")
    return track


def entry(**song: Any) -> dict[str, Any]:
    recording = {"source": "youtube", "id": "aaaaaaaaaa1", "url": "", "title": "T", "artists": ["A"]}
    return {"song": song, "verdict": "chosen", "recording": recording}


def take_in(world: World, *entries: dict[str, Any]) -> decision_export.ImportedDecisions:
    return decision_export.imported(list(entries), world.now, "anna")


def test_what_is_exported_can_be_imported_into_a_catalog_that_knows_nothing_of_it(world, decided, tmp_path):
    file = tmp_path / "decisions.json"
    call_command("decisions", "export", str(file))
    Candidate.objects.all().delete()
    call_command("decisions", "import", str(file))
    assert verdicts(decided) == {"aaaaaaaaaa1": "chosen", "aaaaaaaaaa2": "never"}
    chosen = decided.candidates.get(verdict="chosen")
    assert (chosen.title, chosen.artists, chosen.duration_ms) == ("Nocturne (2019)", ["Maria Ruiz"], 181_000)
    assert decided.events.filter(kind="decide").count() == 2


def test_importing_twice_changes_nothing_the_second_time(world, decided):
    entries = decision_export.read(json.dumps(decision_export.exported()).encode())
    assert take_in(world, *entries).known == 2
    assert not decided.events.exists()


def test_a_choice_in_the_file_replaces_ours(world, decided):
    other = entry(spotify_id=decided.spotify_id) | {"recording": {"source": "youtube", "id": "bbbbbbbbbb1"}}
    assert take_in(world, other).made == 1
    assert decided.candidates.get(verdict="chosen").source_id == "bbbbbbbbbb1"


def test_a_song_is_found_by_another_of_its_spotify_ids(world):
    track = world.make_track("Nocturne")
    Alias.objects.create(key="spotify:" + "b" * 22, track=track)
    assert take_in(world, entry(spotify_id="b" * 22)).made == 1
    assert verdicts(track) == {"aaaaaaaaaa1": "chosen"}


def test_a_song_is_found_by_its_isrc_and_by_its_words(world):
    by_isrc = world.make_track("One", isrc="DEAAA2600001")
    by_words = world.make_track("Two", number=2)
    report = take_in(
        world,
        entry(spotify_id="z" * 22, isrc="de-aaa-26-00001", duration_ms=181_000),
        entry(title="TWO", artists=["maria ruiz"], duration_ms=None),
    )
    assert report.made == 2
    assert verdicts(by_isrc) and verdicts(by_words)


@pytest.mark.parametrize(
    "song",
    [
        {"isrc": "DEAAA2600001", "duration_ms": 400_000},
        {"title": "Nocturne", "artists": ["Somebody else"]},
        {"title": "Nocturne", "artists": []},
        {"spotify_id": "z" * 22},
        {},
    ],
)
def test_another_song_is_not_given_the_decision(world, decided, song):
    Candidate.objects.all().delete()
    assert take_in(world, entry(**song)).not_here == 1
    assert not Candidate.objects.exists()


def test_two_songs_that_could_be_meant_are_none(world):
    for number in (1, 2):
        world.make_track("Same", number=number, duration_ms=180_000 + number)
    assert take_in(world, entry(title="Same", artists=["Maria Ruiz"])).not_here == 1


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "disproved"},
        {"verdict": ["chosen"]},
        {"recording": {"source": "youtube", "id": "http://127.0.0.1/watch?v=aaaaaaaaaa1"}},
        {"recording": {"source": "archive", "id": "1", "url": "http://127.0.0.1/a.mp3"}},
        {"recording": {"source": "elsewhere", "id": "1", "url": "http://127.0.0.1/a.mp3"}},
        {"recording": {"source": "youtube", "id": 7}},
        {"recording": {"source": "youtube", "id": "aaaaaaaaaa1", "title": "half a sign: \ud800"}},
        {"recording": None},
        {"song": ["Nocturne"]},
        {"song": None},
    ],
)
def test_a_decision_that_cannot_be_kept_is_refused_and_the_others_are_made(world, decided, change):
    Candidate.objects.all().delete()
    good = entry(spotify_id=decided.spotify_id)
    report = take_in(world, good | change, good)
    assert (report.refused_count, report.made) == (1, 1)
    assert report.refused[0].startswith("Decision 1: ")


def test_an_address_on_ones_own_audio_server_is_kept(world, decided, settings):
    settings.ARCHIVE_URL = "http://nas:8000/music"
    recording = {"source": "archive", "id": "7", "url": "http://nas:8000/music/7.mp3"}
    assert take_in(world, entry(spotify_id=decided.spotify_id) | {"recording": recording}).made == 1
    elsewhere = recording | {"url": "http://nas:9000/music/7.mp3"}
    assert take_in(world, entry(spotify_id=decided.spotify_id) | {"recording": elsewhere}).refused_count == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"[]", b'{"decisions": []}', b'{"format": "tonekeep decisions", "decisions": 5}',
     b'{"format": "tonekeep decisions", "version": 2, "decisions": []}', b"[" * 100_000],
)  # fmt: skip
def test_a_file_that_holds_no_decisions_is_refused_in_a_sentence(world, tmp_path: Path, content: bytes):
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"^The file .*[^.]$|^The file .*\.$"):
        call_command("decisions", "import", str(file))


def test_an_export_overwrites_no_file(world, decided, tmp_path: Path):
    file = tmp_path / "x.json"
    file.write_text("mine")
    with pytest.raises(CommandError, match="File exists"):
        call_command("decisions", "export", str(file))
    assert file.read_text() == "mine"
