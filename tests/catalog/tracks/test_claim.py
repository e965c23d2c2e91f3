"""The claim: one track, the one that has been due the longest, and never the same one twice."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Track
from catalog.tracks import transitions


@pytest.mark.django_db
def test_a_claim_takes_one_of_many_due_tracks_the_longest_due_first(world):
    tracks = [
        world.make_track(f"Song {number}", number=number, retry_after=world.now - timedelta(minutes=number))
        for number in range(130)
    ]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE catalog_track")  # the planner must see that there are many
    claimed = transitions.claim(world.now)
    assert claimed == tracks[-1]
    assert Track.objects.filter(status="downloading").count() == 1
    assert (claimed.attempts, claimed.claim_until) == (1, world.now + transitions.LEASE)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_claims_take_the_whole_queue_in_its_order_and_nothing_else(world, seed):
    dice = random.Random(seed)
    for number in range(40):
        late = timedelta(minutes=dice.randint(-3, 3))
        track = world.make_track(f"{number}", number=number, wanted=dice.random() < 0.7, retry_after=world.now + late)
        if dice.random() < 0.2:
            world.put_file(track)
    queue = list(Track.objects.queue(world.now))
    assert 3 < len(queue) < 30
    taken = []
    while track := transitions.claim(world.now):
        taken.append(track)
    assert taken == queue


@pytest.mark.django_db(transaction=True)
def test_a_claim_is_one_statement_and_answers_the_row_as_it_now_stands(world):
    world.make_track("Due")
    with CaptureQueriesContext(connection) as statements:
        claimed = transitions.claim(world.now)
    assert len(statements) == 1, [statement["sql"] for statement in statements]
    connection.close()  # what another connection sees: the statement was committed
    stored = Track.objects.get(status="downloading")
    assert {field.attname: getattr(claimed, field.attname) for field in Track._meta.fields} == {
        field.attname: getattr(stored, field.attname) for field in Track._meta.fields
    }
    assert claimed.get_deferred_fields() == set()
    with CaptureQueriesContext(connection) as statements:
        assert transitions.claim(world.now) is None
    assert len(statements) == 1


@pytest.mark.django_db(transaction=True)
def test_claims_at_once_never_take_one_track_twice(world):
    for number in range(24):
        world.make_track(f"Song {number}", number=number)
    taken: list[int] = []

    def claim_all() -> None:
        try:
            while track := transitions.claim(world.now):
                taken.append(track.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 24


@pytest.mark.django_db
@pytest.mark.parametrize("state", [{"wanted": False}, {"cooling": True}])
def test_what_is_unwanted_or_cooling_is_not_claimed(world, state):
    changes = {"retry_after": world.now + timedelta(seconds=1)} if state.get("cooling") else {"wanted": False}
    world.make_track("Song", **changes)
    assert transitions.claim(world.now) is None
