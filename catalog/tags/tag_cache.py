"""Reads the tags of many files: each file once, and on as many processors as there are.

Pure, no Django. Files are parsed in processes of their own (`catalog.tags.tag_process`), one for each thread here.

What was read is kept in a cache file under the file's stamp (size, mtime_ns, ctime_ns, inode). The cache is no truth:
it says nothing of where a file is or whose it is, only what stood in it under that stamp; it may be deleted at any
time, is not in a backup and costs the catalog's database nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat as modes
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NamedTuple

from catalog.system.file_age import YOUNG_NS
from catalog.tags.audio_tags import FileTags
from catalog.tags.tag_process import TagProcess, Unreadable

FEW = 50  # files that one process reads: starting more takes longer
MOST_READERS = 4  # one disk
IDS = 500  # names in one query

TABLE = """CREATE TABLE IF NOT EXISTS seen (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode TEXT, said TEXT
) WITHOUT ROWID"""


class TaggedFile(NamedTuple):
    """A regular file: its path relative to the root, its size in bytes, its tags (None: no audio, or unreadable)."""

    relative: str
    size: int
    tags: FileTags | None


class _Stamp(NamedTuple):
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: str  # text: it may lie above what SQLite counts to


class TagReader:
    """Reads below ``root``. Use as a context manager.

    ``cache`` is the path of the cache file, "" for none; ``now_ns`` is the time in nanoseconds since 1970, ``readers``
    the most processes (0: as many as there are processors).
    """

    def __init__(self, root: str, cache: str, now_ns: int, readers: int = 0) -> None:
        self.root = root
        self._old_enough = now_ns - YOUNG_NS  # a younger file may change again under the same stamp
        self.read_files = 0  # how many were opened: not those the cache knew
        self._readers = readers or min(MOST_READERS, len(os.sched_getaffinity(0)))
        self.processes: list[TagProcess] = []
        self._cache = _open_cache(cache) if cache else None

    def __enter__(self) -> TagReader:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.close()
        if self._cache:
            self._cache.close()

    def read(self, relatives: Iterable[str]) -> list[TaggedFile]:
        """What these files say, in their order. Files that are not there, or that the disk does not give, are left out.

        A file that is no regular file is left out too: a FIFO must hang nobody.
        """
        stamps = {relative: stamp for relative in relatives if (stamp := self._stamp(relative))}
        known = self._known(stamps)
        fresh = self._read_fresh([relative for relative in stamps if relative not in known])
        self._keep({relative: (stamps[relative], said) for relative, said in fresh.items()})
        tags = known | fresh
        return [TaggedFile(path, stamp.size, tags[path]) for path, stamp in stamps.items() if path in tags]

    def _stamp(self, relative: str) -> _Stamp | None:
        try:
            found = os.lstat(os.path.join(self.root, relative))
        except OSError:
            return None
        if not modes.S_ISREG(found.st_mode):
            return None
        return _Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, str(found.st_ino))

    def _read_fresh(self, relatives: list[str]) -> dict[str, FileTags | None]:
        self.read_files += len(relatives)
        while len(self.processes) < (self._readers if len(relatives) > FEW else 1):
            self.processes.append(TagProcess())
        share = len(self.processes)
        parts = [relatives[number::share] for number in range(share)]
        with ThreadPoolExecutor(share) as threads:
            answers = list(threads.map(self._read_part, self.processes, parts))
        return {relative: tags for answer in answers for relative, tags in answer.items()}

    def _read_part(self, process: TagProcess, relatives: list[str]) -> dict[str, FileTags | None]:
        """Each file's tags, None where it breaks a limit; those that the disk does not give are left out."""
        tags: dict[str, FileTags | None] = {}
        for relative in relatives:
            with suppress(OSError):
                try:
                    tags[relative] = process.read(os.path.join(self.root, relative))
                except Unreadable:
                    tags[relative] = None
        return tags

    # --- The cache ------------------------------------------------------------------------------------------

    def _known(self, stamps: dict[str, _Stamp]) -> dict[str, FileTags | None]:
        known: dict[str, FileTags | None] = {}
        paths = list(stamps)
        for start in range(0, len(paths) if self._cache else 0, IDS):
            part = paths[start : start + IDS]
            marks = ",".join("?" * len(part))
            for path, *stamp, said in self._ask(f"SELECT * FROM seen WHERE path IN ({marks})", part):  # noqa: S608
                if _Stamp(*stamp) == stamps[path]:
                    known[path] = _from_text(said)
        return known

    def _keep(self, fresh: dict[str, tuple[_Stamp, FileTags | None]]) -> None:
        rows = [
            (path, *stamp, json.dumps(said and asdict(said)))
            for path, (stamp, said) in fresh.items()
            if max(stamp.ctime_ns, stamp.mtime_ns) < self._old_enough and _is_text(path)
        ]
        if self._cache and rows:
            with suppress(sqlite3.Error), self._cache:
                self._cache.executemany("REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _ask(self, statement: str, values: list[str]) -> list[Any]:
        try:
            return self._cache.execute(statement, values).fetchall() if self._cache else []
        except (sqlite3.Error, UnicodeEncodeError):  # a name that is no text; a cache is never worth a failure
            return []


def _open_cache(path: str) -> sqlite3.Connection | None:
    """The cache, made anew where it is damaged; None where it cannot be had: then everything is read."""
    for _ in range(2):
        try:
            cache = sqlite3.connect(path, timeout=5)
            cache.execute("PRAGMA synchronous=OFF")
            cache.execute(TABLE)
            cache.commit()
            return cache
        except sqlite3.DatabaseError:
            with suppress(OSError):
                os.unlink(path)
    return None


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_text(text: str) -> FileTags | None:
    said = json.loads(text)
    if said is None:
        return None
    lists = {name: tuple(said[name]) for name in ("spotify_ids", "artists")}
    return FileTags(**(said | lists))
