"""Real programs that read tags, each asked in its own way what it shows of some files.

A reader takes files by their ending and answers with fields by the same endings. A field that a program does not have
is in no answer of it; a container that it does not read has no answer.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mediafile

Shown = dict[str, str | None]
Files = dict[str, str]
Reader = Callable[[Files], dict[str, Shown]]
DEBIAN_PYTHON = "/usr/bin/python3"  # has the packages of Debian, which ours has not


@dataclass(frozen=True)
class Program:
    """``needs``: a command, or a module of Debian's Python, that must be installed; "" where our packages have it."""

    needs: str
    read: Reader

    def is_here(self) -> bool:
        return not self.needs or shutil.which(self.needs) is not None or _has_module(self.needs)


@cache
def _has_module(name: str) -> bool:
    found = shutil.which(DEBIAN_PYTHON) and subprocess.run([DEBIAN_PYTHON, "-c", f"import {name}"], capture_output=True)
    return bool(found) and found.returncode == 0


def one_by_one(read: Callable[[str], Shown], *kinds: str) -> Reader:
    """A reader that is asked for each file alone, of these kinds or of all."""
    return lambda files: {kind: read(path) for kind, path in files.items() if not kinds or kind in kinds}


def run(*command: str, **more: Any) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, **more).stdout


def run_json(*command: str) -> dict[str, Any]:
    data = json.loads(run(*command))
    found: dict[str, Any] = data[0] if isinstance(data, list) else data
    return found


def parts(text: str | None) -> tuple[str | None, str | None]:
    """ "3/12", "3 of 12" or "3"."""
    number, _, total = (text or "").replace(" of ", "/").partition("/")
    return number.lstrip("0") or None, total.lstrip("0") or None


def first(found: dict[str, Any], *names: str) -> str | None:
    return next((str(found[name]) for name in names if found.get(name) not in (None, "", [])), None)


def joined(values: list[str] | None) -> str | None:
    """Several values of one field, as the table compares them."""
    return "|".join(values) if values else None


