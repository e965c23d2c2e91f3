"""Hears that something changed in the music folder. An event only means "look again".

Events are lost where the kernel's queue overflows, where the root is deleted, on network shares, and beyond the limit
of inotify watches: so nothing is concluded from an event but that a pass is worth making, and the periodic pass stays
the promise. The only importer of watchdog. Events are settled first: a copy of a thousand files becomes one pass.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from catalog.scanning.folder_stamp import FilesystemTrust
from catalog.scanning.ignored import is_foreign_folder
from catalog.storage.own_folders import FORMER_STAGING

SETTLED_AFTER = 3.0  # seconds without another event; also longer than a folder stays too young for a stamp
AT_THE_LATEST = 60.0  # seconds after the first event, while others keep coming
POLL_EVERY = 300.0  # seconds between two looks where events cannot be heard
LOOK_AT_ROOT_EVERY = 10.0  # seconds: a deleted or unmounted root ends its events silently

# What a pass changes nothing for: reading, our own stage folder and drafts, and other programs' bins and indexes.
QUIET_EVENTS = {"opened", "closed_no_write"}
QUIET_NAMES = (FORMER_STAGING, ".tonekeep")  # the marker, the staging folder

logger = logging.getLogger(__name__)


class WatchOptions(NamedTuple):
    """What a person can change meanwhile.

    ``mode`` is "auto" (listen where the filesystem tells of changes, else poll), "poll" or "off"; ``own`` are the names
    of folders to leave alone.
    """

    mode: str
    own: frozenset[str] = frozenset()


class EventDebouncer(FileSystemEventHandler):
    """Collects events until they have settled, but for those in folders of the names ``own``. Time is asked of
    ``clock``, in seconds."""

    def __init__(self, root: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.root, self.clock = root.rstrip("/"), clock
        self.first: float | None = None
        self.last = 0.0
        self.lock = threading.Lock()
        self.own: frozenset[str] = frozenset()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by the observer's thread."""
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        if event.event_type not in QUIET_EVENTS and not all(map(self._is_quiet, paths)):
            self.look_again()

    def _is_quiet(self, path: str) -> bool:
        relative = path[len(self.root) + 1 :]
        return relative.startswith(QUIET_NAMES) or is_foreign_folder(relative, self.own)

    def look_again(self) -> None:
        """Something may have changed, wherever that is known from."""
        with self.lock:
            self.last = self.clock()
            if self.first is None:
                self.first = self.last

    def is_settled(self) -> bool:
        """Whether it is time to look; then what was collected counts as told."""
        now = self.clock()
        with self.lock:
            if self.first is None or (now - self.last < SETTLED_AFTER and now - self.first < AT_THE_LATEST):
                return False
            self.first = None
            return True


def watch(root: str, options: Callable[[], WatchOptions], changed: Callable[[], None], stop: threading.Event) -> None:
    """Call ``changed`` after every settled change below ``root``, until ``stop``.

    ``options`` are asked for every few seconds. A root that is not there is waited for; its return counts as a change.
    Errors of ``changed`` and of ``options`` are logged and outlived.
    """
    settler = EventDebouncer(root)
    while not stop.is_set():
        here, wished = _identity(root), _asked(options)
        if here is None or wished is None or wished.mode == "off":
            stop.wait(LOOK_AT_ROOT_EVERY)
            continue
        settler.own = wished.own
        observer = _listen(root, wished.mode, settler)
        unchanged = partial(_is_unchanged, options, wished)
        settler.look_again()  # what happened before anybody listened
        try:
            _until_gone(root, here, observer, settler, changed, stop, unchanged)
        finally:
            if observer:
                observer.stop()
                observer.join(LOOK_AT_ROOT_EVERY)


def _until_gone(
    root: str,
    here: tuple[int, int],
    observer: BaseObserver | None,
    settler: EventDebouncer,
    changed: Callable[[], None],
    stop: threading.Event,
    unchanged: Callable[[], bool],
) -> None:
    """Pass settled changes on until the root is another one, the observer died, the options changed, or ``stop``."""
    looked = polled = settler.clock()
    while not stop.wait(0.5):
        now = settler.clock()
        if observer is None and now - polled >= POLL_EVERY:
            settler.look_again()
            polled = now
        if settler.is_settled():
            _tell(changed)
        if now - looked >= LOOK_AT_ROOT_EVERY:
            looked = now
            if _identity(root) != here or (observer is not None and not observer.is_alive()):
                logger.info("The music folder is another one than before; listening anew.")
                _tell(changed)
                return
            if not unchanged():
                return


def _identity(root: str) -> tuple[int, int] | None:
    """Which folder stands at the root's path; None while there is none."""
    try:
        status = os.stat(root)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _asked(options: Callable[[], WatchOptions]) -> WatchOptions | None:
    """The options; None while the database does not answer."""
    try:
        return options()
    except Exception:
        logger.exception("How to watch the music folder could not be read")
        return None


def _is_unchanged(options: Callable[[], WatchOptions], wished: WatchOptions) -> bool:
    return _asked(options) in (wished, None)


def _tell(changed: Callable[[], None]) -> None:
    try:
        changed()
    except Exception:
        logger.exception("A change of the music folder could not be passed on")


def _listen(root: str, mode: str, settler: EventDebouncer) -> BaseObserver | None:
    """A running observer; None where events cannot be heard, so that the caller polls.

    Polling asks for a pass, which costs one stat per folder: watchdog's own polling would stat every file.
    """
    if mode == "poll":
        return None
    try:
        if not FilesystemTrust(root)(os.stat(root).st_dev):
            logger.info("%s is on a filesystem that does not tell of all changes: looking every few minutes.", root)
            return None
        observer = Observer()
        observer.schedule(settler, root, recursive=True)
        observer.start()
        return observer
    except OSError as error:
        logger.warning(
            "Changes of %s cannot be heard (%s): looking every few minutes instead. "
            "If it is the inotify limit, raise fs.inotify.max_user_watches.",
            root,
            error.strerror,
        )
        return None
