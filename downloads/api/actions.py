"""What the API changes: the pages' buttons, one for one."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from catalog.db import database_clock
from catalog.models import Service, Track
from catalog.tracks import transitions, wanted
from downloads.api import schemas
from downloads.api.auth import Actor
from downloads.api.questions import RowId
from downloads.jobs import queue

router = Router(auth=Actor(), tags=["actions"])


class SongAction(StrEnum):
    RETRY = "retry"
    IGNORE = "ignore"
    WANT = "want"


SONG_ACTIONS: dict[SongAction, Callable[..., int]] = {
    SongAction.RETRY: transitions.retry,
    SongAction.IGNORE: wanted.ignore,
    SongAction.WANT: wanted.want_again,
}


@router.post("/tracks/{track_id}/{action}", response=schemas.Changed)
def change_song(request: HttpRequest, track_id: RowId, action: SongAction) -> dict[str, Any]:
    """Try a song again now, ignore it (its file stays), or want it again."""
    tracks = Track.objects.filter(pk=track_id)
    if not tracks.exists():
        raise Http404
    changed = SONG_ACTIONS[action](tracks, database_clock.now(), by=request.user.get_username())
    queue.wake()
    return {"changed": changed}


@router.post("/pause", response=schemas.Requested)
def pause(request: HttpRequest) -> dict[str, str]:
    """Begin no new fetch until `resume`; what is being fetched is finished."""
    Service.objects.pause_by_person("audio")
    return {"requested": "pause"}


@router.post("/resume", response=schemas.Requested)
def resume(request: HttpRequest) -> dict[str, str]:
    """End every pause of fetching."""
    Service.objects.go_on("audio")
    queue.wake()
    return {"requested": "resume"}


@router.post("/sync", response=schemas.Requested)
def sync(request: HttpRequest) -> dict[str, str]:
    """Read the Spotify library again, then look at the music folder."""
    queue.request_sync()
    return {"requested": "sync"}


@router.post("/reconcile", response=schemas.Requested)
def reconcile(request: HttpRequest) -> dict[str, str]:
    """Look at the music folder."""
    queue.request_reconcile()
    return {"requested": "reconcile"}
