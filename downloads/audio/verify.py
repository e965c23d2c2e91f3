"""Look into an audio file with ffmpeg: what it is, whether all of it is there, and how to convert it.

Nothing here believes a header or a file's name: the codec is read from the content, the length is decoded.
ffmpeg only ever opens the one local file, with demuxers from a list: a playlist named ``song.mp3`` would
otherwise make it open whatever the playlist names.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass

from catalog.system.child_lifetime import tied_to_us
from catalog.text.sanitize import one_line
from downloads.audio.truncation import is_cut

TOOL_TIMEOUT = 600.0  # seconds that looking at or converting one file may take; a song takes one or two

# Real audio only. Not in it: hls, concat, ffmetadata, dash and all others that open further files or addresses.
DEMUXERS = "aac,aiff,ape,asf,flac,matroska,mov,mp3,ogg,wav,wv"
_READ_ONLY_HERE = ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS]

# Codec as ffmpeg names it -> (file extension, ffmpeg's muxer, demuxer that shows it is in that container already).
CONTAINERS: dict[str, tuple[str, str, str]] = {
    "aac": ("m4a", "ipod", "mov"),
    "alac": ("m4a", "ipod", "mov"),
    "mp3": ("mp3", "mp3", "mp3"),
    "opus": ("opus", "opus", "ogg"),
    "vorbis": ("ogg", "ogg", "ogg"),
    "flac": ("flac", "flac", "flac"),
    "wmav2": ("wma", "asf", "asf"),
    "wavpack": ("wv", "wv", "wv"),
    "ape": ("ape", "", "ape"),  # ffmpeg cannot write it: kept only as delivered
    "pcm_s16le": ("wav", "wav", "wav"),
    "pcm_s24le": ("wav", "wav", "wav"),
    "pcm_s32le": ("wav", "wav", "wav"),
    "pcm_f32le": ("wav", "wav", "wav"),
    "pcm_u8": ("wav", "wav", "wav"),
    "pcm_s16be": ("aiff", "aiff", "aiff"),
    "pcm_s24be": ("aiff", "aiff", "aiff"),
}
EXTENSIONS = frozenset(extension for extension, _, _ in CONTAINERS.values())

AS_DELIVERED = "best"  # as delivered
# Wanted format -> (codecs that are it already, how ffmpeg makes it). The rates are those at which the encoder
# is generally held to be transparent, so that a second lossy pass costs as little as it can.
FORMATS: dict[str, tuple[frozenset[str], list[str], str]] = {
    "m4a": (frozenset({"aac", "alac"}), ["-c:a", "aac", "-b:a", "192k"], "aac"),
    "opus": (frozenset({"opus"}), ["-c:a", "libopus", "-b:a", "160k"], "opus"),
    "mp3": (frozenset({"mp3"}), ["-c:a", "libmp3lame", "-q:a", "2"], "mp3"),
}

# Below this a recording is not worth keeping, however well it fits (bit/s as the source delivers it). Lossless kinds
# have no floor. A person may choose such a recording all the same.
FLOORS = {
    "mp3": 56_000,  # speech and telephone music; 64 is the least that anybody released
    "aac": 56_000,  # YouTube's 48 kbit/s variant cuts off at 12 kHz
    "opus": 40_000,  # its worst music setting; what YouTube calls low is 50
    "vorbis": 56_000,  # nominal: it is made by quality, and quality 0 is called 64
    "wmav2": 56_000,
}

TOLERANCE_MS = 5_000  # or 3 % of the expected length, whichever is more
TOLERANCE_SHARE = 0.03
SILENCE_DB = -80.0  # 16-bit silence reads -91; the quietest real recording's peak is far above this
# A cut file, a wrong frame at the start and a tag in the middle give an error or two; a damaged one gives many.
ERRORS_ALLOWED = 3
ERRORS_PER_MINUTE = 2.0


class AudioError(Exception):
    """``kind`` is a key of `downloads.failures.kinds.ERROR_KINDS`, ``message`` one sentence with the figures."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = one_line(message)


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


@dataclass(frozen=True, slots=True)
class VerifiedAudio:
    """A file that was decoded from end to end: its true length, its loudest sample, what was odd on the way."""

    duration_ms: int
    peak_db: float
    errors: int = 0


