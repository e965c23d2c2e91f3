"""No worker claims before the plan is accepted; commands that say yes do."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from catalog.ingest.collections import switch
from catalog.library.make_plan import accept_bin, accept_plan
from catalog.models import Collection, JobRequest, Library, Track
from catalog.models.settings import save_settings
from catalog.reports import plan
from downloads.file_moves import trash
from downloads.jobs import backlog, queue, schedule
from downloads.worker import loop
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks(settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = True


def test_nothing_is_claimed_before_the_plan_is_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    track = world.make_track()
    claimed: list[int] = []
    monkeypatch.setattr(loop.transitions, "claim", lambda now: claimed.append(1))
    assert loop.work_one(lambda: world.now) is None and not claimed
    assert world.status_of(track) == "missing" and Track.objects.queue(world.now).count() == 1  # the queue is full
    accept_plan()
    loop.work_one(lambda: world.now)
    assert claimed


def test_the_command_looks_and_says_yes_only_where_it_is_told_to(world: World) -> None:
    world.make_track()
    out = StringIO()
    call_command("plan", json=True, stdout=out)
    said = json.loads(out.getvalue().splitlines()[-1])
    assert {name: said[name] for name in ("here", "ask", "fetch", "others", "accepted")} == {
        "here": 6, "ask": 0, "fetch": 1, "others": 0, "accepted": False,
    }  # fmt: skip
    assert plan.reason_to_wait()
    out = StringIO()
    call_command("plan", accept=True, json=True, stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["accepted"] is True
    assert plan.reason_to_wait() == ""


def test_work_says_yes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.make_track()
    monkeypatch.setattr(loop, "work_until_empty", lambda **options: 0)
    call_command("work", until_empty=True, stdout=StringIO())
    assert plan.reason_to_wait() == ""


def test_the_first_pass_with_songs_looks_through_the_folder(world: World) -> None:
    world.make_track()
    backlog.reconcile_and_wake(world.now)
    assert plan.is_looked_for()
    assert plan.reason_to_wait()


def test_a_look_that_a_person_asks_for_is_made(world: World) -> None:
    queue.request_look()
    assert schedule.due(world.now, online=True).look
    backlog.look_through(world.now)
    assert plan.last_look() and not JobRequest.objects.is_waiting("look")


def test_offline_no_look_is_due(world: World) -> None:
    world.make_track()
    assert not schedule.due(world.now, online=False).look


def test_more_files_than_the_limit_leave_for_the_bin_only_with_a_yes(world: World) -> None:
    accept_plan()
    save_settings({"PLAN_SONGS": "2"})
    Collection.objects.update(removal="bin")
    switch(Collection.objects.all(), on=False)
    report = trash.process_trash_requests(world.now)
    assert "6 files wait to go to the bin" in report.problem and report.binned == 0
    assert len(list(world.root.rglob("*.mp3"))) == 6 and not (world.root / ".bin").exists()
    accept_bin()
    assert trash.process_trash_requests(world.now).binned == 6
    assert Library.load().bin_accepted is False  # the next large departure asks again


def test_a_few_files_leave_unasked(world: World) -> None:
    accept_plan()
    Collection.objects.update(removal="bin")
    switch(Collection.objects.all(), on=False)
    assert trash.process_trash_requests(world.now).binned == 6
