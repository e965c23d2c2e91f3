"""What a music file says about itself: writes the catalog's metadata into it, reads ids and names back.

With `tag_fields` the only importer of mutagen. The kind of a file is found in its content, never in its name.
`docs/tags.md` holds the table of fields for people; a test compares it with ``TEXTS``.
"""

from __future__ import annotations

import base64
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import mutagen
from mutagen import id3
from mutagen._vorbis import VComment
from mutagen.apev2 import TEXT as APE_TEXT
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4Cover, MP4FreeForm, MP4Tags
from mutagen.wave import WAVE

from catalog.music.records import SPOTIFY_ID, clean_isrc
from catalog.tags.picture_size import picture_size
from catalog.tags.riff_info import write_riff_info

# Our fields in ID3v2.4, MP4 and Vorbis comments: Picard's map, https://picard-docs.musicbrainz.org/en/appendices/
# tag_mapping.html, which Navidrome, Jellyfin, MPD and beets follow too.
TEXTS: dict[str, tuple[str, str, str]] = {
    "title": ("TIT2", "©nam", "TITLE"),
    "artist": ("TPE1", "©ART", "ARTIST"),  # one value for each artist: MPD and Navidrome list them one by one
    "artists": ("TXXX:ARTISTS", "----:com.apple.iTunes:ARTISTS", "ARTISTS"),  # beets, and where ©ART shows one only
    "album": ("TALB", "©alb", "ALBUM"),
    "album_artist": ("TPE2", "aART", "ALBUMARTIST"),
    "album_artists": ("TXXX:ALBUMARTISTS", "----:com.apple.iTunes:ALBUMARTISTS", "ALBUMARTISTS"),  # Navidrome, beets
    "date": ("TDRC", "©day", "DATE"),
    # Navidrome takes an album's date from here in ID3 and Vorbis comments, but from ©day in MP4: without it one album
    # in two containers was shown as two.
    "release_date": ("TDRL", "----:com.apple.iTunes:RELEASEDATE", "RELEASEDATE"),
    # Picard's names; beets and Navidrome read the same.
    "release_type": ("TXXX:MusicBrainz Album Type", "----:com.apple.iTunes:MusicBrainz Album Type", "RELEASETYPE"),
    "label": ("TPUB", "----:com.apple.iTunes:LABEL", "LABEL"),
    "copyright": ("TCOP", "cprt", "COPYRIGHT"),
    "isrc": ("TSRC", "----:com.apple.iTunes:ISRC", "ISRC"),
    "spotify_id": ("TXXX:SPOTIFY_TRACK_ID", "----:com.apple.iTunes:SPOTIFY_TRACK_ID", "SPOTIFY_TRACK_ID"),
    "track_key": ("TXXX:TONEKEEP_ID", "----:com.apple.iTunes:TONEKEEP_ID", "TONEKEEP_ID"),
}

# Where other programs put a track's Spotify id, bare or as an address, in this order of trust.
FOREIGN_IDS = (
    "spotify_track_id",  # ours; also what taggers with a {platform}_TRACK_ID scheme write
    "spotifytrackid",
    "spotify_id",
    "spotifyid",
    "spotify_uri",
    "spotify_url",
    "woas",  # spotDL: WOAS in mp3, ----:spotdl:WOAS in m4a, WOAS in opus, ogg and flac; an address
)
# Free text in which an address, never a bare id, counts.
FOREIGN_TEXTS = ("comment", "description", "purl", "url", "website", "source")

# field -> chunk of a wav's INFO list
RIFF = {"title": "INAM", "artist": "IART", "album": "IPRD", "date": "ICRD", "track_number": "ITRK", "copyright": "ICOP"}

# What ffmpeg carries along from an MP4 into other containers: figures of an encoder that this file has not seen.
OF_MP4 = ("itunsmpb", "major_brand", "minor_version", "compatible_brands")

_TRACK_ADDRESS = re.compile(
    r"(?:spotify:track:|open\.spotify\.com/(?:intl-[a-zA-Z-]+/)?(?:embed/)?track/)([0-9A-Za-z]{22})(?![0-9A-Za-z])"
)
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?\Z")

# Magic bytes -> media type. https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
_PICTURES = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
# MP4 has no number for WebP; readers would take it for a broken JPEG, so it is left out there.
_MP4_PICTURES = {"image/jpeg": MP4Cover.FORMAT_JPEG, "image/png": MP4Cover.FORMAT_PNG}

