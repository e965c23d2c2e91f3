"""A better file takes the stead of a track's, as a person said on the page /adopt: the old one goes to the trash.

The trash's page brings the old one back, and then the better one lies there (`downloads.file_moves.restore`).
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings

from catalog.models import AdoptionMatch, Track
from catalog.storage import acting_host, own_folders
from catalog.storage import state as storage
from catalog.storage.own_folders import TRASH
from catalog.storage.probe import RootProblem, open_root
from catalog.system.atomic_files import file_size
from catalog.tags import tag_process
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.file_moves import superseded
from downloads.models import AudioFile, WrittenTags
from downloads.publishing import link_method

logger = logging.getLogger(__name__)


def use_accepted(now: datetime) -> int:
    """Do what persons have said yes to. How many tracks have their better file; what cannot be done now is left."""
    rows = AdoptionMatch.objects.filter(better=True).exclude(accepted_by="").select_related("track__folder")
    if not rows.exists() or not storage.check(now).may_write or own_folders.problem_of(TRASH):
        return 0
    used = 0
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            return 0
        try:
            with open_root(settings.MUSIC_DIR) as root:
                for row in rows.order_by("pk"):
                    root.require()
                    used += _use(row, now)
        except RootProblem as error:
            logger.warning("Better files wait: %s", error)
    return used


def _use(row: AdoptionMatch, now: datetime) -> bool:
    """A file that is no longer what the question was about is nobody's, and may be asked about again."""
    track, place = row.track, Place.of(settings.MUSIC_DIR, row.file)
    try:
        size, old_size = file_size(place.path), file_size(track.local_path) if track.local_path else None
        if size == row.size and old_size is not None and track.status == Track.Status.DOWNLOADED:
            _exchange(track, place, size, old_size, row, now)
    except OSError as error:
        logger.warning("Track %s keeps its file for now: %s", track.pk, error.strerror)
        return False
    row.delete()
    return Track.objects.filter(pk=track.pk, local_path=place.path).exists()


def _exchange(track: Track, place: Place, size: int, old_size: int, row: AdoptionMatch, now: datetime) -> None:
    old = track.local_path

    def follow(trash: Place) -> bool:
        try:
            return transitions.move(track.pk, old, place, now, row.why, size=size, by=row.accepted_by)
        except PlaceTaken:
            return False

    superseded.to_trash(track, old, old_size, now, link_method.method_in(TRASH), follow)
    WrittenTags.objects.filter(track=track).delete()  # its tags are a person's words
    tags = tag_process.read_tags(place.path)
    if tags:
        AudioFile.objects.filter(track=track).update(
            candidate=None, codec=tags.codec[:20], bit_rate=tags.bitrate or None, proved_at=now
        )
