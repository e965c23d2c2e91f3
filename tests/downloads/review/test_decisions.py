"""What a person decides, and that the workers keep to it: over a real server and real audio."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.ingest import merge
from catalog.models import Event, Track
from catalog.tracks import transitions
from catalog.tracks.place import Place
from demo.archive import ArchiveServer
from downloads.fetch.url_allowlist import AddressRefused
from downloads.models import AudioFile, Candidate, Replaced
from downloads.review import decisions
from downloads.worker import attempt, loop, rescue
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db
Verdict = Candidate.Verdict


def work(world: World) -> attempt.Outcome | None:
    return loop.work_one(now=lambda: world.now)


def offer(track: Track, name: str, **columns) -> Candidate:
    """A candidate row as a search would have left it."""
    fields = {"source": "archive", "source_id": name, "url": f"http://nas/{name}", "found_at": track.added_at}
    return Candidate.objects.create(track=track, **(fields | columns))


def kinds_of(track: Track) -> list[str]:
    return list(track.events.order_by("pk").values_list("kind", flat=True))


def test_what_was_not_good_enough_is_taken_once_a_person_says_so(world, archive):
    track = missing_track(world)
    live = serve(archive, track, title="Nocturne (Live)")
    assert work(world).error_kind == "needs_decision"
    assert list(decisions.awaiting_review()) == [track]
    decisions.choose(track.candidates.get(source_id=live.id), world.now, "anna")
    assert work(world).result == "downloaded"
    assert AudioFile.objects.get(track=track).candidate.source_id == live.id
    assert not decisions.awaiting_review().exists()
    assert Event.objects.filter(track=track, kind="decide", by="anna").exists()


def test_only_one_is_chosen_and_the_former_choice_is_one_among_the_others_again(world):
    track = missing_track(world)
    first, second = offer(track, "1"), offer(track, "2")
    decisions.choose(first, world.now, "anna")
    decisions.choose(second, world.now, "anna")
    assert dict(track.candidates.values_list("source_id", "verdict")) == {"1": "", "2": "chosen"}


def test_never_this_one_outlives_every_new_search(world, archive):
    track = missing_track(world)
    song = serve(archive, track)
    archive.failures[song.id] = 1
    assert work(world).error_kind == "server"
    decisions.exclude(track.candidates.get(), world.now, "anna")
    assert work(world).error_kind == "no_match"
    assert track.candidates.get().verdict == Verdict.NEVER
    assert archive.requests[f"/audio/{song.file}"] == 1
    world.later(days=400)
    assert work(world).error_kind == "no_match"
    assert archive.requests[f"/audio/{song.file}"] == 1


def test_a_decision_makes_a_cooling_track_due_at_once(world):
    track = missing_track(world, retry_after=world.now + timedelta(days=7), attempts=6)
    decisions.choose(offer(track, "1"), world.now, "anna")
    track.refresh_from_db()
    assert (track.retry_after, track.attempts) == (world.now, 0)
    assert kinds_of(track) == ["decide", "retry"]


def test_a_choice_of_another_length_is_held_to_its_own_length(world, archive):
    track = missing_track(world)
    long_one = serve(archive, track, title="Nocturne (Extended Mix)", seconds=20)
    assert work(world).error_kind == "needs_decision"
    decisions.choose(track.candidates.get(source_id=long_one.id), world.now, "anna")
    assert work(world).result == "downloaded"
    assert 19_000 < AudioFile.objects.get(track=track).duration_ms < 21_000


def test_a_choice_that_is_not_what_it_was_announced_to_be_is_told_and_nothing_guessed_in_its_stead(world, archive):
    track = missing_track(world)
    good = serve(archive, track)
    liar = serve(archive, track, title="Nocturne (Extended Mix)", seconds=20, duration_ms=60_000)
    archive.failures[good.id] = 1
    assert work(world).error_kind == "server"
    decisions.choose(track.candidates.get(source_id=liar.id), world.now, "anna")
    outcome = work(world)
    assert outcome.error_kind == "choice_failed"
    assert "Extended Mix" in outcome.message and "60" in outcome.message
    asked = dict(archive.requests)
    track.refresh_from_db()
    world.now = track.retry_after
    assert work(world).error_kind == "choice_failed", "it stays so until the person says something else"
    assert archive.requests == asked, "what failed its proof is not fetched again"
    assert track in decisions.awaiting_review()
    decisions.reset(track.candidates.get(source_id=liar.id), world.now, "anna")
    assert work(world).result == "downloaded"
    assert AudioFile.objects.get(track=track).candidate.source_id == good.id


def test_taking_a_failed_choice_again_tries_it_again(world):
    track = missing_track(world)
    choice = offer(track, "1", verdict=Verdict.CHOSEN, why="silent")
    decisions.choose(choice, world.now, "anna")
    choice.refresh_from_db()
    assert (choice.verdict, choice.why) == ("chosen", "")


# --- Another recording for a file that is here ------------------------------------------------------------


def downloaded_with_two(world: World, archive: ArchiveServer) -> tuple[Track, Candidate, Candidate]:
    track = missing_track(world)
    serve(archive, track, "mp3")
    serve(archive, track, "m4a", title="Nocturne (Live)")
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    return track, track.candidates.get(source_id="0.mp3"), track.candidates.get(source_id="1.m4a")


def test_the_old_file_goes_to_the_bin_only_when_the_new_one_is_there(world, archive):
    track, _, live = downloaded_with_two(world, archive)
    old, content = Path(track.local_path), Path(track.local_path).read_bytes()
    archive.failures["1.m4a"] = 1
    decisions.choose(live, world.now, "anna")
    assert work(world).error_kind == "server"
    assert old.read_bytes() == content, "until it is proven the old file stays"
    track.refresh_from_db()
    world.now = track.retry_after
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    assert track.local_path == str(old.with_suffix(".m4a")), "it gets the name that became free"
    binned = world.root / ".bin" / f"{world.now:%Y-%m-%d}" / old.relative_to(world.root)
    assert binned.read_bytes() == content and not old.exists()
    assert not Replaced.objects.exists()


def test_the_choice_of_what_is_here_already_changes_no_file(world, archive):
    track, here, _ = downloaded_with_two(world, archive)
    decisions.choose(here, world.now, "anna")
    assert world.status_of(track) == "downloaded"
    assert work(world) is None


def test_a_choice_taken_back_in_time_leaves_the_file_that_was_here(world, archive):
    track, _, live = downloaded_with_two(world, archive)
    decisions.choose(live, world.now, "anna")
    assert world.status_of(track) == "missing"
    decisions.reset(live, world.now, "anna")
    asked = dict(archive.requests)
    assert work(world).result == "adopted"
    old = track.local_path
    track.refresh_from_db()
    assert (track.local_path, archive.requests, Replaced.objects.count()) == (old, asked, 0)


def test_never_said_of_the_file_that_is_here_fetches_another(world, archive):
    track, here, _ = downloaded_with_two(world, archive)
    other = serve(archive, track, "opus", album="Another album")
    decisions.exclude(here, world.now, "anna")
    offer(track, other.id, url=f"{archive.url}/audio/{other.file}", title=track.title, artists=track.artist_names)
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    assert track.local_path.endswith(".opus")
    assert AudioFile.objects.get(track=track).candidate.source_id == other.id


def test_what_has_become_somebody_elses_file_is_not_put_aside(world, archive):
    track, _, live = downloaded_with_two(world, archive)
    path = Path(track.local_path)
    decisions.choose(live, world.now, "anna")
    heir = missing_track(world, "Heir", number=3, retry_after=world.now + timedelta(days=1))
    place = Place.of(str(world.root), str(path.relative_to(world.root)))
    assert transitions.adopt(heir.pk, place, path.stat().st_size, world.now)
    assert work(world).result == "downloaded"
    assert path.exists() and not (world.root / ".bin").exists()


def test_a_decision_made_while_it_is_fetched_is_kept_to(world, archive):
    from catalog.system import failpoints

    track = missing_track(world)
    song = serve(archive, track)

    def change_mind(point: str) -> None:
        if point == "tagged":
            Candidate.objects.filter(track=track, source_id=song.id).update(verdict=Verdict.NEVER)

    failpoints.on_failpoint = change_mind
    try:
        assert work(world).result == "released"
    finally:
        failpoints.on_failpoint = None
    track.refresh_from_db()
    assert (track.status, track.attempts, track.local_path) == ("missing", 0, "")


class Killed(BaseException):
    """The worker's process ends here."""


