"""A person's better file of a song that is there: offered, taken on a yes, and the old one comes back from the bin."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest
from django.utils import timezone
from mutagen.id3 import TIT2, TPE1

from catalog.library import adopt, better_files
from catalog.library.audio_tools import AudioTools
from catalog.models import AdoptionMatch, Event, Track
from catalog.music.sound_quality import is_better
from catalog.tags import audio_tags
from downloads.audio import verify
from downloads.file_moves import better_file, restore, trash
from downloads.jobs import backlog
from downloads.models import FormerFile
from tests.audio import ffmpeg, make_ape, make_audio, make_dsf
from tests.world import World

pytestmark = pytest.mark.django_db

ISRC = "GBAYE0000001"


def tagged(path: Path, **fields) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    make_audio(path, 4)
    if fields:
        audio_tags.write_tags(str(path), audio_tags.TrackTags(**fields), None)
    return path


@pytest.fixture
def song(world: World) -> Track:
    """A song with an mp3 of ours; the folder's stamp is known."""
    track = world.make_track("Nocturne", duration_ms=4000, isrc=ISRC)
    draft = tagged(world.root.parent / "draft.mp3", title="Nocturne", artists=("Maria Ruiz",), isrc=ISRC)
    world.put_file(track, draft.read_bytes())
    backlog.reconcile_and_wake(world.now)
    return track


def beside(world: World, name: str = "09 Own.flac", **fields) -> Path:
    return tagged(world.root / "Maria Ruiz/First Light" / name, **fields)


@pytest.mark.usefixtures("trusted_filesystem")
def test_a_flac_beside_the_mp3_is_offered_and_taken_on_a_yes(world: World, song: Track) -> None:
    flac = beside(world, title="Nocturne", artists=("Maria Ruiz",), isrc=ISRC)
    old = song.local_path
    words = flac.with_suffix(".lrc")
    Path(old).with_suffix(".lrc").write_text("words")
    backlog.reconcile_and_wake(world.later(minutes=15))
    question = AdoptionMatch.objects.unanswered().get()
    assert question.why == "a better file is here: flac instead of mp3 at 64 kbit/s, known by its ISRC"
    assert adopt.accept([question.pk], world.now, "anna") == 1
    backlog.reconcile_and_wake(world.later(minutes=15))
    song.refresh_from_db()
    assert (song.status, song.local_path, song.size) == ("downloaded", str(flac), flac.stat().st_size)
    assert not Path(old).exists()
    assert words.exists() and not Path(old).with_suffix(".lrc").exists()
    assert not AdoptionMatch.objects.exists()
    assert Event.objects.get(track=song, kind="move").by == "anna"
    former = FormerFile.objects.get(track=song)
    assert restore.ask_back([former.pk], world.now, "anna") == 1
    trash.process_trash_requests(world.now)
    song.refresh_from_db()
    assert (song.local_path, Path(old).exists(), flac.exists()) == (old, True, False)
    assert FormerFile.objects.get(track=song).origin.endswith(".flac")
    assert Path(old).with_suffix(".lrc").read_text() == "words" and not words.exists()


def test_one_in_a_new_folder_is_found_by_the_daily_pass(world: World, song: Track) -> None:
    tagged(world.root / "My/own.flac", title="Nocturne", artists=("Maria Ruiz",), isrc=ISRC)
    backlog.reconcile_and_wake(world.later(minutes=15), full=True)
    assert AdoptionMatch.objects.unanswered().get().file == "My/own.flac"


def test_one_that_only_its_sound_tells_is_offered_while_it_is_new(world: World, song: Track) -> None:
    beside(world, "Album Version.flac")
    heard: list[list[int]] = []

    def by_sound(path: str, ids: list[int]) -> int:
        heard.append(list(ids))
        return song.pk

    tools = AudioTools(find_by_sound=by_sound)
    assert better_files.offer(world.later(days=3), tools) == 0
    assert better_files.offer(timezone.now(), tools) == 1
    assert heard == [[song.pk]]
    assert AdoptionMatch.objects.get().why.endswith("known by its sound")


def test_a_worse_or_equal_file_is_nobodys(world: World, song: Track) -> None:
    beside(world, "copy.mp3", title="Nocturne", artists=("Maria Ruiz",), isrc=ISRC)
    assert better_files.offer(world.now) == 0


