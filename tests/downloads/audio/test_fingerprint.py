"""The same sound under two songs is noticed, in another codec and cut a little; other music is not taken for it."""

from __future__ import annotations

import random
import subprocess
from array import array
from pathlib import Path
from typing import Any

import pytest

from downloads.audio import ffmpeg as ffmpeg_module
from downloads.audio import fingerprint, verify
from downloads.failures.kinds import DownloadError
from downloads.models import AudioFile, Candidate, FingerprintHash
from downloads.review import decisions
from downloads.worker import loop
from tests.audio import ffmpeg
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

SECONDS = 30
Verdict = Candidate.Verdict


def music(path: Path, seed: int, *options: str) -> str:
    """`SECONDS` of made-up music that only this seed has."""
    dice = random.Random(seed)
    voices = [
        f"0.2*sin(2*PI*t*({dice.randint(110, 880)}+{dice.randint(30, 200)}*mod(floor(t*{dice.uniform(1, 6):.3f}),"
        f"{dice.randint(3, 11)})))"
        for _ in range(4)
    ]
    tune = f"aevalsrc='{'+'.join(voices)}':d={SECONDS}:s=16000"
    subprocess.run([ffmpeg(), "-v", "error", "-y", "-f", "lavfi", "-i", tune, *options, str(path)], check=True)
    return str(path)


def test_the_same_sound_is_alike_in_another_codec_and_cut_at_the_start(tmp_path):
    one = fingerprint.fingerprint(music(tmp_path / "a.mp3", 1, "-b:a", "128k"))
    other = fingerprint.fingerprint(music(tmp_path / "a.opus", 1, "-b:a", "64k"))
    cut = fingerprint.fingerprint(music(tmp_path / "b.m4a", 1, "-ss", "2.48"))
    assert len(one) > 200
    assert fingerprint.likeness(one, other) > 0.95
    assert fingerprint.likeness(one, cut) > fingerprint.SAME


def test_other_music_is_not_alike(tmp_path):
    prints = [fingerprint.fingerprint(music(tmp_path / f"{seed}.mp3", seed)) for seed in range(2, 7)]
    pairs = [(a, b) for number, a in enumerate(prints) for b in prints[:number]]
    assert max(fingerprint.likeness(a, b) for a, b in pairs) < fingerprint.SAME - 0.1


@pytest.mark.django_db
def test_a_song_that_sounds_like_another_is_written_down_and_shown(world: World, archive, admin_client):
    tracks = []
    for number, (seed, ending) in enumerate([(1, "mp3"), (2, "mp3"), (1, "opus")]):
        track = missing_track(world, f"Song {number}", number=number)
        track.duration_ms = SECONDS * 1000
        track.save()
        song = serve(archive, track, ending, duration_ms=SECONDS * 1000)
        music(Path(archive.folder) / song.file, seed, "-b:a", "96k")
        assert loop.work_one(now=lambda: world.now).result == "downloaded"
        tracks.append(track)
    same = {sound.track_id: sound.same_as_id for sound in AudioFile.objects.all()}
    assert same == {tracks[0].pk: None, tracks[1].pk: None, tracks[2].pk: tracks[0].pk}
    assert FingerprintHash.objects.filter(track=tracks[0]).count() == fingerprint.KEPT
    assert "The same sound under two songs" in admin_client.get("/decide").content.decode()
    assert "sounds the same" in admin_client.get(f"/decide/{tracks[2].pk}").content.decode()


