"""Every condition in a transition's WHERE, one test each: it turns red when that condition is taken out.

`python -m tests.mutation.mutants` takes them out one at a time and demands just that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from catalog.models import Collection, Event, Folder, Track
from catalog.tracks import transitions, wanted
from catalog.tracks.place import Place, PlaceTaken, folder_row
from tests.world import World

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
OTHER = "0" * 32  # a token of somebody else


def due(world: World, title: str = "Song", **columns) -> Track:
    return world.make_track(title, **columns)


def claimed(world: World, track: Track | None = None) -> Any:
    """Any, not Track: the token of a claimed row is never None."""
    held = transitions.claim_one((track or due(world)).pk, world.now)
    assert held
    return held


def place(world: World, relative: str = "A/B.mp3") -> Place:
    return Place.of(str(world.root), relative)


def reserved(world: World) -> Any:
    held = claimed(world)
    assert transitions.reserve(held.pk, held.claim, place(world), 5, world.now)
    return fresh(held)


def fresh(track: Track) -> Any:
    return Track.objects.get(pk=track.pk)


def a_file(world: World) -> Track:
    return next(iter(world.tracks.values()))


# --- Claim ------------------------------------------------------------------------------------------------


def test_a_claim_passes_by_what_is_cooling(world):
    due(world, retry_after=world.now + MINUTE)
    assert transitions.claim(world.now) is None


def test_a_claim_passes_by_what_nobody_wants_and_takes_the_next(world):
    due(world, "Unwanted", wanted=False, retry_after=world.now - 9 * MINUTE)
    wanted = due(world, "Wanted", number=10)
    assert transitions.claim(world.now) == wanted


def test_a_claim_passes_by_what_is_here_or_held_and_takes_the_next(world):
    Track.objects.filter(pk=a_file(world).pk).update(retry_after=world.now - 9 * MINUTE)
    held = claimed(world, due(world, "Held", number=10, retry_after=world.now - 8 * MINUTE))
    free = due(world, "Free", number=11)
    assert transitions.claim(world.now) == free
    assert fresh(held).claim == held.claim


def test_a_claim_counts_as_an_attempt_and_ends_by_itself(world):
    due(world)
    held: Any = transitions.claim(world.now)
    assert (held.attempts, held.claim_until) == (1, world.now + transitions.LEASE)
    assert list(Track.objects.expired(world.now + transitions.LEASE + MINUTE)) == [held]


@pytest.mark.parametrize("state", ["cooling", "unwanted", "here", "held"])
def test_one_given_track_is_claimed_only_if_it_is_due(world, state):
    track = {
        "cooling": lambda: due(world, retry_after=world.now + MINUTE),
        "unwanted": lambda: due(world, wanted=False),
        "here": lambda: a_file(world),
        "held": lambda: claimed(world),
    }[state]()
    assert transitions.claim_one(track.pk, world.now) is None


# --- A worker's token -------------------------------------------------------------------------------------


def test_a_worker_that_lost_its_track_does_not_renew_another_ones_lease(world):
    held = claimed(world)
    assert not transitions.renew(held.pk, OTHER, world.now + MINUTE)
    assert transitions.renew(held.pk, held.claim, world.now + MINUTE, percent=40)
    assert (fresh(held).claim_until, fresh(held).progress) == (world.now + MINUTE + transitions.LEASE, 40)


def test_a_worker_that_lost_its_track_does_not_reserve(world):
    held = claimed(world)
    assert not transitions.reserve(held.pk, OTHER, place(world), 5, world.now)
    assert not fresh(held).reserved


def test_a_worker_past_its_deadline_does_not_reserve(world):
    held = claimed(world)
    late = world.now + transitions.LEASE + MINUTE
    assert not transitions.reserve(held.pk, held.claim, place(world), 5, late)
    assert not transitions.holds(held.pk, held.claim, late)
    assert transitions.reserve(held.pk, held.claim, place(world), 5, world.now + transitions.LEASE)


def test_a_worker_that_lost_its_track_does_not_finish_another_ones(world):
    held = reserved(world)
    assert not transitions.finish(held.pk, OTHER, world.now)
    assert fresh(held).status == "downloading"


def test_nothing_is_finished_that_was_not_reserved(world):
    track = a_file(world)
    transitions.vanish({track.pk: track.file_name}, world.now)  # it keeps its last known place
    held = claimed(world, track)
    assert not transitions.finish(held.pk, held.claim, world.now)
    assert fresh(track).status == "downloading"


@pytest.mark.parametrize("end", ["fail", "release"])
def test_a_worker_that_lost_its_track_neither_fails_nor_releases_another_ones(world, end):
    held = claimed(world)
    if end == "fail":
        ended = transitions.fail(held.pk, OTHER, "no_match", "", world.now + MINUTE, world.now)
    else:
        ended = transitions.release(held.pk, OTHER, world.now)
    assert not ended
    assert (fresh(held).status, fresh(held).claim) == ("downloading", held.claim)


def test_a_reservation_is_known_by_its_token_and_its_path(world):
    held = reserved(world)
    path = held.local_path
    assert transitions.reservation(held.pk, held.claim, path).exists()
    assert not transitions.reservation(held.pk, OTHER, path).exists()
    assert not transitions.reservation(held.pk, held.claim, f"{path}x").exists()


# --- Places -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", ["A/B.mp3", "A/b.MP3", "a/B.mp3"])
def test_no_place_is_reserved_or_adopted_twice_whatever_its_case(world, relative):
    reserved(world)
    other = due(world, "Other", number=10)
    with pytest.raises(PlaceTaken):
        transitions.adopt(other.pk, place(world, relative), 5, world.now)
    held = claimed(world, other)
    with pytest.raises(PlaceTaken):
        transitions.reserve(held.pk, held.claim, place(world, relative), 5, world.now)


def test_no_file_gets_a_folder_that_is_another_one_on_many_disks(world):
    reserved(world)
    held = claimed(world, due(world, "Other", number=10))
    with pytest.raises(PlaceTaken):
        transitions.reserve(held.pk, held.claim, place(world, "a/Other.mp3"), 5, world.now)
    assert place(world, "a/Other.mp3").in_known_folder() == place(world, "A/Other.mp3")


@pytest.mark.parametrize("end", ["fail", "release", "recover"])
def test_a_reserved_place_is_given_up_with_the_claim(world, end):
    held = reserved(world)
    give_up(world, held, end)
    row = fresh(held)
    assert (row.status, row.local_path, row.folder, row.size, row.reserved) == ("missing", "", None, None, False)


@pytest.mark.parametrize("end", ["fail", "release", "recover"])
def test_a_last_known_place_outlives_a_claim(world, end):
    track = a_file(world)
    transitions.vanish({track.pk: track.file_name}, world.now)
    give_up(world, claimed(world, track), end)
    row = fresh(track)
    assert (row.status, row.local_path, row.size) == ("missing", track.local_path, track.size)


def give_up(world: World, held: Any, end: str) -> None:
    later = world.now + transitions.LEASE + MINUTE
    ended = {
        "fail": lambda: transitions.fail(held.pk, held.claim, "no_match", "", later, world.now),
        "release": lambda: transitions.release(held.pk, held.claim, world.now),
        "recover": lambda: transitions.recover_missing(held, later, later),
    }[end]()
    assert ended


def test_a_failure_costs_an_attempt_and_a_cooldown_and_a_release_neither(world):
    failed, released = claimed(world), claimed(world, due(world, "Other", number=10))
    transitions.fail(failed.pk, failed.claim, "no_match", "Nobody has it.", world.now + MINUTE, world.now)
    transitions.release(released.pk, released.claim, world.now)
    row = fresh(failed)
    assert (row.attempts, row.retry_after, row.last_error) == (1, world.now + MINUTE, "Nobody has it.")
    assert (fresh(released).attempts, fresh(released).retry_after) == (0, world.now)


# --- Recovery ---------------------------------------------------------------------------------------------


def test_a_lease_that_was_renewed_meanwhile_is_not_recovered(world):
    read = reserved(world)
    late = world.now + transitions.LEASE + MINUTE
    transitions.renew(read.pk, read.claim, late)
    assert not transitions.recover_missing(read, late, late)
    assert not transitions.recover_downloaded(read, late)
    assert fresh(read).status == "downloading"


def test_a_track_that_another_worker_holds_by_now_is_not_recovered_on_an_old_reading(world):
    read = reserved(world)
    late = world.now + transitions.LEASE + MINUTE
    assert transitions.recover_missing(read, late, late)
    again: Any = transitions.claim_one(read.pk, late)
    assert transitions.reserve(again.pk, again.claim, place(world), 5, late)
    later = late + transitions.LEASE + MINUTE
    assert not transitions.recover_missing(read, later, later)
    assert not transitions.recover_downloaded(read, later)
    assert fresh(read).claim == again.claim


def test_a_place_that_is_not_the_one_looked_at_proves_nothing(world):
    read = reserved(world)
    assert transitions.reserve(read.pk, read.claim, place(world, "A/B [2].mp3"), 5, world.now)
    assert not transitions.recover_downloaded(read, world.now + transitions.LEASE + MINUTE)


def test_a_last_known_place_is_not_taken_for_a_published_file(world):
    track = a_file(world)
    transitions.vanish({track.pk: track.file_name}, world.now)
    held = claimed(world, track)
    assert not transitions.recover_downloaded(held, world.now + transitions.LEASE + MINUTE)


# --- What reconcile and people change ---------------------------------------------------------------------


def test_only_a_file_under_the_name_as_read_vanishes(world):
    track = a_file(world)
    assert transitions.vanish({track.pk: "another name.mp3"}, world.now) == 0
    assert fresh(track).status == "downloaded"


def test_only_a_file_in_the_folder_as_read_vanishes(world):
    track = a_file(world)
    elsewhere = folder_row("elsewhere")
    assert transitions.vanish({track.pk: track.file_name}, world.now, folders={track.pk: elsewhere.pk}) == 0
    assert fresh(track).status == "downloaded"
    assert transitions.vanish({track.pk: track.file_name}, world.now, folders={track.pk: track.folder_id or 0}) == 1


def test_only_what_is_downloaded_vanishes(world):
    held = reserved(world)
    assert transitions.vanish({held.pk: held.file_name}, world.now) == 0
    assert (fresh(held).status, fresh(held).attempts) == ("downloading", 1)


def test_only_what_is_missing_under_the_name_as_read_is_restored(world):
    track, held = a_file(world), reserved(world)
    assert transitions.restore({track.pk: track.file_name, held.pk: held.file_name}, world.now) == 0
    transitions.vanish({track.pk: track.file_name}, world.now)
    assert transitions.restore({track.pk: "another name.mp3"}, world.now) == 0
    assert transitions.restore({track.pk: track.file_name}, world.now) == 1


def test_only_a_missing_track_adopts(world):
    held, here = claimed(world), a_file(world)
    assert not transitions.adopt(held.pk, place(world), 5, world.now)
    assert not transitions.adopt(here.pk, place(world), 5, world.now)
    assert (fresh(held).claim, fresh(here).local_path) == (held.claim, here.local_path)


def test_a_person_retries_only_what_is_missing(world):
    held = claimed(world)
    Track.objects.filter(pk=held.pk).update(attempts=3)
    assert transitions.retry(Track.objects.all(), world.now) == 0
    assert fresh(held).attempts == 3


def test_only_the_file_that_a_person_saw_is_replaced(world):
    track = a_file(world)
    assert not transitions.replace(track.pk, f"{track.local_path}x", world.now)
    assert fresh(track).status == "downloaded"
    assert transitions.replace(track.pk, track.local_path, world.now)
    assert not transitions.replace(track.pk, "", world.now)


def test_a_track_is_wanted_for_an_enabled_collection_alone_and_never_against_a_persons_word(world):
    track = a_file(world)
    wanted.ignore(Track.objects.filter(pk=track.pk), world.now)
    assert wanted.set_wanted() == 0  # not even for a moment: a worker could claim it
    assert not fresh(track).wanted
    wanted.want_again(Track.objects.filter(pk=track.pk), world.now)
    Collection.objects.update(enabled=False)
    wanted.set_wanted()
    assert not Track.objects.filter(wanted=True).exists()


# --- What goes with a change ------------------------------------------------------------------------------


def test_a_change_and_its_event_are_written_together_or_not_at_all(world, monkeypatch):
    held = reserved(world)

    def refuse(*args: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(Event.objects, "record", refuse)
    with pytest.raises(IntegrityError):
        transitions.finish(held.pk, held.claim, world.now)
    monkeypatch.undo()
    assert fresh(held).status == "downloading"
    assert transitions.finish(held.pk, held.claim, world.now)
    assert [event.kind for event in held.events.all()] == ["finish"]


def test_a_new_file_ends_the_trust_in_its_folder(world):
    held = reserved(world)
    Folder.objects.update(mtime_ns=1)
    transitions.finish(held.pk, held.claim, world.now)
    assert Folder.objects.get(path="A").mtime_ns is None
    assert Folder.objects.filter(mtime_ns=1).exists()
