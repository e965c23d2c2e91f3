"""Run ffmpeg on one local file: with limits, a clean environment, and demuxers from a list.

A playlist named ``song.mp3`` would otherwise make ffmpeg open whatever the playlist names.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from functools import cache, lru_cache

from catalog.system import programs
from catalog.system.programs import Completed, Limits
from downloads.failures.kinds import DownloadError

QUESTION_TIMEOUT = 20.0  # seconds for what it answers of itself
LISTED = re.compile(r"^ +(?:E|A[.\w]{5}) +([\w,]+) ", re.MULTILINE)  # "  E ipod  …" and " A....D libopus  …"
TOOL_TIMEOUT = 600.0  # seconds that looking at or converting one file may take; a song takes one or two

# Real audio only. Not in it: hls, concat, ffmetadata, dash and all others that open further files or addresses.
DEMUXERS = "aac,aiff,ape,asf,dsf,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,tta,wav,wv"
_READ_ONLY = ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS]
# A song of an hour takes 40 s of processor time to encode and 70 MB; a hostile file took 900 MB and more.
LIMITS = Limits(memory_bytes=2**30, cpu_seconds=300)


def find_ffmpeg() -> str:
    """The path of ffmpeg: the system's, else the wheel's; DownloadError "no_ffmpeg" where there is neither."""
    return shutil.which("ffmpeg") or find_bundled_ffmpeg()


def find_bundled_ffmpeg() -> str:
    """The path of the wheel's ffmpeg, which has Chromaprint; a system's often has not. DownloadError "no_ffmpeg"."""
    try:
        import imageio_ffmpeg  # here: a system with an ffmpeg of its own may do without the wheel

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise DownloadError("no_ffmpeg", "ffmpeg is neither on PATH nor in the imageio-ffmpeg package.") from error


@cache
def find_chromaprint() -> str:
    """The path of an ffmpeg that takes fingerprints, the system's before the wheel's; "" where neither does."""
    for find in (find_ffmpeg, find_bundled_ffmpeg):
        try:
            path = find()
            output = programs.run(
                [path, "-hide_banner", "-h", "muxer=chromaprint"], timeout=TOOL_TIMEOUT, limits=LIMITS
            )
        except (DownloadError, OSError, TimeoutError):
            continue
        if b"fp_format" in output.stdout + output.stderr:
            return path
    return ""


def writes(path: str) -> frozenset[str]:
    """What the ffmpeg at ``path`` can write: names of muxers and of audio encoders. Asked once of each build.

    OSError where it does not start, TimeoutError where it hangs.
    """
    return _writes(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=2)
def _writes(path: str, mtime_ns: int) -> frozenset[str]:
    names: set[str] = set()
    for what in ("-muxers", "-encoders"):
        output = programs.run([path, "-hide_banner", what], timeout=QUESTION_TIMEOUT, limits=LIMITS)
        listed = LISTED.findall(output.stdout.decode(errors="replace"))
        names.update(name for entry in listed for name in entry.split(","))
    return frozenset(names)


def run_ffmpeg(arguments: Sequence[str], *, ffmpeg: str = "", timeout: float = TOOL_TIMEOUT) -> Completed:
    """Run ffmpeg; its lines with "[error]" or "[fatal]" (``-loglevel level``) are counted.

    DownloadError timeout or no_ffmpeg.
    """
    command = [ffmpeg or find_ffmpeg(), "-nostdin", "-hide_banner", *arguments]
    try:
        return programs.run(command, timeout=timeout, limits=LIMITS, counted=(b"[error]", b"[fatal]"))
    except TimeoutError as error:
        raise DownloadError("timeout", f"ffmpeg was not done after {timeout:.0f} s.") from error
    except OSError as error:
        raise DownloadError("no_ffmpeg", f"ffmpeg does not start: {error.strerror}.") from error


def input_arguments(path: str) -> list[str]:
    """ffmpeg's arguments that open the one local file and nothing else, whatever it holds."""
    return [*_READ_ONLY, "-i", file_argument(path)]


def file_argument(path: str) -> str:
    """The path spelled out, so that a name with a colon or a leading dash is a file's name and nothing else."""
    return "file:" + os.path.abspath(path)


def messages(result: Completed) -> str:
    """What ffmpeg said on stderr, as text."""
    return result.stderr.decode("utf-8", "replace")


def last_message(result: Completed, path: str) -> str:
    """ffmpeg's last line, without the file's path (it is long, and the same for every file)."""
    lines = [line.strip() for line in messages(result).splitlines() if line.strip()]
    if not lines:
        return "it says nothing."
    return lines[-1].replace(file_argument(path), "the file").replace(os.path.abspath(path), "the file")[:200]
