"""Read from an audio file's content, with ffmpeg, what it says it is: codec, container, bit rate, length.

Nothing here believes a file's name or the type that a server named.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from downloads.audio import ffmpeg as tool
from downloads.failures.kinds import DownloadError


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file says it is: ``bit_rate`` in bit/s and ``claimed_ms`` from its headers, None where they are silent.

    ``container`` is ffmpeg's demuxer ("mp3", "mov", "matroska", "ogg" …). ``moving`` is True where a video stream
    beside the audio is more than a cover; ``fragmented`` for an mp4 in DASH fragments, which many players refuse.
    """

    codec: str
    container: str
    bit_rate: int | None = None
    claimed_ms: int | None = None
    moving: bool = False
    fragmented: bool = False


def probe(path: str, *, ffmpeg: str = "", timeout_seconds: float = tool.TOOL_TIMEOUT) -> Probe:
    """What the first audio stream in ``path`` says it is. DownloadError bad_file, no_audio, no_ffmpeg or timeout."""
    require_file(path)
    result = tool.run_ffmpeg(tool.input_arguments(path), ffmpeg=ffmpeg, timeout=timeout_seconds)
    return parse_probe(tool.messages(result), tool.last_message(result, path))


def parse_probe(messages: str, last_message: str = "") -> Probe:
    """The same of what ffmpeg said when it opened a file. DownloadError bad_file or no_audio."""
    container = re.search(r"^Input #0, ([a-z0-9_]+)", messages, re.MULTILINE)
    if container is None:
        raise DownloadError("bad_file", f"The file is no audio file: {last_message}")
    streams = re.findall(r"^ +Stream #0:\d+.*?: (Audio|Video): (\w+)(.*)$", messages, re.MULTILINE)
    audio = [(codec, details) for kind, codec, details in streams if kind == "Audio"]
    if not audio:
        raise DownloadError("no_audio", "There is no sound in the file.")
    return Probe(
        codec=audio[0][0],
        container=container[1],
        bit_rate=_bits_per_second(audio[0][1]) or _bits_per_second(messages),
        claimed_ms=_claimed_ms(messages),
        moving=any(kind == "Video" and "(attached pic)" not in details for kind, _, details in streams),
        fragmented=bool(re.search(r"^ +major_brand +: dash", messages, re.MULTILINE)),
    )


def require_file(path: str) -> int:
    """The size in bytes of the regular, non-empty file at ``path``; DownloadError bad_file for anything else."""
    try:
        status = os.lstat(path)
    except FileNotFoundError as error:
        raise DownloadError("bad_file", "The file is not there.") from error
    except OSError as error:  # the disk's fault: it must not ban the recording
        raise DownloadError("storage", f"The file cannot be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise DownloadError("bad_file", "What arrived is not a regular file.")
    if status.st_size == 0:
        raise DownloadError("bad_file", "The file is empty.")
    return status.st_size


def _claimed_ms(messages: str) -> int | None:
    match = re.search(r"^ +Duration: (\d+):(\d\d):(\d\d)\.(\d\d)", messages, re.MULTILINE)
    # Without a length in its header (many a raw mp3 or aac) ffmpeg guesses from the bit rate: that is no claim.
    if match is None or "Estimating duration from bitrate" in messages:
        return None
    hours, minutes, seconds, hundredths = (int(part) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10


def _bits_per_second(messages: str) -> int | None:
    match = re.search(r"(\d+) kb/s", messages)
    return int(match[1]) * 1000 if match else None
