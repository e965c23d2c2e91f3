"""Width, height and depth of a picture from its first bytes: JPEG (ITU T.81 B.2.2), PNG (RFC 2083 11.2.2). Pure."""

from __future__ import annotations

import struct

UNKNOWN = (0, 0, 0)  # as FLAC's picture block says it
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG's colour types
# Start of frame markers carry the size; C4, C8 and CC in their midst do not.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def picture_size(data: bytes) -> tuple[int, int, int]:
    """(width in pixels, height in pixels, bits per pixel); `UNKNOWN` for other kinds and damaged pictures."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
            return width, height, depth * _CHANNELS.get(colour, 0)
        return _jpeg_size(data) if data.startswith(b"\xff\xd8") else UNKNOWN
    except (struct.error, IndexError):
        return UNKNOWN


def _jpeg_size(data: bytes) -> tuple[int, int, int]:
    position = 2
    while position < len(data):
        if data[position] != 0xFF:
            return UNKNOWN
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        if marker in _FRAMES:
            depth, height, width, channels = struct.unpack(">BHHB", data[position + 4 : position + 10])
            return width, height, depth * channels
        position += 2 + length
    return UNKNOWN
