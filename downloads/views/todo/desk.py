"""`/decide/desk`: one question after the other, by keys or a thumb. Each answer leads to the next and can be undone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import Track
from catalog.text.humanize import count
from catalog.text.row_ids import id_from, ids_from
from catalog.web.permissions import keeper_button, keeper_page
from downloads.jobs import queue
from downloads.models import AudioFile, Candidate, Search
from downloads.review import answers, decisions, questions
from downloads.review.questions import Offer
from downloads.search import manual_search

OFFERED = 9  # by a key each; the song's page has the others
UNDOABLE = 60  # answers of a session that can be taken back
ALIKE_MOST = 60  # songs in one answer
LISTEN_SECONDS = 10  # of each recording, from the same place in all of them
PLAYER = "https://www.youtube-nocookie.com"
ANSWERED = "answered"  # the session's key of the answers that can be taken back, the latest last


@keeper_page
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The question about ``song``, or the one that follows the song ``after``; the first one without either."""
    wanted, after = id_from(request.GET.get("song", "")), id_from(request.GET.get("after", ""))
    rows = Track.objects.select_related("album").prefetch_related("credits__artist")
    if wanted:
        track: Track | None = get_object_or_404(rows, pk=wanted)
    else:
        track = questions.next_question(rows.filter(pk=after).first())
    done, left = len(request.session.get(ANSWERED, [])), questions.count_open()
    context: dict[str, Any] = {"section": "todo", "done": done, "left": left, "total": done + left}
    if track is not None:
        context |= _question(track)
    answer = render(request, "todo/desk.html", context)
    answer.frames = PLAYER  # type: ignore[attr-defined]  # read by `config.middleware.security_headers`
    return answer


def _question(track: Track) -> dict[str, Any]:
    offered = questions.offers(track)
    others = questions.asked_alike(track)
    rows = [
        _row(number, track, offer, len(questions.alike(track, offer, others)))
        for number, offer in enumerate(offered[:OFFERED], 1)
    ]
    return {
        "now": database_clock.now(),
        "track": track,
        "rows": rows,
        "more": max(0, len(offered) - OFFERED),
        "alike": [row for row in rows if row["alike"]],
        "search": Search.objects.filter(track=track).first(),
        "longest": manual_search.LONGEST,
        "player": PLAYER,
    }


def _row(number: int, track: Track, offer: Offer, alike: int) -> dict[str, Any]:
    row = offer.candidate
    start = max(0, (track.duration_ms or row.duration_ms or 0) // 4000)
    sound = AudioFile.objects.filter(track=track, candidate=row).exists()
    return {
        "number": number,
        "candidate": row,
        "offer": offer,
        "shorter": -(offer.off or 0),
        "alike": alike,
        "link": decisions.listening_address(row),
        "youtube": row.source_id if row.source == decisions.YOUTUBE else "",
        "here": sound and track.status != Track.Status.MISSING,
        "start": start,
        "end": start + LISTEN_SECONDS,
    }


@keeper_page
@require_safe
def desk_alike(request: HttpRequest, candidate: int) -> HttpResponse:
    """`/decide/desk/alike/<candidate>`: the songs for which the same answer holds, before it is given."""
    row = get_object_or_404(Candidate.objects.select_related("track__album"), pk=candidate)
    offer = Offer.of(row.track, row)
    found = questions.alike(row.track, offer, questions.asked_alike(row.track))
    context = {"section": "todo", "track": row.track, "offer": offer, "found": found}
    return render(request, "todo/desk_alike.html", context)


@keeper_button
def desk_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one (and the ones that were shown as alike), or none. The next question follows."""
    track, now, by = get_object_or_404(Track, pk=pk), database_clock.now(), request.user.get_username()
    if "take" in request.POST:
        chosen = get_object_or_404(Candidate, pk=id_from(request.POST["take"]), track=track)
        ids = ids_from(request.POST.getlist("also"))[:ALIKE_MOST]
        also = Candidate.objects.filter(pk__in=ids, track__in=questions.open_questions()).exclude(track=track)
        one_each = {row.track_id: row for row in also}
        changes = answers.take([chosen, *one_each.values()], now, by)
        answer = f"“{track.title}”: it is downloaded as soon as a worker is free."
        if one_each:
            answer = f"{count(len(one_each) + 1, 'song')} answered: they are downloaded as soon as a worker is free."
    else:
        changes = answers.take_none(track, now, by)
        answer = f"“{track.title}”: none of these; it is searched for again."
    if changes:
        _remember(request, track, changes)
        queue.wake()
        messages.success(request, answer)
    return redirect(f"{reverse('desk')}?{urlencode({'after': pk})}")


def _remember(request: HttpRequest, track: Track, changes: list[answers.Change]) -> None:
    request.session[ANSWERED] = [*request.session.get(ANSWERED, []), [track.pk, changes]][-UNDOABLE:]


@keeper_button
def desk_undo(request: HttpRequest) -> HttpResponse:
    """Take the latest answer of this session back, and ask its question again."""
    answered = request.session.get(ANSWERED, [])
    if not answered:
        messages.info(request, "There is no answer to undo.")
        return redirect("desk")
    *earlier, (pk, changes) = answered
    request.session[ANSWERED] = earlier
    undone = answers.undo(changes, database_clock.now(), request.user.get_username())
    messages.success(request, "Undone." if undone else "It was undone already.")
    return redirect(f"{reverse('desk')}?{urlencode({'song': pk})}")