@pytest.mark.parametrize("point", ["tagged", "former_noted", "former_moved", "synced", "reserved", "linked"])
def test_a_worker_that_dies_while_it_replaces_a_file_loses_neither_recording(world, archive, point):
    from catalog.system import failpoints

    track, _, live = downloaded_with_two(world, archive)
    content = Path(track.local_path).read_bytes()
    decisions.choose(live, world.now, "anna")

    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    failpoints.on_failpoint = kill
    try:
        with pytest.raises(Killed):
            work(world)
    finally:
        failpoints.on_failpoint = None
    world.later(hours=1)
    rescue.recover(world.now)
    world.later(hours=1)
    work(world)
    track.refresh_from_db()
    assert (track.status, track.local_path[-4:]) == ("downloaded", ".m4a")
    kept = [path for path in world.root.rglob("*.mp3") if path.read_bytes() == content]
    assert [".bin" in path.parts for path in kept] == [True], "the old file is in the bin, once"
    listed = track.former_files.get()
    assert (listed.state, world.root / listed.target, listed.size) == ("binned", kept[0], len(content))
    assert AudioFile.objects.get(track=track).candidate == live


# --- Addresses, merges ------------------------------------------------------------------------------------


def test_a_youtube_address_becomes_a_choice_of_its_id_alone(world):
    track = missing_track(world)
    decisions.choose_url(track, "https://youtu.be/dQw4w9WgXcQ?si=abc", world.now, "anna")
    chosen = track.candidates.get()
    assert (chosen.source, chosen.source_id, chosen.verdict) == ("youtube", "dQw4w9WgXcQ", "chosen")
    assert chosen.url == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def test_an_address_elsewhere_leaves_no_row(world):
    track = missing_track(world)
    with pytest.raises(AddressRefused):
        decisions.choose_url(track, "https://evil.example/watch?v=dQw4w9WgXcQ", world.now, "anna")
    assert not Candidate.objects.exists() and kinds_of(track) == []