def find_ffmpeg() -> str:
    """The path of ffmpeg: the system's, else the wheel's; AudioError "no_ffmpeg" where there is neither."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise AudioError("no_ffmpeg", "ffmpeg is neither on PATH nor in the imageio-ffmpeg package.") from error


def probe(path: str, *, ffmpeg: str = "", timeout_seconds: float = TOOL_TIMEOUT) -> Probe:
    """What the first audio stream in ``path`` says it is. AudioError bad_file, no_audio, no_ffmpeg or timeout."""
    _require_file(path)
    command = [ffmpeg or find_ffmpeg(), "-nostdin", "-hide_banner", *_input(path)]
    _, words, _ = _run(command, timeout_seconds)
    container = re.search(r"^Input #0, ([a-z0-9_]+)", words, re.MULTILINE)
    if container is None:
        raise AudioError("bad_file", f"The file is no audio file: {_last_line(words, path)}")
    streams = re.findall(r"^ +Stream #0:\d+.*?: (Audio|Video): (\w+)(.*)$", words, re.MULTILINE)
    sound = [(codec, rest) for kind, codec, rest in streams if kind == "Audio"]
    if not sound:
        raise AudioError("no_audio", "There is no sound in the file.")
    return Probe(
        codec=sound[0][0],
        container=container[1],
        bit_rate=_kilobits(sound[0][1]) or _kilobits(words),
        claimed_ms=_claimed_ms(words),
        moving=any(kind == "Video" and "(attached pic)" not in rest for kind, _, rest in streams),
        fragmented=bool(re.search(r"^ +major_brand +: dash", words, re.MULTILINE)),
    )


def verify(
    path: str,
    expected_ms: int | None,
    expected_bytes: int | None,
    *,
    ffmpeg: str = "",
    timeout_seconds: float = TOOL_TIMEOUT,
) -> VerifiedAudio:
    """Decode all of ``path``: it is sound, of the expected length, whole and not silent; else AudioError.

    ``expected_ms`` is the track's length (None: unknown, then the file's own claim is held against it),
    ``expected_bytes`` what the server said it sends. The length may differ by 5 s or 3 %, whichever is more.
    Kinds: network (bytes are missing), bad_file, no_audio, too_short, wrong_length, silent, timeout, no_ffmpeg.
    """
    require_bytes(path, expected_bytes)
    if expected_ms is None and is_cut(path):
        raise AudioError("too_short", "The file has no end: a part is missing.")
    tool = ffmpeg or find_ffmpeg()
    claimed = probe(path, ffmpeg=tool, timeout_seconds=timeout_seconds)
    proof = _decode(path, tool, timeout_seconds)
    _judge_length(proof.duration_ms, expected_ms, claimed.claimed_ms)
    if proof.errors > ERRORS_ALLOWED + ERRORS_PER_MINUTE * proof.duration_ms / 60_000:
        raise AudioError("bad_file", f"The file is damaged: {proof.errors} places could not be decoded.")
    if proof.peak_db <= SILENCE_DB:
        raise AudioError("silent", f"The recording is silent: its loudest sample is at {proof.peak_db:.0f} dB.")
    return proof


def require_bytes(path: str, expected: int | None) -> None:
    """AudioError "network" where fewer bytes arrived than were announced: the way's fault, which bans no recording."""
    size = _require_file(path)
    if expected is not None and size < expected:
        raise AudioError("network", f"Only {size:,} of {expected:,} bytes arrived.")


def require_quality(found: Probe) -> None:
    """AudioError "low_quality" for a recording below the floor of its kind; an unknown bit rate is not too low."""
    floor = FLOORS.get(found.codec)
    if floor and found.bit_rate and found.bit_rate < floor:
        said, least = found.bit_rate // 1000, floor // 1000
        raise AudioError("low_quality", f"The recording has {said} kbit/s {found.codec}; {least} are the least.")


def _judge_length(decoded: int, expected: int | None, claimed: int | None) -> None:
    if decoded <= 0:
        raise AudioError("bad_file", "Nothing in the file could be decoded.")
    # Against its own claim first: half a file is a worse thing to be than another recording.
    if claimed is not None and decoded < claimed - tolerance(claimed):
        raise AudioError(
            "too_short", f"The file claims {_seconds(claimed)} and holds {_seconds(decoded)}: a part is missing."
        )
    if expected is not None and abs(decoded - expected) > tolerance(expected):
        raise AudioError(
            "wrong_length", f"The recording takes {_seconds(decoded)}, the track takes {_seconds(expected)}."
        )


def tolerance(expected_ms: int) -> int:
    """By how many milliseconds a recording may differ from a track of ``expected_ms``: 5 s or 3 %, the larger."""
    return max(TOLERANCE_MS, round(expected_ms * TOLERANCE_SHARE))


def transcode(
    path: str, audio_format: str, *, ffmpeg: str = "", timeout_seconds: float = TOOL_TIMEOUT
) -> tuple[str, str]:
    """Give ``path`` the codec, container and extension asked for; the new path and the codec that is in it.

    ``audio_format`` is "best" (the sound as delivered, never encoded again) or a key of `FORMATS` (encoded only
    where it is something else). The file stays in its folder; where it is rewritten, the old one is removed.
    AudioError as `probe`, and tool_crashed or disk_full where ffmpeg cannot write.
    """
    tool = ffmpeg or find_ffmpeg()
    found = probe(path, ffmpeg=tool, timeout_seconds=timeout_seconds)
    codec, encode = _plan(found.codec, audio_format)
    extension, muxer, demuxer = CONTAINERS[codec]
    wanted = f"{os.path.splitext(path)[0]}.{extension}"
    if not encode and found.container == demuxer and not found.moving and not found.fragmented:
        os.rename(path, wanted)
        return wanted, codec
    if not muxer:
        raise AudioError("bad_file", f"{found.codec} in {found.container} cannot be kept as a file of its own.")
    _rewrite(tool, path, wanted, muxer, encode or ["-c:a", "copy"], timeout_seconds)
    return wanted, codec


