"""The counters equal a recount in plain Python after any sequence of what can happen to a library."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from catalog.ingest.replace import forget_collections, replace_catalog
from catalog.library.reconcile import reconcile
from catalog.models import Collection, Credit, Entry, Track
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord
from catalog.storage import state as storage
from catalog.tags import audio_tags
from catalog.tracks import transitions, wanted
from downloads.publishing import publish, staging
from downloads.worker import rescue
from tests.audio import make_audio

SONGS = st.integers(0, 11)
LISTS = st.sampled_from(["a", "b", "c"])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "song.mp3"
    make_audio(path, 1)
    return path


def record(number: int) -> TrackRecord:
    """Twelve songs of four artists; 10 and 11 are other releases of 0 and 1."""
    song = number % 10
    return TrackRecord(
        title=f"Song {song}",
        artists=(f"Artist {song % 4}",),
        album=f"Album {song % 3}",
        duration_ms=200_000,
        spotify_id=f"{number:022d}",
    )


class LibraryMachine(RuleBasedStateMachine):
    """One library in a transaction that is rolled back, its files in a folder that is thrown away."""

    recording: Path

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        (self.home / "music").mkdir()
        self.settings = override_settings(
            DATA_DIR=self.home, MUSIC_DIR=str(self.home / "music"), MUSIC_DIR_NAMED=True, MIN_FREE_BYTES=0
        )
        self.settings.enable()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = datetime.now(UTC) + timedelta(hours=1)
        storage.check(self.now)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        self.settings.disable()
        shutil.rmtree(self.home)

    @rule(key=LISTS, songs=st.lists(SONGS, max_size=8), complete=st.booleans())
    def sync(self, key: str, songs: list[int], complete: bool) -> None:
        entries = [EntryRecord(track=record(number)) for number in songs]
        replace_catalog([CollectionRecord("playlist", key, key, entries, complete=complete)], self.now)

    @rule(keys=st.sets(LISTS))
    def unfollow(self, keys: set[str]) -> None:
        forget_collections("", [("playlist", key) for key in keys], self.now)

    @rule(key=LISTS, enabled=st.booleans())
    def choose(self, key: str, enabled: bool) -> None:
        Collection.objects.filter(key=key).update(enabled=enabled)
        wanted.set_wanted()

    @rule(song=SONGS)
    def ignore(self, song: int) -> None:
        wanted.ignore(Track.objects.filter(aliases__key=f"spotify:{song:022d}"), self.now)

    @rule(song=SONGS)
    def want_again(self, song: int) -> None:
        wanted.want_again(Track.objects.filter(aliases__key=f"spotify:{song:022d}"), self.now)

    @rule(dies_at=st.sampled_from(["", "claimed", "staged", "reserved", "linked"]))
    def download(self, dies_at: str) -> None:
        """The real claim and the real publishing; the recording is there already."""
        track = transitions.claim(self.now)
        if track is None or dies_at == "claimed":
            return
        stage = staging.open_stage(track)
        path = f"{stage}/audio.mp3"
        shutil.copy(self.recording, path)
        said = audio_tags.TrackTags(
            track.title,
            tuple(track.artist_names),
            spotify_id=track.spotify_id or "",
            track_key=staging.claim_key(track),
        )
        audio_tags.write_tags(path, said, None)
        if dies_at == "staged":
            return
        staged = publish.Staged(path, staging.size_of(path), "mp3")
        if dies_at:
            self._die(track, staged, dies_at)
        else:
            publish.publish(track, staged, lambda: self.now)
            staging.clear_stage(track)

    def _die(self, track: Track, staged: publish.Staged, dies_at: str) -> None:
        from catalog.system import failpoints

        class Killed(BaseException):
            pass

        def die(point: str) -> None:
            if point == dies_at:
                raise Killed

        failpoints.on_failpoint = die
        try:
            publish.publish(track, staged, lambda: self.now)
        except Killed:
            pass
        finally:
            failpoints.on_failpoint = None

    @rule()
    def fail(self) -> None:
        track = transitions.claim(self.now)
        if track:
            later = self.now + timedelta(minutes=5)
            transitions.fail(track.pk, track.claim or "", "no_match", "nothing fits", later, self.now)

    @rule(which=st.integers(0, 20), how=st.sampled_from(["delete", "rename", "truncate"]))
    def harm(self, which: int, how: str) -> None:
        files = self.files()
        if not files:
            return
        victim = files[which % len(files)]
        if how == "delete":
            victim.unlink()
        elif how == "rename":
            victim.rename(victim.with_name(f"renamed {which}.mp3"))
        else:
            victim.write_bytes(b"cut")

    @rule()
    def look(self) -> None:
        reconcile(self.now)

    @rule()
    def look_at_everything(self) -> None:
        """After a full pass downloaded means on disk."""
        reconcile(self.now, full=True)
        there = {str(path) for path in self.files()}
        assert {track.local_path for track in Track.objects.filter(status="downloaded")} <= there

    @rule()
    def restart(self) -> None:
        """Every worker is dead and every deadline passed; a new start recovers, sweeps and reconciles."""
        self.now += timedelta(minutes=10)
        rescue.recover(self.now)
        rescue.sweep_stages()
        reconcile(self.now)

    def files(self) -> list[Path]:
        music = self.home / "music"
        return sorted(path for path in music.rglob("*.mp3") if ".tonekeep-incoming" not in path.parts)

    @invariant()
    def counters_equal_a_recount(self) -> None:
        tracks = list(Track.objects.all())
        enabled = {pk for pk, on in Collection.objects.values_list("pk", "enabled") if on}
        placed = {entry.track_id for entry in Entry.objects.all() if entry.collection_id in enabled}
        wanted = [track for track in tracks if track.pk in placed and not track.ignored]
        ids = {track.pk for track in wanted}
        recount = {
            "missing": sum(track.status == "missing" for track in wanted),
            "downloading": sum(track.status == "downloading" for track in wanted),
            "downloaded": sum(track.status == "downloaded" for track in wanted),
            "songs": len(wanted),
            "artists": len({credit.artist_id for credit in Credit.objects.all() if credit.track_id in ids}),
            "albums": len({track.album_id for track in wanted if track.album_id}),
        }
        assert Track.objects.counts() == recount
        due = [track for track in wanted if track.status == "missing" and track.retry_after <= self.now]
        assert Track.objects.queue(self.now).count() == len(due)


@pytest.mark.django_db
def test_the_counters_equal_a_recount_after_anything(recording: Path):
    LibraryMachine.recording = recording
    quick = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(LibraryMachine, settings=quick)


@pytest.mark.django_db
def test_status_counts_come_from_the_catalog(world, settings):
    settings.STATUS_PUBLIC = True
    page = Client()
    assert page.get("/status").json()["counters"]["downloaded"] == 6
    Track.objects.filter(pk=world.tracks["山田/海/波"].pk).update(status="missing")
    answer = page.get("/status").json()
    assert (answer["counters"]["downloaded"], answer["counters"]["missing"]) == (5, 1)


@pytest.mark.django_db
def test_missing_files_flip_status_and_refill_the_queue(world):
    (track,) = [world.tracks["山田/海/波"]]
    Path(track.local_path).unlink()
    reconcile(world.now)
    assert world.status_of(track) == "missing"
    assert [queued.pk for queued in Track.objects.queue(world.now)] == [track.pk]


@pytest.mark.django_db
def test_the_queue_respects_cooldowns(world):
    track = world.make_track("Later", retry_after=world.now + timedelta(minutes=5))
    assert not Track.objects.queue(world.now).exists()
    assert Track.objects.cooling(world.now).get() == track
    assert Track.objects.queue(world.now + timedelta(minutes=5)).get() == track
