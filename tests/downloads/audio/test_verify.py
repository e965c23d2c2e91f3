"""Real files, real ffmpeg: what is sound passes, what is not is named."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from downloads.audio.convert import CONTAINERS, transcode
from downloads.audio.ffmpeg import find_ffmpeg
from downloads.audio.probe import probe
from downloads.audio.verify import tolerance, verify
from downloads.failures.kinds import ERROR_KINDS, DownloadError
from tests.audio import make_audio
from tests.downloads.loopback import Loopback


def ffmpeg(*arguments: str) -> None:
    subprocess.run([find_ffmpeg(), "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=600)


def refused(path: str | Path, expected_ms: int | None = None, expected_bytes: int | None = None) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        verify(str(path), expected_ms, expected_bytes)
    return caught.value


@pytest.mark.parametrize("extension", ["mp3", "m4a", "opus", "ogg", "flac", "wav"])
def test_a_sound_file_of_four_seconds_passes(tmp_path: Path, extension: str) -> None:
    path = make_audio(tmp_path / f"song.{extension}", 4)
    assert abs(verify(path, 4000, os.path.getsize(path)).duration_ms - 4000) < 150
    assert abs((probe(path).claimed_ms or 0) - 4000) < 150


def test_a_file_says_what_it_is_whatever_its_name(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.m4a", 4)
    os.rename(path, tmp_path / "song.mp3")
    found = probe(str(tmp_path / "song.mp3"))
    assert (found.codec, found.container, found.moving) == ("aac", "mov", False)
    assert 30_000 < (found.bit_rate or 0) < 110_000


def test_half_a_file_still_claims_its_full_length_and_is_found_out(tmp_path: Path) -> None:
    body = Path(make_audio(tmp_path / "song.mp3", 30)).read_bytes()
    half = tmp_path / "half.mp3"
    half.write_bytes(body[: len(body) // 2])
    assert abs((probe(str(half)).claimed_ms or 0) - 30_000) < 100
    assert refused(half, 30_000).kind == "too_short"
    assert refused(half).kind == "too_short"


@pytest.mark.parametrize("extension", ["mp3", "m4a", "opus", "ogg", "flac", "wav"])
def test_half_a_file_never_passes_for_the_whole(tmp_path: Path, extension: str) -> None:
    body = Path(make_audio(tmp_path / f"song.{extension}", 30)).read_bytes()
    half = tmp_path / f"half.{extension}"
    half.write_bytes(body[: len(body) // 2])
    assert refused(half, 30_000).kind in {"too_short", "wrong_length", "bad_file"}
    assert refused(half, None, len(body)).kind == "network"
    assert refused(half).kind in {"too_short", "bad_file"}, "also where nobody knows its length"


def test_a_clip_of_ten_seconds_is_not_a_song_of_four_minutes(tmp_path: Path) -> None:
    error = refused(make_audio(tmp_path / "clip.mp3", 10), 240_000)
    assert error.kind == "wrong_length"
    assert "240.0 s" in error.message and "10.0 s" in error.message


@pytest.mark.parametrize(("expected", "allowed"), [(4_000, 5_000), (100_000, 5_000), (600_000, 18_000)])
def test_the_length_may_differ_by_five_seconds_or_three_per_cent(expected: int, allowed: int) -> None:
    assert tolerance(expected) == allowed


def test_the_lengths_edges(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.flac", 20)
    verify(path, 25_000, None)
    verify(path, 15_000, None)
    assert refused(path, 25_001).kind == refused(path, 14_999).kind == "wrong_length"


def test_an_mp3_without_a_length_in_its_header_makes_no_claim(tmp_path: Path) -> None:
    """ffmpeg guesses from the first frames' bit rate; loud after quiet, the guess is far too long."""
    path = tmp_path / "song.mp3"
    source = "sine=f=440:d=40:r=44100,volume='if(lt(t,2),0.00001,1)':eval=frame"
    ffmpeg("-f", "lavfi", "-i", source, "-c:a", "libmp3lame", "-q:a", "9", "-write_xing", "0", str(path))
    assert probe(str(path)).claimed_ms is None
    assert abs(verify(str(path), 40_000, None).duration_ms - 40_000) < 200


