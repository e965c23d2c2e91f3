"""Reads the tags of many files: each file once, and on as many processors as there are.

Pure, no Django: the readers are processes of their own that know neither settings nor database. Parsing tags is
Python's own work, so that threads would take turns (measured in docs/performance.md); few files are read right here.

What was read is kept in a cache file under the file's stamp (size, mtime_ns, ctime_ns, inode). The cache is no truth:
it says nothing of where a file is or whose it is, only what stood in it under that stamp; it may be deleted at any
time, is not in a backup and costs the catalog's database nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import stat as modes
import threading
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NamedTuple

from catalog.system.file_age import YOUNG_NS
from catalog.tags import audio_tags
from catalog.tags.audio_tags import FileTags

FEW = 200  # files that are read here: starting processes takes longer
CHUNK = 50  # files per message to a process
MOST_READERS = 4  # one disk
IDS = 500  # names in one query

TABLE = """CREATE TABLE IF NOT EXISTS seen (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode TEXT, said TEXT
) WITHOUT ROWID"""


class TaggedFile(NamedTuple):
    """A regular file: its path relative to the root, its size in bytes, and its tags (None: no audio)."""

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
        self._pool: ProcessPoolExecutor | None = None
        self._cache = _open_cache(cache) if cache else None

    def __enter__(self) -> TagReader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
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
        chunks = [relatives[start : start + CHUNK] for start in range(0, len(relatives), CHUNK)]
        answers: list[dict[str, FileTags | None]] = []
        try:
            pool = self._processes(len(relatives))
            if pool:
                answers = list(pool.map(read_some, [self.root] * len(chunks), chunks))
        except BrokenProcessPool:  # killed for want of memory, say: then without them
            self._pool, self._readers = None, 1
        answers = answers or [read_some(self.root, chunk) for chunk in chunks]
        return {relative: said for answer in answers for relative, said in answer.items()}

    def _processes(self, files: int) -> ProcessPoolExecutor | None:
        """The readers, started where they are worth it. None in a job's process, which may have no children."""
        if self._pool is None and files > FEW and self._readers > 1 and not multiprocessing.current_process().daemon:
            context = multiprocessing.get_context("spawn")  # a fork would share the database's connection
            self._pool = ProcessPoolExecutor(self._readers, mp_context=context, initializer=_end_with_parent)
        return self._pool

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


def read_some(root: str, relatives: list[str]) -> dict[str, FileTags | None]:
    """The tags of these files below ``root``; those that the disk does not give are left out."""
    said = {}
    for relative in relatives:
        with suppress(OSError):
            said[relative] = audio_tags.read_tags(os.path.join(root, relative))
    return said


def _end_with_parent() -> None:
    """A reader whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


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
