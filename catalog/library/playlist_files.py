"""Playlists out: an m3u8 for each enabled collection, so that every player shows what Spotify shows.

They lie in ``<music>/Playlists/``, in the collection's order, with paths relative to that folder. Songs that are not
on disk are left out: players show a line that leads nowhere as an error. A file is written whole, beside its place,
and only where its text has changed. Only files that carry our mark are ever replaced or removed; a name that somebody
else's file has is left to it. Nothing is written unless the music folder is online.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from catalog.models import Collection, Credit, Entry, Event, Library, Track
from catalog.music.path_template import Naming, next_place, relative_place
from catalog.storage import state as storage
from catalog.storage.own_folders import ForeignFolder, open_plain, playlists_folder
from catalog.storage.probe import RootProblem, open_root
from catalog.system.atomic_files import make_folders, write_new, write_over
from catalog.system.file_locks import lock
from catalog.text.path_key import path_key

ENDING, OLD_ENDING = ".m3u8", ".m3u"
MARK = "# Written by Tonekeep. Changes made here are lost; without this line the file is yours."
NOTED = "playlists.json"  # in DATA_DIR: after what the files were last written; may be deleted
FORMAT = 1  # of the files: another number writes all of them again
HEAD_BYTES = 4096  # of a file, in which the mark is looked for: a collection's name stands before it
CHUNK = 500  # tracks whose artists are read together
NAMES_TRIED = 20
DRAFT = re.compile(r"\.tonekeep(-[0-9a-f]{16})?\.tmp")


@dataclass(slots=True)
class PlaylistReport:
    """What was done. ``blocked`` names collections that got no file; ``problem`` says why nothing could be done."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    blocked: list[str] = field(default_factory=list)
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The report in words."""
        if self.problem:
            return self.problem
        text = f"{self.written} playlists written, {self.unchanged} unchanged, {self.removed} removed."
        return text + (f" No free name for {', '.join(self.blocked)}." if self.blocked else "")


class _Line(NamedTuple):
    track_id: int
    title: str
    duration_ms: int | None
    folder: str
    file_name: str


def write_playlists(now: datetime) -> PlaylistReport:
    """Bring the folder of playlists in line with the catalog; nothing where the library's setting says no.

    Where no song has come or gone and no collection has changed since the last time, and our files are still there,
    none of them is looked into.
    """
    report = PlaylistReport()
    library = Library.load()
    if not library.write_playlists:
        report.problem = "Playlists are not written: it is switched off."
        return report
    state = storage.check(now)
    if not state.may_write:
        report.problem = state.reason
        return report
    name = playlists_folder()
    with lock("playlists"):
        try:
            with open_root(state.root) as root:
                if Collection.objects.enabled().filter(closed=False).exists():
                    make_folders(state.root, name, 0o777 & ~settings.MUSIC_UMASK)
                with open_plain(name, root.fd) as folder:
                    _bring_in_line(report, folder, library)
        except (RootProblem, ForeignFolder) as error:
            report.problem = str(error)
        except FileNotFoundError:
            return report  # no playlist, and never was one
        except OSError as error:
            where = error.filename or os.path.join(settings.MUSIC_DIR, name)
            report.problem = f"Playlists cannot be written: {error.strerror} ({where})."
    return report


def _bring_in_line(report: PlaylistReport, descriptor: int, library: Library) -> None:
    folder, stamp = _PlaylistFolder(report, descriptor, library.write_m3u), _stamp(library)
    noted = Path(settings.DATA_DIR) / NOTED
    names = _names_under(stamp, noted)
    if names is not None and {path_key(name) for name in names} == folder.ours:
        report.unchanged = len(names)
        return
    kept = folder.write()
    if not report.blocked:
        noted.write_text(json.dumps([stamp, sorted(kept)]))


def _stamp(library: Library) -> str:
    """What the playlists follow from: songs on disk (each change has its event) and the collections."""
    last_event = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    collections = Collection.objects.order_by("pk").values_list("pk", "name", "enabled", "closed", "synced_at")
    text = repr((FORMAT, library.root_uuid, library.write_m3u, last_event, list(collections)))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _names_under(stamp: str, noted: Path) -> list[str] | None:
    """The files that were written under this stamp; None where it was another one, or none was noted."""
    try:
        last, names = json.loads(noted.read_text())
    except (OSError, ValueError):
        return None
    return names if last == stamp else None


class _PlaylistFolder:
    """The folder of playlists, opened: names by their key, and which of them are ours."""

    def __init__(self, report: PlaylistReport, descriptor: int, old_too: bool) -> None:
        self.report, self.descriptor = report, descriptor
        self.old_too = old_too
        self.names: dict[str, str] = {}
        self.ours: set[str] = set()
        for name in os.listdir(descriptor):
            if DRAFT.fullmatch(name):  # of a writer that was killed: there is only one at a time
                os.unlink(name, dir_fd=descriptor)
                continue
            self.names[path_key(name)] = name
            if name.endswith((ENDING, OLD_ENDING)) and _is_ours(name, descriptor):
                self.ours.add(path_key(name))

    def write(self) -> set[str]:
        """Write what has changed, remove what has no collection any more. The keys of the files there are then."""
        kept: set[str] = set()
        for collection in Collection.objects.enabled().filter(closed=False).order_by("pk"):
            name = self._name_for(collection, kept)
            if name is None:
                self.report.blocked.append(collection.name)
                continue
            kept.add(path_key(name))
            text = text_of(collection)
            self._put(name, text)
            if self.old_too and (old := self._old_name(name)):
                kept.add(path_key(old))
                self._put(old, text)
        for key in self.ours - kept:
            os.unlink(self.names[key], dir_fd=self.descriptor)
            self.report.removed += 1
        return kept

    def _old_name(self, name: str) -> str | None:
        """The name of the same playlist for players that know no m3u8; None where it is somebody else's."""
        old = name.removesuffix(ENDING) + OLD_ENDING
        key = path_key(old)
        return self.names.get(key, old) if key not in self.names or key in self.ours else None

    def _name_for(self, collection: Collection, kept: set[str]) -> str | None:
        """The collection's file name: its own, or with its short id where the name is somebody else's.

        The same for the same collections each time: they are asked in the order of their rows.
        """
        first = relative_place(Naming(collection.name, ()), ENDING, "{title}")
        short_id = collection.key[:8] if collection.kind == Collection.Kind.PLAYLIST else str(collection.pk)
        for attempt in range(NAMES_TRIED):
            name = next_place(first, short_id, attempt)
            key = path_key(name)
            if key not in kept and (key not in self.names or key in self.ours):
                return self.names.get(key, name)
        return None

    def _put(self, name: str, text: bytes) -> None:
        is_ours, mode = path_key(name) in self.ours, 0o666 & ~settings.MUSIC_UMASK
        if is_ours and _read(name, self.descriptor) == text:
            self.report.unchanged += 1
            return
        if is_ours:
            write_over(name, text, mode, self.descriptor)
        else:
            write_new(name, text, mode, self.descriptor)
        self.report.written += 1


