"""Where a fetched file lies until it is published: ``<music>/.tonekeep-incoming/<track>-<claim>/``."""

from __future__ import annotations

import contextlib
import os

from django.conf import settings

from catalog.models import Track
from catalog.storage import own_folders
from catalog.storage.own_folders import STAGING
from catalog.tags import tag_process


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
    """Make the stage, for us alone. Its path. Raises OSError where the staging folder is not ours."""
    return own_folders.make_stage(stage_name(track))


def clear_stage(track: Track) -> None:
    """Remove the stage and whatever a child left in it. What the disk keeps is swept later."""
    if track.claim:
        own_folders.remove_stage(stage_name(track))


def sweep_stages() -> int:
    """Remove the stages whose claim is no longer held by anybody. How many. Raises OSError."""
    live = {f"{pk}-{claim}" for pk, claim in Track.objects.exclude(claim=None).values_list("pk", "claim")}
    return own_folders.remove_stages(live.__contains__)


def size_of(path: str) -> int:
    """Bytes of a staged file."""
    return os.stat(path).st_size


def remove_draft(path: str) -> None:
    """Remove a file from a stage, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        own_folders.unlink(path)
