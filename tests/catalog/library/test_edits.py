"""What other programs do to a downloaded file, and what the next pass makes of it.

Each edit is done to a song of real sound in the music folder, then one quick pass runs as it does by default. `found`:
the track has the file, under whatever name. `asked`: a person is asked, and the track is not due. `missing`: fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest

from catalog.library.adopt import reject
from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.library.reconcile import reconcile
from catalog.models import AdoptionMatch, Event, Library, Track
from catalog.storage import hold
from catalog.tags import audio_tags
from tests.audio import ffmpeg, make_audio
from tests.world import World

pytestmark = pytest.mark.django_db

SECONDS = 4
ISRC = "GBAYE0000001"


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tones")
    return {kind: make_audio(folder / f"tone.{kind}", SECONDS) for kind in ("mp3", "m4a", "opus", "flac")}


@pytest.fixture
def song(world: World, tones: dict[str, str]) -> Callable[[str], Path]:
    """Makes "Nocturne" a downloaded track whose file is tagged as it is when it was fetched."""

    def make(kind: str) -> Path:
        track = world.make_track("Nocturne", duration_ms=SECONDS * 1000, isrc=ISRC)
        draft = world.root.parent / f"draft.{kind}"
        shutil.copyfile(tones[kind], draft)
        tags = audio_tags.TrackTags(
            "Nocturne", ("Maria Ruiz",), isrc=ISRC, spotify_id=track.spotify_id or "", track_key=f"{track.pk}:abc"
        )
        audio_tags.write_tags(str(draft), tags, None)
        return world.put_file(track, draft.read_bytes(), f"Maria Ruiz/First Light/09 Nocturne.{kind}")

    return make


def renamed(path: Path) -> None:
    path.rename(path.with_name("Nocturne - Maria Ruiz" + path.suffix))


def moved(path: Path) -> Path:
    target = path.parents[2] / "Sorted" / "Ruiz" / path.name
    target.parent.mkdir(parents=True)
    return path.rename(target)


def folder_renamed(path: Path) -> None:
    path.parents[1].rename(path.parents[1].with_name("Ruiz, Maria"))


def folder_in_other_case(path: Path) -> None:
    path.parents[1].rename(path.parents[1].with_name("MARIA ruiz"))


def other_case(path: Path) -> None:
    path.rename(path.with_name(path.name.upper()))


def retag(path: Path, change: Callable[[dict], None]) -> None:
    file = mutagen.File(path, easy=True)
    change(file)
    file.save()


def moved_and_tagged_anew(path: Path) -> None:
    retag(moved(path), lambda tags: tags.update(title=["Nocturne in E flat"], genre=["Piano"]))


def copied_and_first_deleted(path: Path) -> None:
    shutil.copyfile(path, path.parents[2] / f"copy{path.suffix}")
    path.unlink()


def wipe(path: Path, **tags: str) -> None:
    file = mutagen.File(path)
    file.delete()
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    file.update({name: [value] for name, value in tags.items()})
    file.save()


def moved_without_ids(path: Path) -> None:
    wipe(moved(path), title="Nocturne", artist="Maria Ruiz")


def moved_with_isrc_alone(path: Path) -> None:
    wipe(moved(path), title="Something else", isrc=ISRC)


def converted(path: Path, kind: str, *options: str) -> Path:
    target = path.with_suffix(f".{kind}")
    subprocess.run([ffmpeg(), "-v", "error", "-i", path, *options, target], check=True, capture_output=True, timeout=60)
    path.unlink()
    return target


def another_length(path: Path) -> None:
    target = path.with_name("Nocturne live.mp3")
    make_audio(target, SECONDS * 3)
    wipe(target, title="Nocturne", artist="Maria Ruiz")
    path.unlink()


def link_to_elsewhere(path: Path) -> None:
    target = path.parents[3] / f"elsewhere{path.suffix}"
    shutil.move(path, target)
    path.symlink_to(target)


# (edit, kinds of file, what the pass makes of it)
EDITS: list[tuple[Callable[[Path], object], list[str], str]] = [
    (lambda path: retag(path, lambda tags: tags.update(genre=["Piano"])), ["mp3", "m4a", "opus", "flac"], "found"),
    (lambda path: wipe(path, title="Nocturne", artist="Maria Ruiz"), ["mp3", "opus", "flac"], "found"),
    (renamed, ["mp3", "m4a", "opus", "flac"], "found"),
    (moved, ["mp3", "flac"], "found"),
    (folder_renamed, ["mp3"], "found"),
    (other_case, ["mp3", "flac"], "found"),
    (folder_in_other_case, ["mp3"], "found"),
    (moved_and_tagged_anew, ["mp3", "opus", "flac"], "found"),
    (copied_and_first_deleted, ["m4a"], "found"),
    (moved_without_ids, ["mp3", "m4a", "opus", "flac"], "found"),
    (moved_with_isrc_alone, ["mp3", "opus", "flac"], "found"),
    (lambda path: converted(path, "opus", "-c:a", "libopus"), ["mp3", "flac"], "found"),
    (lambda path: converted(path, "mp3"), ["flac", "m4a"], "found"),
    (lambda path: converted(path, "m4a"), ["flac", "mp3"], "found"),
    (lambda path: converted(path, "flac"), ["mp3"], "found"),
    (lambda path: converted(path, "oga", "-c:a", "flac"), ["flac"], "found"),
    (link_to_elsewhere, ["mp3"], "found"),
    (another_length, ["mp3"], "asked"),
    (lambda path: path.unlink(), ["mp3", "flac"], "missing"),
    (lambda path: shutil.move(path, path.parents[3] / "out.mp3"), ["mp3"], "missing"),
]
CASES = [
    pytest.param(edit, kind, then, id=f"{number}-{kind}")
    for number, (edit, kinds, then) in enumerate(EDITS)
    for kind in kinds
]


@pytest.mark.parametrize(("edit", "kind", "then"), CASES)
def test_after_an_edit_the_song_on_the_disk_is_known_again(
    world: World, song: Callable[[str], Path], edit: Callable[[Path], object], kind: str, then: str
) -> None:
    edit(song(kind))
    reconcile(world.now)
    track = Track.objects.get(title="Nocturne")
    due = Track.objects.queue(world.now).filter(pk=track.pk).exists()
    asked = AdoptionMatch.objects.filter(track=track, rejected=False).exists()
    assert (track.status == "downloaded", asked, due) == {
        "found": (True, False, False),
        "asked": (False, True, False),
        "missing": (False, False, True),
    }[then]
    if then == "found":
        assert Path(track.local_path).exists()


# What programs that people use do to a file, then it is moved: (program, its arguments before the path, kinds of file).
TOOLS: list[tuple[str, list[str], list[str]]] = [
    ("eyeD3", ["--to-v2.3", "--title", "Nocturne (Live)"], ["mp3"]),
    ("eyeD3", ["--add-comment", "mine"], ["mp3"]),
    ("id3v2", ["--TIT2", "Nocturne, No. 2"], ["mp3"]),
    ("kid3-cli", ["-c", "set title 'Nocturne in E flat'", "-c", "save"], ["mp3", "m4a", "opus", "flac"]),
    ("metaflac", ["--remove-tag=TITLE", "--set-tag=TITLE=Other"], ["flac"]),
    ("metaflac", ["--remove-all-tags", "--set-tag=TITLE=Nocturne", "--set-tag=ARTIST=Maria Ruiz"], ["flac"]),
    ("exiftool", ["-overwrite_original", "-Title=Other"], ["m4a"]),
]
TOOL_CASES = [
    pytest.param(program, arguments, kind, id=f"{program}-{number}-{kind}")
    for number, (program, arguments, kinds) in enumerate(TOOLS)
    for kind in kinds
]


@pytest.mark.parametrize(("program", "arguments", "kind"), TOOL_CASES)
@pytest.mark.parametrize("move", [True, False])
def test_after_an_edit_by_a_real_program_the_song_is_known_again(
    world: World, song: Callable[[str], Path], program: str, arguments: list[str], kind: str, move: bool
) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    path = song(kind)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    subprocess.run([program, *arguments, path], check=True, capture_output=True, timeout=60, env=environment)
    if move:
        moved(path)
    # id3lib knows no v2.4 and writes a tag of its own over ours: all ids are lost, and only the sound tells.
    tools = AudioTools(find_by_sound=lambda path, ids: ids[0]) if program == "id3v2" else NO_TOOLS
    reconcile(world.now, full=True, sizes=True, tools=tools)
    track = Track.objects.get(title="Nocturne")
    assert (track.status, Path(track.local_path).exists()) == ("downloaded", True)
    assert not Track.objects.queue(world.now).exists()
    assert not AdoptionMatch.objects.exists()


def test_an_event_says_how_a_file_was_known_again(world: World, song: Callable[[str], Path]) -> None:
    renamed(song("mp3"))
    report = reconcile(world.now)
    assert (report.vanished, report.found) == (1, 1)
    assert Event.objects.get(track__title="Nocturne", kind="adopt").reason == "the Spotify id in its tags"
    assert "1 missing, 1 found elsewhere" in report.sentence()


def test_many_files_renamed_at_once_hold_nothing_when_all_are_found(world, song, monkeypatch) -> None:
    monkeypatch.setattr(hold, "hold_above", lambda: 0)
    renamed(song("mp3"))
    assert not reconcile(world.now).held
    assert Library.load().held_since is None


def test_the_answer_no_makes_the_song_due(world: World, song: Callable[[str], Path]) -> None:
    another_length(song("mp3"))
    reconcile(world.now)
    assert reject([AdoptionMatch.objects.get().pk], world.now) == 1
    assert Track.objects.queue(world.now).get().title == "Nocturne"


def test_a_question_about_a_file_that_has_gone_is_dropped(world: World, song: Callable[[str], Path]) -> None:
    path = song("mp3")
    another_length(path)
    reconcile(world.now)
    path.with_name("Nocturne live.mp3").unlink()
    reconcile(world.now)
    assert not AdoptionMatch.objects.exists()
    assert Track.objects.queue(world.now).get().title == "Nocturne"


def test_a_question_is_open_for_as_long_as_it_takes(world: World, song: Callable[[str], Path]) -> None:
    another_length(song("mp3"))
    for _ in range(3):
        reconcile(world.now)
        assert not Track.objects.queue(world.later(days=6)).exists()


@pytest.mark.parametrize("tags", [{}, {"title": "Nocturne (2011 Remaster)", "artist": "M. Ruiz"}])
def test_what_the_sound_alone_can_tell_is_found_by_it(world: World, song, tags: dict[str, str]) -> None:
    track_ids: list[int] = []

    def by_sound(path: str, ids: list[int]) -> int | None:
        assert path.endswith("Ruiz/09 Nocturne.mp3")
        track_ids.extend(ids)
        return ids[0]

    wipe(moved(song("mp3")), **tags)
    assert reconcile(world.now, tools=AudioTools(find_by_sound=by_sound)).found == 1
    assert track_ids == [Track.objects.get(title="Nocturne").pk]
    assert Event.objects.get(track__title="Nocturne", kind="adopt").reason == "its sound"


def test_while_files_are_searched_for_nothing_fetches_them(world: World, song: Callable[[str], Path]) -> None:
    due: list[bool] = []

    def by_sound(path: str, ids: list[int]) -> int | None:
        due.append(Track.objects.queue(world.now).exists())
        return None

    wipe(moved(song("mp3")), title="Other", artist="Nobody")
    reconcile(world.now, tools=AudioTools(find_by_sound=by_sound))
    assert due == [False]
    assert Track.objects.queue(world.now).exists()