_ID3_NAMES = {"TIT2": "title", "TPE1": "artist", "TALB": "album", "TSRC": "isrc", "COMM": "comment", "WOAS": "woas"}
_MP4_NAMES = {"©nam": "title", "©ART": "artist", "©alb": "album", "©cmt": "comment", "xid ": "isrc", "purl": "url"}

_CODECS = {"MP3": "mp3", "OggOpus": "opus", "OggVorbis": "vorbis", "FLAC": "flac", "OggFLAC": "flac", "WAVE": "pcm"}

# What is taken of a file's texts. Longer ones are no names, and cost whoever compares them.
MAX_TEXT = 1000  # characters
ID3_OLD = 3
MAX_PICTURE = 5_000_000  # bytes
MAX_VALUES = 100  # values of one field

# Errors that say "no such file", and the seeks that garbage asks for.
_OF_THE_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EOVERFLOW)


class TagError(Exception):
    """The file cannot carry tags; the text is one sentence without its path."""


@dataclass(frozen=True, slots=True)
class TrackTags:
    """What the catalog knows of a track; "" and None are unknown and leave the file's own value alone.

    ``date`` is "YYYY", "YYYY-MM" or "YYYY-MM-DD". ``track_key`` is our own id of the row, any text. ``artist_text`` is
    what stands in ARTIST instead of one value for each artist.
    """

    title: str
    artists: tuple[str, ...]
    album: str = ""
    album_artist: str = ""
    track_number: int | None = None
    track_total: int | None = None
    disc_number: int | None = None
    disc_total: int | None = None
    date: str = ""
    isrc: str = ""
    spotify_id: str = ""
    compilation: bool = False
    track_key: str = ""
    album_artists: tuple[str, ...] = ()
    explicit: bool | None = None
    artist_text: str = ""
    release_type: tuple[str, ...] = ()
    label: str = ""
    copyright: str = ""


@dataclass(frozen=True, slots=True)
class FileTags:
    """What a file says. ``duration_ms`` is its header's claim (half an mp3 still claims its whole length).

    ``codec`` is mp3, aac, alac, opus, vorbis, flac, pcm, or the container's name in lower case; ``bitrate`` is
    in bits per second, 0 where unknown. ``spotify_ids`` are valid and without repetition, the most trusted first.
    """

    spotify_ids: tuple[str, ...]
    isrc: str
    track_key: str
    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int | None
    codec: str
    bitrate: int


def write_tags(path: str, tags: TrackTags, cover: bytes | None, id3_version: int = 4) -> None:
    """Write ``tags`` and ``cover`` (JPEG, PNG or WebP by its content; anything else is left out) into the file.

    mp3 and wav (ID3v2.4; an mp3 with ``id3_version`` 3 gets ID3v2.3 and v1, for old players), m4a and mp4, opus, ogg
    vorbis and flac. Other fields stay as they are, save ids and ISRC of somebody else. Works in place: hand it a staged
    file. Raises `TagError` where the file is no such audio, and OSError where the disk is at fault (full, read-only),
    so that nobody blames the file for it.
    """
    audio = opened(path)
    if audio is None:
        raise TagError("This is no audio file that can carry tags (mp3, m4a, opus, ogg, flac or wav).")
    try:
        if audio.tags is None:
            audio.add_tags()
        _fill(audio, tags, cover)
        if isinstance(audio, WAVE):
            put_riff_info(path, _riff_texts(tags))
        save(audio, id3_version)
    except Exception as error:
        raise_disk_error(error)
        raise TagError(f"The tags could not be written: {reason_of(error)}.") from error


def put_riff_info(path: str, texts: dict[str, str]) -> None:
    """Write the INFO list before the ID3 that is saved next: exiftool and mediainfo show what comes last."""
    WAVE(path).delete()
    write_riff_info(path, texts)


def save(audio: Any, id3_version: int) -> None:
    """Write the tags. ID3v2.3 knows one value in a field by its rules; ours are parted by NUL, as in v2.4."""
    if isinstance(audio, MP3) and id3_version == ID3_OLD:
        audio.tags.update_to_v23()
        audio.save(v1=2, v2_version=3, v23_sep=None)
    else:
        audio.save()


def read_tags(path: str) -> FileTags | None:
    """What the file at ``path`` says, or None where it is not there, is no regular file or no audio.

    Garbage gives None too, whatever it makes the parser do. An OSError that says nothing about the file (EIO,
    EACCES, ESTALE) is raised: unknown is not absent.
    """
    audio = opened(path)
    if audio is None:
        return None
    try:
        return _file_tags_of(audio)
    except Exception as error:
        raise_disk_error(error)
        return None