def test_silence_is_no_recording(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=d=10", str(tmp_path / "song.mp3"))
    assert refused(tmp_path / "song.mp3", 10_000).kind == "silent"


def test_a_quiet_recording_is_one(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=10,volume=-40dB", str(tmp_path / "song.flac"))
    assert verify(str(tmp_path / "song.flac"), 10_000, None).peak_db < -50


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    body = bytearray(Path(make_audio(tmp_path / "song.mp3", 30)).read_bytes())
    dice = random.Random(7)
    for start in range(10_000, len(body) - 10_000, 20_000):
        body[start : start + 2_000] = dice.randbytes(2_000)
    (tmp_path / "song.mp3").write_bytes(body)
    assert refused(tmp_path / "song.mp3", 30_000).kind == "bad_file"


def test_one_wrong_spot_is_forgiven(tmp_path: Path) -> None:
    body = bytearray(Path(make_audio(tmp_path / "song.mp3", 30)).read_bytes())
    body[100_000:100_040] = bytes(40)
    (tmp_path / "song.mp3").write_bytes(body)
    assert verify(str(tmp_path / "song.mp3"), 30_000, None).errors <= 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 50_000,
        b"<html><body>Please log in</body></html>" * 100,
        b"%PDF-1.7\n" + b"x" * 5000,
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"no sound here " * 300,
    ],
)
def test_what_is_no_audio_is_refused_in_one_sentence(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "song.mp3").write_bytes(body)
    error = refused(tmp_path / "song.mp3")
    assert error.kind in {"bad_file", "no_audio"}
    assert "\n" not in error.message and str(tmp_path) not in error.message


def test_a_picture_and_a_film_without_sound_hold_no_audio(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=2:s=64x64", str(tmp_path / "film.mp4"))
    os.rename(tmp_path / "film.mp4", tmp_path / "song.m4a")
    assert refused(tmp_path / "song.m4a").kind == "no_audio"


def test_a_playlist_named_mp3_makes_ffmpeg_open_nothing(tmp_path: Path) -> None:
    other = make_audio(tmp_path / "other.mp3", 4)
    with Loopback() as canary:
        for number, text in enumerate(
            [
                f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{canary.url}/a.ts\n#EXT-X-ENDLIST\n",
                f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{other}\n#EXT-X-ENDLIST\n",
                f"ffconcat version 1.0\nfile '{other}'\n",
                f"ffconcat version 1.0\nfile '{canary.url}/a.mp3'\n",
            ]
        ):
            (tmp_path / f"{number}.mp3").write_text(text)
            assert refused(tmp_path / f"{number}.mp3").kind == "bad_file"
    assert canary.asked == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path), lambda path: None])
def test_only_a_regular_file_is_looked_into(tmp_path: Path, make: object) -> None:
    make(tmp_path / "song.mp3")  # type: ignore[operator]
    assert refused(tmp_path / "song.mp3").kind == "bad_file"