def _read(name: str, folder: int, most: int = -1) -> bytes:
    """The content of a regular file. OSError for a link, which is somebody else's wherever it leads."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def _is_ours(name: str, folder: int) -> bool:
    """Whether the regular file carries our mark."""
    try:
        return MARK.encode() in _read(name, folder, HEAD_BYTES).splitlines()
    except OSError:
        return False


# --- What stands in it ------------------------------------------------------------------------------------


def text_of(collection: Collection) -> bytes:
    """The playlist as UTF-8: extended M3U with each song's length in seconds, artist and title."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(collection.name)}"[:500], MARK]
    entries = collection.entries.filter(track__status=Track.Status.DOWNLOADED).order_by("position", "pk")
    for chunk in _chunks(entries):
        artists = _main_artists([line.track_id for line in chunk])
        for line in chunk:
            path = f"../{line.folder}/{line.file_name}" if line.folder else f"../{line.file_name}"
            if _one_line(path) != path:
                continue  # a name with a line break in it cannot stand in a playlist
            seconds = -1 if line.duration_ms is None else round(line.duration_ms / 1000)
            label = " - ".join(part for part in (artists.get(line.track_id, ""), line.title) if part)
            lines += [f"#EXTINF:{seconds},{_one_line(label)}", path]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _chunks(entries: QuerySet[Entry]) -> Iterator[list[_Line]]:
    columns = ("track_id", "track__title", "track__duration_ms", "track__folder__path", "track__file_name")
    rows = [_Line(*row) for row in entries.values_list(*columns)]
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _main_artists(track_ids: list[int]) -> dict[int, str]:
    credits = Credit.objects.filter(track__in=track_ids, position=0)
    return dict(credits.values_list("track_id", "artist__name"))


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text)