def picture_type(data: bytes) -> str:
    """The media type of a picture by its first bytes: image/jpeg, image/png, image/webp, or ""."""
    return next((kind for pattern, kind in _PICTURES if pattern.match(data)), "")


def opened(path: str) -> Any | None:
    """The file as mutagen sees it, or None. A FIFO in the folder must not hang us, so only regular files."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        audio = mutagen.File(path)
    except Exception as error:
        raise_disk_error(error)
        return None
    return audio if audio is not None and hasattr(audio.info, "length") else None


def raise_disk_error(error: Exception) -> None:
    """Raise the OSError that ``error`` is or carries, unless it speaks of the file and not of the disk."""
    cause = error.args[0] if isinstance(error, mutagen.MutagenError) and error.args else error
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno not in _OF_THE_FILE:
        raise cause


def reason_of(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


# --- writing


def _fill(audio: Any, tags: TrackTags, cover: bytes | None) -> None:
    if isinstance(audio.tags, id3.ID3):
        _fill_id3(audio.tags, tags, cover)
    elif isinstance(audio.tags, MP4Tags):
        _fill_mp4(audio.tags, tags, cover)
    elif isinstance(audio.tags, VComment):
        _fill_vorbis(audio, tags, cover)
    else:
        raise TagError(f"a {type(audio).__name__} file has tags of a kind that we do not write")


def known_texts(tags: TrackTags) -> Iterator[tuple[str, list[str]]]:
    """(field of ``TEXTS``, values) of every text that is known."""
    values = {
        "title": [tags.title],
        "artist": [tags.artist_text] if tags.artist_text else list(tags.artists),
        "artists": list(tags.artists),
        "album": [tags.album],
        "album_artist": [tags.album_artist],
        "album_artists": list(tags.album_artists),
        "date": [tags.date] if _DATE.match(tags.date) else [],
        "release_date": [tags.date] if _DATE.match(tags.date) else [],
        "release_type": list(tags.release_type),
        "label": [tags.label],
        "copyright": [tags.copyright],
        "isrc": [clean_isrc(tags.isrc)],
        "spotify_id": [tags.spotify_id] if SPOTIFY_ID.match(tags.spotify_id) else [],
        "track_key": [tags.track_key],
    }
    for field in TEXTS:
        known = [text for text in map(_clean, values[field]) if text]
        if known:
            yield field, known


def _clean(text: str) -> str:
    """``text`` on one line, without NUL, which separates values in ID3, and lone surrogates, which UTF-8 refuses."""
    return " ".join(text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").split())


def _identifies(texts: Iterable[tuple[str, str]]) -> bool:
    """Whether a field says which recording this is. Such fields of the source are taken out before ours are
    written: an id that nobody checked would later be believed."""
    return any(
        name in FOREIGN_IDS
        or name in ("isrc", "tonekeep_id")
        or (name in FOREIGN_TEXTS and _TRACK_ADDRESS.search(text))
        for name, text in texts
    )


def valid_number(value: int | None) -> int:
    return value if value is not None and 0 < value <= 0xFFFF else 0  # MP4 has 16 bits; 0 is unknown there


def set_text(tags: Any, field: str, values: list[str]) -> None:
    """Write the values of one field of ``TEXTS``; none: take the field out."""
    in_id3, in_mp4, in_vorbis = TEXTS[field]
    if isinstance(tags, id3.ID3):
        set_frame(tags, in_id3, values)
    elif isinstance(tags, MP4Tags) and not values:
        tags.pop(in_mp4, None)
    elif isinstance(tags, MP4Tags):
        tags[in_mp4] = [MP4FreeForm(text.encode()) for text in values] if in_mp4.startswith("----") else values
    else:
        tags[in_vorbis] = values


def set_frame(frames: Any, name: str, values: list[str]) -> None:
    """Write a text frame of ID3 ("TIT2", "TXXX:NAME"); no values: take it out."""
    frame, _, description = name.partition(":")
    details = {"desc": description} if description else {}
    made = getattr(id3, frame)(encoding=id3.Encoding.UTF8, text=values, **details)
    frames.setall(name, [made] if values else [])


def _fill_id3(frames: Any, tags: TrackTags, cover: bytes | None) -> None:
    for key in [key for key, frame in frames.items() if _identifies(_texts_of_id3({key: frame}))]:
        del frames[key]
    for key in [key for key in frames if key.lower().startswith(tuple(f"txxx:{name}" for name in OF_MP4))]:
        del frames[key]
    for field, values in known_texts(tags):
        set_text(frames, field, values)
    for name, text in (
        ("TRCK", number_of(tags.track_number, tags.track_total)),
        ("TPOS", number_of(tags.disc_number, tags.disc_total)),
        ("TCMP", "1" if tags.compilation else ""),  # iTunes' own frame, read by all five
    ):
        if text or name == "TCMP":
            set_frame(frames, name, [text] if text else [])
    if tags.explicit is not None:
        set_frame(frames, "TXXX:ITUNESADVISORY", [_advisory(tags)])
    if kind := picture_type(cover or b""):
        front = id3.PictureType.COVER_FRONT
        picture = id3.APIC(encoding=id3.Encoding.UTF8, mime=kind, type=front, desc="", data=cover)
        frames.setall("APIC", [picture])


def _advisory(tags: TrackTags) -> str:
    """Apple's "1" for explicit, "0" for nothing to say; Navidrome reads the same in all containers."""
    return "1" if tags.explicit else "0"


