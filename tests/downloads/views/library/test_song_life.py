"""A song's page explains each change of its state in the last 90 days, and the state that it is in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.test import Client

from catalog.models import Service, Track
from catalog.models.events import KEPT
from catalog.tracks import transitions, wanted
from catalog.tracks.place import Place
from downloads.jobs.tasks import prune
from tests.world import World

STEP = re.compile(r'<div><b>([^<]+)</b><small>.*?datetime="([^"]+)".*?</li>', re.DOTALL)
REASON = "The reason that was given"


@dataclass
class Song:
    """A song of a simulated year, and what its page must say: moment and title of each change."""

    pk: int
    root: str
    files: int = 0
    changes: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def row(self) -> Track:
        return Track.objects.get(pk=self.pk)

    @property
    def rows(self) -> object:
        return Track.objects.filter(pk=self.pk)

    def new_place(self) -> Place:
        self.files += 1
        return Place.of(self.root, f"Artist/{self.pk} {self.files}.mp3")

    def claimed(self, now: datetime) -> str:
        row = transitions.claim_one(self.pk, now)
        assert row and row.claim
        return row.claim

    # Each does one thing, and answers the title of its step.

    def finish(self, now: datetime) -> str:
        token = self.claimed(now)
        assert transitions.reserve(self.pk, token, self.new_place(), 1000, now)
        assert transitions.finish(self.pk, token, now)
        return "Downloaded"

    def fail(self, now: datetime) -> str:
        assert transitions.fail(self.pk, self.claimed(now), "no_match", REASON, now, now)
        return "Failed"

    def crash(self, now: datetime) -> str:
        self.claimed(now - timedelta(hours=1))
        assert transitions.recover_missing(self.row, now, now)
        return "Recovered after a crash"

    def adopt(self, now: datetime) -> str:
        assert transitions.adopt(self.pk, self.new_place(), 1000, now, REASON)
        return "File recognised"

    def retry(self, now: datetime) -> str:
        assert transitions.retry(self.rows, now, by="anna")  # type: ignore[arg-type]
        return "Asked to try again"

    def vanish(self, now: datetime) -> str:
        assert transitions.vanish({self.pk: self.row.file_name}, now)
        return "File gone"

    def restore(self, now: datetime) -> str:
        assert transitions.restore({self.pk: self.row.file_name}, now)
        return "File is back"

    def replace(self, now: datetime) -> str:
        assert transitions.replace(self.pk, self.row.local_path, now, REASON)
        return "Decided by a person"

    def change_file(self, now: datetime) -> str:
        assert transitions.resize(self.pk, self.row.local_path, 1001, now, REASON)
        return "File changed"

    def stop(self, now: datetime) -> str:
        assert wanted.ignore(self.rows, now, by="anna")  # type: ignore[arg-type]
        return "Not tried any more"

    def want(self, now: datetime) -> str:
        assert wanted.want_again(self.rows, now, by="anna")  # type: ignore[arg-type]
        return "Wanted again"

    def possible(self) -> list[Callable[[datetime], str]]:
        row = self.row
        if row.ignored:
            return [self.want]
        if row.status == Track.Status.DOWNLOADED:
            return [self.vanish, self.vanish, self.replace, self.change_file, self.stop]
        back = [self.restore, self.restore] if row.local_path else []
        return [self.finish, self.fail, self.fail, self.crash, self.adopt, self.retry, self.stop, *back]


def live(songs: list[Song], dice: random.Random, world: World, often: int) -> None:
    """A year: each week some songs change, and old events are forgotten."""
    for week in range(1, 53):
        monday = world.now + timedelta(weeks=week)
        for number, song in enumerate(dice.sample(songs, max(1, len(songs) * often // 52))):
            now = monday + timedelta(minutes=number)
            song.changes.append((now, dice.choice(song.possible())(now)))
        prune(monday)


@pytest.mark.parametrize(("songs", "looked_at"), [(6, 4), pytest.param(100, 40, marks=pytest.mark.long)])
def test_each_change_of_a_songs_state_is_explained_on_its_page(
    keeper: Client, world: World, songs: int, looked_at: int
) -> None:
    dice, ends = random.Random(41), world.now
    world.later(weeks=-53)  # the year ends now: pages and sessions have a clock of their own
    known = [Song(world.make_track(f"Song {number}").pk, str(world.root)) for number in range(songs)]
    live(known, dice, world, often=13)
    world.now = ends
    Service.objects.filter(name="storage").update(checked_at=ends)
    explained = 0
    for song in dice.sample(known, looked_at):
        page = keeper.get(f"/tracks/{song.pk}").content.decode()
        told = {(datetime.fromisoformat(at), title): step for step, title, at in _steps(page)}
        lately = [change for change in song.changes if change[0] > world.now - KEPT]
        assert [change for change in lately if change not in told] == []
        for change in lately:
            who = change[1] in ("Asked to try again", "Not tried any more", "Wanted again")
            why = change[1] in ("Failed", "File recognised", "Decided by a person", "File changed")
            assert not who or "by <bdi>anna</bdi>" in told[change]
            assert not why or REASON in told[change]
        assert _word(song.row) in page
        explained += len(lately)
    assert explained >= looked_at


def _steps(page: str) -> list[tuple[str, str, str]]:
    """Of the line of time: markup, title and moment of each step."""
    return [(found[0], found[1], found[2]) for found in STEP.finditer(page)]


def _word(row: Track) -> str:
    """What the page must say of the state in which the song is now."""
    if row.status == Track.Status.DOWNLOADED:
        return "<span>here</span>"
    return "<span>stopped</span>" if row.ignored else REASON if row.last_error else "up next"
