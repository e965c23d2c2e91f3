"""Tags in files follow the catalog: where it says something else than was written, the file is tagged anew.

Only our fields, and only those in which the file still says what we wrote: a person's own words stay. A copy is tagged
beside the library and takes the file's name in one step, so that a crash leaves the old file or the new one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet

from catalog.db.id_sets import id_subquery
from catalog.models import Library, Track
from catalog.storage import acting_host, own_folders
from catalog.storage import state as storage
from catalog.storage.own_folders import STAGING
from catalog.storage.probe import RootProblem, open_root
from catalog.system.atomic_files import file_at, set_mode, sync_file, sync_folder
from catalog.system.failpoints import failpoint
from catalog.tags import tag_process
from catalog.tags.audio_tags import TagError
from catalog.tags.tag_fields import Fields
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from catalog.tracks.place import relative_path
from downloads.models import WrittenTags
from downloads.publishing import written_tags
from downloads.publishing.written_tags import digest

CHUNK = 200  # tracks read together, and tagged under one lock
LISTED = 20  # files that a report names

logger = logging.getLogger(__name__)
Stop = Callable[[], bool]


class CannotRetag(UserError):
    """No tags can be written now; one sentence."""

    exit_status = 3


@dataclass(slots=True)
class RetagReport:
    """``files`` have tags of ours, ``due`` do not say what the catalog says, ``written`` were tagged anew.

    ``kept`` counts fields in which a person has written other words. ``unknown`` files have not been looked at yet:
    what was written into them is not known. ``foreign`` ones were not fetched here, and stay as they are. ``left``
    could not be written; ``problems`` says why.
    """

    files: int = 0
    due: int = 0
    written: int = 0
    kept: int = 0
    unknown: int = 0
    foreign: int = 0
    left: int = 0
    complete: bool = True
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def note(self, path: str, fields: Fields, kept: list[str]) -> None:
        """One file, what its fields are to say, and the fields that stay a person's."""
        self.kept += len(kept)
        if len(self.examples) < LISTED:
            texts = {name: ", ".join(values) for name, values in fields.items()}
            self.examples.append({"file": path, "fields": texts, "kept": kept})

    def leave(self, path: str, why: str) -> None:
        """One file that stays as it is."""
        self.left += 1
        if len(self.problems) < LISTED:
            self.problems.append(f"{path}: {why}")


def plan(most: int | None = None) -> RetagReport:
    """What the catalog says otherwise than was written, from the rows alone: no file is read.

    ``most``: of the first songs that are wanted and here, and no others.
    """
    rows, unknown = WrittenTags.objects.filter(track__status=Track.Status.DOWNLOADED), written_tags.unknown()
    if most is not None:
        first = Track.objects.downloaded().order_by("pk").values_list("pk", flat=True)[:most]
        some = id_subquery(first)
        rows, unknown = rows.filter(pk__in=some), unknown.filter(pk__in=some)
    report = RetagReport(unknown=unknown.count(), foreign=rows.filter(foreign=True).count())
    for row, desired in _with_desired(rows.filter(foreign=False)):
        report.files += 1
        if digest(desired) != row.digest:
            report.due += 1
            report.note(relative_path(row.track.local_path), _differences(row.fields, desired), row.kept)
    return report


def apply(now: datetime, should_stop: Stop = lambda: False) -> RetagReport:
    """Write what the catalog says otherwise. Raises CannotRetag."""
    report = RetagReport()

    def see(row: WrittenTags, desired: Fields) -> None:
        report.files += 1
        if digest(desired) != row.digest:
            report.due += 1
            _bring_in_line(row, desired, now, report)

    rows = WrittenTags.objects.filter(track__status=Track.Status.DOWNLOADED, foreign=False)
    _each(_with_desired(rows), see, report, now, should_stop)
    return report


def undo(now: datetime, should_stop: Stop = lambda: False) -> RetagReport:
    """Write back what the last run found. It is not written again until the catalog says something else.

    Raises CannotRetag.
    """
    report = RetagReport()
    rows = WrittenTags.objects.filter(
        retagged_at=last_run(), retagged_at__isnull=False, track__status=Track.Status.DOWNLOADED
    )

    def see(row: WrittenTags, desired: Fields) -> None:
        report.files += 1
        report.due += 1
        _write_back(row, now, report)

    _each(((row, {}) for row in _chunks(rows)), see, report, now, should_stop)
    return report


def _with_desired(rows: QuerySet[WrittenTags]) -> Iterator[tuple[WrittenTags, Fields]]:
    """The rows, and what their files are to say."""
    desired = written_tags.desired_fields()
    for row in _chunks(rows):
        yield row, desired(row.track)


def _chunks(rows: QuerySet[WrittenTags]) -> Iterator[WrittenTags]:
    last = 0
    related = rows.select_related("track__album").prefetch_related("track__credits__artist").order_by("pk")
    while chunk := list(related.filter(pk__gt=last)[:CHUNK]):
        yield from chunk
        last = chunk[-1].pk


