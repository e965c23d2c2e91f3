"""Give an audio file the codec, container and extension that were asked for, with ffmpeg."""

from __future__ import annotations

import os

from downloads.audio import ffmpeg as tool
from downloads.audio.probe import Probe, probe
from downloads.failures.kinds import DownloadError

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

# Muxers for what is kept as it is delivered: by YouTube, and by a person's own server.
_DELIVERED = frozenset({"ipod", "opus", "ogg", "mp3", "flac"})

# Fields of an mp4's header that ffmpeg would write into an mp3 as text frames; an empty value removes one.
_BRANDS = ("major_brand", "minor_version", "compatible_brands")
_NO_BRANDS = [part for name in _BRANDS for part in ("-metadata", f"{name}=")]
# What was measured of the sound before it is encoded anew: gain, and an encoder's own figures.
_MEASURES = [f"replaygain_{of}_{what}" for of in ("track", "album") for what in ("gain", "peak", "range")]
_MEASURES += ["replaygain_reference_loudness", "r128_track_gain", "r128_album_gain", "itunsmpb", "itunnorm", "encoder"]
_NO_MEASURES = [part for name in _MEASURES for at in ("", ":s:a:0") for part in (f"-metadata{at}", f"{name}=")]


def transcode(
    path: str,
    audio_format: str,
    *,
    headers: Probe | None = None,
    ffmpeg: str = "",
    timeout_seconds: float = tool.TOOL_TIMEOUT,
) -> tuple[str, str]:
    """Give ``path`` the codec, container and extension asked for; the new path and the codec that is in it.

    ``audio_format`` is "best" (the sound as delivered, never encoded again) or a key of `FORMATS` (encoded only
    where it is something else). ``headers``: what `probe` said of it, where it was asked already. The file stays in its
    folder; where it is rewritten, the old one is removed.
    DownloadError as `probe`, and tool_crashed or disk_full where ffmpeg cannot write.
    """
    original = headers or probe(path, ffmpeg=ffmpeg, timeout_seconds=timeout_seconds)
    codec, encode = _plan(original.codec, audio_format)
    extension, muxer, demuxer = CONTAINERS[codec]
    target = f"{os.path.splitext(path)[0]}.{extension}"
    if not encode and original.container == demuxer and not original.moving and not original.fragmented:
        os.rename(path, target)
        return target, codec
    if not muxer:
        raise DownloadError(
            "bad_file", f"{original.codec} in {original.container} cannot be kept as a file of its own."
        )
    _rewrite(path, target, muxer, encode or ["-c:a", "copy"], ffmpeg, timeout_seconds)
    return target, codec


def needed(audio_format: str) -> frozenset[str]:
    """The muxers and encoders that ffmpeg must have for this format, by `ffmpeg.writes`' names."""
    if audio_format == AS_DELIVERED:
        return _DELIVERED
    _, encode, made = FORMATS[audio_format]
    return frozenset({encode[1], CONTAINERS[made][1]})


def _plan(codec: str, audio_format: str) -> tuple[str, list[str]]:
    """The codec that the file will hold, and ffmpeg's arguments to encode it ([]: copy the sound as it is)."""
    if audio_format == AS_DELIVERED:
        if codec not in CONTAINERS:
            raise DownloadError("bad_file", f"{codec} is no kind of sound that a music folder can hold.")
        return codec, []
    already, encode, made = FORMATS[audio_format]
    return (codec, []) if codec in already else (made, encode)


def _rewrite(path: str, target: str, muxer: str, encode: list[str], ffmpeg: str, timeout: float) -> None:
    # An extension of its own: `target` may be the very file that is read (a fragmented m4a).
    draft = f"{os.path.splitext(path)[0]}.new"
    stale = [] if encode[-1] == "copy" else _NO_MEASURES
    arguments = ["-v", "error", "-y", *tool.input_arguments(path), "-map", "0:a:0", *_NO_BRANDS, *stale, *encode]
    result = tool.run_ffmpeg([*arguments, "-f", muxer, tool.file_argument(draft)], ffmpeg=ffmpeg, timeout=timeout)
    if result.code != 0:
        kind = "disk_full" if "No space left" in tool.messages(result) else "tool_crashed"
        raise DownloadError(kind, f"ffmpeg could not write the file: {tool.last_message(result, path)}")
    os.remove(path)
    os.rename(draft, target)
