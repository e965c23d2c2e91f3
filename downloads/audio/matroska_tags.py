"""What a Matroska file (mka, webm) says in its tags, by ffmpeg: mutagen does not read that container."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.tags.audio_tags import FileTags, file_tags
from downloads.audio import ffmpeg, probe
from downloads.failures.kinds import DownloadError

# Of the file, and of its sound alone: ffmpeg writes the tags of an ogg there when it makes a webm of it.
_LEVELS = ("0", "0:s:a:0")


def read_tags(path: str) -> FileTags | None:
    """The file's tags; None where it is no audio or ffmpeg cannot read it."""
    texts: list[tuple[str, str]] = []
    try:
        streams = probe.probe(path)
        for level in _LEVELS:
            arguments = [*ffmpeg.input_arguments(path), "-map_chapters", "-1", "-map_metadata", level]
            result = ffmpeg.run_ffmpeg([*arguments, "-f", "ffmetadata", "pipe:1"])
            texts += _pairs(result.stdout.decode("utf-8", "replace"))
    except DownloadError:
        return None
    return file_tags(texts, streams.claimed_ms, streams.codec, streams.bit_rate or 0)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """https://ffmpeg.org/ffmpeg-formats.html#Metadata-2: name=value, a backslash before what would end either."""
    name, current, escaped = "", "", False
    for character in text + "\n":
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            escaped = True
        elif character == "=" and not name:
            name, current = current, ""
        elif character == "\n":
            if name:
                yield name.strip().lower(), current
            name, current = "", ""
        else:
            current += character
