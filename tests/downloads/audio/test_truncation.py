"""Where a container says that it ends, and a file that does not go so far."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from downloads.audio.ffmpeg import find_ffmpeg
from downloads.audio.truncation import is_cut
from tests.audio import make_audio

TELLING = ["ogg", "opus", "wav"]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for extension in [*TELLING, "mp3", "m4a", "flac"]:
        make_audio(folder / f"song.{extension}", 4)
    return folder


@pytest.mark.parametrize("extension", [*TELLING, "mp3", "m4a", "flac"])
def test_a_whole_file_is_not_cut(sounds: Path, extension: str) -> None:
    assert not is_cut(str(sounds / f"song.{extension}"))


@pytest.mark.parametrize("extension", TELLING)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.99])
def test_a_part_is_cut_wherever_it_was_cut(sounds: Path, tmp_path: Path, extension: str, share: float) -> None:
    body = (sounds / f"song.{extension}").read_bytes()
    part = tmp_path / "part"
    part.write_bytes(body[: max(40, int(len(body) * share))])
    assert is_cut(str(part))


def test_a_cut_of_one_byte_in_the_last_ogg_page_is_seen(sounds: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes((sounds / "song.ogg").read_bytes()[:-1])
    assert is_cut(str(part))


def test_an_aiff_tells_as_a_wav_does(sounds: Path, tmp_path: Path) -> None:
    whole, half = tmp_path / "song.aiff", tmp_path / "half.aiff"
    subprocess.run([find_ffmpeg(), "-v", "error", "-i", str(sounds / "song.wav"), str(whole)], check=True)
    half.write_bytes(whole.read_bytes()[:50_000])
    assert (is_cut(str(whole)), is_cut(str(half))) == (False, True)


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_wav_that_was_written_to_a_pipe_makes_no_claim(sounds: Path, tmp_path: Path, size: bytes) -> None:
    piped = tmp_path / "song.wav"
    body = (sounds / "song.wav").read_bytes()
    piped.write_bytes(body[:4] + size + body[8:])
    assert not is_cut(str(piped))


@pytest.mark.parametrize("body", [b"", b"Ogg", b"OggS", b"OggS" + b"\0" * 22, b"RIFF", b"FORM\0", b"\xff" * 100])
def test_scraps_are_no_reason_to_fall_over(tmp_path: Path, body: bytes) -> None:
    scrap = tmp_path / "scrap"
    scrap.write_bytes(body)
    assert is_cut(str(scrap)) == (body.startswith(b"OggS"))
