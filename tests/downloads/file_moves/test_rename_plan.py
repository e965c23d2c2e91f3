"""Existing files go to where the template wants them and back: nothing lost, nothing overwritten, also in a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.library.reconcile import reconcile
from catalog.models import Event, Library, Track
from catalog.storage import own_folders
from catalog.system import failpoints
from catalog.system.file_locks import try_lock
from catalog.tracks import transitions
from downloads.file_moves import rename_plan
from downloads.models import Move, MoveBatch
from downloads.publishing import link_method
from tests.world import World, publish_by

pytestmark = pytest.mark.django_db
FLAT = "{artist} - {title}"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def no_points():
    yield
    failpoints.on_failpoint = None


def files(world: World) -> dict[str, bytes]:
    """Every file of the library but the marker, by its place."""
    paths = (path for path in world.root.rglob("*") if path.is_file() and own_folders.STAGING not in path.parts)
    return {str(path.relative_to(world.root)): path.read_bytes() for path in paths if path.name != ".tonekeep"}


def rows(world: World) -> dict[int, str]:
    """Where each track's file is, by the rows; every one of them must be there, with the recorded size."""
    found = {}
    for track in Track.objects.filter(status="downloaded").select_related("folder"):
        assert os.path.getsize(track.local_path) == track.size
        found[track.pk] = str(Path(track.local_path).relative_to(world.root))
        assert found[track.pk] == "/".join(part for part in (track.folder.path, track.file_name) if part)
    return found


def apply(world: World, template: str = FLAT) -> rename_plan.MoveReport:
    Library.objects.update(path_template=template)
    rename_plan.ask("apply", world.now)
    return rename_plan.do_asked(world.now)


def undo(world: World) -> rename_plan.MoveReport:
    rename_plan.ask("undo", world.now)
    return rename_plan.do_asked(world.now)


def test_a_plan_says_what_would_move_and_changes_nothing(world):
    before, folders = files(world), set(Track.objects.values_list("folder__path", flat=True))
    report = rename_plan.plan(FLAT)
    assert (report.files, report.moved, report.in_place) == (6, 6, 0)
    assert {"from": "山田/海/01 波.mp3", "to": "山田 - 波.mp3"} in report.examples
    assert files(world) == before
    assert set(Track.objects.values_list("folder__path", flat=True)) == folders
    assert not Move.objects.exists()


def test_files_move_as_planned_and_their_rows_with_them(world):
    planned = {example["from"]: example["to"] for example in rename_plan.plan(FLAT).examples}
    before, content = rows(world), files(world)
    report = apply(world)
    assert (report.moved, report.left) == (6, 0)
    assert rows(world) == {pk: planned[place] for pk, place in before.items()}
    assert files(world) == {planned[place]: data for place, data in content.items()}
    assert not (world.root / "Maria Ruiz").exists(), "folders that became empty are gone"
    assert Event.objects.filter(kind="move").count() == 6


def test_a_library_in_its_places_is_left_alone(world):
    apply(world)
    report = apply(world)
    assert (report.moved, report.in_place) == (0, 6)
    assert rename_plan.plan().moved == 0


def test_undo_brings_every_file_back(world):
    before, content = rows(world), files(world)
    apply(world)
    assert undo(world).moved == 6
    assert (rows(world), files(world)) == (before, content)
    with pytest.raises(rename_plan.CannotMove):
        rename_plan.ask("undo", world.now)


def test_a_reconcile_afterwards_finds_nothing_to_change(world):
    apply(world)
    for full in (False, True):
        report = reconcile(world.later(hours=1), full=full)
        assert (report.vanished, report.restored, report.complete) == (0, 0, True)


def test_two_songs_of_one_name_get_two_names_and_a_strangers_file_is_not_touched(world):
    (world.root / "Maria Ruiz - Noon.mp3").write_bytes(b"a stranger's")
    twin = world.make_track("Morning", album="Second Light", number=7)
    world.put_file(twin)
    planned = rename_plan.plan(FLAT)
    assert planned.moved == 7
    assert apply(world).moved == 7
    assert (world.root / "Maria Ruiz - Noon.mp3").read_bytes() == b"a stranger's"
    names = sorted(rows(world).values())
    assert len(set(names)) == 7
    assert sum(name.startswith("Maria Ruiz - Morning") for name in names) == 2
    assert sum(name.startswith("Maria Ruiz - Noon [") for name in names) == 1


