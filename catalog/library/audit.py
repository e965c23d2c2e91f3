"""Compares the catalog and the music folder file by file and lists what does not fit. Changes and deletes nothing.

For a person who wants to know: unlike a reconcile it also looks at what no row names, and it says each thing by name.
One listing per folder and one stat per file; rows are read folder by folder.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import Q

from catalog.models import Alias, Folder, Library, Track
from catalog.models.settings import value
from catalog.scanning import folder_index, ignored, untracked
from catalog.scanning.scan import ABSENT, AskRow, Expectation
from catalog.storage import mounts, own_folders
from catalog.storage import state as storage
from catalog.storage.mounts import is_within
from catalog.storage.own_folders import STAGING, TRASH
from catalog.storage.probe import RootProblem, open_root
from catalog.text.path_key import path_key

BATCH = 500  # folders whose rows are read together
LISTED = 1000  # of each kind, by name; all are counted

# What is listed, in words for a person.
KINDS = {
    "rows_without_files": "songs whose file is not there",
    "files_without_rows": "audio files that are no song's",
    "ignored": "audio files in bins and snapshots, or left by other programs: no song's, and never taken for one",
    "other_size": "files of another size than recorded",
    "unknown": "folders or files that could not be read",
    "stale_stages": "left-over folders of broken-off downloads",
    "two_files": "files of a song that has another one",
}


@dataclass
class LibraryCheck:
    """``files`` and ``rows`` that were compared; of each kind in `KINDS` how many, and the first thousand by name.

    ``problem`` says why nothing could be compared. A row under a folder that cannot be read is not without its file:
    that is not known.
    """

    files: int = 0
    rows: int = 0
    problem: str = ""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    listed: dict[str, list[Any]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def note(self, kind: str, what: Any) -> None:
        """One more of ``kind``."""
        self.counts[kind] += 1
        if len(self.listed[kind]) < LISTED:
            self.listed[kind].append(what)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def described(item: str | dict[str, Any]) -> str:
    """One thing that a check has listed, in a line."""
    if isinstance(item, str):
        return item
    if "on_disk" in item:
        return f"{item['file']}: {item['on_disk']:,} bytes, recorded are {item['recorded']:,}"
    if "why" in item:
        return f"{item['file']}: {item['why']}"
    return f"{item['file']}: {item['title']} has {item['has']}"


def check_library(now: datetime, on_progress: Callable[[int], None] = lambda folders: None) -> LibraryCheck:
    """Compare every folder. ``on_progress`` hears how many were looked at. Rows are read as they are at the moment."""
    check = LibraryCheck()
    state = storage.inspect()
    if not state.may_read:
        check.problem = state.reason
        return check
    try:
        with open_root(state.root) as root:
            comparison = _Comparison(check)
            comparison.go(on_progress)
            comparison.look_for_second_files(now)
            _stages(check)
            root.require()  # a drive that went away meanwhile proves nothing
    except RootProblem as error:
        return LibraryCheck(problem=str(error))
    return check


class _Comparison:
    """What is on the disk beside what the rows say."""

    def __init__(self, check: LibraryCheck) -> None:
        self.check = check
        self.own = value("IGNORED_FOLDERS")
        self.seen: set[int] = set()  # folders' rows that were met on the disk
        self.unread = mounts.gone(settings.MUSIC_DIR, Library.load().mounts)  # folders of which nothing is known
        for drive in self.unread:
            check.note("unknown", f"{drive}: the drive is not mounted")

    def go(self, on_progress: Callable[[int], None]) -> None:
        walk, done = self._walk(), 0
        while batch := dict(islice(walk, BATCH)):
            self._compare(batch)
            on_progress(done := done + len(batch))
        for chunk in folder_index.in_chunks(Q()):
            self._not_met([known.folder for known in chunk if known.folder not in self.seen])

    def _walk(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Each folder below the root with the sizes of its regular files."""
        to_see = [""]
        while to_see:
            folder = to_see.pop()
            sizes: dict[str, int] = {}
            try:
                with os.scandir(os.path.join(settings.MUSIC_DIR, folder)) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            if not entry.name.startswith(".") or (not folder and entry.name == TRASH):
                                to_see.append(f"{folder}/{entry.name}" if folder else entry.name)
                        elif entry.is_file(follow_symlinks=False) and untracked.is_text(entry.name):
                            sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
            except OSError as error:
                if error.errno not in ABSENT:  # else it has just gone
                    self.unread.append(folder)
                    self.check.note("unknown", f"{folder or '.'}: {error.strerror}")
                continue
            if untracked.is_text(folder):
                yield folder, sizes

    def _compare(self, batch: dict[str, dict[str, int]]) -> None:
        keys = {path_key(path): path for path in batch}
        ids = {}
        for row in Folder.objects.filter(key__in=keys).only("pk", "key"):
            ids[keys[row.key]] = row.pk
        self.seen |= set(ids.values())
        asks = {ask[0]: ask for ask in folder_index.asks_of(list(ids.values()), sizes=True)}
        for path, sizes in batch.items():
            recorded = _recorded(asks.get(ids.get(path, 0)))
            self.check.rows += len(recorded)
            for name, size in recorded.items():
                self._row(path, name, size, sizes.pop(name, None))
            for name in sizes:
                relative = f"{path}/{name}" if path else name
                if name.startswith(".") or not name.lower().endswith(untracked.AUDIO):
                    continue
                self.check.files += 1
                if (why := ignored.reason(relative, self.own)) and not path.startswith(TRASH):
                    self.check.note("ignored", {"file": relative, "why": why})
                else:
                    self.check.note("files_without_rows", relative)

    def _row(self, folder: str, name: str, recorded: int, size: int | None) -> None:
        """One row beside its file. A name that was not listed may be there in another spelling, or be a link."""
        relative = f"{folder}/{name}" if folder else name
        if size is None:
            try:
                status = os.stat(os.path.join(settings.MUSIC_DIR, relative))
            except OSError as error:
                self.check.note(*_absent(relative, error))
                return
            if not modes.S_ISREG(status.st_mode):
                self.check.note("rows_without_files", relative)
                return
            size = status.st_size
        self.check.files += 1
        if size != recorded:
            self.check.note("other_size", {"file": relative, "recorded": recorded, "on_disk": size})

    def _not_met(self, ids: list[int]) -> None:
        """Rows in folders that the walk did not meet: gone, behind a link, or below a folder that cannot be read."""
        for ask in folder_index.asks_of(ids, sizes=True):
            path, recorded = ask[1], _recorded(ask)
            self.check.rows += len(recorded)
            if any(not above for above in self.unread) or is_within(path, self.unread):
                continue
            for name, size in recorded.items():
                self._row(path, name, size, None)

    def look_for_second_files(self, now: datetime) -> None:
        """Files that are no song's, and carry the id of one that has its file elsewhere. Those that are listed only."""
        with untracked.tag_reader(now) as reader:
            files = reader.read(self.check.listed["files_without_rows"])
        keys = {f"spotify:{key}": file.relative for file in files if file.tags for key in file.tags.spotify_ids}
        for start in range(0, len(keys), BATCH):
            part = list(keys)[start : start + BATCH]
            known = Alias.objects.filter(key__in=part, track__status=Track.Status.DOWNLOADED).select_related("track")
            for alias in known:
                row = {"file": keys[alias.key], "track": alias.track_id, "title": alias.track.title}
                self.check.note("two_files", row | {"has": alias.track.local_path})


def _recorded(ask: AskRow | None) -> dict[str, int]:
    """The names and sizes of a folder's downloaded tracks."""
    names = Expectation(*ask).names if ask else None
    parts = names.split("/") if names else []
    return dict(zip(parts[::2], map(int, parts[1::2]), strict=True))


def _absent(relative: str, error: OSError) -> tuple[str, str]:
    if error.errno in ABSENT:
        return "rows_without_files", relative
    return "unknown", f"{relative}: {error.strerror}"


def _stages(check: LibraryCheck) -> None:
    """Folders of the staging folder that belong to no claim. The next start of a worker clears them away."""
    try:
        names = sorted(own_folders.stages())
    except OSError as error:
        check.note("unknown", f"{STAGING}: {error.strerror}")
        return
    claims = Track.objects.exclude(claim=None).values_list("pk", "claim")
    for name in _not_in(names, {f"{pk}-{claim}" for pk, claim in claims}):
        check.note("stale_stages", f"{STAGING}/{name}")


def _not_in(names: Iterable[str], live: set[str]) -> Iterator[str]:
    return (name for name in names if name not in live)
