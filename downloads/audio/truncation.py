"""Whether a file goes on to where its container says that it ends. Pure: it reads bytes and asks no tool.

A decoder plays what is there and is content: half an ogg, wav or aiff decodes without an error, and ffmpeg tells the
half's own length of it. What a cut leaves is a last ogg page that is not marked as one (RFC 3533, section 6), or a
chunk that is shorter than its own head says (RIFF, EA IFF 85). Other containers say their length in their head, and
ffmpeg reads it there; a raw mp3 or aac stream says nothing at all, and its half cannot be told from a whole.
"""

from __future__ import annotations

import os

OGG_PAGE = 27 + 255 + 255 * 255  # bytes of the largest page: head, table, segments
LAST_PAGE = 0x04  # header_type_flag: end of stream
UNKNOWN = {0, 0xFFFFFFFF}  # what a writer that could not go back leaves for a size


def is_cut(path: str) -> bool:
    """Whether the file at ``path`` ends too early for its container; False where its container does not tell."""
    with open(path, "rb") as file:
        head = file.read(8)
        size = file.seek(0, os.SEEK_END)
        if head[:4] == b"OggS":
            file.seek(max(0, size - OGG_PAGE))
            return not _ends_as_ogg(file.read())
    if head[:4] not in (b"RIFF", b"FORM"):
        return False
    told = int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big")
    return told not in UNKNOWN and size < told  # some writers count the eight bytes of the head, too


def _ends_as_ogg(tail: bytes) -> bool:
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    table = tail[at + 27 : at + 27 + tail[at + 26]]
    whole = len(table) == tail[at + 26] and len(tail) >= at + 27 + len(table) + sum(table)
    return whole and bool(tail[at + 5] & LAST_PAGE)