def test_the_pass_that_proves_a_file_takes_its_fingerprint_and_its_loudness_too(tmp_path, monkeypatch):
    path = music(tmp_path / "a.opus", 1, "-b:a", "64k")
    quiet = music(tmp_path / "b.opus", 1, "-b:a", "64k", "-af", "volume=-10dB")
    beginning = fingerprint.fingerprint(path)
    runs: list[object] = []
    run = ffmpeg_module.run_ffmpeg

    def counted(*words: Any, **options: Any) -> Any:
        runs.append(words)
        return run(*words, **options)

    monkeypatch.setattr(ffmpeg_module, "run_ffmpeg", counted)

    proven, softer = (verify.verify(each, SECONDS * 1000, None) for each in (path, quiet))

    assert len(runs) == 2, "one for each file"
    assert proven.fingerprint == beginning and len(beginning) > 200
    assert proven.loudness is not None and softer.loudness is not None
    assert proven.loudness - softer.loudness == pytest.approx(10, abs=0.2)


def test_a_file_is_proven_where_no_ffmpeg_takes_fingerprints(tmp_path, monkeypatch):
    path = music(tmp_path / "a.mp3", 1)
    monkeypatch.setattr(ffmpeg_module, "find_chromaprint", lambda: "")
    proven = verify.verify(path, SECONDS * 1000, None)
    assert (proven.fingerprint, proven.loudness) == (array("I"), None) and proven.peak_db < 0


def test_a_file_that_cannot_be_heard_has_no_fingerprint(tmp_path):
    (tmp_path / "x.mp3").write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    assert fingerprint.fingerprint(str(tmp_path / "x.mp3")) == array("I")


def test_without_ffmpeg_there_is_none_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise DownloadError("no_ffmpeg", "ffmpeg is not there.")

    for find in ("find_ffmpeg", "find_bundled_ffmpeg"):
        monkeypatch.setattr(ffmpeg_module, find, absent)
    monkeypatch.setattr(ffmpeg_module, "find_chromaprint", ffmpeg_module.find_chromaprint.__wrapped__)
    assert fingerprint.fingerprint("whatever.mp3") == array("I")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verdict", "refused"), [(Verdict.NEVER, True), (Verdict.DISPROVED, True), (Verdict.OPEN, False)]
)
def test_the_sound_of_a_refused_recording_is_known_again(world: World, verdict: str, refused: bool) -> None:
    dice = random.Random(7)
    numbers = array("I", (dice.getrandbits(32) for _ in range(300)))
    track = missing_track(world)
    known, new = (
        Candidate.objects.create(track=track, source="archive", source_id=name, url="x", found_at=world.now)
        for name in ("known", "new")
    )
    Candidate.objects.filter(pk=known.pk).update(verdict=verdict, fingerprint=numbers.tobytes())

    assert fingerprint.sounds_refused(new, numbers) is refused
    assert not fingerprint.sounds_refused(new, array("I", (dice.getrandbits(32) for _ in range(300))))


@pytest.mark.django_db
def test_a_refused_recording_under_another_name_is_not_taken(world: World, archive) -> None:
    track = missing_track(world)
    track.duration_ms = SECONDS * 1000
    track.save()
    for number, (seed, ending) in enumerate([(1, "mp3"), (1, "opus"), (2, "m4a")]):
        song = serve(archive, track, ending, duration_ms=SECONDS * 1000, title=f"{track.title}{' ' * number}")
        music(Path(archive.folder) / song.file, seed, "-b:a", "96k")
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    first = AudioFile.objects.get(track=track).candidate
    decisions.exclude(first, world.now, "anna")

    assert loop.work_one(now=lambda: world.now).result == "downloaded"

    verdicts = dict(track.candidates.values_list("source_id", "verdict"))
    assert verdicts[first.source_id] == Verdict.NEVER
    assert AudioFile.objects.get(track=track).candidate.source_id == "2.m4a"
    assert Verdict.DISPROVED in verdicts.values()


def test_too_little_music_proves_nothing():
    short = array("I", range(1, fingerprint.LEAST))
    assert fingerprint.likeness(short, short) == 0.0


def test_silence_is_no_mark_to_be_found_by():
    assert fingerprint.looked_up(array("I", [0] * 100 + [5, 7])) in ([5, 7], [7, 5])
