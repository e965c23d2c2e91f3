"""Figures that were measured of other sound do not follow it into a new encoding."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mutagen
import pytest

from downloads.audio.convert import transcode
from tests.audio import ffmpeg, make_audio


@pytest.mark.parametrize("kind", [".m4a", ".opus", ".flac"])
def test_gain_and_an_encoders_figures_go_and_the_rest_stays(tmp_path: Path, kind: str) -> None:
    plain = make_audio(tmp_path / f"plain{kind}", 1)
    path = tmp_path / f"song{kind}"
    gains = {"REPLAYGAIN_TRACK_GAIN": "-3 dB", "R128_TRACK_GAIN": "100", "iTunSMPB": " 0 0", "genre": "Piano"}
    said = [part for name, value in gains.items() for part in ("-metadata", f"{name}={value}")]
    command = [ffmpeg(), "-v", "error", "-i", plain, "-c", "copy", *said]
    subprocess.run([*command, "-movflags", "use_metadata_tags", path], check=True, timeout=60)
    target, codec = transcode(str(path), "mp3")
    assert codec == "mp3"
    tags = mutagen.File(target).tags
    if kind != ".opus":  # ffmpeg leaves what stands at the stream behind anyway
        assert str(tags["TCON"]) == "Piano"
    assert [key for key in tags if "gain" in key.lower() or "smpb" in key.lower()] == []


def test_an_mp3_does_not_say_of_what_mp4_it_was_made(tmp_path: Path) -> None:
    target, _ = transcode(make_audio(tmp_path / "song.m4a", 1), "mp3")
    assert [key for key in mutagen.File(target).tags if "brand" in key or "minor" in key] == []
