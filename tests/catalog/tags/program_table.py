"""What real programs show of our tags: field x container x program. `python -m tests.catalog.tags.program_table` prints
the part of docs/tag_programs.md that the test compares."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mediafile

from catalog.tags.audio_tags import TrackTags, write_tags
from tests.audio import make_audio, make_picture

KINDS = (".mp3", ".m4a", ".opus", ".ogg", ".flac", ".wav")
TAGS = TrackTags(
    title="Déjà vu — 既視感", artists=("Alpha Band", "Beta, The Singer", "Gamma & Delta"),
    artist_text="Alpha Band, Beta, The Singer & Gamma & Delta", album="B’Day", album_artist="Alpha Band",
    album_artists=("Alpha Band",), track_number=3, track_total=12, disc_number=1, disc_total=2, date="2006-09-01",
    isrc="USSM10603618", compilation=True, release_type=("album",), label="Parkwood", copyright="2006 Sony",
    explicit=True, spotify_id="4LRPiXqCikLlN15c3yImP7", track_key="1:a",
)  # fmt: skip
EXPECTED = {
    "title": TAGS.title, "artist": TAGS.artist_text, "album": TAGS.album, "album artist": TAGS.album_artist,
    "track": "3", "tracks": "12", "disc": "1", "discs": "2", "date": TAGS.date, "ISRC": TAGS.isrc,
    "compilation": "1", "label": TAGS.label, "copyright": TAGS.copyright, "cover": "yes",
}  # fmt: skip
Shown = dict[str, str | None]


def run_json(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    data = json.loads(done.stdout)
    found: dict[str, Any] = data[0] if isinstance(data, list) else data
    return found


def parts(text: str | None) -> tuple[str | None, str | None]:
    """ "3/12", "3 of 12" or "3"."""
    number, _, total = (text or "").replace(" of ", "/").partition("/")
    return number.lstrip("0") or None, total.lstrip("0") or None


def first(said: dict[str, Any], *names: str) -> str | None:
    return next((str(said[name]) for name in names if said.get(name) not in (None, "", [])), None)


def ffprobe(path: str) -> Shown:
    data = run_json("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path)
    said: dict[str, str] = {}
    for part in (*data["streams"], data["format"]):
        said |= {name.lower(): value for name, value in part.get("tags", {}).items()}
    track, tracks = parts(said.get("track"))
    disc, discs = parts(said.get("disc"))
    return {
        "title": said.get("title"), "artist": said.get("artist"), "album": said.get("album"),
        "album artist": said.get("album_artist"), "track": track, "tracks": tracks or said.get("tracktotal"),
        "disc": disc, "discs": discs or said.get("disctotal"), "date": said.get("date"),
        "ISRC": first(said, "isrc", "tsrc"), "compilation": said.get("compilation"),
        "label": first(said, "label", "publisher"), "copyright": said.get("copyright"),
        "cover": "yes" if any(stream["codec_type"] == "video" for stream in data["streams"]) else None,
    }  # fmt: skip


def exiftool(path: str) -> Shown:
    said = run_json("exiftool", "-j", "-charset", "utf8", path)
    track, tracks = parts(first(said, "Track", "TrackNumber"))
    disc, discs = parts(first(said, "PartOfSet", "DiskNumber", "Discnumber", "DiscNumber"))
    date = first(said, "RecordingTime", "ContentCreateDate", "Date")
    compilation = first(said, "Compilation")
    return {
        "title": first(said, "Title"), "artist": first(said, "Artist"), "album": first(said, "Album"),
        "album artist": first(said, "Band", "AlbumArtist", "Albumartist"), "track": track,
        "tracks": tracks or first(said, "TrackTotal", "Tracktotal"), "disc": disc,
        "discs": discs or first(said, "DiscTotal", "Disctotal"), "date": date and date.replace(":", "-"),
        "ISRC": first(said, "ISRC", "Isrc"), "compilation": {"Yes": "1"}.get(compilation or "", compilation),
        "label": first(said, "Publisher", "Label", "LABEL"), "copyright": first(said, "Copyright"),
        "cover": "yes" if first(said, "Picture", "CoverArt", "PictureMIMEType") else None,
    }  # fmt: skip


def mediainfo(path: str) -> Shown:
    said = run_json("mediainfo", "--Output=JSON", path)["media"]["track"][0]
    extra = said.get("extra", {})
    return {
        "title": first(said, "Title", "Track"), "artist": first(said, "Performer"), "album": first(said, "Album"),
        "album artist": first(said, "Album_Performer"), "track": first(said, "Track_Position"),
        "tracks": first(said, "Track_Position_Total"), "disc": first(said, "Part_Position", "Part"),
        "discs": first(said, "Part_Position_Total"), "date": first(said, "Recorded_Date"),
        "ISRC": first(said | extra, "ISRC"),
        "compilation": {"Yes": "1"}.get(first(said | extra, "Compilation") or "", first(said | extra, "Compilation")),
        "label": first(said | extra, "Publisher", "Label", "LABEL"), "copyright": first(said, "Copyright"),
        "cover": "yes" if first(said, "Cover") else None,
    }  # fmt: skip


def beets(path: str) -> Shown:
    read = mediafile.MediaFile(path)
    return {
        "title": read.title, "artist": read.artist, "album": read.album, "album artist": read.albumartist,
        "track": str(read.track), "tracks": str(read.tracktotal), "disc": str(read.disc), "discs": str(read.disctotal),
        "date": str(read.date), "ISRC": read.isrc, "compilation": str(int(read.comp)), "label": read.label,
        "copyright": read.copyright, "cover": "yes" if read.art else None,
    }  # fmt: skip


PROGRAMS: dict[str, tuple[str, Callable[[str], Shown]]] = {
    "ffprobe": ("ffprobe", ffprobe),
    "exiftool": ("exiftool", exiftool),
    "mediainfo": ("mediainfo", mediainfo),
    "beets (mediafile)": ("", beets),
}


def is_here(name: str) -> bool:
    program = PROGRAMS[name][0]
    return not program or shutil.which(program) is not None


def rows_of(name: str, folder: Path) -> list[str]:
    """The lines of one program: a field each, "ok", "–" (not shown) or "other"."""
    shown = {}
    cover = make_picture(folder / "cover.jpg")
    for kind in KINDS:
        path = make_audio(folder / f"song{kind}", 1)
        write_tags(path, TAGS, cover)
        shown[kind] = PROGRAMS[name][1](path)
    lines = []
    for field, expected in EXPECTED.items():
        cells = [shown[kind].get(field) for kind in KINDS]
        words = ["ok" if cell == expected else "–" if cell in (None, "None") else "other" for cell in cells]
        lines.append(f"| {name} | {field} | {' | '.join(words)} |")
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(is_here, PROGRAMS):
            print("\n".join(rows_of(name, Path(folder))))


if __name__ == "__main__":
    main()
