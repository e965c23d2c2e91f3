"""`/import`: drop in an export, see what was understood and what was not, then import it.

Between the two steps the upload waits in DATA_DIR (`downloads.jobs.uploads`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from catalog.db import database_clock
from catalog.importers.formats.streaming_history import MOST, most_played
from catalog.importers.import_files import guard_against_empty, renamed, with_albums
from catalog.importers.parsed_file import MAX_ENTRIES, ReadFile, UnreadableFile, file_size, shown, whole_number
from catalog.importers.reader import MAX_FILE
from catalog.models import Account, Collection, Run
from catalog.music.records import FILE, LINK, CollectionRecord
from catalog.reports import plan
from catalog.text.humanize import count
from catalog.web.permissions import keeper_page
from downloads.jobs import queue, uploads

LINES = 100  # of each collection, and of what was not understood, in the preview
MOST_FILES = 20  # in one upload
MOST_NAMES = 500  # lists that can be renamed in the preview: a form has at most 1,000 fields
RUNS_SHOWN = 5  # of the imports that a job has done
REASONS = {
    "episode": "podcast episode",
    "local": "local file, not on Spotify",
    "withdrawn": "withdrawn by Spotify",
    "unreadable": "not understood",
    "link": "link, named once Spotify is connected",
}


@csrf_exempt  # the token stands behind the file in the body: its size is looked at first, the token by `_upload`
@keeper_page
def import_page(request: HttpRequest) -> HttpResponseBase:
    """The form, and the preview of what was uploaded."""
    if request.method != "POST":
        return _form(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_FILE + 1_000_000:
        problem = f"The upload is larger than {file_size(MAX_FILE)}: no library export is. Take the export itself."
        return _form(request, problem, 413)
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    files = request.FILES.getlist("files")
    if not files:
        return _form(request, "Choose a file first.", 400)
    if len(files) > MOST_FILES:
        return _form(request, f"That is more than {MOST_FILES} files at once; put them into one zip.", 400)
    uploads.forget_old()
    uploads.discard(request.session.get("uploads", ()))  # of an earlier preview
    uploads_now = [(uploads.keep(file), str(file.name)) for file in files]
    request.session["uploads"] = uploads_now
    try:
        read = uploads.read(uploads_now)
    except UnreadableFile as error:
        uploads.discard(uploads_now)
        return _form(request, str(error), 400)
    request.session["upload_entries"] = sum(file.entries for file in read)
    shown_now: dict[str, Any] = {"section": "settings", "lines": LINES}
    keys = {collection.key for file in read for collection in file.collections}
    named = dict(Collection.objects.filter(account="", kind=FILE, key__in=keys).values_list("key", "name"))
    places = iter(range(sum(len(file.collections) for file in read)))
    shown_now["files"] = [_preview(file, places, named) for file in read]
    shown_now["links"] = sum(file.reasons.get(LINK, 0) for file in read)
    shown_now["albums"] = sum(len(file.albums) for file in read)
    shown_now["connected"] = Account.objects.exists()
    shown_now["tracks"] = sum(most_played(file, MOST).tracks for file in read)
    shown_now["ranked"] = max((len(file.ranking) for file in read), default=0)
    shown_now["most"] = MOST
    return render(request, "settings/import_preview.html", shown_now)


@keeper_page
def import_now(request: HttpRequest) -> HttpResponse:
    """The second step: what was previewed is written into the catalog, at once or, where it is much, by a job."""
    asked = request.session.pop("uploads", None) if request.method == "POST" else None
    if not asked:
        return redirect("import")
    entries = request.session.pop("upload_entries", 0)
    most = whole_number(request.POST.get("most", ""), MAX_ENTRIES) or MOST
    names = {place: request.POST[f"name_{place}"] for place in range(MOST_NAMES) if f"name_{place}" in request.POST}
    albums = request.POST.get("albums") == "yes"
    if entries > uploads.MANY and uploads.takes_jobs():
        uploads.ask(asked, entries, database_clock.now(), most, names, albums)
        queue.request_import()
        messages.success(request, f"{count(entries, 'entry', 'entries')} are being imported. You may leave this page.")
        return redirect("import")
    try:
        read = [most_played(file, most) for file in renamed(uploads.read(asked), names)]
        read = [with_albums(file) for file in read] if albums else read
    except UnreadableFile as error:
        return _form(request, f"{error} Nothing was imported.", 400)
    finally:
        uploads.discard(asked)
    answer = uploads.import_now(read, database_clock.now())
    queue.request_reconcile()
    if plan.reason_to_wait():
        messages.success(request, answer)
        return redirect("plan")
    messages.success(request, f"{answer} The folder is checked, then what is missing is downloaded.")
    return redirect("status")


def _form(request: HttpRequest, problem: str = "", code: int = 200) -> HttpResponse:
    runs = list(Run.objects.filter(kind=Run.Kind.IMPORT)[:RUNS_SHOWN])
    shown_now = {"section": "settings", "problem": problem, "runs": runs, "now": database_clock.now()}
    shown_now["waiting"] = any(run.ended_at is None for run in runs)
    return render(request, "settings/import.html", shown_now, status=code)


# --- What was understood ----------------------------------------------------------------------------------


def _preview(file: ReadFile, places: Iterator[int], named: dict[str, str]) -> dict[str, Any]:
    """``entries = tracks + others``; ``missed`` are the lines that were not understood."""
    return {
        "name": shown(file.name),
        "kind": file.kind,
        "error": file.error,
        "notes": [*file.notes, *(each.problem for each in map(guard_against_empty, file.collections) if each.problem)],
        "entries": file.entries,
        "tracks": file.tracks,
        "others": [(REASONS.get(reason, reason), number) for reason, number in sorted(file.reasons.items())],
        "missed": file.skipped[:LINES],
        "more_missed": max(0, len(file.skipped) - LINES),
        "collections": [_lines(collection, next(places), named) for collection in file.collections],
    }


def _lines(collection: CollectionRecord, place: int, named: dict[str, str]) -> dict[str, Any]:
    """A collection's first lines, each as a track or with the reason why it is none, and the field of its name."""
    lines = [
        {
            "number": number,
            "track": entry.track,
            "label": entry.label,
            "reason": REASONS.get(entry.reason, entry.reason),
        }
        for number, entry in enumerate(collection.entries[:LINES], 1)
    ]
    field = f"name_{place}" if place < MOST_NAMES else ""
    name = named.get(collection.key, collection.name)  # as a person has called it
    return {"name": name, "field": field, "entries": len(collection.entries), "lines": lines}
