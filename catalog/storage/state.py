"""The state of the music folder: online, offline, held, full or read-only.

A marker file with a UUID stands in the root, and the same UUID in the database. A drive that is not mounted leaves an
empty mount point without the marker: the library is then *offline*, no row changes, nothing is written under the mount
point, and it is online again when the drive returns. `check` looks at the disk and saves what it saw; `current` reads
rows only, so that no page can hang on a hung drive.
"""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from catalog.models import BinnedFile, Folder, Host, JobRequest, Library, Service, Track
from catalog.models.settings import value
from catalog.storage import acting_host
from catalog.storage.marker import MARKER, set_marker
from catalog.storage.probe import ACCEPT, ANSWER_WITHIN, RootProbe, RootProblem, call_with_timeout, probe_root

WRITE_EVERY = timedelta(seconds=10)  # how often an unchanged state is written down again

ONLINE, OFFLINE, HELD, FULL, READONLY = "online", "offline", "held", "full", "readonly"


@dataclass(frozen=True, slots=True)
class StorageState:
    """What is known of the music folder. ``state`` is one of the five words above, ``reason`` "" or a sentence."""

    state: str
    reason: str
    root: str
    may_read: bool = True

    @property
    def may_write(self) -> bool:
        """Whether a worker may fetch into it."""
        return self.state == ONLINE


# --- What a probe means -----------------------------------------------------------------------------------


def check(now: datetime) -> StorageState:
    """Look at MUSIC_DIR, register or take over what may be, and write the state into the rows that pages read.

    Safe to call at any time, from any process that is not answering a page.
    """
    path, library = settings.MUSIC_DIR, Library.load()
    if not settings.MUSIC_DIR_NAMED and not library.root_uuid:
        with suppress(OSError):  # what is wrong with it is found out and said below
            os.mkdir(path)  # DATA_DIR is there; other players may read the music, as far as they may enter that
            os.chmod(path, 0o777 & ~settings.MUSIC_UMASK)
    probe = call_with_timeout(ANSWER_WITHIN, lambda: probe_root(path))
    if not probe.problem and probe.writable and _was_never_used(library, path, probe, now):
        library = _forget(library)
    if not probe.problem and not library.root_uuid:
        probe = _register(path, probe)
        library.refresh_from_db()
    state = judge(path, probe, library)
    if acting_host.is_shared():
        _save_for_host(state, now)
    if not acting_host.speaks(now):
        return _with_hold(state, library)  # the rows say what the acting host sees: this one may be offline alone
    _save(state, probe, library, now)
    return replace(current(), may_read=state.may_read)


def inspect() -> StorageState:
    """The state as `check` would find it, changing nothing at all: for dry runs."""
    library = Library.current()
    state = judge(settings.MUSIC_DIR, call_with_timeout(ANSWER_WITHIN, lambda: probe_root(settings.MUSIC_DIR)), library)
    return _with_hold(state, library)


def judge(path: str, probe: RootProbe, library: Library) -> StorageState:
    """The state of the disk that follows from a look and the library's row. Changes nothing."""
    if not probe.problem and not library.root_uuid:
        reason = f"The music folder {path} may not be written to, so it cannot become the library. Check its rights."
        return StorageState(READONLY, reason, path, may_read=False)
    problem = probe.problem or _marker_problem(path, probe.marker, library)
    if problem:
        return StorageState(OFFLINE, problem, path, may_read=False)
    if not probe.writable:
        return StorageState(READONLY, f"The music folder {path} may not be written to. Check its rights.", path)
    if probe.foreign:
        return StorageState(READONLY, probe.foreign, path)
    floor_bytes = value("MIN_FREE_GB")
    if probe.free_bytes is not None and probe.free_bytes < floor_bytes:
        free, floor = probe.free_bytes / 1e9, floor_bytes / 1e9
        return StorageState(FULL, f"{free:.1f} GB are free on the music folder's disk, less than {floor:g} GB.", path)
    return StorageState(ONLINE, "", path)


def _with_hold(state: StorageState, library: Library) -> StorageState:
    """A hold is the catalog's own: it lies over every state of a disk that is there."""
    if state.state == OFFLINE or not library.held_since:
        return state
    return StorageState(HELD, library.held_reason, state.root)


def _marker_problem(path: str, marker: str, library: Library) -> str:
    """Why the folder at ``path`` is not this catalog's library; "" if it is."""
    if not marker:
        return f"The music folder {path} has no {MARKER} file: its drive is probably not mounted. {ACCEPT}"
    if marker != library.root_uuid:
        return f"The music folder {path} belongs to another catalog. {ACCEPT}"
    return ""


def holds_files() -> bool:
    """Whether any row names a place in the music folder, also one where its file no longer is."""
    return Track.objects.exclude(local_path="").exists() or BinnedFile.objects.exists()