def _each(
    rows: Iterator[tuple[WrittenTags, Fields]],
    see: Callable[[WrittenTags, Fields], None],
    report: RetagReport,
    now: datetime,
    should_stop: Stop,
) -> None:
    """Go through the rows while the library is there and no pass looks at it."""
    state = storage.check(now)
    if not state.may_write:
        raise CannotRetag(state.reason or "The library cannot be written to now.")
    problem = own_folders.problem_of(STAGING)
    if problem:
        raise CannotRetag(problem)
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            raise CannotRetag(
                acting_host.reason_not_to_act("The music folder is being scanned; try again when that has ended.")
            )
        stops = acting_host.or_lost(should_stop)
        try:
            with open_root(settings.MUSIC_DIR) as root:
                for row, desired in rows:
                    if stops():
                        report.complete = False
                        return
                    root.require()
                    see(row, desired)
        except RootProblem as error:
            report.complete = False
            report.problems.append(str(error))


def _differences(written: Fields, desired: Fields) -> Fields:
    return {name: values for name, values in desired.items() if written.get(name) != values}


def _bring_in_line(row: WrittenTags, desired: Fields, now: datetime, report: RetagReport) -> None:
    path = row.track.local_path
    try:
        fields = tag_process.read_fields(path)
        if fields is None or os.path.islink(path):
            report.leave(
                relative_path(row.track.local_path), "it cannot carry our tags, or is a link to another place."
            )
            return
        changes, kept = {}, []
        for name, values in _differences(row.fields, desired).items():
            if fields.get(name, []) == row.fields.get(name, _unwritten(name)):
                changes[name] = values
            elif fields.get(name) != values:
                kept.append(name)
        if changes:
            _write(row.track, changes, now, _reason("follow the catalog", changes, kept))
            report.written += 1
            row.before, row.retagged_at = {name: fields.get(name, []) for name in changes}, now
    except (OSError, TagError) as error:
        report.leave(relative_path(row.track.local_path), getattr(error, "strerror", None) or str(error))
        return
    report.note(relative_path(row.track.local_path), changes, kept)
    arrived = {name: values for name, values in desired.items() if name not in kept}
    row.fields, row.kept, row.digest = row.fields | arrived, sorted(kept), digest(desired)
    row.save(update_fields=["fields", "kept", "digest", "before", "retagged_at"])


def _write_back(row: WrittenTags, now: datetime, report: RetagReport) -> None:
    """The fields that the last run changed, where they still say what it wrote."""
    path = row.track.local_path
    try:
        fields = tag_process.read_fields(path) or {}
        changes = {name: values for name, values in row.before.items() if fields.get(name) == row.fields.get(name)}
        if changes:
            _write(row.track, changes, now, _reason("are again as they were", changes, []))
            report.written += 1
    except (OSError, TagError) as error:
        report.leave(relative_path(row.track.local_path), getattr(error, "strerror", None) or str(error))
        return
    report.note(relative_path(row.track.local_path), changes, [])
    row.fields, row.before, row.retagged_at = row.fields | changes, {}, None
    row.save(update_fields=["fields", "before", "retagged_at"])


def _unwritten(name: str) -> list[str]:
    return ["0"] if name == "compilation" else []


def _reason(what: str, changes: Fields, kept: list[str]) -> str:
    names = ", ".join(name.replace("_", " ") for name in sorted(changes))
    stays = f"; a person's own words stay: {', '.join(name.replace('_', ' ') for name in sorted(kept))}" if kept else ""
    return f"tags {what}: {names}{stays}"


def _write(track: Track, changes: Fields, now: datetime, reason: str) -> None:
    """Change these fields of the track's file. OSError also where somebody else writes to it meanwhile."""
    path = track.local_path
    before = file_at(path)
    if before is None:
        raise FileNotFoundError(2, "The file is not there", path)
    stage = f"{track.pk}-{secrets.token_hex(16)}"
    draft = os.path.join(own_folders.make_stage(stage), os.path.basename(path))
    try:
        shutil.copyfile(path, draft)
        content = _hash(draft)
        tag_process.change_fields(draft, changes)
        set_mode(draft, before.st_mode & 0o7777)
        sync_file(draft)
        failpoint("retag_staged")
        if not _is_still(path, before, content):
            raise OSError(11, "Another program is writing to it", path)
        size = os.stat(draft).st_size
        os.replace(draft, path)
        sync_folder(os.path.dirname(path))
        failpoint("retag_replaced")
    finally:
        own_folders.remove_stage(stage)
    transitions.resize(track.pk, path, size, now, reason)


def _is_still(path: str, before: os.stat_result, content: bytes) -> bool:
    """Whether the file is as it was. rclone shows another time of a file once it was read: there its bytes tell."""
    now = file_at(path)
    if now is None or now.st_size != before.st_size:
        return False
    return now.st_mtime_ns == before.st_mtime_ns or _hash(path) == content


def _hash(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def last_run() -> datetime | None:
    """When tags were written last, and can be written back; None where there is nothing to undo."""
    last: datetime | None = WrittenTags.objects.aggregate(last=Max("retagged_at"))["last"]
    return last


def is_wanted() -> bool:
    """Whether tags are to follow the catalog by themselves."""
    return Library.load().retag
