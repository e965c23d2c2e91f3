"""Many files are read by processes of their own, and say the same as one by one."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from catalog.tags import audio_tags, tag_cache
from catalog.tags.tag_cache import TagReader
from tests.audio import make_audio

FILES = 240  # more than are read without processes
LATER = 1 << 62


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short songs with a number each, a text that calls itself a song, a pipe and a link."""
    root = tmp_path_factory.mktemp("many")
    tone = make_audio(root / "tone.wav", 0.1)
    for number in range(FILES):
        path = shutil.copyfile(tone, root / f"{number}.wav")
        audio_tags.write_tags(str(path), audio_tags.TrackTags(f"Song {number}", ("Maria",)), None)
    (root / "text.mp3").write_text("no sound in here")
    os.mkfifo(root / "pipe.mp3")
    (root / "link.mp3").symlink_to(root / "0.wav")
    return root


def names() -> list[str]:
    return [f"{number}.wav" for number in range(FILES)]


@pytest.mark.parametrize("readers", [1, 2])
def test_every_file_says_what_stands_in_it_in_the_order_asked_for(folder, readers):
    with TagReader(str(folder), "", LATER, readers) as reader:
        found = reader.read(names())
        pids = [process.pid for process in reader.processes]
        assert len(pids) == readers and all(map(_runs, pids))
    assert [one.relative for one in found] == names()
    assert [one.tags and one.tags.title for one in found] == [f"Song {number}" for number in range(FILES)]
    assert all(one.size == (folder / one.relative).stat().st_size for one in found)
    assert not any(map(_runs, pids))


def test_what_is_no_audio_says_nothing_and_what_is_no_file_is_left_out(folder):
    with TagReader(str(folder), "", LATER) as reader:
        found = reader.read(["text.mp3", "pipe.mp3", "link.mp3", "absent.mp3", "0.wav"])
    assert [(one.relative, one.tags is not None) for one in found] == [("text.mp3", False), ("0.wav", True)]


def test_the_cache_gives_back_what_was_read(folder, tmp_path):
    cache = str(tmp_path / "cache")
    with TagReader(str(folder), cache, LATER, 1) as reader:
        first = reader.read([*names(), "text.mp3"])
        assert reader.read_files == FILES + 1
    with TagReader(str(folder), cache, LATER, 1) as reader:
        assert reader.read([*names(), "text.mp3"]) == first
        assert reader.read_files == 0


def test_a_cache_that_cannot_be_had_is_done_without(folder, tmp_path):
    with TagReader(str(folder), str(tmp_path / "no" / "such" / "folder"), LATER, 1) as reader:
        assert len(reader.read(names()[:3])) == 3


def test_readers_that_are_killed_cost_no_answer(folder):
    with TagReader(str(folder), "", LATER, 2) as reader:
        reader.read(names())
        for process in reader.processes:
            os.kill(process.pid, signal.SIGKILL)
        assert len(reader.read(names())) == FILES


def test_readers_end_with_a_parent_that_is_killed(folder):
    program = f"""
        import os, signal
        from catalog.tags.tag_cache import TagReader
        if __name__ == "__main__":
            reader = TagReader({str(folder)!r}, "", 1 << 62, 2)
            reader.read([f"{{number}}.wav" for number in range({FILES})])
            print(*[process.pid for process in reader.processes], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    script = folder / "program.py"
    script.write_text(textwrap.dedent(program))
    environment = {"PYTHONPATH": str(Path(tag_cache.__file__).parents[2]), "PATH": os.environ["PATH"]}
    ran = subprocess.run([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True, timeout=600)
    pids = [int(pid) for pid in ran.stdout.split()]
    assert len(pids) == 2
    assert all(_ends(pid) for pid in pids)


def _ends(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    return bool(select.select([descriptor], [], [], 60)[0])


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
