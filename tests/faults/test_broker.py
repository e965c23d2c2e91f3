"""The broker as an adversary: wake-ups lost, doubled, five times over and in any order change nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from catalog.models import Library, Track
from downloads import jobs
from downloads.fetch import process
from downloads.jobs import cluster_state, tasks
from tests.crash.workspace import Workspace

pytestmark = pytest.mark.long

OrmQ = apps.get_model("django_q", "OrmQ")
DELIVERED = (0, 1, 2, 5)
TRACKS = 500


@pytest.fixture
def cluster(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both clusters run, their first reconcile has ended, and this process is a worker of the one that fetches."""
    for queue in ("tonekeep", "downloads"):
        cluster_state.register(queue, timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    Library.objects.update(write_playlists=False)  # a file that the rules of the workspace do not know
    yield
    monkeypatch.setattr(cluster_state, "_ours", None)


def due_now(workspace: Workspace) -> Track:
    return workspace.track(retry_after=timezone.now() - timedelta(minutes=1))


class Broker:
    """Takes django-q2's waiting messages and delivers each as often as it likes, in the order that it likes."""

    def __init__(self, dice: random.Random, patch: pytest.MonkeyPatch) -> None:
        self.dice, self.rounds, self.delivered = dice, 0, Counter[int]()
        self.left = 0
        patch.setattr(cluster_state, "should_stop", self._stops)

    def _stops(self) -> bool:
        """A delivery is good for a few tracks, then its worker is called away: so that many deliveries mix."""
        self.left -= 1
        return self.left < 0

    def deliver_all(self) -> None:
        self.rounds += 1
        messages = [row.func().rpartition(".")[2] for row in OrmQ.objects.all()]
        OrmQ.objects.all().delete()
        times = [self.dice.choice(DELIVERED) for _ in messages]
        self.delivered.update(times)
        deliveries = [name for name, count in zip(messages, times, strict=True) for _ in range(count)]
        self.dice.shuffle(deliveries)
        for name in deliveries:
            self.left = self.dice.randrange(1, 40)
            assert not jobs.body_of(name)().startswith("error"), name


def test_wake_ups_lost_doubled_and_reordered_fetch_each_track_once(
    workspace: Workspace, proven: None, cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = [due_now(workspace) for _ in range(TRACKS)]
    broker = Broker(random.Random(3), monkeypatch)
    while Track.objects.missing().exists():
        assert broker.rounds < 1000, "it has come to a stand"
        assert tasks.tick() == "done"  # what a minute brings; all that it asks for may be lost
        broker.deliver_all()
    assert set(broker.delivered) == set(DELIVERED) and broker.rounds > 10
    for _ in range(20):  # and what comes late finds nothing to do
        tasks.download()
    assert Counter(workspace.fetches()).most_common(1)[0][1] == 1
    assert sorted(pk for pk, _ in workspace.fetches()) == [track.pk for track in tracks]
    assert workspace.violations() == []


class Died(BaseException):
    """The worker's process is gone: nothing that it would still do is done."""


def test_a_track_that_kills_each_of_its_workers_rests_ever_longer_and_the_others_go_on(
    workspace: Workspace, proven: None, cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly, *others = [due_now(workspace) for _ in range(6)]
    fetch = process.fetch

    def die_on_one(url: str, stage: str, **options: object) -> process.Fetched:
        if f"/{deadly.pk}-" in stage:
            raise Died
        return fetch(url, stage, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "fetch", die_on_one)
    rests = []
    for death in range(1, 5):
        with pytest.raises(Died):
            tasks.download()
        tasks.download()
        assert {workspace.world.status_of(track) for track in others} == {"downloaded"}
        assert workspace.world.status_of(deadly) == "downloading"
        Track.objects.filter(pk=deadly.pk).update(claim_until=timezone.now() - timedelta(seconds=1))
        before = timezone.now()
        tasks.tick()
        deadly.refresh_from_db()
        assert (deadly.status, deadly.attempts) == ("missing", death)
        assert tasks.download() == "0 tracks", "it cools down"
        rests.append(deadly.retry_after - before)
        Track.objects.filter(pk=deadly.pk).update(retry_after=timezone.now() - timedelta(seconds=1))
    assert rests == sorted(rests)
    assert timedelta(minutes=4) < rests[0] and rests[-1] > timedelta(hours=10)
    assert workspace.stages() == []
