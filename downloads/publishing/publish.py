"""From the stage folder into the library: reserve, link, finish.

The place of a file is reserved in its track's row first and only then linked in, without ever overwriting: a crash at
any moment leaves either no file, or a file of the reserved size that carries the claim's key in its tags. Nothing here
sleeps or reads a clock.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from catalog.models import Track
from catalog.music import path_template
from catalog.storage import mounts, own_folders
from catalog.system.atomic_files import is_taken, make_folders, set_mode, sync_file, sync_folder
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.publishing import link_method
from downloads.publishing.link_method import NOT_SUPPORTED, placeholder_text
from downloads.publishing.staging import claim_key, claim_key_in, stage_folder
from downloads.publishing.target_path import MAX_NAMES, short_id, target_place

logger = logging.getLogger(__name__)


class NoFreeName(Exception):
    """Every name that this track could have is taken."""


class LeaseLost(Exception):
    """The track is no longer ours: the deadline passed and somebody else decided about it."""


class Staged(NamedTuple):
    """What lies in the stage, ready to go: absolute path, size in bytes, extension without a dot."""

    path: str
    size: int
    extension: str


def publish(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    """Bring the staged, tagged file into the library. The place that it got.

    Raises LeaseLost, NoFreeName, or OSError where the disk refuses; the stage is the caller's to clear.
    """
    set_mode(staged.path, 0o666 & ~settings.MUSIC_UMASK)  # other players must read it
    sync_file(staged.path)
    failpoint("synced")
    place = _reserve_and_link(track, staged, now)
    try:
        failpoint("linked")
        sync_folder(os.path.dirname(place.path))
        failpoint("folder_synced")
        finished = transitions.finish(track.pk, track.claim or "", now())
        if not finished:
            _take_back(track, place, staged, now())
    except Exception as error:
        # The file is in its place and the row names it: recovery will find it. To call this a failure would clear
        # the reservation and leave a file that nobody knows.
        logger.exception("Track %s is in its place, but its row could not be written", track.pk)
        raise LeaseLost from error
    if not finished:
        raise LeaseLost
    failpoint("finished")
    return place


def _reserve_and_link(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    first = target_place(track, staged.extension)
    mounts.require(first.root, first.folder)
    method = link_method.link_method(os.path.dirname(staged.path))
    for attempt in range(MAX_NAMES):
        folder, name = first.folder, path_template.next_place(first.file_name, short_id(track), attempt)
        place = Place(first.root, folder, name)
        if is_taken(place.path):
            continue
        try:
            if not transitions.reserve(track.pk, track.claim or "", place, staged.size, now()):
                raise LeaseLost
            failpoint("reserved")
            make_folders(place.root, place.folder, 0o777 & ~settings.MUSIC_UMASK)
            _put_in_place(staged.path, place.path, method)
        except (PlaceTaken, FileExistsError):
            continue
        except OSError as error:
            _remove_own_placeholder(track, place)
            if error.errno in NOT_SUPPORTED:
                link_method.forget_method()
            if isinstance(error, FileNotFoundError) and not transitions.holds(track.pk, track.claim or "", now()):
                raise LeaseLost from error  # recovery has taken our stage away
            raise
        return place
    raise NoFreeName(f"{first.relative} and {MAX_NAMES - 1} other names are taken by other files.")


def _put_in_place(staged: str, target: str, method: str) -> None:
    """As `link_method.put_on_any_drive`. NFS can lose the answer to a link that worked, and say that the name is taken.

    Only here, where the staged file's own name cannot be the target in another case.
    """
    try:
        link_method.put_on_any_drive(staged, target, method)
    except OSError:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.lstat(staged), os.lstat(target)):
                return
        raise


def _take_back(track: Track, place: Place, staged: Staged, now: datetime) -> None:
    """Our file is in the library, but the deadline has passed and recovery did not see it there.

    If the track still misses a file, this is it. Otherwise it has its own, or another worker is getting it: our link
    goes, and only ours, unless a row names it by now. Under the row's lock no worker can begin to adopt it between
    our look and its end.
    """
    with contextlib.suppress(PlaceTaken):
        if transitions.adopt(track.pk, place, staged.size, now, "published after its deadline"):
            return
    with transaction.atomic(), contextlib.suppress(OSError):
        list(Track.objects.select_for_update().filter(pk=track.pk).values_list("pk"))
        named = Track.objects.filter(local_path=place.path).exists()
        if not named and claim_key_in(place.path) == claim_key(track):
            own_folders.unlink(place.path)


def remove_placeholder(track: Track) -> None:
    """Remove the placeholder of this claim, if that is what lies at its reserved place, perhaps half filled.

    Only while the claim's row is locked: then nobody else can have got the place since, and put a file there.
    """
    mark = placeholder_text(stage_folder(track))
    with contextlib.suppress(OSError):
        with open(os.open(track.local_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as placeholder:
            ours = placeholder.read(len(mark)) == mark
        if ours:
            own_folders.unlink(track.local_path)


def _remove_own_placeholder(track: Track, place: Place) -> None:
    """The file could not follow its placeholder. Who has lost the claim touches nothing: recovery sees to it."""
    with transaction.atomic():
        row = transitions.reservation(track.pk, track.claim or "", place.path).select_for_update().first()
        if row is not None:
            remove_placeholder(row)