def test_what_was_decided_of_a_row_that_is_merged_away_stands(world):
    keep, drop = missing_track(world, "One"), missing_track(world, "One", number=2)
    offer(keep, "a")
    offer(drop, "a", verdict=Verdict.NEVER)
    offer(drop, "b", verdict=Verdict.CHOSEN)
    assert merge.merge(keep, drop)
    assert dict(keep.candidates.values_list("source_id", "verdict")) == {"a": "never", "b": "chosen"}


def test_of_two_choices_the_one_of_the_row_that_stays_stands(world):
    keep, drop = missing_track(world, "One"), missing_track(world, "One", number=2)
    offer(keep, "a", verdict=Verdict.CHOSEN)
    offer(drop, "b", verdict=Verdict.CHOSEN)
    assert merge.merge(keep, drop)
    assert dict(keep.candidates.values_list("source_id", "verdict")) == {"a": "chosen"}


def test_a_choice_survives_a_file_that_vanishes_and_a_new_search(world, archive):
    track, _, live = downloaded_with_two(world, archive)
    decisions.choose(live, world.now, "anna")
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    os.unlink(track.local_path)
    transitions.vanish({track.pk: track.file_name}, world.now)
    assert work(world).result == "downloaded"
    assert AudioFile.objects.get(track=track).candidate == live
