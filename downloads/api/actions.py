"""What the API changes: the pages' buttons, one for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import File, Query, Router, UploadedFile
from ninja.errors import HttpError

from catalog.db import database_clock
from catalog.importers.formats.streaming_history import MOST, most_played
from catalog.importers.parsed_file import UnreadableFile
from catalog.library.make_plan import accept_plan
from catalog.models import Service, Track
from catalog.reports import plan
from catalog.tracks import transitions, wanted
from downloads.api import schemas
from downloads.api.auth import Actor
from downloads.api.questions import LARGEST_ID, RowId
from downloads.fetch.url_allowlist import AddressRefused
from downloads.jobs import queue, uploads
from downloads.models import Candidate
from downloads.review import decisions

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


@router.post("/tracks/{track_id}/address", response=schemas.Requested)  # before the address that takes any word
def choose_address(request: HttpRequest, track_id: RowId, body: schemas.Address) -> dict[str, str]:
    """Take the recording at an address of the site for a song, or with an id of it."""
    track = Track.objects.filter(pk=track_id).first()
    if track is None:
        raise Http404
    try:
        decisions.choose_url(track, body.address, database_clock.now(), request.user.get_username())
    except AddressRefused as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from error
    queue.wake()
    return {"requested": "take"}


@router.post("/tracks/{track_id}/{action}", response=schemas.Changed)
def change_song(request: HttpRequest, track_id: RowId, action: SongAction) -> dict[str, Any]:
    """Try a song again now, ignore it (its file stays), or want it again."""
    tracks = Track.objects.filter(pk=track_id)
    if not tracks.exists():
        raise Http404
    changed = SONG_ACTIONS[action](tracks, database_clock.now(), by=request.user.get_username())
    queue.wake()
    return {"changed": changed}


class Answer(StrEnum):
    TAKE = "take"
    NEVER = "never"
    TAKE_BACK = "take-back"


ANSWERS: dict[Answer, Callable[[Candidate, datetime, str], None]] = {
    Answer.TAKE: decisions.choose,
    Answer.NEVER: decisions.exclude,
    Answer.TAKE_BACK: decisions.reset,
}


@router.post("/candidates/{candidate_id}/{answer}", response=schemas.Requested)
def decide(request: HttpRequest, candidate_id: RowId, answer: Answer) -> dict[str, str]:
    """Decide about a recording that was found for a song: take it, never take it, or take that back."""
    candidate = Candidate.objects.filter(pk=candidate_id).first()
    if candidate is None:
        raise Http404
    ANSWERS[answer](candidate, database_clock.now(), request.user.get_username())
    queue.wake()
    return {"requested": answer}


@router.post("/plan/accept", response=schemas.Requested)
def accept(request: HttpRequest, up_to: Annotated[int, Query(ge=0, le=LARGEST_ID)]) -> dict[str, str]:
    """Start what the plan says; ``up_to`` is that of the plan that was read: songs that came since are new ones."""
    if plan.look_under_way(database_clock.now()) or not plan.is_looked_for():
        raise HttpError(
            HTTPStatus.CONFLICT, "The plan is not made yet: the music folder is still being looked through."
        )
    accept_plan(min(up_to, Track.objects.last_id()))
    queue.wake()
    return {"requested": "plan"}


@router.post("/import", response=schemas.Requested)
def import_library(request: HttpRequest, file: File[UploadedFile]) -> dict[str, str]:
    """Import an export of a library, as the page does; the events tell how it ended."""
    uploads.forget_old()
    kept = [(uploads.keep(file), str(file.name))]
    try:
        read = uploads.read(kept)
    except UnreadableFile as error:
        uploads.discard(kept)
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from error
    if uploads.takes_jobs():
        uploads.ask(kept, sum(each.entries for each in read), database_clock.now())
        queue.request_import()
    else:
        uploads.import_now([most_played(each, MOST) for each in read], database_clock.now())
        uploads.discard(kept)
        queue.request_reconcile()
    return {"requested": "import"}


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
