"""Which of two files of one recording is the better one, by codec and bit rate. Pure."""

from __future__ import annotations

# As `catalog.tags.audio_tags.FileTags.codec` names them, and ffmpeg.
LOSSLESS = {"flac", "alac", "pcm", "aiff", "wavpack", "monkeysaudio", "ape", "dsf", "dsdiff", "trueaudio", "tak"}
# What a bit of each codec is worth beside one of an mp3: public listening tests at 96 and 128 kbit/s put opus at
# 96 beside AAC at 128 and mp3 at some 150.
WORTH = {"opus": 1.5, "aac": 1.25, "vorbis": 1.25}
CLEARLY = 1.25  # below it nobody hears which is which
HIGH_RESOLUTION = 1.5  # the same lossless codec with so many more bits has more of the sound


def is_lossless(codec: str) -> bool:
    """Whether the codec keeps all of the sound that it was given."""
    return codec in LOSSLESS or codec.startswith("pcm_")


def is_better(codec: str, bit_rate: int, than_codec: str, than_bit_rate: int) -> bool:
    """Whether sound of ``codec`` at ``bit_rate`` is clearly better. An unknown rate (0) is better than none."""
    lossless, was_lossless = is_lossless(codec), is_lossless(than_codec)
    if lossless != was_lossless:
        return lossless
    if not bit_rate or not than_bit_rate:
        return False
    if lossless:
        return codec == than_codec and bit_rate >= HIGH_RESOLUTION * than_bit_rate
    return bit_rate * WORTH.get(codec, 1) >= CLEARLY * than_bit_rate * WORTH.get(than_codec, 1)