def test_a_collision_is_settled_once_and_not_anew_each_time(world):
    (world.root / "Maria Ruiz - Noon.mp3").write_bytes(b"a stranger's")
    apply(world)
    assert apply(world).moved == 0


def test_pictures_and_lyrics_go_along_and_come_back(world):
    folder = world.root / "山田" / "海"
    (folder / "cover.jpg").write_bytes(b"picture")
    (folder / "01 波.lrc").write_bytes(b"words")
    (folder / "01 波.jpg").write_bytes(b"its own picture")
    (folder / "notes.odt").write_bytes(b"mine")
    apply(world, "{album}/{title}")
    new = world.root / "海"
    assert {path.name for path in new.iterdir()} == {"波.mp3", "波.lrc", "波.jpg", "cover.jpg"}
    assert [path.name for path in folder.iterdir()] == ["notes.odt"], "what is not ours to move stays"
    undo(world)
    assert {path.name for path in folder.iterdir()} == {"01 波.mp3", "01 波.lrc", "01 波.jpg", "cover.jpg", "notes.odt"}


@pytest.mark.parametrize("how", [link_method.LINK, link_method.RENAME, link_method.PLACEHOLDER])
@pytest.mark.parametrize("point", ["move_linked", "move_named", "companion_linked"])
def test_a_crash_leaves_no_lyrics_behind(world, how, point):
    publish_by(how)
    for path in list(world.root.rglob("*.mp3")):
        path.with_suffix(".lrc").write_text(path.stem)
    content = files(world)

    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    failpoints.on_failpoint = kill
    with pytest.raises(Killed):
        apply(world)
    failpoints.on_failpoint = None
    rename_plan.finish_interrupted(world.now)
    rename_plan.do_asked(world.now)
    assert {place.replace(".mp3", ".lrc") for place in rows(world).values()} <= set(files(world))
    assert sorted(files(world).values()) == sorted(content.values())
    undo(world)
    assert files(world) == content


@pytest.mark.parametrize("how", [link_method.LINK, link_method.RENAME])
@pytest.mark.parametrize("point", failpoints.MOVE_POINTS)
def test_a_crash_at_any_point_is_finished_by_whoever_comes_next(world, how, point):
    publish_by(how)
    content = sorted(files(world).values())
    seen: list[str] = []

    def kill(reached: str) -> None:
        seen.append(reached)
        if reached == point and seen.count(point) == 3:
            raise Killed

    failpoints.on_failpoint = kill
    with pytest.raises(Killed):
        apply(world)
    failpoints.on_failpoint = None
    rename_plan.finish_interrupted(world.now)
    assert not Move.objects.filter(state="moving").exists()
    assert sorted(files(world).values()) == content, "each file has exactly one name"
    assert len(rows(world)) == 6
    rename_plan.do_asked(world.now)
    assert set(rows(world).values()) == set(files(world))
    assert rename_plan.plan().moved == 0
    assert undo(world).moved == 6
    assert sorted(files(world).values()) == content


def test_a_pass_that_missed_a_file_on_its_way_costs_nothing(world):
    publish_by(link_method.RENAME)

    def kill(point: str) -> None:
        if point == "move_linked":
            raise Killed

    failpoints.on_failpoint = kill
    with pytest.raises(Killed):
        apply(world)
    failpoints.on_failpoint = None
    assert reconcile(world.later(hours=1)).vanished == 1
    assert rename_plan.finish_interrupted(world.now) == 1
    assert len(rows(world)) == 6


def test_a_row_that_changes_meanwhile_keeps_its_file_where_it_was(world):
    track = world.tracks["Maria Ruiz/First Light/Morning"]

    def interfere(point: str) -> None:
        if point == "move_linked" and world.status_of(track) == "downloaded":
            transitions.vanish({track.pk: track.file_name}, world.now)

    failpoints.on_failpoint = interfere
    assert apply(world).left == 1
    assert os.path.exists(track.local_path)
    assert not (world.root / "Maria Ruiz - Morning.mp3").exists()


