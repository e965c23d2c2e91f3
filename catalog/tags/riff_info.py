"""The INFO list of a wav file, for programs that read no ID3 in it. RIFF: Microsoft and IBM, 1991, chapter 2."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

MAX_RIFF = 2**32 - 1  # bytes: a larger file has no 32-bit sizes to trust


def write_riff_info(path: str, texts: dict[str, str]) -> None:
    """Add an INFO list with these texts at the end of the file, in the stead of those that are there.

    A former list is cut off where it is the last chunk, else it becomes JUNK: no sound moves. A file that is no plain
    RIFF stays as it is.
    """
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        chunk = _info_chunk(texts)
        if not _is_plain(file, size) or size + len(chunk) > MAX_RIFF:
            return
        size = _without_lists(file, size)
        file.truncate(size)
        file.seek(size)
        file.write(b"\0" * (size % 2) + chunk)
        end = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", end - 8))


def _info_chunk(texts: dict[str, str]) -> bytes:
    fields = b""
    for name, text in texts.items():
        value = text.encode() + b"\0"
        fields += name.encode("ascii") + struct.pack("<I", len(value)) + value + b"\0" * (len(value) % 2)
    return b"LIST" + struct.pack("<I", len(fields) + 4) + b"INFO" + fields


def _is_plain(file: BinaryIO, size: int) -> bool:
    file.seek(0)
    head = file.read(12)
    return len(head) == 12 and head[:4] == b"RIFF" and head[8:] == b"WAVE" and _padded(_size_in(head)) + 8 >= size - 1


def _without_lists(file: BinaryIO, size: int) -> int:
    """Retire the INFO lists; where the file ends without the last of them."""
    position = 12
    while position + 12 <= size:
        file.seek(position)
        head = file.read(12)
        if head[:4] == b"LIST" and head[8:] == b"INFO":
            if position + 8 + _padded(_size_in(head)) >= size:
                return position
            file.seek(position)
            file.write(b"JUNK")
        position += 8 + _padded(_size_in(head))
    return size


def _size_in(head: bytes) -> int:
    size: int = struct.unpack("<I", head[4:8])[0]
    return size


def _padded(size: int) -> int:
    return size + size % 2