def _riff_texts(tags: TrackTags) -> dict[str, str]:
    """The few fields that RIFF has, for programs that read no ID3 in a wav (Explorer, Quod Libet)."""
    values = {
        "title": tags.title,
        "artist": tags.artist_text or ", ".join(tags.artists),
        "album": tags.album,
        "date": tags.date,
        "track_number": number_of(tags.track_number, None),
        "copyright": tags.copyright,
    }
    return {RIFF[field]: text for field, text in ((field, _clean(text)) for field, text in values.items()) if text}


def number_of(number: int | None, total: int | None) -> str:
    """ID3's "3/12", "3", or ""."""
    if not valid_number(number):
        return ""
    return f"{number}/{total}" if valid_number(total) else str(number)


def _fill_mp4(atoms: Any, tags: TrackTags, cover: bytes | None) -> None:
    for key in [key for key, values in atoms.items() if _identifies(_texts_of_mp4({key: values}))]:
        del atoms[key]
    for field, values in known_texts(tags):
        set_text(atoms, field, values)
    for name, number, total in (
        ("trkn", tags.track_number, tags.track_total),
        ("disk", tags.disc_number, tags.disc_total),
    ):
        if valid_number(number):
            atoms[name] = [(valid_number(number), valid_number(total))]
    atoms["cpil"] = tags.compilation
    if tags.explicit is not None:
        atoms["rtng"] = [int(_advisory(tags))]
    kind = _MP4_PICTURES.get(picture_type(cover or b""))
    if kind is not None:
        atoms["covr"] = [MP4Cover(cover, imageformat=kind)]


def _fill_vorbis(audio: Any, tags: TrackTags, cover: bytes | None) -> None:
    comments = audio.tags
    comments[:] = [
        (name, value)
        for name, value in comments
        if name.lower() not in OF_MP4 and not _identifies([(name.lower(), value)])
    ]
    for field, values in known_texts(tags):
        set_text(comments, field, values)
    for name, number in (
        ("TRACKNUMBER", tags.track_number),
        ("TRACKTOTAL", tags.track_total),
        ("DISCNUMBER", tags.disc_number),
        ("DISCTOTAL", tags.disc_total),
    ):
        if valid_number(number):
            comments[name] = str(number)
    comments["COMPILATION"] = ["1"] if tags.compilation else []
    if tags.explicit is not None:
        comments["ITUNESADVISORY"] = [_advisory(tags)]
    if kind := picture_type(cover or b""):
        _set_vorbis_cover(audio, cover or b"", kind)


