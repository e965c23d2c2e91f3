"""One track from claim to file, over a real server, real yt-dlp and real audio."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.models import Event, Service, Track
from catalog.storage import own_folders
from catalog.system import failpoints
from catalog.tags import audio_tags
from catalog.tracks import transitions
from catalog.tracks.place import Place
from demo.archive import ArchiveServer
from downloads.models import Candidate
from downloads.publishing import existing_file, link_method, staging, target_path
from downloads.search.youtube import YouTubeSource
from downloads.worker import attempt, loop, rescue
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db


def work(world: World) -> attempt.Outcome | None:
    return loop.work_one(now=lambda: world.now)


def stages(world: World) -> list[str]:
    return own_folders.stages()


def test_a_missing_track_is_fetched_tagged_and_put_in_its_place(world, archive):
    track = missing_track(world)
    serve(archive, track)
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    assert track.status == "downloaded"
    assert Path(track.local_path).stat().st_size == track.size
    said = audio_tags.read_tags(track.local_path)
    assert (said.title, said.spotify_ids) == ("Nocturne", (track.spotify_id,))
    assert (track.attempts, track.last_error, track.last_seen) == (0, "", world.now)
    assert Path(track.local_path).stat().st_mode & 0o777 == 0o644
    assert stages(world) == []
    assert [event.kind for event in track.events.all()] == ["finish"]


def test_nothing_due_means_nothing_claimed(world, archive):
    assert work(world) is None
    missing_track(world, retry_after=world.now + timedelta(minutes=1))
    assert work(world) is None
    assert archive.requests == {}


def test_what_nobody_has_is_no_match_and_cools_down(world, archive):
    track = missing_track(world)
    assert work(world).error_kind == "no_match"
    track.refresh_from_db()
    assert (track.status, track.attempts, track.error_kind) == ("missing", 1, "no_match")
    assert timedelta(minutes=4) < track.retry_after - world.now < timedelta(minutes=6)
    assert work(world) is None


def test_a_site_is_asked_for_what_it_does_not_have_after_a_day_and_then_weekly(world, settings, monkeypatch):
    settings.AUDIO_SOURCE = "youtube"
    monkeypatch.setattr(YouTubeSource, "search", lambda *_: [])
    track = missing_track(world)
    for rest in (timedelta(days=1), timedelta(weeks=1), timedelta(weeks=1)):
        assert work(world).error_kind == "no_match"
        track.refresh_from_db()
        assert rest * 0.9 <= track.retry_after - world.now <= rest * 1.1
        world.now = track.retry_after


def test_what_does_not_fit_well_enough_is_asked_about_and_not_guessed(world, archive):
    track = missing_track(world)
    serve(archive, track, title="Nocturne (Live)")
    outcome = work(world)
    assert outcome.error_kind == "needs_decision"
    assert "Nocturne (Live)" in outcome.message
    assert archive.requests["/audio/0.mp3"] == 0


def test_growing_delays_and_in_the_queue_again_afterwards(world, archive):
    track = missing_track(world)
    delays = []
    for _ in range(4):
        assert work(world).result == "failed"
        track.refresh_from_db()
        delays.append(track.retry_after - world.now)
        assert not Track.objects.queue(world.now).exists()
        world.now = track.retry_after
        assert Track.objects.queue(world.now).get() == track
    assert delays == sorted(delays)
    assert delays[3] > timedelta(hours=10)


def test_a_wrong_recording_is_sent_away_and_the_next_one_taken_in_the_same_attempt(world, archive):
    track = missing_track(world)
    wrong = serve(archive, track, seconds=30, duration_ms=4000)
    right = serve(archive, track, album="Another album")
    assert work(world).result == "downloaded"
    rows = {row.source_id: row for row in track.candidates.all()}
    assert rows[wrong.id].verdict == Candidate.Verdict.DISPROVED
    assert "30" in rows[wrong.id].why
    assert rows[right.id].verdict == Candidate.Verdict.OPEN


def test_a_candidate_whose_content_failed_is_never_fetched_again(world, archive):
    track = missing_track(world)
    wrong = serve(archive, track, seconds=30, duration_ms=4000)
    assert work(world).error_kind == "wrong_length"
    asked = archive.requests[f"/audio/{wrong.file}"]
    track.refresh_from_db()
    world.now = track.retry_after
    assert work(world).result == "failed"
    assert archive.requests[f"/audio/{wrong.file}"] == asked


def test_a_transport_error_bans_nothing_and_the_answer_is_kept(world, archive):
    track = missing_track(world)
    song = serve(archive, track)
    archive.failures[song.id] = 99
    assert work(world).error_kind == "server"
    track.refresh_from_db()
    archive.failures.clear()
    world.now = track.retry_after
    assert work(world).result == "downloaded"
    assert archive.requests["/search"] == 1


def test_five_different_tracks_with_a_dead_server_pause_it_and_cost_the_fifth_nothing(world, archive):
    tracks = [missing_track(world, f"Nocturne {number}", number=number) for number in range(6)]
    archive.stop()
    results = [work(world) for _ in range(6)]
    assert [result and result.result for result in results] == ["failed"] * 4 + ["released", None]
    service = Service.objects.get(name="audio")
    assert service.is_paused(world.now)
    assert sum(Track.objects.filter(pk__in=[t.pk for t in tracks]).values_list("attempts", flat=True)) == 4


def test_a_rate_limit_pauses_the_service_and_gives_the_attempt_back(world, archive):
    track = missing_track(world)
    song = serve(archive, track)
    archive.failures[song.id], archive.failure_status, archive.retry_after = 99, 429, 7200
    assert work(world).result == "released"
    track.refresh_from_db()
    assert (track.status, track.attempts, track.last_error) == ("missing", 0, "")
    assert Service.objects.get(name="audio").paused_until == world.now + timedelta(hours=2)
    assert work(world) is None


def test_after_a_pause_one_canary_goes_first_and_opens_the_service(world, archive):
    for number in range(2):
        serve(archive, missing_track(world, f"Nocturne {number}", number=number))
    Service.objects.pause("audio", world.now + timedelta(hours=1), "slow down", now=world.now)
    assert work(world) is None
    world.later(hours=1)
    assert Service.objects.send_canary("audio", world.now, world.now + timedelta(minutes=10))
    assert work(world) is None, "another worker is the canary"
    Service.objects.canary_returned("audio", world.now)
    assert work(world).result == "downloaded"
    service = Service.objects.get(name="audio")
    assert (service.state, service.strikes, service.paused_until) == ("ok", 0, None)


def test_strikes_in_a_row_make_longer_pauses(world, archive):
    track = missing_track(world)
    song = serve(archive, track)
    archive.failures[song.id], archive.failure_status = 99, 429
    pauses = []
    for _ in range(5):
        assert work(world).result == "released"
        pauses.append((Service.objects.get(name="audio").paused_until - world.now) / timedelta(hours=1))
        world.later(hours=pauses[-1])
    assert pauses == [1, 6, 24, 48, 48]


def test_a_person_pauses_and_lets_go_on(world, archive):
    serve(archive, missing_track(world))
    Service.objects.pause_by_person("audio")
    assert work(world) is None
    Service.objects.go_on("audio")
    assert work(world).result == "downloaded"


def test_a_file_that_is_there_is_adopted_and_nothing_fetched(world, archive):
    track = missing_track(world)
    song = serve(archive, track)
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    transitions.vanish({track.pk: track.file_name}, world.now)
    asked = archive.requests[f"/audio/{song.file}"]
    assert work(world).result == "adopted"
    assert archive.requests[f"/audio/{song.file}"] == asked


def test_a_strangers_file_in_the_way_is_left_alone_and_the_next_name_taken(world, archive):
    track = missing_track(world)
    serve(archive, track)
    place = target_path.target_place(track, "mp3")
    os.makedirs(os.path.dirname(place.path), exist_ok=True)
    Path(place.path).write_bytes(b"a stranger's")
    assert work(world).result == "downloaded"
    track.refresh_from_db()
    assert Path(place.path).read_bytes() == b"a stranger's"
    assert track.local_path != place.path


def test_a_library_that_is_offline_claims_nothing(world, archive):
    serve(archive, missing_track(world))
    (world.root / ".tonekeep").unlink()
    assert work(world) is None
    assert not (world.root / own_folders.STAGING).exists()


@pytest.mark.parametrize("when", ["staged", "asked for", "fetched", "verified"])
def test_a_drive_that_goes_while_fetching_gets_nothing_written_under_its_mount_point(world, archive, when, monkeypatch):
    track = missing_track(world)
    serve(archive, track)
    gone = world.root.with_name("unplugged")

    def unplug(point: str) -> None:
        if point == when:
            world.root.rename(gone)
            world.root.mkdir()

    def audio(name: str) -> Path | None:
        if not gone.exists():
            unplug("asked for")
        return type(archive).audio(archive, name)

    monkeypatch.setattr(archive, "audio", audio)
    monkeypatch.setattr(failpoints, "on_failpoint", unplug)
    assert work(world).result == "released"
    assert list(world.root.iterdir()) == []
    track.refresh_from_db()
    assert (track.status, track.attempts, track.local_path) == ("missing", 0, "")


def test_a_stop_in_mid_fetch_gives_the_attempt_back(world, archive):
    track = missing_track(world)
    serve(archive, track)
    asked = iter([False, True])
    outcome = loop.work_one(now=lambda: world.now, should_stop=lambda: next(asked, True))
    assert outcome.result == "released"
    track.refresh_from_db()
    assert (track.status, track.attempts) == ("missing", 0)
    assert stages(world) == []


def test_a_worker_that_lost_its_track_changes_nothing(world, archive):
    track = missing_track(world)
    serve(archive, track)

    def steal(point: str) -> None:
        if point == "tagged":
            Track.objects.filter(pk=track.pk).update(claim="somebody else's")

    from catalog.system import failpoints

    failpoints.on_failpoint = steal
    try:
        assert work(world).result == "lost"
    finally:
        failpoints.on_failpoint = None
    track.refresh_from_db()
    assert (track.status, track.claim) == ("downloading", "somebody else's")


def test_recovery_keeps_what_was_published_and_queues_what_was_not(world, archive):
    published, unpublished = missing_track(world, "One"), missing_track(world, "Two", number=2)
    serve(archive, published)
    assert work(world).result == "downloaded"
    published.refresh_from_db()
    claimed = transitions.claim_one(unpublished.pk, world.now)
    key = audio_tags.read_tags(published.local_path).track_key.partition(":")[2]
    Track.objects.filter(pk=published.pk).update(
        status="downloading", claim=key, claim_until=world.now, reserved=True, attempts=1
    )
    os.makedirs(staging.stage_folder(claimed))
    assert rescue.recover(world.now + timedelta(minutes=1)) == 1
    assert rescue.recover(world.now + transitions.LEASE + timedelta(seconds=1)) == 1
    published.refresh_from_db()
    unpublished.refresh_from_db()
    assert (published.status, unpublished.status) == ("downloaded", "missing")
    assert (unpublished.attempts, unpublished.retry_after > world.now + timedelta(minutes=5)) == (1, True)
    assert stages(world) == []


def test_a_reserved_place_that_holds_another_file_is_not_believed(world):
    track = missing_track(world)
    claimed = transitions.claim_one(track.pk, world.now)
    place = Place.of(str(world.root), "x/y.mp3")
    transitions.reserve(track.pk, claimed.claim, place, 5, world.now)
    os.makedirs(world.root / "x")
    (world.root / "x" / "y.mp3").write_bytes(b"12345")
    assert rescue.recover(world.now + timedelta(hours=1)) == 1
    track.refresh_from_db()
    assert (track.status, track.local_path, track.reserved) == ("missing", "", False)


def test_an_offline_library_recovers_nothing(world):
    track = missing_track(world)
    transitions.claim_one(track.pk, world.now)
    (world.root / ".tonekeep").unlink()
    assert rescue.recover(world.now + timedelta(hours=1)) == 0
    assert world.status_of(track) == "downloading"


def test_stages_of_nobody_are_swept_and_live_ones_stay(world):
    claimed = transitions.claim_one(missing_track(world).pk, world.now)
    staging.open_stage(claimed)
    own_folders.make_stage(f"77-{'0' * 32}")
    assert rescue.sweep_stages() == 1
    assert stages(world) == [f"{claimed.pk}-{claimed.claim}"]


def test_events_tell_what_happened_to_a_track(world, archive):
    track = missing_track(world)
    work(world)
    transitions.retry(Track.objects.filter(pk=track.pk), world.now)
    serve(archive, track)
    assert work(world).result == "downloaded"
    kinds = list(Event.objects.filter(track=track).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["fail", "retry", "finish"]


@pytest.mark.parametrize("method", [link_method.LINK, link_method.RENAME, link_method.PLACEHOLDER])
def test_no_method_of_publishing_overwrites(tmp_path, method):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        link_method.put_in_place(str(source), str(target), method)
    assert target.read_bytes() == b"old"
    target.unlink()
    link_method.put_in_place(str(source), str(target), method)
    assert target.read_bytes() == b"new"


def test_the_best_method_that_works_is_found_and_leaves_nothing(tmp_path):
    assert link_method.probe_method(str(tmp_path)) == link_method.LINK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_fetch_each_track_once(world: World, archive: ArchiveServer):
    for number in range(4):
        serve(archive, missing_track(world, f"Nocturne {number}", number=number))
    assert loop.work_until_empty(now=lambda: world.now, workers=2) == 4
    assert Track.objects.downloaded().count() == 10
    assert [archive.requests[f"/audio/{number}.mp3"] for number in range(4)] == [2] * 4  # yt-dlp looks, then fetches


def test_where_a_song_belongs_is_worked_out_once_for_all_kinds_of_audio(world, django_assert_max_num_queries):
    track = world.make_track("Song")
    with django_assert_max_num_queries(12):
        assert existing_file.find_own_file(track) is None