def ffprobe(path: str) -> Shown:
    data = run_json("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path)
    found: dict[str, str] = {}
    for part in (*data["streams"], data["format"]):
        found |= {name.lower(): value for name, value in part.get("tags", {}).items()}
    track, tracks = parts(found.get("track"))
    disc, discs = parts(found.get("disc"))
    return {
        "title": found.get("title"), "artist": found.get("artist"), "album": found.get("album"),
        "artists": joined(found.get("artists", "").split(";")) or None,
        "album artist": found.get("album_artist"), "album artists": joined(found.get("albumartists", "").split(";")),
        "track": track, "tracks": tracks or found.get("tracktotal"),
        "disc": disc, "discs": discs or found.get("disctotal"), "date": found.get("date"),
        "release date": first(found, "releasedate", "tdrl"),
        "release type": first(found, "releasetype", "musicbrainz album type"),
        "ISRC": first(found, "isrc", "tsrc"), "compilation": found.get("compilation"),
        "explicit": first(found, "itunesadvisory", "rating"),
        "label": first(found, "label", "publisher"), "copyright": found.get("copyright"),
        "cover": "yes" if any(stream["codec_type"] == "video" for stream in data["streams"]) else None,
    }  # fmt: skip


def exiftool(path: str) -> Shown:
    found = run_json("exiftool", "-j", "-charset", "utf8", path)
    track, tracks = parts(first(found, "Track", "TrackNumber"))
    disc, discs = parts(first(found, "PartOfSet", "DiskNumber", "Discnumber", "DiscNumber"))
    date = first(found, "RecordingTime", "ContentCreateDate", "Date")
    released = first(found, "ReleaseTime", "RELEASEDATE", "Releasedate")
    yes = {"Yes": "1", "Explicit": "1"}
    return {
        "title": first(found, "Title"), "artist": first(found, "Artist"), "album": first(found, "Album"),
        "album artist": first(found, "Band", "AlbumArtist", "Albumartist"), "track": track,
        "tracks": tracks or first(found, "TrackTotal", "Tracktotal"), "disc": disc,
        "discs": discs or first(found, "DiscTotal", "Disctotal"), "date": date and date.replace(":", "-"),
        "release date": released and released.replace(":", "-"),
        "ISRC": first(found, "ISRC", "ISRCNumber"),
        "compilation": yes.get(first(found, "Compilation") or "", first(found, "Compilation")),
        "label": first(found, "Publisher", "Label", "LABEL"), "copyright": first(found, "Copyright"),
        "cover": "yes" if first(found, "Picture", "CoverArt", "PictureMIMEType") else None,
    }  # fmt: skip


def mediainfo(path: str) -> Shown:
    found = run_json("mediainfo", "--Output=JSON", path)["media"]["track"][0]
    found |= found.get("extra", {})
    yes = {"Yes": "1", "Explicit": "1"}
    compilation = first(found, "Compilation", "COMPILATION")
    explicit = first(found, "ITUNESADVISORY", "Rating")
    return {
        "title": first(found, "Track", "Title"), "artist": first(found, "Performer"), "album": first(found, "Album"),
        "artists": joined((first(found, "ARTISTS") or "").split(" / ")),
        "album artist": first(found, "Album_Performer"),
        "album artists": joined((first(found, "ALBUMARTISTS") or "").split(" / ")),
        "track": first(found, "Track_Position"), "tracks": first(found, "Track_Position_Total"),
        "disc": first(found, "Part_Position", "Part"), "discs": first(found, "Part_Position_Total"),
        "date": first(found, "Recorded_Date"), "release date": first(found, "Released_Date", "RELEASEDATE"),
        "release type": first(found, "MusicBrainz_Album_Type", "RELEASETYPE"), "ISRC": first(found, "ISRC"),
        "compilation": yes.get(compilation or "", compilation), "explicit": yes.get(explicit or "", explicit),
        "label": first(found, "Publisher", "Label", "LABEL"), "copyright": first(found, "Copyright"),
        "cover": "yes" if first(found, "Cover") else None,
    }  # fmt: skip


def beets(path: str) -> Shown:
    read = mediafile.MediaFile(path)
    return {
        "title": read.title, "artist": read.artist, "artists": joined(read.artists), "album": read.album,
        "album artist": read.albumartist, "album artists": joined(read.albumartists),
        "track": str(read.track), "tracks": str(read.tracktotal), "disc": str(read.disc), "discs": str(read.disctotal),
        "date": str(read.date), "release type": read.albumtype, "ISRC": read.isrc, "compilation": str(int(read.comp)),
        "label": read.label, "copyright": read.copyright, "cover": "yes" if read.art else None,
    }  # fmt: skip


def taglib(files: Files) -> dict[str, Shown]:
    """TagLib's property map, which is all that Navidrome and many others ask it for."""
    ask = "import json, sys, taglib; print(json.dumps([taglib.File(path).tags for path in sys.argv[1:]]))"
    answers = json.loads(run(DEBIAN_PYTHON, "-c", ask, *files.values()))
    shown: dict[str, Shown] = {}
    for kind, found in zip(files, answers, strict=True):
        texts = {name: joined(values) for name, values in found.items()}
        track, tracks = parts(texts.get("TRACKNUMBER"))
        disc, discs = parts(texts.get("DISCNUMBER"))
        shown[kind] = {
            "title": texts.get("TITLE"), "artist": texts.get("ARTIST"), "artists": texts.get("ARTISTS"),
            "album": texts.get("ALBUM"), "album artist": texts.get("ALBUMARTIST"),
            "album artists": texts.get("ALBUMARTISTS"), "track": track, "tracks": tracks or texts.get("TRACKTOTAL"),
            "disc": disc, "discs": discs or texts.get("DISCTOTAL"), "date": texts.get("DATE"),
            "release date": texts.get("RELEASEDATE"), "release type": texts.get("RELEASETYPE"),
            "ISRC": texts.get("ISRC"), "compilation": texts.get("COMPILATION"),
            "explicit": texts.get("ITUNESADVISORY"), "label": texts.get("LABEL"), "copyright": texts.get("COPYRIGHT"),
        }  # fmt: skip
    return shown


def kid3(path: str) -> Shown:
    file = run_json("kid3-cli", "-c", '{"method":"get"}', path)["result"]["taggedFile"]
    found: dict[str, str] = {}
    for frame in file["tag2"]["frames"]:
        name, value = frame["name"], frame["value"]
        found[name] = f"{found[name]}|{value}" if name in found else value
    track, tracks = parts(found.get("Track Number"))
    disc, discs = parts(found.get("Disc Number"))
    return {
        "title": found.get("Title"), "artist": found.get("Artist"), "artists": found.get("ARTISTS"),
        "album": found.get("Album"), "album artist": found.get("Album Artist"),
        "album artists": found.get("ALBUMARTISTS"), "track": track, "tracks": tracks or found.get("Total Tracks"),
        "disc": disc, "discs": discs or found.get("Total Discs"), "date": found.get("Date"),
        "release date": found.get("Release Date"),
        "release type": first(found, "MusicBrainz Album Type", "RELEASETYPE"),
        "ISRC": found.get("ISRC"), "compilation": found.get("Compilation"),
        "explicit": first(found, "ITUNESADVISORY", "Rating/Advisory"), "label": first(found, "Publisher", "Label"),
        "copyright": found.get("Copyright"), "cover": "yes" if "Picture: Cover (front)" in found else None,
    }  # fmt: skip


def eyed3(path: str) -> Shown:
    text = run("eyeD3", "--no-color", "--verbose", path)
    found = dict(re.findall(r"(?m)^([\w /]+): (.*?)\s*$", text))
    own = dict(re.findall(r"(?m)^UserTextFrame: \[Description: (.*)\]\n(.*)$", text))
    track, tracks = parts(found.get("track"))
    disc, discs = parts(found.get("disc"))
    return {
        "title": found.get("title"), "artist": found.get("artist"),
        "artists": own.get("ARTISTS", "").replace("\0", "|"),
        "album": found.get("album"), "album artist": found.get("album artist"),
        "album artists": own.get("ALBUMARTISTS", "").replace("\0", "|"), "track": track, "tracks": tracks,
        "disc": disc, "discs": discs, "date": found.get("recording date"), "release date": found.get("release date"),
        "release type": own.get("MusicBrainz Album Type"), "explicit": own.get("ITUNESADVISORY"),
        "label": found.get("Publisher/label"), "cover": "yes" if "FRONT_COVER Image" in text else None,
    }  # fmt: skip


def mopidy(files: Files) -> dict[str, Shown]:
    """What `mopidy local scan` writes into its library."""
    with tempfile.TemporaryDirectory() as state:
        music = _in_one_folder(files, Path(state, "music"))
        own = {"core/data_dir": "data", "core/cache_dir": "cache", "core/config_dir": "config"}
        options = [f"{name}={state}/{folder}" for name, folder in own.items()]
        options += [f"local/media_dir={music}", "http/enabled=false", "mpd/enabled=false"]
        pairs = [word for option in options for word in ("-o", option)]
        run("mopidy", *pairs, "local", "scan", env=os.environ | {"HOME": state})
        rows = _rows(f"{state}/data/local/library.db", "SELECT * FROM tracks")
    return {
        Path(row["uri"]).suffix: {
            "title": row["name"], "artist": row["artist_name"], "album": row["album_name"],
            "album artist": row["albumartist_name"], "track": _text(row["track_no"]),
            "tracks": _text(row["album_num_tracks"]), "disc": _text(row["disc_no"]),
            "discs": _text(row["album_num_discs"]), "date": row["date"],
            "cover": "yes" if row["album_images"] else None,
        }
        for row in rows
    }  # fmt: skip


def minidlna(files: Files) -> dict[str, Shown]:
    """What minidlna tells televisions: its files.db. Texts are kept there as they are sent, escaped twice."""
    with tempfile.TemporaryDirectory() as state:
        music = _in_one_folder(files, Path(state, "music"))
        config = Path(state, "minidlna.conf")
        lines = {"media_dir": f"A,{music}", "db_dir": f"{state}/db", "log_dir": f"{state}/db", "port": _free_port(),
                 "inotify": "no", "network_interface": "lo"}  # fmt: skip
        config.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        command = ["minidlnad", "-R", "-d", "-f", str(config), "-P", f"{state}/pid"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                assert process.stdout and any("Initial file scan completed" in line for line in process.stdout)
            finally:
                process.terminate()
        rows = _rows(f"{state}/db/files.db", "SELECT * FROM DETAILS WHERE MIME IS NOT NULL")
    return {
        Path(row["PATH"]).suffix: {
            "title": _unescaped(row["TITLE"]), "artist": _unescaped(row["CREATOR"]), "album": _unescaped(row["ALBUM"]),
            "album artist": _unescaped(row["ARTIST"]), "track": _text(row["TRACK"]), "disc": _text(row["DISC"]),
            "date": row["DATE"], "cover": "yes" if row["ALBUM_ART"] else None,
        }
        for row in rows
    }  # fmt: skip


def mpd(files: Files) -> dict[str, Shown]:
    with tempfile.TemporaryDirectory() as state:
        server = Mpd(_in_one_folder(files, Path(state, "music")), Path(state))
        try:
            songs = server.songs()
            covers = {name: server.has_picture(name) for name in songs}
        finally:
            server.stop()
    return {
        Path(name).suffix: {
            "title": joined(song.get("Title")), "artist": joined(song.get("Artist")),
            "album": joined(song.get("Album")), "album artist": joined(song.get("AlbumArtist")),
            "track": joined(song.get("Track")), "disc": joined(song.get("Disc")), "date": joined(song.get("Date")),
            "label": joined(song.get("Label")), "cover": "yes" if covers[name] else None,
        }
        for name, song in songs.items()
    }  # fmt: skip


class Mpd:
    """A real MPD on a socket that exists before it starts, so that nobody has to wait for it."""

    def __init__(self, music: Path, state: Path) -> None:
        address = state / "mpd.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(address))
        listening.listen()
        config = state / "mpd.conf"
        config.write_text(
            f'music_directory "{music}"\ndb_file "{state}/db"\nlog_file "{state}/log"\n'
            'metadata_to_use "+comment"\naudio_output {\n type "null"\n name "none"\n}\n'
        )
        # LISTEN_PID must name MPD itself: the shell becomes it.
        start = 'exec 3<&0 && LISTEN_FDS=1 LISTEN_PID=$$ exec mpd --no-daemon --systemd "$0"'
        self.process = subprocess.Popen(
            ["sh", "-c", start, str(config)], stdin=listening.fileno(), stderr=subprocess.DEVNULL
        )
        listening.close()
        self.client = socket.socket(socket.AF_UNIX)
        self.client.settimeout(30)
        self.client.connect(str(address))
        self.answers = self.client.makefile("rb")
        assert self.answers.readline().startswith(b"OK MPD")

    def ask(self, command: str) -> list[str]:
        """The lines of an answer; what is no text is left out."""
        self.client.sendall(f"{command}\n".encode())
        lines: list[str] = []
        while (line := self.answers.readline().decode().rstrip("\n")) != "OK":
            assert line and not line.startswith("ACK"), line
            lines.append(line)
            if line.startswith("binary: "):
                self.answers.read(int(line.removeprefix("binary: ")) + 1)
        return lines

    def has_picture(self, name: str) -> bool:
        return bool(self.ask(f'readpicture "{name}" 0'))

    def songs(self) -> dict[str, dict[str, list[str]]]:
        """File name -> tag -> values, after a scan of the folder."""
        self.ask("update")
        while any(line.startswith("updating_db") for line in self.ask("status")):
            self.ask("idle update")
        songs: dict[str, dict[str, list[str]]] = {}
        for line in self.ask("listallinfo"):
            name, _, value = line.partition(": ")
            if name == "file":
                song = songs.setdefault(value, {})
            elif songs:
                song.setdefault(name, []).append(value)
        return songs

    def stop(self) -> None:
        self.answers.close()
        self.client.close()
        self.process.terminate()
        self.process.wait(30)


def _in_one_folder(files: Files, folder: Path) -> Path:
    """Copies of the files, each named by its ending alone: servers would take one picture for files of one name."""
    folder.mkdir()
    for kind, path in files.items():
        shutil.copy(path, folder / f"{kind[1:]}{kind}")
    return folder


def _rows(database: str, query: str) -> list[sqlite3.Row]:
    connection = sqlite3.connect(database)
    try:
        connection.row_factory = sqlite3.Row
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _text(number: int | None) -> str | None:
    return str(number) if number else None


def _unescaped(text: str | None) -> str | None:
    return html.unescape(html.unescape(text)) if text else None


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


PROGRAMS = {
    "TagLib": Program("taglib", taglib),
    "ffprobe": Program("ffprobe", one_by_one(ffprobe)),
    "MPD": Program("mpd", mpd),
    "beets (mediafile)": Program("", one_by_one(beets)),
    "Mopidy": Program("mopidy", mopidy),
    "minidlna": Program("minidlnad", minidlna),
    "kid3": Program("kid3-cli", one_by_one(kid3)),
    "eyeD3": Program("eyeD3", one_by_one(eyed3, ".mp3")),
    "exiftool": Program("exiftool", one_by_one(exiftool)),
    "mediainfo": Program("mediainfo", one_by_one(mediainfo)),
}