def _plan(codec: str, audio_format: str) -> tuple[str, list[str]]:
    """The codec that the file will hold, and ffmpeg's arguments to encode it ([]: copy the sound as it is)."""
    if audio_format == AS_DELIVERED:
        if codec not in CONTAINERS:
            raise AudioError("bad_file", f"{codec} is no kind of sound that a music folder can hold.")
        return codec, []
    already, encode, made = FORMATS[audio_format]
    return (codec, []) if codec in already else (made, encode)


def _rewrite(tool: str, path: str, wanted: str, muxer: str, how: list[str], timeout: float) -> None:
    # An ending of its own: `wanted` may be the very file that is read (a fragmented m4a).
    fresh = f"{os.path.splitext(path)[0]}.new"
    command = [tool, "-nostdin", "-hide_banner", "-v", "error", "-y", *_input(path), "-map", "0:a:0", *how]
    code, words, _ = _run([*command, "-f", muxer, _file(fresh)], timeout)
    if code != 0:
        kind = "disk_full" if "No space left" in words else "tool_crashed"
        raise AudioError(kind, f"ffmpeg could not write the file: {_last_line(words, path)}")
    os.remove(path)
    os.rename(fresh, wanted)


def _decode(path: str, tool: str, timeout: float) -> VerifiedAudio:
    """Play the file into nothing as fast as it goes; the length is that of the samples which came out."""
    command = [tool, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info", "-progress", "pipe:1"]
    command += [*_input(path), "-map", "0:a:0", "-af", "volumedetect", "-f", "null", "-"]
    code, words, progress = _run(command, timeout)
    errors = sum(1 for line in words.splitlines() if "[error]" in line or "[fatal]" in line)
    played = re.findall(r"^out_time_us=(\d+)$", progress, re.MULTILINE)
    peak = re.search(r"max_volume: (-?[\d.]+|-inf) dB", words)
    if code != 0 or not played:
        raise AudioError("bad_file", f"The file cannot be decoded: {_last_line(words, path)}")
    return VerifiedAudio(int(played[-1]) // 1000, float(peak[1]) if peak else float("-inf"), errors)


def _require_file(path: str) -> int:
    """The size in bytes of the regular, non-empty file at ``path``; AudioError bad_file for anything else."""
    try:
        found = os.lstat(path)
    except FileNotFoundError as error:
        raise AudioError("bad_file", "The file is not there.") from error
    except OSError as error:  # the disk's fault: it must not ban the recording
        raise AudioError("storage", f"The file cannot be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise AudioError("bad_file", "What arrived is not a regular file.")
    if found.st_size == 0:
        raise AudioError("bad_file", "The file is empty.")
    return found.st_size


def _file(path: str) -> str:
    # Spelled out, so that a name with a colon or a leading dash is a file's name and nothing else.
    return "file:" + os.path.abspath(path)


def read_only(path: str) -> list[str]:
    """ffmpeg's arguments that open the one local file and nothing else, whatever it holds."""
    return _input(path)


def _input(path: str) -> list[str]:
    return [*_READ_ONLY_HERE, "-i", _file(path)]


def _run(command: list[str], timeout: float) -> tuple[int, str, str]:
    """Exit status, what it said on stderr, what on stdout; AudioError timeout or no_ffmpeg."""
    try:
        # It ends with us: after a kill it would go on decoding a file that is swept away under it.
        done = subprocess.run(
            command, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, preexec_fn=tied_to_us()
        )
    except subprocess.TimeoutExpired as error:
        raise AudioError("timeout", f"ffmpeg was not done after {timeout:.0f} s.") from error
    except OSError as error:
        raise AudioError("no_ffmpeg", f"ffmpeg does not start: {error.strerror}.") from error
    return done.returncode, done.stderr.decode("utf-8", "replace"), done.stdout.decode("utf-8", "replace")


def _claimed_ms(words: str) -> int | None:
    found = re.search(r"^ +Duration: (\d+):(\d\d):(\d\d)\.(\d\d)", words, re.MULTILINE)
    # Without a length in its header (many a raw mp3 or aac) ffmpeg guesses from the bit rate: that is no claim.
    if found is None or "Estimating duration from bitrate" in words:
        return None
    hours, minutes, seconds, hundredths = (int(part) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10


def _kilobits(words: str) -> int | None:
    found = re.search(r"(\d+) kb/s", words)
    return int(found[1]) * 1000 if found else None


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _last_line(words: str, path: str) -> str:
    """ffmpeg's last word, without the file's path (it is long, and the same for every file)."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    if not lines:
        return "it says nothing."
    return lines[-1].replace(_file(path), "the file").replace(os.path.abspath(path), "the file")[:200]
