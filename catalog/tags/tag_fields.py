"""Single fields of a file's tags: what they are to say, what they say, and changing some of them alone.

A field is one of `catalog.tags.audio_tags.TEXTS` or of ``NUMBERS``; its values are texts. ``TONEKEEP_ID`` is not among
them: it says which attempt fetched the file, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mutagen import id3
from mutagen.mp4 import MP4Tags
from mutagen.wave import WAVE

from catalog.tags.audio_tags import (
    ID3_OLD,
    RIFF,
    TEXTS,
    TagError,
    TrackTags,
    known_texts,
    number_of,
    opened,
    put_riff_info,
    raise_disk_error,
    reason_of,
    save,
    set_frame,
    set_text,
    valid_number,
)

Fields = dict[str, list[str]]

# field -> (ID3 frame and its part, MP4 atom and its part, Vorbis comment)
NUMBERS = {
    "track_number": (("TRCK", 0), ("trkn", 0), "TRACKNUMBER"),
    "track_total": (("TRCK", 1), ("trkn", 1), "TRACKTOTAL"),
    "disc_number": (("TPOS", 0), ("disk", 0), "DISCNUMBER"),
    "disc_total": (("TPOS", 1), ("disk", 1), "DISCTOTAL"),
}
FLAGS = {"compilation": ("TCMP", "cpil", "COMPILATION"), "explicit": ("TXXX:ITUNESADVISORY", "rtng", "ITUNESADVISORY")}


def fields_of(tags: TrackTags) -> Fields:
    """What the fields of a file with these tags say. What is not known is not among them."""
    fields = {field: values for field, values in known_texts(tags) if field != "track_key"}
    for field in NUMBERS:
        if number := valid_number(getattr(tags, field)):
            fields[field] = [str(number)]
    fields["compilation"] = [str(int(tags.compilation))]
    if tags.explicit is not None:
        fields["explicit"] = [str(int(tags.explicit))]
    return fields


def read_fields(path: str) -> Fields | None:
    """What the file's fields say, every field of ours; None where it is no audio with tags of a kind that we write.

    OSError for the disk.
    """
    audio = opened(path)
    if audio is None or audio.tags is None:
        return None
    try:
        return _read(audio.tags)
    except Exception as error:
        raise_disk_error(error)
        return None


def change_fields(path: str, fields: Mapping[str, list[str]]) -> None:
    """Write these fields and no other; an empty list takes a field out. In place: hand it a staged copy.

    Raises TagError, OSError.
    """
    audio = opened(path)
    if audio is None or audio.tags is None:
        raise TagError("The file has no tags that could be changed.")
    try:
        now = _read(audio.tags) | dict(fields)
        for field in fields:
            if field in TEXTS:
                set_text(audio.tags, field, list(fields[field]))
        _set_numbers(audio.tags, now, fields)
        version = getattr(audio.tags, "version", None)
        if isinstance(audio, WAVE):
            put_riff_info(path, {name: ", ".join(now[field]) for field, name in RIFF.items() if now[field]})
        save(audio, ID3_OLD if version == (2, ID3_OLD, 0) else 4)
    except Exception as error:
        raise_disk_error(error)
        raise TagError(f"The tags could not be written: {reason_of(error)}.") from error


# --- Reading ----------------------------------------------------------------------------------------------


def _read(tags: Any) -> Fields:
    fields = {field: _texts(tags, names) for field, names in TEXTS.items() if field != "track_key"}
    for field, (in_id3, in_mp4, in_vorbis) in NUMBERS.items():
        fields[field] = _number(tags, in_id3, in_mp4, in_vorbis)
    for field, names in FLAGS.items():
        fields[field] = _flag(tags, names)
    fields["compilation"] = fields["compilation"] or ["0"]
    return fields


def _texts(tags: Any, names: tuple[str, str, str]) -> list[str]:
    in_id3, in_mp4, in_vorbis = names
    if isinstance(tags, id3.ID3):
        return [str(text) for frame in tags.getall(in_id3) for text in frame.text]
    if isinstance(tags, MP4Tags):
        values = tags.get(in_mp4, [])
        return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
    return [str(value) for value in tags.get(in_vorbis, [])]


def _number(tags: Any, in_id3: tuple[str, int], in_mp4: tuple[str, int], in_vorbis: str) -> list[str]:
    if isinstance(tags, id3.ID3):
        parts = ("/".join(_texts(tags, (in_id3[0], "", "")))).split("/")
        return [parts[in_id3[1]]] if in_id3[1] < len(parts) and parts[in_id3[1]] else []
    if isinstance(tags, MP4Tags):
        pair = next(iter(tags.get(in_mp4[0], [])), (0, 0))
        return [str(pair[in_mp4[1]])] if pair[in_mp4[1]] else []
    return [str(value) for value in tags.get(in_vorbis, [])][:1]


def _flag(tags: Any, names: tuple[str, str, str]) -> list[str]:
    if isinstance(tags, MP4Tags):
        value = tags.get(names[1])
        known = value if isinstance(value, bool) else next(iter(value), None) if value else None
        return [] if known is None else [str(int(known))]
    return _texts(tags, names)[:1]


# --- Writing ----------------------------------------------------------------------------------------------


def _set_numbers(tags: Any, now: Fields, changed: Iterable[str]) -> None:
    """Numbers and flags. ID3 and MP4 keep a number and its total in one place: both are written where one changes."""
    changed = set(changed)
    for number, total in (("track_number", "track_total"), ("disc_number", "disc_total")):
        if changed & {number, total}:
            _set_pair(tags, number, _int(now[number]), _int(now[total]))
    for field in changed & FLAGS.keys():
        _set_flag(tags, FLAGS[field], now[field])


def _set_pair(tags: Any, field: str, number: int | None, total: int | None) -> None:
    (frame, _), (atom, _), comment = NUMBERS[field]
    if isinstance(tags, id3.ID3):
        text = number_of(number, total)
        set_frame(tags, frame, [text] if text else [])
    elif isinstance(tags, MP4Tags):
        tags[atom] = [(valid_number(number), valid_number(total))]
    else:
        tags[comment] = [str(number)] if number else []
        tags[NUMBERS[field.replace("number", "total")][2]] = [str(total)] if total else []


def _set_flag(tags: Any, names: tuple[str, str, str], values: list[str]) -> None:
    in_id3, in_mp4, in_vorbis = names
    if in_mp4 == "cpil" and values == ["0"]:
        values = []
    if isinstance(tags, id3.ID3):
        set_frame(tags, in_id3, values)
    elif isinstance(tags, MP4Tags):
        tags[in_mp4] = bool(values) if in_mp4 == "cpil" else [int(value) for value in values]
    else:
        tags[in_vorbis] = values


def _int(values: list[str]) -> int | None:
    return int(values[0]) if values and values[0].isascii() and values[0].isdigit() else None