def test_a_no_is_not_asked_again_and_what_has_changed_since_is_not_taken(world: World, song: Track) -> None:
    flac = beside(world, title="Nocturne", artists=("Maria Ruiz",), isrc=ISRC)
    assert better_files.offer(world.now) == 1
    assert adopt.reject([AdoptionMatch.objects.get().pk], world.now) == 1
    assert better_files.offer(world.now) == 0
    backlog.reconcile_and_wake(world.later(minutes=15), full=True)
    assert not AdoptionMatch.objects.unanswered().exists()
    AdoptionMatch.objects.update(rejected=False, accepted_by="anna")
    flac.write_bytes(b"x")
    assert better_file.use_accepted(world.now) == 0
    song.refresh_from_db()
    assert song.local_path.endswith(".mp3")
    assert not FormerFile.objects.exists()


def test_in_its_stead_a_better_file_is_the_songs_without_a_question(world: World, song: Track) -> None:
    flac = beside(world, title="Nocturne", artists=("Maria Ruiz",))
    Path(song.local_path).unlink()
    backlog.reconcile_and_wake(world.later(minutes=15))
    song.refresh_from_db()
    assert (song.status, song.local_path) == ("downloaded", str(flac))


@pytest.mark.parametrize(
    ("new", "old", "better"),
    [
        (("flac", 0), ("mp3", 320_000), True),
        (("mp3", 320_000), ("flac", 700_000), False),
        (("mp3", 320_000), ("mp3", 128_000), True),
        (("mp3", 320_000), ("opus", 130_000), True),
        (("mp3", 128_000), ("opus", 130_000), False),
        (("aac", 256_000), ("mp3", 0), False),
        (("flac", 2_800_000), ("flac", 900_000), True),
        (("pcm", 1_411_000), ("flac", 900_000), False),
    ],
)
def test_which_of_two_files_is_clearly_better(new, old, better) -> None:
    assert is_better(*new, *old) is better


@pytest.mark.parametrize(("source", "target"), [("m4a", "mka"), ("opus", "webm"), ("flac", "wv"), ("flac", "aiff")])
def test_containers_that_we_do_not_write_are_known_again(world: World, source: str, target: str) -> None:
    track = world.make_track("Nocturne", duration_ms=4000)
    draft = tagged(world.root.parent / f"draft.{source}", title="N", artists=("M",), spotify_id=track.spotify_id)
    path = world.put_file(track, draft.read_bytes(), f"Maria Ruiz/First Light/09 Nocturne.{source}")
    moved = path.with_name(f"other.{target}")
    options = ["-c", "copy"] if target in ("mka", "webm") else ["-write_id3v2", "1"] if target == "aiff" else []
    subprocess.run([ffmpeg(), "-v", "error", "-i", path, *options, moved], check=True, timeout=60)
    path.unlink()
    report = backlog.reconcile_and_wake(world.now)
    track.refresh_from_db()
    assert (report.found, track.local_path) == (1, str(moved))


@pytest.mark.parametrize(("make", "name"), [(make_dsf, "other.dsf"), (make_ape, "other.ape")])
def test_so_are_those_that_ffmpeg_does_not_write(world: World, make: Callable[..., str], name: str) -> None:
    """By title, artist and length: such a file has none of our ids."""
    track = world.make_track("Nocturne", duration_ms=4000)
    path = world.put_file(track, b"x" * 1000)
    moved = make(path.with_name(name), 4)
    file = mutagen.File(moved)
    file.add_tags()
    if name.endswith("ape"):
        file["Title"], file["Artist"] = "Nocturne", "Maria Ruiz"
    else:
        file.tags.setall("TIT2", [TIT2(text="Nocturne")])
        file.tags.setall("TPE1", [TPE1(text="Maria Ruiz")])
    file.save()
    tags = audio_tags.read_tags(moved)
    assert (tags.title, tags.artists, tags.duration_ms) == ("Nocturne", ("Maria Ruiz",), 4000)
    path.unlink()
    report = backlog.reconcile_and_wake(world.now)
    track.refresh_from_db()
    assert (report.found, track.local_path) == (1, moved)


def test_their_sound_is_heard(tmp_path: Path) -> None:
    tta = str(tmp_path / "song.tta")
    subprocess.run([ffmpeg(), "-v", "error", "-i", make_audio(tmp_path / "song.wav", 4), tta], check=True, timeout=60)
    for path in (make_dsf(tmp_path / "song.dsf", 4), tta):
        assert abs(verify.measure(path).duration_ms - 4000) < 50
