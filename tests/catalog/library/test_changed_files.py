"""A file that another program has changed in place is read once: its new size is learned, or what is wrong is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import mutagen
import pytest

from catalog.library.audio_tools import AudioTools
from catalog.library.reconcile import reconcile
from catalog.models import Event, Track
from catalog.tags import audio_tags
from downloads.file_moves import library_tools
from downloads.models import FormerFile
from tests.audio import make_audio
from tests.world import World

pytestmark = pytest.mark.django_db

SECONDS = 14  # half of it is more than the tolerance of a decoded length
KINDS = ["mp3", "m4a", "opus", "flac", "ogg"]


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tones")
    return {kind: make_audio(folder / f"tone.{kind}", SECONDS) for kind in KINDS}


@pytest.fixture
def song(world: World, tones: dict[str, str]) -> Callable[..., Path]:
    """Makes "Nocturne" a downloaded track of this kind of file, tagged as when it was fetched."""

    def make(kind: str, title: str = "Nocturne") -> Path:
        track = world.make_track(title, duration_ms=SECONDS * 1000)
        draft = world.root.parent / f"draft.{kind}"
        shutil.copyfile(tones[kind], draft)
        tags = audio_tags.TrackTags(title, ("Maria Ruiz",), spotify_id=track.spotify_id or "")
        audio_tags.write_tags(str(draft), tags, None)
        return world.put_file(track, draft.read_bytes(), f"Ruiz/{title}.{kind}")

    return make


def tag(path: Path) -> None:
    file = mutagen.File(path, easy=True)
    file["genre"] = ["Piano " * 2000]
    file.save()


def row() -> Track:
    return Track.objects.get(title="Nocturne")


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_a_file_that_is_still_the_song_is_learned(
    world: World, song: Callable[..., Path], kind: str
) -> None:
    path = song(kind)
    tag(path)
    report = reconcile(world.now, sizes=True, tools=library_tools.TOOLS)
    assert (report.learned, report.other_size, report.vanished) == (1, 0, 0)
    assert (row().status, row().size) == ("downloaded", path.stat().st_size)
    assert Event.objects.get(track=row()).kind == "change"
    assert reconcile(world.later(hours=1), sizes=True).learned == 0, "nothing is said for ever"


def test_a_folder_that_has_changed_is_enough(world: World, song: Callable[..., Path]) -> None:
    path = song("mp3")
    reconcile(world.now)
    tag(path)
    (path.parent / "cover.png").write_bytes(b"new")
    assert reconcile(world.later(hours=1)).learned == 1


def test_a_file_without_any_tag_is_known_by_its_length(world: World, song: Callable[..., Path]) -> None:
    mutagen.File(song("mp3")).delete()
    assert reconcile(world.now, sizes=True, tools=library_tools.TOOLS).learned == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("share", "reason"), [(0, "The file is empty."), (0.5, "")])
def test_a_wreck_makes_its_song_missing_and_goes_to_the_trash(
    world: World, song: Callable[..., Path], kind: str, share: float, reason: str
) -> None:
    path = song(kind)
    os.truncate(path, int(path.stat().st_size * share))
    report = reconcile(world.now, sizes=True, tools=library_tools.TOOLS)
    assert (report.vanished, report.learned, row().status) == (1, 0, "missing")
    said = Event.objects.get(track=row(), kind="vanish").reason
    assert said == reason if reason else said in {"The file is cut short.", "The file is no audio any more."}
    assert not path.exists()
    assert (world.root / FormerFile.objects.get(track=row()).target).exists()


def test_another_songs_file_at_its_place_is_reported_and_left(world: World, song: Callable[..., Path]) -> None:
    path, other = song("mp3"), song("mp3", "Etude")
    tag(other)
    shutil.copyfile(other, path)
    Track.objects.filter(title="Etude").update(size=other.stat().st_size)
    report = reconcile(world.now, sizes=True, tools=library_tools.TOOLS)
    assert (report.other_size, report.other_size_examples) == (1, ["Ruiz/Nocturne.mp3"])
    assert row().status == "downloaded"


def test_a_file_that_is_being_written_is_looked_at_later(world: World, song: Callable[..., Path]) -> None:
    path = song("mp3")
    os.truncate(path, 0)
    just_now = world.now - timedelta(hours=1)
    assert reconcile(just_now, sizes=True).vanished == 0
    assert reconcile(world.now).vanished == 1, "its folder is listed again, though it looks unchanged"


def test_a_file_that_was_away_is_back_with_other_tags(world: World, song: Callable[..., Path]) -> None:
    path = song("opus")
    away = world.root.parent / "away.opus"
    path.rename(away)
    reconcile(world.now)
    tag(away)
    away.rename(path)
    report = reconcile(world.later(hours=1))
    assert (report.restored, row().status, row().size) == (1, "downloaded", path.stat().st_size)


def test_where_nobody_can_hear_a_shrunk_file_is_taken_by_its_tags(world: World, song: Callable[..., Path]) -> None:
    path = song("mp3")
    tag(path)
    Track.objects.filter(title="Nocturne").update(size=path.stat().st_size * 2)
    assert reconcile(world.now, sizes=True, tools=AudioTools()).learned == 1
