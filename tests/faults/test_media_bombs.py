"""Sound files that ask for gigabytes or hours: unreadable, or refused, within the limits. `bench/hostile.py media`."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from catalog.tags import tag_process
from catalog.tags.tag_process import TagProcess, Unreadable
from downloads.audio import ffmpeg
from downloads.audio.verify import verify
from downloads.failures.kinds import DownloadError
from tests.audio import make_audio
from tests.hostile_files import media_bombs, written

# What each ends as: whether its tags can be read, and as what its sound is refused ("": it is fine).
BOMBS = {
    "a frame that unpacks to 4 GB.mp3": (False, ""),
    "a million frames.mp3": (False, ""),
    "a title of 8 MB.mp3": (True, ""),
    "a tag of 200 MB.mp3": (False, ""),
    "52 MB that cannot be decoded.aac": (True, "bad_file"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BOMBS)
def test_a_media_bomb_costs_no_more_than_the_limits(tmp_path: Path, name: str) -> None:
    readable, refused = BOMBS[name]
    sound = Path(make_audio(tmp_path / "sound.mp3", 5)).read_bytes()
    path = written(tmp_path, name, next(data for label, data in media_bombs(sound) if label == name))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.process_time()
    process = TagProcess()
    try:
        assert (process.read(path) is not None) == readable
    except Unreadable:
        assert not readable
    process.close()
    if refused:
        with pytest.raises(DownloadError) as raised:
            verify(path, None, None)
        assert raised.value.kind == refused
    else:
        verify(path, 5_000, None)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Tags may be tried twice: a process that was killed for want of memory could have been killed by mistake.
    assert used < 2 * tag_process.SECONDS + 20
    assert time.process_time() - began < 10, "ours"
    assert after.ru_maxrss * 1024 < max(tag_process.MEMORY, ffmpeg.LIMITS.memory_bytes or 0)
