"""Where a fetched file lies until it is published: ``<music>/.tonekeep-incoming/<track>-<claim>/``.

On a mount of the library that cannot rename, files are staged on the host's own disk, ``DATA_DIR/stage``; the folder in
the library is made all the same, and recovery takes the name away from a worker that is late.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from django.conf import settings

from catalog.models import Track
from catalog.storage import own_folders
from catalog.storage.own_folders import STAGING
from catalog.tags import tag_process
from downloads.publishing import link_method


def claim_key(track: Track) -> str:
    """What the tags of this claim's file say, so that recovery knows it again."""
    return f"{track.pk}:{track.claim}"


def claim_key_in(path: str) -> str:
    """The claim's key in the tags of the file at ``path``, as `claim_key` makes it; "" where there is none."""
    tags = tag_process.read_tags(path)
    return tags.track_key if tags else ""


def stage_name(track: Track) -> str:
    """The name of this claim's stage."""
    return f"{track.pk}-{track.claim}"


def stage_folder(track: Track) -> str:
    """Where this claim's files are staged, on the library's own filesystem."""
    return os.path.join(settings.MUSIC_DIR, STAGING, stage_name(track))


def open_stage(track: Track) -> str:
    """Make the stage, for us alone. Where its files go. Raises OSError where the staging folder is not ours."""
    path = own_folders.make_stage(stage_name(track))
    if link_method.method_in(STAGING) != link_method.COPY:
        return path
    _sweep_local_stages()
    own = link_method.local_stage(stage_name(track))
    os.makedirs(own, 0o700)
    return own


def clear_stage(track: Track) -> None:
    """Remove the stage and whatever a child left in it. What the disk keeps is swept later."""
    if track.claim:
        own_folders.remove_stage(stage_name(track))
        shutil.rmtree(link_method.local_stage(stage_name(track)), ignore_errors=True)


def sweep_stages() -> int:
    """Remove the stages whose claim is no longer held by anybody. How many. Raises OSError."""
    return own_folders.remove_stages(_live().__contains__)


def _live() -> set[str]:
    """The names of the stages of those who hold a claim."""
    return {f"{pk}-{claim}" for pk, claim in Track.objects.exclude(claim=None).values_list("pk", "claim")}


def _sweep_local_stages() -> None:
    """Remove what a crash of this host left on its own disk."""
    with contextlib.suppress(FileNotFoundError):
        for name in set(os.listdir(link_method.local_stage(""))) - _live():
            shutil.rmtree(link_method.local_stage(name), ignore_errors=True)


def size_of(path: str) -> int:
    """Bytes of a staged file."""
    return os.stat(path).st_size


def remove_draft(path: str) -> None:
    """Remove a file from a stage, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        own_folders.unlink(path)
