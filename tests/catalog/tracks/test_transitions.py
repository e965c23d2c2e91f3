"""Every transition, and every guard in its WHERE: a test that turns red when that one guard is taken out."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Event, Folder, Track
from catalog.tracks import transitions, wanted
from catalog.tracks.place import Place, PlaceTaken
from tests.world import World

MORNING = "Maria Ruiz/First Light/Morning"
OTHER_TOKEN = "f" * 32


def wanted_track(world: World, **columns: object) -> Track:
    """A missing, due track, the only one in the queue."""
    return world.make_track("Wanted", number=40, **columns)


def claimed(world: World, reserved: bool = False) -> tuple[Track, str]:
    """A track under way, and its token."""
    track = wanted_track(world)
    held = transitions.claim(world.now)
    assert held is not None and held.pk == track.pk and held.claim
    if reserved:
        assert transitions.reserve(track.pk, held.claim, new_place(world), 1234, world.now)
    track.refresh_from_db()
    return track, held.claim


def new_place(world: World, name: str = "40 Wanted.mp3") -> Place:
    return Place.of(str(world.root), f"Maria Ruiz/First Light/{name}")


def row(track: Track) -> dict[str, object]:
    return Track.objects.values().get(pk=track.pk)


def unchanged(track: Track, before: dict[str, object]) -> bool:
    return row(track) == before


def kinds(track: Track) -> list[str]:
    return [event.kind for event in track.events.order_by("pk")]


# --- Claim ------------------------------------------------------------------------------------------------


def test_a_claim_leases_the_track_that_has_been_due_the_longest(world: World) -> None:
    wanted_track(world)
    older = world.make_track("Older", number=41, retry_after=world.now - timedelta(hours=2))

    held = transitions.claim(world.now)

    assert held is not None
    assert (held.pk, held.status, held.attempts) == (older.pk, "downloading", 1)
    assert held.claim and held.claim_until == world.now + transitions.LEASE
    assert kinds(held) == [], "a claim is no event"


@pytest.mark.parametrize(
    "columns",
    [{"wanted": False}, {"retry_after": "later"}],
    ids=["not wanted", "cooling"],
)
def test_what_is_not_due_is_not_claimed(world: World, columns: dict[str, object]) -> None:
    if columns.get("retry_after"):
        columns = {"retry_after": world.now + timedelta(seconds=1)}
    track = wanted_track(world, **columns)

    assert transitions.claim(world.now) is None
    assert transitions.claim_one(track.pk, world.now) is None
    assert world.status_of(track) == "missing"


def test_what_is_downloaded_or_claimed_is_not_claimed_again(world: World) -> None:
    track, token = claimed(world)

    assert transitions.claim(world.now) is None
    assert transitions.claim_one(track.pk, world.now) is None
    assert transitions.claim_one(world.tracks[MORNING].pk, world.now) is None
    assert Track.objects.get(pk=track.pk).claim == token


def test_one_given_track_is_claimed_and_no_other(world: World) -> None:
    first, second = wanted_track(world), world.make_track("Second", number=41)

    held = transitions.claim_one(second.pk, world.now)

    assert held is not None and (held.pk, held.attempts) == (second.pk, 1)
    assert world.status_of(first) == "missing"


# --- What a worker may do with its track, and nobody else -------------------------------------------------


def place_of(world: World) -> Place:
    return new_place(world)


WORKERS_WORDS = {
    "renew": lambda world, pk, token: transitions.renew(pk, token, world.now, 50),
    "reserve": lambda world, pk, token: transitions.reserve(pk, token, place_of(world), 99, world.now),
    "finish": lambda world, pk, token: transitions.finish(pk, token, world.now),
    "fail": lambda world, pk, token: transitions.fail(pk, token, "no_match", "No match.", world.now, world.now),
    "release": lambda world, pk, token: transitions.release(pk, token, world.now),
}
words = pytest.mark.parametrize("word", WORKERS_WORDS)


@words
def test_a_worker_whose_token_was_replaced_changes_nothing(world: World, word: str) -> None:
    track, _ = claimed(world, reserved=True)
    before = row(track)

    assert WORKERS_WORDS[word](world, track.pk, OTHER_TOKEN) is False
    assert unchanged(track, before)
    assert kinds(track) == []


@words
def test_a_worker_changes_no_track_but_its_own(world: World, word: str) -> None:
    _, token = claimed(world, reserved=True)
    other = world.make_track("Other", number=41)
    held = transitions.claim_one(other.pk, world.now)
    assert held is not None and held.claim
    assert transitions.reserve(other.pk, held.claim, new_place(world, "41 Other.mp3"), 5, world.now)
    before = row(other)

    assert WORKERS_WORDS[word](world, other.pk, token) is False
    assert unchanged(other, before)


def test_renewing_extends_the_lease_and_tells_the_progress(world: World) -> None:
    track, token = claimed(world)

    assert transitions.renew(track.pk, token, world.later(seconds=30), 140)

    track.refresh_from_db()
    assert (track.claim_until, track.progress) == (world.now + transitions.LEASE, 100)


def test_reserving_names_the_place_before_the_file_is_there(world: World) -> None:
    track, _ = claimed(world, reserved=True)

    assert (track.status, track.reserved, track.size) == ("downloading", True, 1234)
    assert track.local_path == f"{world.root}/Maria Ruiz/First Light/40 Wanted.mp3"
    assert (track.file_name, track.name_key) == ("40 Wanted.mp3", "40 wanted.mp3")


def test_a_worker_whose_deadline_has_passed_may_not_reserve(world: World) -> None:
    track, token = claimed(world)
    before = row(track)

    late = world.now + transitions.LEASE + timedelta(microseconds=1)
    assert not transitions.reserve(track.pk, token, new_place(world), 99, late)
    assert unchanged(track, before)


@pytest.mark.parametrize("name", ["01 Morning.mp3", "01 MORNING.mp3"])
def test_a_place_that_another_track_has_is_taken_in_every_spelling(world: World, name: str) -> None:
    track, token = claimed(world)
    before = row(track)

    with pytest.raises(PlaceTaken):
        transitions.reserve(track.pk, token, new_place(world, name), 99, world.now)
    assert unchanged(track, before)


def test_finishing_clears_what_went_wrong_before(world: World) -> None:
    track, token = claimed(world, reserved=True)
    Track.objects.filter(pk=track.pk).update(attempts=4, last_error="bad", error_kind="network", progress=80)

    assert transitions.finish(track.pk, token, world.later(minutes=1))

    track.refresh_from_db()
    assert (track.status, track.attempts, track.last_error, track.error_kind) == ("downloaded", 0, "", "")
    assert (track.claim, track.claim_until, track.reserved, track.progress) == (None, None, False, 0)
    assert (track.last_seen, track.size) == (world.now, 1234)
    assert kinds(track) == [Event.Kind.FINISH]


def test_nothing_is_finished_that_was_not_reserved(world: World) -> None:
    track, token = claimed(world)
    world.put_file(world.tracks[MORNING])
    before = row(track)

    assert not transitions.finish(track.pk, token, world.now)
    assert unchanged(track, before)


def test_a_failure_cools_down_and_takes_the_reservation_back(world: World) -> None:
    track, token = claimed(world, reserved=True)
    again = world.now + timedelta(minutes=5)

    assert transitions.fail(track.pk, token, "no_match", "Nothing fits.", again, world.now)

    track.refresh_from_db()
    assert (track.status, track.attempts, track.retry_after) == ("missing", 1, again)
    assert (track.last_error, track.error_kind) == ("Nothing fits.", "no_match")
    assert (track.local_path, track.folder, track.size, track.claim) == ("", None, None, None)
    assert kinds(track) == [Event.Kind.FAIL]


@pytest.mark.parametrize("end", ["fail", "release"])
def test_a_last_known_place_outlives_a_claim_that_reserved_nothing(world: World, end: str) -> None:
    track = world.tracks[MORNING]
    transitions.vanish({track.pk: track.file_name}, world.now)
    held = transitions.claim(world.now)
    assert held is not None and held.pk == track.pk and held.claim

    assert WORKERS_WORDS[end](world, track.pk, held.claim)

    held.refresh_from_db()
    assert (held.status, held.local_path, held.size) == ("missing", track.local_path, track.size)


def test_a_release_gives_the_attempt_back_and_is_no_event(world: World) -> None:
    track, token = claimed(world, reserved=True)

    assert transitions.release(track.pk, token, world.later(seconds=5))

    track.refresh_from_db()
    assert (track.status, track.attempts, track.retry_after) == ("missing", 0, world.now)
    assert (track.local_path, track.claim, kinds(track)) == ("", None, [])


# --- After a crash ----------------------------------------------------------------------------------------


def test_recovery_takes_a_published_file_for_downloaded(world: World) -> None:
    track, _ = claimed(world, reserved=True)

    assert transitions.recover_downloaded(track, world.later(minutes=3))

    track.refresh_from_db()
    assert (track.status, track.attempts, track.claim, track.reserved) == ("downloaded", 0, None, False)
    assert kinds(track) == [Event.Kind.RECOVER]


def test_recovery_of_anything_else_counts_the_attempt(world: World) -> None:
    track, _ = claimed(world, reserved=True)
    again = world.now + timedelta(hours=1)

    assert transitions.recover_missing(track, again, world.later(minutes=3))

    track.refresh_from_db()
    assert (track.status, track.attempts, track.retry_after, track.local_path) == ("missing", 1, again, "")


RECOVERIES = {
    "downloaded": lambda track, now: transitions.recover_downloaded(track, now),
    "missing": lambda track, now: transitions.recover_missing(track, now, now),
}
recoveries = pytest.mark.parametrize("recover", RECOVERIES)


@recoveries
def test_nobody_recovers_before_the_deadline(world: World, recover: str) -> None:
    track, _ = claimed(world, reserved=True)
    before = row(track)

    assert RECOVERIES[recover](track, world.now + transitions.LEASE) is False
    assert unchanged(track, before)


@recoveries
def test_nobody_recovers_a_claim_that_another_worker_has_by_now(world: World, recover: str) -> None:
    track, _ = claimed(world, reserved=True)
    Track.objects.filter(pk=track.pk).update(claim=OTHER_TOKEN)
    before = row(track)

    assert RECOVERIES[recover](track, world.later(hours=1)) is False
    assert unchanged(track, before)


def test_a_track_is_not_recovered_twice(world: World) -> None:
    track, _ = claimed(world, reserved=True)
    assert transitions.recover_missing(track, world.now, world.later(hours=1))

    assert not transitions.recover_downloaded(track, world.now)
    assert not transitions.recover_missing(track, world.now, world.now)
    assert len(kinds(track)) == 1


def test_a_file_is_not_recovered_at_a_place_other_than_the_one_that_was_looked_at(world: World) -> None:
    track, token = claimed(world, reserved=True)
    assert transitions.reserve(track.pk, token, new_place(world, "40 Wanted [x].mp3"), 1234, world.now)
    before = row(track)

    assert not transitions.recover_downloaded(track, world.later(hours=1))
    assert unchanged(track, before)


def test_without_a_reservation_nothing_is_recovered_as_downloaded(world: World) -> None:
    gone = world.tracks[MORNING]
    transitions.vanish({gone.pk: gone.file_name}, world.now)
    track = transitions.claim(world.now)
    assert track is not None and track.local_path

    assert not transitions.recover_downloaded(track, world.later(hours=1))
    assert world.status_of(track) == "downloading"


# --- What a pass finds ------------------------------------------------------------------------------------


def test_vanish_keeps_the_last_known_place_and_makes_due(world: World) -> None:
    track = world.tracks[MORNING]

    assert transitions.vanish({track.pk: track.file_name}, world.now, reason="The file is gone.") == 1

    after = Track.objects.get(pk=track.pk)
    assert (after.status, after.retry_after, after.attempts) == ("missing", world.now, 0)
    assert (after.local_path, after.size, after.last_seen) == (track.local_path, track.size, track.last_seen)
    assert [(event.kind, event.reason, event.at) for event in after.events.all()] == [
        (Event.Kind.VANISH, "The file is gone.", world.now)
    ]


def test_of_very_many_vanished_tracks_some_are_due_at_once_and_the_others_soon(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "DUE_AT_ONCE", 2)
    gone = {track.pk: track.file_name for track in list(world.tracks.values())[:3]}
    soon = world.now + timedelta(minutes=10)
    transitions.vanish(gone, world.now, due=soon)

    assert transitions.end_search(soon, world.now) == 2
    assert Track.objects.queue(world.now).count() == 2
    assert {track.pk for track in Track.objects.queue(soon)} == set(gone)


def test_a_later_sight_is_not_overwritten_by_an_earlier_pass(world: World) -> None:
    track = world.tracks[MORNING]
    transitions.vanish({track.pk: track.file_name}, world.now, last_seen=world.now - timedelta(days=9))
    assert Track.objects.get(pk=track.pk).last_seen == track.last_seen


@pytest.mark.parametrize("found", ["vanish", "restore"])
def test_a_pass_changes_nothing_that_changed_since_it_was_read(world: World, found: str) -> None:
    track = world.tracks[MORNING]
    if found == "restore":
        transitions.vanish({track.pk: track.file_name}, world.now)
    change = transitions.vanish if found == "vanish" else transitions.restore
    before, events = row(track), Event.objects.count()
    elsewhere = Folder.objects.exclude(tracks=track).values_list("pk", flat=True)[0]

    assert change({track.pk: "another name.mp3"}, world.now) == 0
    assert change({track.pk: track.file_name}, world.now, folders={track.pk: elsewhere}) == 0
    assert unchanged(track, before)
    assert Event.objects.count() == events
    assert change({track.pk: track.file_name}, world.now, folders={track.pk: track.folder_id or 0}) == 1


def test_only_downloaded_tracks_vanish_and_only_missing_ones_come_back(world: World) -> None:
    track = world.tracks[MORNING]
    assert transitions.restore({track.pk: track.file_name}, world.now) == 0
    transitions.vanish({track.pk: track.file_name}, world.now)
    assert transitions.vanish({track.pk: track.file_name}, world.now) == 0
    assert transitions.claim(world.now) is not None
    before = row(track)
    for change in (transitions.vanish, transitions.restore):
        assert change({track.pk: track.file_name}, world.now) == 0
    assert unchanged(track, before), "a worker has it"


def test_each_of_many_tracks_gets_its_own_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "BATCH", 4)
    seen = {track.pk: track.file_name for track in world.tracks.values()}
    stranger = wanted_track(world)

    assert transitions.vanish(seen | {stranger.pk: ""}, world.now) == 6
    assert sorted(Event.objects.values_list("track", flat=True)) == sorted(seen)
    assert transitions.restore(seen, world.now) == 6
    assert Event.objects.filter(kind=Event.Kind.RESTORE).count() == 6


def test_restore_clears_what_went_wrong_meanwhile(world: World) -> None:
    track = world.tracks[MORNING]
    transitions.vanish({track.pk: track.file_name}, world.now)
    Track.objects.filter(pk=track.pk).update(attempts=2, last_error="bad", error_kind="network")

    assert transitions.restore({track.pk: track.file_name}, world.later(hours=1)) == 1

    after = Track.objects.get(pk=track.pk)
    assert (after.status, after.attempts, after.last_error, after.last_seen) == ("downloaded", 0, "", world.now)


# --- Adopt and retry --------------------------------------------------------------------------------------


def test_a_missing_track_adopts_a_file(world: World) -> None:
    track = wanted_track(world)

    assert transitions.adopt(track.pk, new_place(world), 77, world.now, "It carries our id.")

    track.refresh_from_db()
    assert (track.status, track.size, track.file_name) == ("downloaded", 77, "40 Wanted.mp3")
    assert kinds(track) == [Event.Kind.ADOPT]


def test_only_a_missing_track_adopts(world: World) -> None:
    track, _ = claimed(world)
    for other in (track, world.tracks[MORNING]):
        before = row(other)
        assert not transitions.adopt(other.pk, new_place(world), 77, world.now)
        assert unchanged(other, before)


def test_nobody_adopts_the_file_of_another_track(world: World) -> None:
    track = wanted_track(world)
    with pytest.raises(PlaceTaken):
        transitions.adopt(track.pk, new_place(world, "01 morning.MP3"), 77, world.now)
    assert world.status_of(track) == "missing"


def test_a_person_may_ask_to_try_again_at_once(world: World) -> None:
    cooling = wanted_track(world, attempts=5, retry_after=world.now + timedelta(days=7), last_error="no match")
    busy = transitions.claim_one(world.make_track("Busy", number=41).pk, world.now)
    assert busy is not None
    before = row(busy)

    assert transitions.retry(Track.objects.all(), world.now) == 1

    cooling.refresh_from_db()
    assert (cooling.retry_after, cooling.attempts, cooling.last_error) == (world.now, 0, "no match")
    assert unchanged(busy, before)
    assert kinds(cooling) == [Event.Kind.RETRY]


# --- Wanted -----------------------------------------------------------------------------------------------


def test_what_no_enabled_collection_lists_is_not_wanted(world: World) -> None:
    track = world.tracks[MORNING]
    world.collection.enabled = False
    world.collection.save()

    assert wanted.set_wanted() == 6
    track.refresh_from_db()
    assert (track.wanted, track.status) == (False, "downloaded"), "its file stays"
    world.collection.enabled = True
    world.collection.save()
    assert wanted.set_wanted([track.pk]) == 1
    assert Track.objects.wanted().count() == 1


def test_what_a_person_ignores_stays_ignored(world: World) -> None:
    track = wanted_track(world)
    assert wanted.ignore(Track.objects.filter(pk=track.pk), world.now) == 1
    assert wanted.ignore(Track.objects.filter(pk=track.pk), world.now) == 0
    assert wanted.set_wanted() == 0
    assert transitions.claim(world.now) is None
    assert wanted.want_again(Track.objects.filter(pk=track.pk), world.now) == 1
    assert transitions.claim(world.now) is not None
    assert kinds(track) == [Event.Kind.IGNORE, Event.Kind.WANT]


# --- The database says the same rules ---------------------------------------------------------------------

ILLEGAL = {
    "no such state": {"status": "failed"},
    "downloading without a claim": {"status": "downloading"},
    "missing with a claim": {"status": "missing", "claim": OTHER_TOKEN},
    "downloaded without a file": {"local_path": "", "folder": None, "file_name": "", "name_key": ""},
    "downloaded without a size": {"size": None},
    "downloaded with attempts": {"attempts": 1},
    "downloaded with an error": {"last_error": "bad"},
    "half a place": {"file_name": ""},
    "reserved while downloaded": {"reserved": True},
}


@pytest.mark.parametrize("change", ILLEGAL)
def test_the_database_refuses_illegal_rows(world: World, change: str) -> None:
    track = world.tracks[MORNING]
    with pytest.raises(IntegrityError), transaction.atomic():
        Track.objects.filter(pk=track.pk).update(**ILLEGAL[change])


def test_two_tracks_never_have_one_claim(world: World) -> None:
    _, token = claimed(world)
    other = world.make_track("Other", number=41)
    with pytest.raises(IntegrityError), transaction.atomic():
        Track.objects.filter(pk=other.pk).update(status="downloading", claim=token, claim_until=world.now)


def test_every_write_to_a_row_takes_the_stamp_off_its_folder(world: World) -> None:
    track, token = claimed(world, reserved=True)
    for change in (
        lambda: transitions.finish(track.pk, token, world.now),
        lambda: transitions.vanish({track.pk: "40 Wanted.mp3"}, world.now) and transitions.claim(world.now),
    ):
        Folder.objects.update(mtime_ns=5)
        assert change()
    held = Track.objects.get(pk=track.pk)
    Folder.objects.update(mtime_ns=5)
    assert held.claim and transitions.fail(track.pk, held.claim, "network", "No.", world.now, world.now)
    assert Folder.objects.get(pk=held.folder_id).mtime_ns is None
