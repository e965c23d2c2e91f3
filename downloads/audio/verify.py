"""Prove an audio file with ffmpeg: sound, whole, of the expected length, not silent, good enough to keep.

The length is that of the samples that were decoded, whatever headers say. The one pass that decodes them also measures
the loudness (EBU R128) and takes the fingerprint.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field

from downloads.audio import ffmpeg as tool
from downloads.audio.probe import Probe, parse_probe, require_file
from downloads.audio.truncation import is_cut
from downloads.failures.kinds import DownloadError

# Below this a recording is not worth keeping, however well it fits (bit/s as the source delivers it). Lossless kinds
# have no floor. A person may choose such a recording all the same.
FLOORS = {
    "mp3": 56_000,  # speech and telephone music; 64 is the least that anybody released
    "aac": 56_000,  # YouTube's 48 kbit/s variant cuts off at 12 kHz
    "opus": 40_000,  # its worst music setting; what YouTube calls low is 50
    "vorbis": 56_000,  # nominal: it is made by quality, and quality 0 is called 64
    "wmav2": 56_000,
}

TOO_POOR = "are the least."  # ends the sentence of a recording below a floor

TOLERANCE_MS = 5_000  # or 3 % of the expected length, whichever is more
TOLERANCE_SHARE = 0.03
SILENCE_DB = -80.0  # 16-bit silence reads -91; the quietest real recording's peak is far above this
# A cut file, a wrong frame at the start and a tag in the middle give an error or two; a damaged one gives many.
ERRORS_ALLOWED = 3
ERRORS_PER_MINUTE = 2.0
QUIETEST = -70.0  # LUFS: EBU R128's absolute gate, which is what ffmpeg says where nothing was louder
FINGERPRINTED = 120  # seconds of the beginning, as AcoustID does
RATE = 11_025  # Hz: what Chromaprint works with
AS_FINGERPRINT = ("-f", "chromaprint", "-fp_format", "raw", "pipe:1")
DECODE = ["-map", "0:a:0", "-af", "volumedetect", "-f", "null", "-"]
LISTEN = [
    "-filter_complex",
    "[0:a:0]asplit[all][start];[all]volumedetect,ebur128=framelog=verbose[measured];"
    f"[start]atrim=end={FINGERPRINTED},aresample={RATE},aformat=channel_layouts=mono[heard]",
    *("-map", "[measured]", "-f", "null", "-"),
    *("-map", "[heard]", *AS_FINGERPRINT),
]
_LEVEL = re.compile(r"^\[info\] ", re.MULTILINE)  # what "-loglevel level" puts before each line of the headers


@dataclass(frozen=True, slots=True)
class VerifiedAudio:
    """A file that was decoded from end to end: its true length, its loudest sample, what was odd on the way.

    ``loudness`` is the integrated one in LUFS, None where it is too short or too quiet to tell. ``fingerprint``
    (`downloads.audio.fingerprint`) is empty where none can be made, which is nobody's failure.
    """

    duration_ms: int
    peak_db: float
    errors: int = 0
    loudness: float | None = None
    fingerprint: array[int] = field(default_factory=lambda: array("I"))


def verify(
    path: str,
    expected_ms: int | None,
    expected_bytes: int | None,
    *,
    ffmpeg: str = "",
    timeout_seconds: float = tool.TOOL_TIMEOUT,
) -> VerifiedAudio:
    """Decode all of ``path``: it is sound, of the expected length, whole and not silent; else DownloadError.

    ``expected_ms`` is the track's length (None: unknown, then the file's own claim is held against it),
    ``expected_bytes`` what the server said it sends. The length may differ by 5 s or 3 %, whichever is more.
    Kinds: network (bytes are missing), bad_file, no_audio, too_short, wrong_length, silent, timeout, no_ffmpeg.
    """
    require_bytes(path, expected_bytes)
    if expected_ms is None and is_cut(path):
        raise DownloadError("too_short", "The file has no end: a part is missing.")
    headers, audio = _decode(path, ffmpeg, timeout_seconds)
    _require_length(audio.duration_ms, expected_ms, headers.claimed_ms)
    if audio.errors > ERRORS_ALLOWED + ERRORS_PER_MINUTE * audio.duration_ms / 60_000:
        raise DownloadError("bad_file", f"The file is damaged: {audio.errors} places could not be decoded.")
    if audio.peak_db <= SILENCE_DB:
        raise DownloadError("silent", f"The recording is silent: its loudest sample is at {audio.peak_db:.0f} dB.")
    return audio


def require_bytes(path: str, expected: int | None) -> None:
    """DownloadError "network" where fewer bytes arrived than were announced: transport, no ban."""
    size = require_file(path)
    if expected is not None and size < expected:
        raise DownloadError("network", f"Only {size:,} of {expected:,} bytes arrived.")


def require_quality(headers: Probe, least_bit_rate: int = 0) -> None:
    """DownloadError "low_quality" for a recording below the floor of its kind; an unknown bit rate is not too low.

    ``least_bit_rate`` (bit/s) is a person's own floor: the higher one counts, but for lossless kinds.
    """
    floor = max(FLOORS[headers.codec], least_bit_rate) if headers.codec in FLOORS else 0
    if floor and headers.bit_rate and headers.bit_rate < floor:
        rate, least = headers.bit_rate // 1000, floor // 1000
        raise DownloadError("low_quality", f"The recording has {rate} kbit/s {headers.codec}; {least} {TOO_POOR}")


def _require_length(decoded: int, expected: int | None, claimed: int | None) -> None:
    if decoded <= 0:
        raise DownloadError("bad_file", "Nothing in the file could be decoded.")
    # Against its own claim first: half a file is a worse thing to be than another recording.
    if claimed is not None and decoded < claimed - tolerance(claimed):
        raise DownloadError(
            "too_short", f"The file claims {_seconds(claimed)} and holds {_seconds(decoded)}: a part is missing."
        )
    if expected is not None and abs(decoded - expected) > tolerance(expected):
        raise DownloadError(
            "wrong_length", f"The recording takes {_seconds(decoded)}, the track takes {_seconds(expected)}."
        )


def tolerance(expected_ms: int) -> int:
    """By how many milliseconds a recording may differ from a track of ``expected_ms``: 5 s or 3 %, the larger."""
    return max(TOLERANCE_MS, round(expected_ms * TOLERANCE_SHARE))


def measure(path: str, *, ffmpeg: str = "", timeout_seconds: float = tool.TOOL_TIMEOUT) -> VerifiedAudio:
    """Decode all of a file that is here already, whatever its length: what `verify` measures. DownloadError."""
    require_file(path)
    return _decode(path, ffmpeg, timeout_seconds)[1]


def _decode(path: str, ffmpeg: str, timeout: float) -> tuple[Probe, VerifiedAudio]:
    """Decode the file into nothing as fast as it goes: what its headers say, and the samples which came out."""
    with_fingerprint = ffmpeg or tool.find_chromaprint()
    result = tool.Completed(code=-1)
    if with_fingerprint:
        result = tool.run_ffmpeg(_arguments(path, LISTEN), ffmpeg=with_fingerprint, timeout=timeout)
    if result.code != 0:  # what cannot be listened to may still be whole: a second opinion, without
        result = tool.run_ffmpeg(_arguments(path, DECODE), ffmpeg=ffmpeg, timeout=timeout)
    messages = tool.messages(result)
    headers = parse_probe(_LEVEL.sub("", messages), tool.last_message(result, path))
    positions = re.findall(r"^out_time_us=(\d+)$", messages, re.MULTILINE)
    peak = re.search(r"max_volume: (-?[\d.]+|-inf) dB", messages)
    loudness = re.search(r"^\S* *I: +(-?[\d.]+) LUFS", messages[messages.rfind("Integrated loudness") :], re.MULTILINE)
    if result.code != 0 or not positions:
        raise DownloadError("bad_file", f"The file cannot be decoded: {tool.last_message(result, path)}")
    return headers, VerifiedAudio(
        int(positions[-1]) // 1000,
        float(peak[1]) if peak else float("-inf"),
        sum(result.counts.values()),
        float(loudness[1]) if loudness and float(loudness[1]) > QUIETEST else None,
        array("I", result.stdout[: len(result.stdout) // 4 * 4]),
    )


def _arguments(path: str, outputs: list[str]) -> list[str]:
    # -vn: a cover that cannot be decoded would count as errors of the sound.
    return ["-nostats", "-loglevel", "level+info", "-progress", "pipe:2", *tool.input_arguments(path), "-vn", *outputs]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