def test_a_disk_that_fails_bans_no_recording(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert refused(tmp_path / "file" / "song.mp3").kind == "storage"


def test_a_file_shorter_than_what_was_announced_was_lost_on_its_way_and_bans_nothing(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", 4)
    kind = refused(path, 4000, os.path.getsize(path) + 1).kind
    assert kind == "network" and not ERROR_KINDS[kind].bans


def test_a_title_cannot_pass_for_what_ffmpeg_says(tmp_path: Path) -> None:
    make_audio(tmp_path / "a.flac", 4)
    lie = "x\n  Stream #0:0: Audio: mp3, 44100 Hz\nInput #0, mp3\n  Duration: 09:00:00.00, bitrate: 9 kb/s"
    ffmpeg("-i", str(tmp_path / "a.flac"), "-c", "copy", "-metadata", f"title={lie}", str(tmp_path / "b.flac"))
    found = probe(str(tmp_path / "b.flac"))
    assert (found.codec, found.container, found.claimed_ms) == ("flac", "flac", 4000)


def test_a_file_whose_name_looks_like_an_option_or_an_address_is_a_file(tmp_path: Path) -> None:
    for name in ("-i.mp3", "http:x.mp3", "concat:a|b.mp3", "%d.mp3", "é 'q\".mp3"):
        make_audio(tmp_path / "song.mp3", 4)
        os.rename(tmp_path / "song.mp3", tmp_path / name)
        assert verify(str(tmp_path / name), 4000, None).duration_ms > 3900


def test_ffmpeg_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", 4)
    slow = tmp_path / "ffmpeg"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    with pytest.raises(DownloadError) as caught:
        verify(path, 4000, None, ffmpeg=str(slow), timeout_seconds=0.1)
    assert caught.value.kind == "timeout"


def test_an_ffmpeg_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", 4)
    with pytest.raises(DownloadError) as caught:
        verify(path, 4000, None, ffmpeg="/nonexistent/ffmpeg")
    assert caught.value.kind == "no_ffmpeg"


def stream_hash(path: str) -> str:
    """The checksum of the sound's packets as they stand in the file, not decoded."""
    command = [find_ffmpeg(), "-v", "error", "-i", path, "-map", "0:a:0", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_opus_in_webm_moves_into_an_opus_file_without_re_encoding(tmp_path: Path) -> None:
    """This is how YouTube delivers opus."""
    make_audio(tmp_path / "a.opus", 6)
    ffmpeg("-i", str(tmp_path / "a.opus"), "-c", "copy", str(tmp_path / "audio.webm"))
    before = stream_hash(str(tmp_path / "audio.webm"))
    path, codec = transcode(str(tmp_path / "audio.webm"), "best")
    assert (os.path.basename(path), codec, probe(path).container) == ("audio.opus", "opus", "ogg")
    assert stream_hash(path) == before
    assert not (tmp_path / "audio.webm").exists()
    verify(path, 6000, None)


def test_an_m4a_in_fragments_is_put_together_without_re_encoding(tmp_path: Path) -> None:
    """This is how YouTube delivers m4a: many players refuse it."""
    make_audio(tmp_path / "a.m4a", 6)
    options = ["-c", "copy", "-movflags", "frag_keyframe+empty_moov+dash", "-brand", "dash"]
    ffmpeg("-i", str(tmp_path / "a.m4a"), *options, str(tmp_path / "audio.m4a"))
    assert probe(str(tmp_path / "audio.m4a")).fragmented
    before = stream_hash(str(tmp_path / "audio.m4a"))
    path, codec = transcode(str(tmp_path / "audio.m4a"), "m4a")
    assert (path, codec) == (str(tmp_path / "audio.m4a"), "aac")
    assert not probe(path).fragmented
    assert stream_hash(path) == before
    assert sorted(os.listdir(tmp_path)) == ["a.m4a", "audio.m4a"]


def test_the_picture_of_a_film_is_left_out_and_its_sound_kept(tmp_path: Path) -> None:
    make_audio(tmp_path / "a.m4a", 4)
    film = ["-f", "lavfi", "-i", "testsrc=d=4:s=64x64", "-i", str(tmp_path / "a.m4a"), "-c:a", "copy"]
    ffmpeg(*film, str(tmp_path / "audio.mp4"))
    before = stream_hash(str(tmp_path / "audio.mp4"))
    path, _ = transcode(str(tmp_path / "audio.mp4"), "best")
    assert path.endswith("audio.m4a") and not probe(path).moving
    assert stream_hash(path) == before


def test_a_cover_is_no_film(tmp_path: Path) -> None:
    make_audio(tmp_path / "a.mp3", 4)
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=32x32", "-frames:v", "1", str(tmp_path / "c.png"))
    cover = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic"]
    ffmpeg("-i", str(tmp_path / "a.mp3"), "-i", str(tmp_path / "c.png"), *cover, str(tmp_path / "audio.mp3"))
    before = (tmp_path / "audio.mp3").read_bytes()
    path, _ = transcode(str(tmp_path / "audio.mp3"), "best")
    assert Path(path).read_bytes() == before


def test_sound_that_no_music_folder_holds_is_refused_as_it_is_and_converted_on_wish(tmp_path: Path) -> None:
    path = str(tmp_path / "audio.mka")
    ffmpeg("-f", "lavfi", "-i", "sine=d=4", "-c:a", "ac3", path)
    with pytest.raises(DownloadError) as caught:
        transcode(path, "best")
    assert caught.value.kind == "bad_file" and "ac3" in caught.value.message
    assert probe(transcode(path, "mp3")[0]).codec == "mp3"


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    make_audio(tmp_path / "audio.flac", 4)
    full = tmp_path / "ffmpeg"
    fails = 'case "$*" in *libmp3lame*) echo "x: No space left on device" >&2; exit 1;; esac'
    full.write_text(f'#!/bin/sh\n{fails}\nexec {find_ffmpeg()} "$@"\n')
    full.chmod(0o755)
    with pytest.raises(DownloadError) as caught:
        transcode(str(tmp_path / "audio.flac"), "mp3", ffmpeg=str(full))
    assert caught.value.kind == "disk_full"
    assert (tmp_path / "audio.flac").exists()


def test_every_kind_of_file_has_one_home() -> None:
    assert {extension for extension, _, _ in CONTAINERS.values()} == {
        "m4a", "mp3", "opus", "ogg", "flac", "wma", "wv", "ape", "wav", "aiff",
    }  # fmt: skip
