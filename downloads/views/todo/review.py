"""Which recording is it? The pages where a person listens, compares and decides. Only for who runs the installation."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import Track
from catalog.storage import state as storage
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import back, keeper_button, keeper_page
from downloads.audio import verify
from downloads.failures.kinds import ERROR_KINDS
from downloads.fetch.url_allowlist import AddressRefused
from downloads.jobs import queue
from downloads.models import RULED_OUT, AudioFile, Candidate, Search
from downloads.review import audio_stream, decisions, questions
from downloads.search import manual_search

SHOWN = 60  # candidates of one track
TWICE = 10  # pairs of songs with the same sound
QUESTIONS = 30  # on a page of `/decide`: each with what was found for it
END_SECONDS = 15  # of the file's end, for "listen to both ends"

# What a button does to a candidate, and what is said afterwards.
ACTIONS: dict[str, tuple[Callable[..., None], str]] = {
    "take": (decisions.choose, "This recording it is, and no other. It is downloaded as soon as a worker is free."),
    "never": (decisions.exclude, "This recording is never taken for this song."),
    "take-back": (decisions.reset, "Undone: the program judges this recording by itself again."),
}


@keeper_page
@require_safe
def review_list(request: HttpRequest) -> HttpResponse:
    """`/decide`: the open questions that the navigation counts, each with the nearest recording that was found."""
    keys: list[Any] = [rows.values_list("pk", named=True) for rows in questions.by_kind()]
    page = asked_page(request, keys, ("pk",), QUESTIONS)
    rows = Track.objects.filter(pk__in=[row.pk for row in page.rows]).order_by("pk").select_related("album")
    tracks = rows.prefetch_related("credits__artist", "candidates")
    items = [{"track": track, "best": _nearest(track)} for track in tracks]
    following = {
        "twice": AudioFile.objects.twice().order_by("track").select_related("track", "same_as")[:TWICE],
        "pager": links(request, page),
    }
    return render(request, "todo/review_list.html", {"section": "todo", "items": items, "page": page, **following})


def _nearest(track: Track) -> Candidate | None:
    """The best of the prefetched candidates that nobody has sent away."""
    sent_away = (Candidate.Verdict.NEVER, Candidate.Verdict.DISPROVED)
    return next((one for one in track.candidates.all() if one.verdict not in sent_away), None)


@keeper_page
@require_safe
def review_track(request: HttpRequest, pk: int) -> HttpResponse:
    """`/decide/<id>`: all recordings that were found for a track, with scores and reasons, and what may be said."""
    track = get_object_or_404(Track.objects.select_related("album").prefetch_related("credits__artist"), pk=pk)
    sound = AudioFile.objects.filter(track=track).select_related("same_as").first()
    rows = list(track.candidates.all()[:SHOWN])
    choice = next((row for row in rows if row.verdict == Candidate.Verdict.CHOSEN), None)
    suggested = rows[0] if rows and not choice and _may_be_suggested(rows[0]) else None
    context = {
        "section": "todo",
        "now": database_clock.now(),
        "track": track,
        "kind": ERROR_KINDS.get(track.error_kind),
        "cure": _cure(track, rows),
        "choice": choice,
        "rows": [_row(row, track, sound, suggested=row == suggested) for row in rows],
        "sound": sound,
        "kilobits": round(sound.bit_rate / 1000) if sound and sound.bit_rate else None,
        "ends": _ends(track, sound),
        "search": Search.objects.filter(track=track).first(),
        "waiting": track.replaced.first(),
        "longest": manual_search.LONGEST,
    }
    return render(request, "todo/review_track.html", context)


def _may_be_suggested(row: Candidate) -> bool:
    """Whether the page may lead a hand to it: nothing speaks against it but that it is not certain."""
    return not row.verdict and RULED_OUT not in row.reasons


def _cure(track: Track, rows: list[Candidate]) -> str:
    """What helps, where the page itself is not the help."""
    kind = ERROR_KINDS.get(track.error_kind)
    return kind.cure if kind and not (rows and track.error_kind in decisions.ASKS_A_PERSON) else ""


def _row(row: Candidate, track: Track, sound: AudioFile | None, suggested: bool) -> dict[str, Any]:
    """A candidate with what the page says of it beside its own columns."""
    off = None
    if row.duration_ms is not None and track.duration_ms is not None:
        off = round((row.duration_ms - track.duration_ms) / 1000)
    here = sound is not None and sound.candidate_id == row.pk and track.status == Track.Status.DOWNLOADED
    too_far = off is not None and abs(off) * 1000 > verify.tolerance(track.duration_ms or 0)
    context = {"candidate": row, "off": off, "too_far": too_far, "here": here, "link": decisions.listening_address(row)}
    return context | {"suggested": suggested and not here}


def _ends(track: Track, sound: AudioFile | None) -> dict[str, int] | None:
    """From which second on the file's end is played; None where there is no file to listen to."""
    if track.status == Track.Status.MISSING:
        return None
    length = (sound.duration_ms if sound else track.duration_ms or 0) // 1000
    return {"last": max(0, length - END_SECONDS)}


