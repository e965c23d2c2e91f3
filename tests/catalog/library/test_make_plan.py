"""Nothing is fetched before a person has accepted the plan; its numbers equal a recount of rows and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from catalog.library import make_plan as module
from catalog.library.make_plan import accept_plan, accept_what_is_small, make_plan
from catalog.models import AdoptionMatch, Library, Run, Track
from catalog.models.settings import save_settings
from catalog.reports import plan
from catalog.tags import audio_tags
from catalog.text.user_error import UserError
from tests.audio import make_audio
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_audio(tmp_path_factory.mktemp("tone") / "tone.mp3", 4)


@pytest.fixture
def put(world: World, tone: str) -> Callable[..., Path]:
    """Puts a file of four seconds into the folder, as if a person had it from elsewhere."""

    def put(relative: str, title: str) -> Path:
        path = world.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tone, path)
        audio_tags.write_tags(str(path), audio_tags.TrackTags(title, ("Maria Ruiz",)), None)
        return path

    return put


@pytest.fixture(autouse=True)
def _asks(settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = True


def test_the_numbers_are_those_of_rows_and_files_and_no_file_is_changed(world: World, put: Any) -> None:
    Track.objects.all().delete()
    for title in ("One", "Two", "Three"):
        world.make_track(title, duration_ms=4000)
    world.make_track("Longer", duration_ms=240_000)
    world.make_track("Nowhere", duration_ms=240_000)
    for title in ("One", "Two", "Three", "Longer", "Somebody else's"):
        put(f"mine/{title}.mp3", title)
    before = {path: path.stat().st_mtime_ns for path in world.root.rglob("*.mp3")}
    made = make_plan(world.now)
    files = {path.stem for path in (world.root / "mine").iterdir()}
    titles = {track.title: track for track in Track.objects.all()}
    here = [track for track in titles.values() if track.local_path and Path(track.local_path).exists()]
    asked = {match.track_id for match in AdoptionMatch.objects.all()}
    assert (
        (made.here, made.ask, made.fetch) == (len(here), len(asked), len(titles) - len(here) - len(asked)) == (3, 1, 1)
    )
    assert made.others == len(before) - made.here - made.ask == 7, files  # with the six of the world, of no song now
    assert not made.accepted and made.songs == Track.objects.wanted().count()
    assert {path: path.stat().st_mtime_ns for path in world.root.rglob("*.mp3")} == before
    for name in ("here", "ask", "fetch"):
        assert {"here": plan.here, "ask": plan.asked, "fetch": plan.to_fetch}[name](plan.planned()).count() == getattr(
            made, name
        )


def test_a_song_that_is_asked_about_is_not_due_when_the_plan_is_accepted(world: World, put: Any) -> None:
    asked = world.make_track("Longer", duration_ms=240_000)
    put("mine/a.mp3", "Longer")
    make_plan(world.now)
    accept_plan()
    assert asked not in Track.objects.queue(world.now)


def test_a_first_plan_waits_and_is_accepted_once(world: World) -> None:
    world.make_track()
    assert "press Start" in plan.reason_to_wait()
    assert accept_plan() and not accept_plan()
    assert plan.reason_to_wait() == ""


def test_without_confirm_plans_nothing_waits(world: World, settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = False
    world.make_track()
    assert plan.reason_to_wait() == ""


def test_a_pass_does_not_accept_the_first_plan(world: World) -> None:
    world.make_track()
    accept_what_is_small()
    assert Library.load().accepted_up_to is None


def test_later_only_more_than_the_limit_asks_again(world: World) -> None:
    save_settings({"PLAN_SONGS": "2"})
    accept_plan()
    for number in range(2):
        world.make_track(f"Few {number}")
    assert plan.reason_to_wait() == ""
    accept_what_is_small()
    for number in range(3):
        world.make_track(f"Many {number}")
    assert plan.reason_to_wait().startswith("More than 2 songs are new")
    accept_what_is_small()  # a plan that waits is not accepted by a pass
    assert plan.reason_to_wait()
    assert plan.plan().fetch == 3


def test_a_few_songs_that_are_large_ask_again(world: World) -> None:
    accept_plan()
    world.make_track("Ten hours", duration_ms=36_000_000)
    assert plan.reason_to_wait() == ""
    save_settings({"PLAN_GB": "0.7"})
    assert "GB are new" in plan.reason_to_wait()


def test_songs_that_came_after_the_page_was_made_are_not_accepted_with_it(
    world: World,
) -> None:
    save_settings({"PLAN_SONGS": "0"})
    seen = world.make_track("Seen")
    world.make_track("Came later")
    accept_plan(seen.pk)
    assert plan.plan().fetch == 1 and plan.reason_to_wait()


def test_how_long_a_large_plan_is_comes_from_its_first_songs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, length in enumerate((100_000, 300_000, None, 240_000)):
        world.make_track(f"Song {number}", number=number, duration_ms=length)
    assert plan.plan().milliseconds == 640_000 + plan.USUAL_LENGTH
    monkeypatch.setattr(plan, "LENGTHS", 2)
    assert plan.plan().milliseconds == 4 * 200_000


def test_it_is_told_by_what_the_last_files_were_recognised(
    world: World, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = [world.make_track(title, number=at, duration_ms=4000) for at, title in enumerate(("One", "Two", "Three"))]
    for song in songs:
        put(f"mine/{song.title}.mp3", song.title)
    make_plan(world.now)
    assert [number for _, number in plan.found_by(0)] == [3]
    assert [number for _, number in plan.found_by(songs[0].pk)] == [2]
    Track.objects.filter(pk=songs[1].pk).update(wanted=False)
    assert [number for _, number in plan.found_by(0)] == [2]
    Track.objects.update(wanted=True)
    monkeypatch.setattr(plan, "LAST_FOUND", 1)
    assert [number for _, number in plan.found_by(0)] == [1]


def test_the_look_is_needed_until_it_knew_every_song(world: World) -> None:
    world.make_track()
    assert plan.needs_look(world.now)
    make_plan(world.now)
    assert not plan.needs_look(world.now)
    world.make_track("Another")
    assert plan.needs_look(world.now)


def test_a_look_that_cannot_be_made_is_said_and_not_repeated_at_once(world: World) -> None:
    world.make_track()
    (world.root / ".tonekeep").unlink()
    with pytest.raises(UserError, match="probably not mounted"):
        make_plan(world.now)
    run = Run.objects.get(kind=Run.Kind.ADOPT)
    assert run.ok is False and run.ended_at and "mounted" in run.problem
    assert not plan.needs_look(world.now)
    assert plan.needs_look(world.later(minutes=6))


def test_a_stopped_look_begins_again(world: World, put: Any) -> None:
    world.make_track("One", duration_ms=4000)
    put("mine/a.mp3", "One")
    make_plan(world.now, should_stop=lambda: True)
    assert Run.objects.get(kind=Run.Kind.ADOPT).ok is False
    assert not plan.is_looked_for()


def test_two_looks_at_once_are_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    monkeypatch.setattr(module.acting_host, "try_act", lambda name: nullcontext(False))
    with pytest.raises(UserError, match="already"):
        make_plan(world.now)
