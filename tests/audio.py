"""Small real audio files, made with ffmpeg: from the system where it has one, else from the wheel."""

import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

# What ffmpeg is told for each extension; the container follows from the name, m4a and mp4 share one.
CODECS: dict[str, list[str]] = {
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "64k"],
    ".m4a": ["-c:a", "aac", "-b:a", "64k"],
    ".mp4": ["-c:a", "aac", "-b:a", "64k"],
    ".opus": ["-c:a", "libopus", "-b:a", "48k"],
    ".ogg": ["-c:a", "libvorbis", "-q:a", "1"],
    ".flac": ["-c:a", "flac"],
    ".wav": ["-c:a", "pcm_s16le"],
}


@cache
def ffmpeg() -> str:
    """The path of an ffmpeg that runs."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()


def make_audio(path: str | Path, seconds: float, frequency: int = 440) -> str:
    """Write `seconds` of a sine at `frequency` Hz to `path`, the codec by its extension; the path as text.

    The file carries no tags, save the encoder's name in opus and ogg. Raises KeyError for an extension
    that is not in CODECS and CalledProcessError (with ffmpeg's own words in `stderr`) where ffmpeg fails.
    """
    Path(path).write_bytes(_encoded(Path(path).suffix.lower(), seconds, frequency))
    return str(path)


@cache
def _encoded(extension: str, seconds: float, frequency: int) -> bytes:
    """The bytes of such a file: the same few are wanted by hundreds of tests."""
    source = f"sine=frequency={frequency}:duration={seconds}:sample_rate=48000"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"audio{extension}")
        command = [ffmpeg(), "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source]
        command += [*CODECS[extension], "-map_metadata", "-1", "-fflags", "+bitexact", str(path)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        return path.read_bytes()


def make_picture(path: str | Path, size: int = 32) -> bytes:
    """Write a `size` x `size` pixel picture to `path` (.jpg, .png or .webp) and return its bytes."""
    path = Path(path)
    source = f"testsrc=size={size}x{size}:duration=1:rate=1"
    command = [ffmpeg(), "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-frames:v", "1"]
    subprocess.run([*command, str(path.absolute())], check=True, capture_output=True, text=True, timeout=600)
    return path.read_bytes()


def make_dsf(path: str | Path, seconds: float) -> str:
    """Write `seconds` of silence as one channel of DSD64, which ffmpeg reads but does not write; the path as text.

    https://dsd-guide.com/sites/default/files/white-papers/DSFFileFormatSpec_E.pdf; without a tag.
    """
    rate, block = 2_822_400, 4096
    samples = int(seconds * rate)
    data = b"\x69" * (-(-samples // 8 // block) * block)  # the idle pattern of DSD
    format_chunk = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 1, 1, rate, 1, samples, block, 0)
    data_chunk = b"data" + struct.pack("<Q", 12 + len(data)) + data
    whole = 28 + len(format_chunk) + len(data_chunk)
    Path(path).write_bytes(b"DSD " + struct.pack("<QQQ", 28, whole, 0) + format_chunk + data_chunk)
    return str(path)


def make_ape(path: str | Path, seconds: float) -> str:
    """Write the head of a Monkey's Audio file (version 3.99) of `seconds`, without sound: nothing here encodes it."""
    rate, block = 44_100, 73_728
    frames, last = divmod(int(seconds * rate), block)
    descriptor = b"MAC " + struct.pack("<HHIIIIIII16s", 3990, 0, 52, 24, 0, 0, 0, 0, 0, bytes(16))
    header = struct.pack("<HHIIIHHI", 2000, 0, block, last, frames + 1, 16, 2, rate)
    Path(path).write_bytes(descriptor + header)
    return str(path)
