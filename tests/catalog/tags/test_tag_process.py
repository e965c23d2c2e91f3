"""A file that asks its parser for gigabytes or hours is unreadable, costs little, and the next one is read."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import pytest

from catalog.tags import audio_tags, tag_process
from catalog.tags.audio_tags import MAX_TEXT, MAX_VALUES, TagError, TrackTags
from catalog.tags.tag_cache import TagReader
from catalog.tags.tag_process import TagProcess, Unreadable
from tests.audio import make_audio

TAGS = TrackTags("Song", ("Maria", "Ólöf"), album="Light", spotify_id="1" * 22)


@pytest.fixture
def song(tmp_path: Path) -> str:
    path = str(tmp_path / "song.mp3")
    make_audio(Path(path), 1)
    audio_tags.write_tags(path, TAGS, None)
    return path


def syncsafe(number: int) -> bytes:
    """Four bytes of seven bits: ID3v2.4, section 6.2."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(frames: bytes) -> bytes:
    return b"ID3\x04\x00\x00" + syncsafe(len(frames)) + frames


def packed_frame(megabytes: int) -> bytes:
    """A text frame that unpacks to so much: ID3v2.4, section 4.1.2, compression with a data length."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    data = syncsafe(megabytes * 2**20) + data
    return b"TXXX" + syncsafe(len(data)) + b"\x00\x09" + data


@pytest.fixture
def bomb(tmp_path: Path, song: str) -> str:
    """700 kB of tag that unpack to 700 MB."""
    path = tmp_path / "bomb.mp3"
    path.write_bytes(id3(packed_frame(700)) + Path(song).read_bytes())
    return str(path)


def test_what_is_read_and_written_is_what_the_parser_says(song: str) -> None:
    assert tag_process.read_tags(song) == audio_tags.read_tags(song)
    tag_process.write_tags(song, TrackTags("Other", ("Maria",)), None)
    read = tag_process.read_tags(song)
    assert read and (read.title, read.artists) == ("Other", ("Maria",))
    assert tag_process.read_picture(song) is None


def test_a_bomb_beside_a_picture_costs_no_memory(bomb: str) -> None:
    assert tag_process.read_picture(bomb) is None


def test_no_audio_no_file_and_a_failing_disk_are_three_things(tmp_path: Path, song: str) -> None:
    (tmp_path / "text.mp3").write_text("no sound in here")
    assert tag_process.read_tags(str(tmp_path / "text.mp3")) is None
    assert tag_process.read_tags(str(tmp_path / "absent.mp3")) is None
    with pytest.raises(TagError, match="no audio file"):
        tag_process.write_tags(str(tmp_path / "text.mp3"), TAGS, None)
    if os.getuid():
        os.chmod(song, 0)
        with pytest.raises(PermissionError):
            tag_process.read_tags(song)


def test_a_tag_that_unpacks_to_gigabytes_is_unreadable_and_the_next_file_is_read(bomb: str, song: str) -> None:
    assert os.path.getsize(bomb) < 1_500_000
    assert tag_process.read_tags(song)
    read = tag_process.read_tags(song)
    assert read and read.title == "Song"
    with pytest.raises(TagError):
        tag_process.write_tags(bomb, TAGS, None)
    with TagReader(str(Path(song).parent), "", time.time_ns(), 1) as reader:
        tags = {file.relative: file.tags for file in reader.read(["bomb.mp3", "song.mp3"])}
    assert tags["bomb.mp3"] is None and tags["song.mp3"]


def test_a_tag_that_takes_for_ever_is_unreadable(song: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """20,000 small frames and one second allowed: the same as a million and twenty."""
    frame = b"TXXX" + syncsafe(5) + b"\x00\x00" + b"\x03"
    frames = b"".join(frame + struct.pack(">I", number)[1:] + b"\x00" for number in range(60_000))
    Path(song).write_bytes(id3(frames) + Path(song).read_bytes())
    folder = tmp_path / "catalog" / "tags"
    folder.mkdir(parents=True)
    quick = folder / "tag_process.py"
    source = Path(tag_process.__file__).read_text().replace("SECONDS = 20 ", "SECONDS = 1 ")
    line = next(line for line in source.splitlines() if line.strip().startswith("sys.path[0]"))
    quick.write_text(source.replace(line, f"    sys.path[0] = {str(Path(tag_process.__file__).parents[2])!r}"))
    monkeypatch.setattr(tag_process, "__file__", str(quick))
    process = TagProcess()
    began = os.times().children_user
    with pytest.raises(Unreadable):
        process.read(song)
    process.close()
    assert os.times().children_user - began < 10


def test_a_process_that_was_killed_or_inherited_is_started_again(song: str) -> None:
    process = TagProcess()
    assert process.read(song)
    first = process.pid
    os.kill(first, 9)
    assert process.read(song)
    assert process.pid != first
    process.close()


def test_texts_are_cut_where_they_enter(song: str) -> None:
    tags = TrackTags("x" * 50_000, tuple(f"Artist {number}" for number in range(3_000)))
    audio_tags.write_tags(song, tags, None)
    read = tag_process.read_tags(song)
    assert read and len(read.title) == MAX_TEXT and len(read.artists) == MAX_VALUES


def test_the_process_gets_no_secret(song: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    process = TagProcess()
    assert process.read(song)
    assert Path(f"/proc/{process.pid}/environ").read_bytes().find(b"SECRET") == -1
    process.close()