def _set_vorbis_cover(audio: Any, cover: bytes, kind: str) -> None:
    picture = Picture()
    picture.type, picture.mime, picture.data = id3.PictureType.COVER_FRONT, kind, cover
    picture.width, picture.height, picture.depth = picture_size(cover)
    if isinstance(audio, FLAC):
        audio.clear_pictures()
        audio.add_picture(picture)
    else:
        # https://wiki.xiph.org/VorbisComment#METADATA_BLOCK_PICTURE
        audio.tags["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture.write()).decode("ascii")


# --- reading


def read_picture(path: str) -> bytes | None:
    """The picture in the file at ``path``, the front cover before others; None where it has none that is JPEG, PNG or
    WebP of at most `MAX_PICTURE` bytes. OSError for the disk."""
    audio = opened(path)
    if audio is None:
        return None
    try:
        pictures = [(kind, data) for kind, data in _pictures(audio) if len(data) <= MAX_PICTURE and picture_type(data)]
    except Exception as error:
        raise_disk_error(error)
        return None
    return min(pictures, key=lambda picture: picture[0] != id3.PictureType.COVER_FRONT, default=(0, None))[1]


def _pictures(audio: Any) -> Iterator[tuple[int, bytes]]:
    """(kind as ID3 numbers them, content) of each picture."""
    if isinstance(audio.tags, id3.ID3):
        yield from ((int(frame.type), bytes(frame.data)) for frame in audio.tags.getall("APIC"))
    elif isinstance(audio.tags, MP4Tags):
        yield from ((int(id3.PictureType.COVER_FRONT), bytes(data)) for data in audio.tags.get("covr", []))
    elif isinstance(audio, FLAC):
        yield from ((int(picture.type), bytes(picture.data)) for picture in audio.pictures)
    elif isinstance(audio.tags, VComment):
        for text in dict(audio.tags.as_dict()).get("metadata_block_picture", []):
            picture = Picture(base64.b64decode(text))
            yield int(picture.type), bytes(picture.data)


def _file_tags_of(audio: Any) -> FileTags:
    length = getattr(audio.info, "length", None)
    milliseconds = round(length * 1000) if length and 0 < length < 1e7 else None
    return file_tags(_texts_of(audio.tags), milliseconds, _codec(audio), int(getattr(audio.info, "bitrate", 0) or 0))


def file_tags(texts: Iterable[tuple[str, str]], duration_ms: int | None, codec: str, bitrate: int) -> FileTags:
    """What (name in lower case, value) pairs of a file's texts say, in the words of Vorbis comments."""
    fields: dict[str, list[str]] = {}
    for name, text in texts:
        values = fields.setdefault(name, [])
        if len(values) < MAX_VALUES:
            values.append(text[:MAX_TEXT])
    return FileTags(
        spotify_ids=tuple(dict.fromkeys(_spotify_ids(fields))),
        isrc=next(filter(None, (clean_isrc(text.rpartition(":")[2]) for text in fields.get("isrc", ()))), ""),
        track_key=next(iter(fields.get("tonekeep_id", ())), ""),
        title=next(iter(fields.get("title", ())), ""),
        artists=tuple(fields.get("artists") or fields.get("artist") or ()),
        album=next(iter(fields.get("album", ())), ""),
        duration_ms=duration_ms,
        codec=codec,
        bitrate=bitrate,
    )


def _spotify_ids(fields: dict[str, list[str]]) -> Iterator[str]:
    for name in FOREIGN_IDS:
        for text in fields.get(name, ()):
            if SPOTIFY_ID.match(text.strip()):
                yield text.strip()
            yield from _TRACK_ADDRESS.findall(text)
    for name in FOREIGN_TEXTS:
        for text in fields.get(name, ()):
            yield from _TRACK_ADDRESS.findall(text)


def _texts_of(tags: Any) -> Iterable[tuple[str, str]]:
    """(name, value) of every text, names in lower case and one for all formats."""
    if isinstance(tags, id3.ID3):
        return _texts_of_id3(tags)
    if isinstance(tags, MP4Tags):
        return _texts_of_mp4(tags)
    if isinstance(tags, VComment):
        return ((name.lower(), value) for name, value in tags)
    if isinstance(tags, APEv2):
        return ((name.lower(), text) for name, value in tags.items() if value.kind == APE_TEXT for text in value)
    return ()


def _texts_of_id3(frames: Any) -> Iterator[tuple[str, str]]:
    for frame in frames.values():
        if isinstance(frame, id3.UrlFrame):
            yield _ID3_NAMES.get(frame.FrameID, "url"), frame.url
        elif isinstance(frame, id3.TXXX | id3.COMM | id3.TextFrame):
            name = frame.desc.lower() if isinstance(frame, id3.TXXX) else _ID3_NAMES.get(frame.FrameID, "")
            for text in frame.text if name else ():
                yield name, str(text)


def _texts_of_mp4(atoms: Any) -> Iterator[tuple[str, str]]:
    for key, values in atoms.items():
        name = key.rpartition(":")[2].lower() if key.startswith("----") else _MP4_NAMES.get(key, "")
        for value in values if name and isinstance(values, list) else ():
            yield name, value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _codec(audio: Any) -> str:
    kind = type(audio).__name__
    if kind != "MP4":
        return _CODECS.get(kind, kind.lower())
    codec: str = audio.info.codec
    return "aac" if codec.startswith("mp4a.40") else codec.lower()