def test_a_disk_that_refuses_leaves_the_file_and_says_so(world, monkeypatch):
    put = link_method.put_in_place

    def refuse(source: str, target: str, method: str) -> None:
        if target.endswith("Noon.mp3"):
            raise OSError(28, "No space left on device")
        put(source, target, method)

    monkeypatch.setattr(link_method, "put_in_place", refuse)
    report = apply(world)
    assert (report.moved, report.left) == (5, 1)
    assert report.problems == ["Maria Ruiz/First Light/02 Noon.mp3: No space left on device"]
    assert len(rows(world)) == 6


def test_a_stop_is_heard_between_two_files_and_the_next_call_goes_on(world):
    Library.objects.update(path_template=FLAT)
    rename_plan.ask("apply", world.now)
    asked = iter([False, False, False, True])
    assert not rename_plan.do_asked(world.now, lambda: next(asked)).complete
    assert len(rows(world)) == 6
    assert rename_plan.do_asked(world.now).complete
    assert (MoveBatch.objects.get().moved, rename_plan.plan().moved) == (6, 0)
    assert undo(world).moved == 6


def test_nothing_moves_while_the_folder_is_looked_at_or_is_not_there(world):
    Library.objects.update(path_template=FLAT)
    rename_plan.ask("apply", world.now)
    with try_lock("reconcile"), pytest.raises(rename_plan.CannotMove, match="looked at"):
        rename_plan.do_asked(world.now)
    (world.root / ".tonekeep").unlink()
    with pytest.raises(rename_plan.CannotMove, match="Nothing is moved"):
        rename_plan.do_asked(world.now)
    assert len(rows(world)) == 6


def test_what_is_in_the_bin_stays_there(world):
    track = world.tracks["山田/海/波"]
    old = track.local_path
    world.put_file(track, relative=".bin/2026-01-01/山田/海/01 波.mp3")
    os.unlink(old)
    assert apply(world).moved == 5
    assert rows(world)[track.pk].startswith(".bin/")


def test_undo_leaves_what_is_not_the_songs_file_any_more(world):
    apply(world)
    track = world.tracks["山田/海/波"]
    transitions.vanish({track.pk: "山田 - 波.mp3"}, world.now)
    report = undo(world)
    assert (report.moved, report.left) == (5, 1)


def test_the_command_plans_applies_and_undoes(world, capsys):
    Library.objects.update(path_template=FLAT)
    call_command("move_files", "--plan")
    said = capsys.readouterr().out
    assert "6 files would move" in said and "山田/海/01 波.mp3 -> 山田 - 波.mp3" in said
    call_command("move_files", "--apply", "--json")
    assert json.loads(capsys.readouterr().out)["moved"] == 6
    call_command("move_files", "--undo")
    assert "6 files moved" in capsys.readouterr().out


def test_the_same_command_goes_on_where_it_could_not_end_and_the_other_one_waits(world, capsys):
    Library.objects.update(path_template=FLAT)
    (world.root / ".tonekeep").rename(world.root.parent / "marker")
    with pytest.raises(CommandError, match="Nothing is moved") as refused:
        call_command("move_files", "--apply")
    assert refused.value.returncode == 3
    (world.root.parent / "marker").rename(world.root / ".tonekeep")
    with pytest.raises(CommandError, match="being moved already"):
        call_command("move_files", "--undo")
    call_command("move_files", "--apply")
    assert "6 files moved" in capsys.readouterr().out
    assert MoveBatch.objects.get().ended_at


def test_a_template_that_cannot_be_used_is_a_sentence(world):
    with pytest.raises(CommandError, match="is no field"):
        call_command("move_files", "--plan", "--template", "{nothing}")


def test_a_folder_that_holds_anything_is_not_removed(world):
    folder = world.root / "kept" / "empty"
    folder.mkdir(parents=True)
    (world.root / "kept" / "file").write_bytes(b"x")
    own_folders.remove_empty_folders("kept/empty")
    assert not folder.exists() and (world.root / "kept" / "file").exists()