@keeper_page
@require_safe
def review_audio(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`/decide/<id>/sound`: the file itself, whole or a range of it, for the page's players."""
    track = get_object_or_404(Track, pk=pk)
    if not storage.current().may_read:
        return HttpResponse("The music folder is not there now.", status=503, content_type="text/plain")
    try:
        audio = audio_stream.opened(track)
    except audio_stream.NoSound as error:
        return HttpResponse(str(error), status=404, content_type="text/plain")
    return _played(request, audio)


def _played(request: HttpRequest, audio: audio_stream.Opened) -> HttpResponseBase:
    try:
        span = audio_stream.span_of(request.headers.get("Range", ""), audio.size)
    except ValueError:
        os.close(audio.fd)
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{audio.size}"})
    first, last = span or (0, audio.size - 1)
    answer = StreamingHttpResponse(
        audio_stream.blocks(audio.fd, first, last), status=206 if span else 200, content_type=audio.media_type
    )
    answer["Content-Length"] = str(last - first + 1)
    answer["Accept-Ranges"] = "bytes"
    answer["X-Content-Type-Options"] = "nosniff"
    if span:
        answer["Content-Range"] = f"bytes {first}-{last}/{audio.size}"
    return answer


# --- Buttons ----------------------------------------------------------------------------------------------


@keeper_button
def review_candidate(request: HttpRequest, candidate: int, action: str) -> HttpResponse:
    """Take this one, never this one, take it back."""
    row = get_object_or_404(Candidate, pk=candidate)
    act, answer = ACTIONS[action]
    act(row, database_clock.now(), request.user.get_username())
    queue.wake()
    messages.success(request, answer)
    return redirect("review_track", pk=row.track_id)


@keeper_button
def review_url(request: HttpRequest, pk: int) -> HttpResponse:
    """Use this YouTube id. Whatever is no id and no address of YouTube's own hosts is refused here already."""
    track = get_object_or_404(Track, pk=pk)
    try:
        decisions.choose_url(track, request.POST.get("address", ""), database_clock.now(), request.user.get_username())
    except AddressRefused as error:
        messages.error(request, f"{error} Paste the 11 characters of a recording's id, or its address on YouTube.")
    else:
        queue.wake()
        messages.success(request, ACTIONS["take"][1])
    return redirect("review_track", pk=pk)


@keeper_button
def review_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Search with these words, in the background."""
    track = get_object_or_404(Track, pk=pk)
    try:
        manual_search.ask(track, request.POST.get("words", ""), database_clock.now())
    except ValueError as error:
        messages.error(request, str(error))
    else:
        queue.request_search()
        messages.success(request, "It is searched for in the background; what is found appears here.")
    return back(request) if "next" in request.POST else redirect("review_track", pk=pk)
