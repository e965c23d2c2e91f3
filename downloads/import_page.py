"""`/import`: drop in an export, see what was understood and what was not, then import it.

Between the two steps the upload waits in DATA_DIR, under a name that only the session of the person knows.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from catalog.access import staff_page
from catalog.importing import import_files, totals
from catalog.records import CollectionRecord
from catalog.sources.files import MAX_FILE, read_library_file
from catalog.sources.reading import ReadFile, UnreadableFile, file_size, shown
from catalog.wording import count
from downloads import jobs

LINES = 100  # of each collection, and of what was not understood, in the preview
MOST_FILES = 20  # in one upload
KEPT_FOR = 24 * 3600.0  # seconds that an upload waits for its second step
REASONS = {
    "episode": "podcast episode",
    "local": "local file, not on Spotify",
    "withdrawn": "withdrawn by Spotify",
    "unreadable": "not understood",
}


@csrf_exempt  # the token stands behind the file in the body: its size is looked at first, the token by `_upload`
@staff_page
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
    _forget_old()
    uploads = [(_keep(file), str(file.name)) for file in files]
    request.session["uploads"] = uploads
    try:
        read = _read(uploads)
    except UnreadableFile as error:
        _discard(uploads)
        return _form(request, str(error), 400)
    shown_now = {"section": "import", "files": [_preview(file) for file in read], "lines": LINES}
    shown_now["tracks"] = sum(file.tracks for file in read)
    return render(request, "import_preview.html", shown_now)


@staff_page
def import_now(request: HttpRequest) -> HttpResponse:
    """The second step: what was previewed is written into the catalog."""
    uploads = request.session.pop("uploads", None) if request.method == "POST" else None
    if not uploads:
        return redirect("import")
    try:
        read = _read(uploads)
    except UnreadableFile as error:
        return _form(request, f"{error} Nothing was imported.", 400)
    finally:
        _discard(uploads)
    sums = totals(import_files(read, timezone.now()))
    jobs.request_reconcile()
    others = sum(sums["skipped"].values())
    said = (
        f"{count(sums['entries'], 'entry', 'entries')} imported: {count(sums['tracks'], 'song')}, {others:,} others. "
    )
    messages.success(
        request, f"{said}{sums['new_tracks']:,} are new. The folder is checked, then what is missing is fetched."
    )
    return redirect("status_page")


def _form(request: HttpRequest, problem: str = "", code: int = 200) -> HttpResponse:
    return render(request, "import.html", {"section": "import", "problem": problem}, status=code)


# --- What was uploaded ------------------------------------------------------------------------------------


def _folder() -> Path:
    folder: Path = settings.DATA_DIR / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _keep(file: UploadedFile) -> str:
    """Write an upload down; the token that leads to it. Its own name is never part of a path."""
    token = secrets.token_hex(16)
    descriptor = os.open(_folder() / token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)
    return token


def _read(uploads: list[Any]) -> list[ReadFile]:
    """All uploads as understood. Raises UnreadableFile; then nothing of any of them counts."""
    gone = UnreadableFile("The upload has waited too long; choose the file again.")
    found: list[ReadFile] = []
    for token, name in uploads:
        path = _folder() / token
        if not re.fullmatch(r"[0-9a-f]{32}", token) or not path.is_file():
            raise gone
        found += read_library_file(str(path), name)
    return found


def _discard(uploads: list[Any]) -> None:
    for token, _ in uploads:
        with suppress(OSError):
            os.unlink(_folder() / token)


def _forget_old() -> None:
    """Uploads whose second step never came."""
    for entry in os.scandir(_folder()):
        with suppress(OSError):
            if time.time() - entry.stat().st_mtime > KEPT_FOR:
                os.unlink(entry.path)


# --- What was understood ----------------------------------------------------------------------------------


def _preview(file: ReadFile) -> dict[str, Any]:
    """``entries = tracks + others``; ``missed`` are the lines that were not understood."""
    return {
        "name": shown(file.name),
        "kind": file.kind,
        "error": file.error,
        "notes": file.notes,
        "entries": file.entries,
        "tracks": file.tracks,
        "others": [(REASONS.get(reason, reason), number) for reason, number in sorted(file.reasons.items())],
        "missed": file.skipped[:LINES],
        "more_missed": max(0, len(file.skipped) - LINES),
        "collections": [_lines(collection) for collection in file.collections],
    }


def _lines(collection: CollectionRecord) -> dict[str, Any]:
    """A collection's first lines, each as a track or with the reason why it is none."""
    lines = [
        {
            "number": number,
            "track": entry.track,
            "label": entry.label,
            "reason": REASONS.get(entry.reason, entry.reason),
        }
        for number, entry in enumerate(collection.entries[:LINES], 1)
    ]
    return {"name": collection.name, "entries": len(collection.entries), "lines": lines}