def _was_never_used(library: Library, path: str, probe: RootProbe, now: datetime) -> bool:
    """Whether MUSIC_DIR names another folder than the library's, in which no file of the catalog ever was."""
    elsewhere = bool(library.root_uuid) and library.root_path != path and probe.marker != library.root_uuid
    return elsewhere and not acting_host.is_elsewhere(now) and not holds_files()


def _forget(library: Library) -> Library:
    """The library's folder counts for nothing: the next one is met as the first, and looked through for the plan."""
    Library.objects.filter(pk=1, root_uuid=library.root_uuid).update(root_uuid="", root_path="")
    JobRequest.objects.ask("look")
    return Library.load()


def _register(path: str, probe: RootProbe) -> RootProbe:
    """A first meeting: take over the marker that is there, or set one. Marker first, so that a crash between the two
    leaves a marker that the next look takes over."""
    marker = probe.marker
    if not marker:
        try:
            marker = set_marker(path, str(uuid.uuid4()))
        except OSError as error:
            if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
                return RootProbe("", "", False, probe.free_bytes)
            return RootProbe(problem=f"The music folder {path} cannot be marked as the library: {error.strerror}.")
        except ValueError:
            return RootProbe(problem=f"The marker file {path}/{MARKER} is damaged. {ACCEPT}")
    Library.objects.filter(pk=1, root_uuid="").update(root_uuid=marker, root_path=path)
    return replace(probe, marker=marker)


def _save(state: StorageState, probe: RootProbe, library: Library, now: datetime) -> None:
    """Into the row that pages and workers read; an unchanged state only every `WRITE_EVERY`.

    A pause that a worker caused (a quota, a failing disk) keeps its reason until it ends: a probe cannot see either. An
    offline library needs no pause as well: it is online as soon as it is there again.
    """
    service = Service.objects.named("storage")
    changes: dict[str, Any] = {"state": state.state, "reason": state.reason}
    if state.state == OFFLINE:
        changes["paused_until"] = None
    elif service.paused_until and service.paused_until > now:
        changes = {}
    stale = service.checked_at is None or abs(now - service.checked_at) >= WRITE_EVERY
    if stale or any(getattr(service, name) != value for name, value in changes.items()):
        Service.objects.filter(pk="storage").update(**changes, checked_at=now)
        space = (probe.free_bytes, probe.free_inodes)
        if not probe.problem and space != (library.free_bytes, library.free_inodes):
            Library.objects.filter(pk=1).update(free_bytes=probe.free_bytes, free_inodes=probe.free_inodes)
    if state.may_read and library.root_path != state.root:
        Library.objects.filter(pk=1).update(root_path=state.root)


def _save_for_host(state: StorageState, now: datetime) -> None:
    """Into this host's own row; an unchanged state only every `WRITE_EVERY`."""
    host = Host.own()
    stale = host.checked_at is None or abs(now - host.checked_at) >= WRITE_EVERY
    if stale or (host.storage, host.storage_reason) != (state.state, state.reason):
        Host.objects.filter(pk=host.pk).update(storage=state.state, storage_reason=state.reason, checked_at=now)


def current() -> StorageState:
    """What the last look said, from the rows alone: fit for pages."""
    service = Service.objects.filter(pk="storage").first() or Service(name="storage")
    return as_written(service, Library.current())


def as_written(service: Service, library: Library) -> StorageState:
    """What these rows say; the same as `current` for who has read them already."""
    root = settings.MUSIC_DIR
    if service.checked_at is None:
        return StorageState(OFFLINE, "The music folder has not been looked at yet.", root, may_read=False)
    name = service.state if service.state in {OFFLINE, FULL, READONLY} else ONLINE
    state = StorageState(name, service.reason if name != ONLINE else "", root, may_read=name != OFFLINE)
    return _with_hold(state, library)


# --- What a person decides --------------------------------------------------------------------------------


def accept_root(now: datetime) -> StorageState:
    """A person says: the folder at MUSIC_DIR is the library, whatever it was before. Rows stay until a pass.

    Takes over the folder's marker or sets a new one; no stamp is believed any more. Raises RootProblem where there is
    no folder to accept.
    """
    path = settings.MUSIC_DIR
    probe = call_with_timeout(ANSWER_WITHIN, lambda: probe_root(path))
    if probe.problem and not probe.damaged:
        raise RootProblem(probe.problem)
    try:
        if probe.damaged:
            os.unlink(os.path.join(path, MARKER))
        marker = probe.marker or set_marker(path, str(uuid.uuid4()))
    except OSError as error:
        raise RootProblem(f"The music folder {path} cannot be marked as the library: {error.strerror}.") from error
    Folder.objects.filter(mtime_ns__isnull=False).update(mtime_ns=None)
    Library.objects.filter(pk=1).update(root_uuid=marker, root_path=path)
    return check(now)
