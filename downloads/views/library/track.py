"""One song's page, and its buttons."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from catalog.db import database_clock
from catalog.ingest.separate import separate
from catalog.models import Alias, Library, Track
from catalog.reports import status
from catalog.text.humanize import count
from catalog.text.row_ids import id_from
from catalog.tracks import transitions, wanted
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed
from catalog.web.permissions import back, keeper_button, may_act, readers_page
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs import queue
from downloads.models import AudioFile
from downloads.review.decisions import ASKS_A_PERSON
from downloads.views.library.life import life_of

CANDIDATES = 30
ENTRIES = 30


@readers_page
def track(request: HttpRequest, pk: int) -> HttpResponse:
    """`/tracks/<id>`: everything that is known of one song, and why it is not here if it is not."""
    row = get_object_or_404(Track.objects.select_related("album").prefetch_related("credits__artist"), pk=pk)
    library = Library.objects.filter(pk=1).first()
    last_pass = library.last_pass if library else None
    here = row.status == Track.Status.DOWNLOADED
    audio = AudioFile.objects.filter(track=row).first() if here else None
    context = {
        "section": "library",
        "now": database_clock.now(),
        "track": row,
        "song": status.described(Track.objects.filter(pk=pk))[0],
        "kind": ERROR_KINDS.get(row.error_kind),
        "to_choose": row.error_kind in ASKS_A_PERSON,
        "last_seen": row.effective_last_seen(last_pass),
        "audio": audio,
        "kilobits": round(audio.bit_rate / 1000) if audio and audio.bit_rate else None,
        "life": life_of(row),
        "candidates": row.candidates.all()[:CANDIDATES] if may_act(request) else [],
        "names": row.aliases.select_related("album").order_by("pk")[:ENTRIES],
        "entries": row.entries.select_related("collection")[:ENTRIES],
        "may_act": may_act(request),
    }
    return render(request, "library/track.html", context)


# What a button does to a track, and what is said afterwards: where it changed something, and where it was so already.
TRACK_BUTTONS: dict[str, tuple[Callable[..., int], str, str]] = {
    "retry": (transitions.retry, "It is tried again now.", "There is nothing to try: it is here, or being downloaded."),
    "ignore": (wanted.ignore, "It is not tried any more. Its file stays where it is.", "It was stopped already."),
    "want": (wanted.want_again, "It is downloaded again.", "It is downloaded already, or was never stopped."),
}


@keeper_button
def change_track(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """Try again now, ignore, want again."""
    change, answer, otherwise = TRACK_BUTTONS[deed]
    changed = change(Track.objects.filter(pk=pk), database_clock.now(), by=request.user.get_username())
    queue.wake()
    messages.success(request, answer if changed else otherwise)
    return back(request)


@keeper_button
def separate_track(request: HttpRequest, pk: int) -> HttpResponse:
    """One of the names of this track is a song of its own."""
    name = get_object_or_404(Alias, pk=id_from(request.POST.get("name", "")), track=pk)
    parted = separate(name.pk, database_clock.now(), by=request.user.get_username())
    queue.wake()
    messages.success(request, "They are two songs now." if parted else "They are two songs already.")
    return redirect("track", pk)


@keeper_button
def retry_failed(request: HttpRequest) -> HttpResponse:
    """Try all failed tracks again now."""
    failed = Track.objects.failed()
    number = failed.count()
    if number > CONFIRM_ABOVE and not confirmed(request):
        return confirmation(request, f"Try {count(number, 'song')} again now?", "Try again now")
    changed = transitions.retry(failed, database_clock.now(), by=request.user.get_username())
    queue.wake()
    messages.success(request, f"{count(changed, 'song')} are tried again now." if changed != 1 else "1 song is tried.")
    return back(request)
