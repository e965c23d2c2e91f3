"""Existing files go to where the template wants them, by a plan, and back again.

Only on a person's word. Names are taken as for new files: what is taken gets the short id. While files move no
reconcile runs, which would miss some at both places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import F, Q

from catalog.models import Folder, Library, Track
from catalog.models.settings import value
from catalog.music import path_template
from catalog.scanning import ignored
from catalog.storage import acting_host, own_folders
from catalog.storage import state as storage
from catalog.storage.own_folders import TRASH
from catalog.text.path_key import path_key
from catalog.text.user_error import UserError
from catalog.tracks.place import PlaceTaken
from downloads.file_moves import rename_journal
from downloads.file_moves.journaled_move import absolute
from downloads.models import Move, MoveBatch
from downloads.publishing import target_path

CHUNK = 200  # tracks read together, and moved between two looks at the disk
LISTED = 20  # files that a report names
PICTURES = ("cover.jpg", "cover.png", "cover.webp", "folder.jpg")  # go when a folder's last song goes

Kind, State = MoveBatch.Kind, Move.State


class CannotMove(UserError):
    """Nothing can be moved now; one sentence."""

    exit_status = 3


@dataclass(slots=True)
class MoveReport:
    """Files looked at, to be moved (or moved), already in place, left where they were; with examples."""

    files: int = 0
    moved: int = 0
    in_place: int = 0
    left: int = 0
    complete: bool = True
    template: str = ""
    examples: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def note(self, origin: str, target: str) -> None:
        """One file more that moves."""
        self.moved += 1
        if len(self.examples) < LISTED:
            self.examples.append({"from": origin, "to": target})

    def leave(self, origin: str, why: str) -> None:
        """One file more that stays where it is."""
        self.left += 1
        if len(self.problems) < LISTED:
            self.problems.append(f"{origin}: {why}")


Progress = Callable[[int], None]
Stop = Callable[[], bool]


def plan(template: str = "", most: int | None = None) -> MoveReport:
    """What would move where, by ``template`` (default: the library's), from the rows alone: nothing is looked at.

    ``most`` limits the files; without it memory grows by some 100 bytes per file, for the names that are taken.
    Raises catalog.music.path_template.TemplateError.
    """
    template = template or Library.load().path_template or path_template.DEFAULT_TEMPLATE
    path_template.check_template(template)
    report = MoveReport(template=template)
    taken: set[int] = set()
    places = _Places(template)
    for track in _downloaded(most):
        report.files += 1
        origin = _relative(track)
        target = next((name for name in places.of(track) if name == origin or _key(name) not in taken), origin)
        taken.add(_key(target))
        if target == origin:
            report.in_place += 1
        else:
            report.note(origin, target)
    return report


def _key(relative: str) -> int:
    return hash(path_key(relative))


def _relative(track: Track) -> str:
    assert track.folder
    return f"{track.folder.path}/{track.file_name}" if track.folder.path else track.file_name


class _Places:
    """Where tracks belong by one template. Remembers folders and albums: tracks come by the album, mostly."""

    def __init__(self, template: str) -> None:
        self.template, self.own = template, value("IGNORED_FOLDERS")
        self._known_folder = lru_cache(maxsize=10_000)(_known_folder)
        self._discs = lru_cache(maxsize=10_000)(target_path.disc_count)

    def of(self, track: Track) -> Iterator[str]:
        """The places that a track may have, the best first; its folder spelt as the catalog knows it."""
        extension = track.file_name.rpartition(".")[2]
        named = target_path.path_fields(track, self._discs)
        place = ignored.outside(path_template.relative_place(named, extension, self.template), self.own)
        folder, slash, name = place.rpartition("/")
        folder = self._known_folder(folder)
        for attempt in range(target_path.MAX_NAMES):
            yield f"{folder}{slash}{path_template.next_place(name, target_path.short_id(track), attempt)}"


def _known_folder(path: str) -> str:
    """The folder as its row spells it, if it has one: on many disks both spellings are one folder."""
    return Folder.objects.filter(key=path_key(path)).values_list("path", flat=True).first() or path


def _downloaded(most: int | None = None) -> Iterator[Track]:
    """Every track with a file whose name has an ending, by id, `CHUNK` at a time. What is in the trash stays there."""
    last, remaining = 0, most
    in_trash = Q(folder__path=TRASH) | Q(folder__path__startswith=f"{TRASH}/")
    while remaining is None or remaining > 0:
        rows = Track.objects.filter(status=Track.Status.DOWNLOADED, pk__gt=last, file_name__contains=".")
        chunk = list(
            rows.exclude(in_trash)
            .order_by("pk")
            .select_related("album", "folder")
            .prefetch_related("credits__artist")[: min(CHUNK, remaining or CHUNK)]
        )
        if not chunk:
            return
        yield from chunk
        last, remaining = chunk[-1].pk, None if remaining is None else remaining - len(chunk)


# --- Asked for by a person --------------------------------------------------------------------------------


def ask(kind: str, now: datetime) -> MoveBatch:
    """Write down that files are to be moved, or moved back; a job does it. CannotMove where there is nothing to do."""
    if is_asked():
        raise CannotMove("Files are being moved already; wait until that is done.")
    if kind == Kind.UNDO and last_applied() is None:
        raise CannotMove("Nothing was moved that could be moved back.")
    return MoveBatch.objects.create(kind=kind, asked_at=now)


def ask_or_go_on(kind: str, now: datetime) -> MoveBatch:
    """As `ask`; but where the same was asked for and did not reach its end, that is what goes on."""
    unfinished = MoveBatch.objects.filter(ended_at=None).order_by("pk").first()
    return unfinished if unfinished and unfinished.kind == kind else ask(kind, now)


def is_asked() -> bool:
    """Whether files are to be moved, or are being moved."""
    return MoveBatch.objects.filter(ended_at=None).exists()


def last_applied() -> MoveBatch | None:
    """The last move that was not undone."""
    return MoveBatch.objects.filter(kind=Kind.APPLY, undone=False, moves__state=State.MOVED).order_by("-pk").first()


def do_asked(now: datetime, should_stop: Stop = lambda: False, on_progress: Progress = lambda n: None) -> MoveReport:
    """Finish what was interrupted, then do what was asked for last. CannotMove where it cannot be done now."""
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            raise CannotMove(
                acting_host.reason_not_to_act("The music folder is being looked at; try again when that has ended.")
            )
        _require_storage(now)
        _finish_interrupted(now)
        batch = MoveBatch.objects.filter(ended_at=None).order_by("pk").first()
        if batch is None:
            return MoveReport()
        run = _BatchRun(batch, now, acting_host.or_lost(should_stop), on_progress)
        return run.apply() if batch.kind == Kind.APPLY else run.undo()


def finish_interrupted(now: datetime) -> int:
    """Finish moves that a crash interrupted. How many; none while somebody moves or looks, or storage is offline."""
    if not Move.objects.filter(state=State.MOVING).exists() or not storage.check(now).may_write:
        return 0
    with acting_host.try_act("reconcile") as mine:
        return _finish_interrupted(now) if mine else 0


def _finish_interrupted(now: datetime) -> int:
    rows = list(Move.objects.filter(state=State.MOVING).select_related("track"))
    for row in rows:
        rename_journal.finish(row, now)
    return len(rows)


def _require_storage(now: datetime) -> None:
    state = storage.check(now)
    if not state.may_write:
        raise CannotMove(f"Nothing is moved: {state.reason}")


class _BatchRun:
    """One batch from its first file to its last."""

    def __init__(self, batch: MoveBatch, now: datetime, should_stop: Stop, on_progress: Progress) -> None:
        self.batch = batch
        self.now = now
        self.should_stop = should_stop
        self.on_progress = on_progress
        self.method = rename_journal.rename_method()
        self.report = MoveReport()
        self.left_folders: dict[str, str] = {}  # folder -> where its last song went

    def apply(self) -> MoveReport:
        """Every file to its place; one that cannot be moved stays, with the reason."""
        self.report.template = Library.load().path_template or path_template.DEFAULT_TEMPLATE
        places = _Places(self.report.template)
        for track in _downloaded():
            if not self._go_on():
                break
            self._try(track, places.of(track))
        return self._ended()

    def undo(self) -> MoveReport:
        """The files of the last batch back to where they were, the last one first."""
        applied = last_applied()
        rows = applied.moves.filter(state=State.MOVED).order_by("-pk") if applied else Move.objects.none()
        for row in list(rows.select_related("track__folder")):
            if not self._go_on():
                break
            self._move_back(row)
        if applied and self.report.complete:
            MoveBatch.objects.filter(pk=applied.pk).update(undone=True)
        return self._ended()

    def _go_on(self) -> bool:
        """Whether the next file may be moved: nobody asked to stop, and the disk is still there."""
        if self.report.files % CHUNK == 0:
            _require_storage(self.now)
        self.report.files += 1
        self.on_progress(self.report.files)
        self.report.complete = not self.should_stop()
        return self.report.complete

    def _try(self, track: Track, names: Iterator[str]) -> None:
        origin = _relative(track)
        for target in names:
            if target == origin or _is_itself(origin, target):
                self.report.in_place += 1
                return
            if os.path.lexists(absolute(target)):
                continue
            try:
                self._rename(track, origin, target)
            except (PlaceTaken, FileExistsError):
                continue
            except OSError as error:
                self.report.leave(origin, error.strerror or str(error))
            return
        self.report.leave(origin, "every name that it could have is taken.")

    def _rename(self, track: Track, origin: str, target: str) -> None:
        if not rename_journal.rename_track(self.batch, track, target, self.method, self.now):
            self.report.leave(origin, "its row was changed meanwhile.")
            return
        self.report.note(origin, target)
        self.left_folders[origin.rpartition("/")[0]] = target.rpartition("/")[0]

    def _move_back(self, row: Move) -> None:
        origin, target = row.target, row.origin
        here = absolute(origin)
        if row.track is None:
            rename_journal.rename_picture(self.batch, origin, target, self.method, self.now)
        elif row.track.local_path != here or row.track.status != Track.Status.DOWNLOADED:
            self.report.leave(origin, "it is not the song's file any more.")
            return
        else:
            self._try(row.track, iter([target]))
            if self.report.problems and self.report.problems[-1].startswith(f"{origin}: "):
                return
        Move.objects.filter(pk=row.pk).update(state=State.UNDONE)

    def _ended(self) -> MoveReport:
        """Take along what goes with a folder, remove empty folders, and write down how it went."""
        for origin, target in self.left_folders.items():
            if origin == target or Track.objects.filter(folder__path=origin).exists():
                continue
            for name in PICTURES if origin else ():
                rename_journal.rename_picture(
                    self.batch, f"{origin}/{name}", f"{target}/{name}".lstrip("/"), self.method, self.now
                )
            own_folders.remove_empty_folders(origin)
        fields = {"template": self.report.template, "problem": "; ".join(self.report.problems[:5])}
        counted = {"moved": F("moved") + self.report.moved, "left": self.report.left}
        ended = {"ended_at": self.now} if self.report.complete else {}
        MoveBatch.objects.filter(pk=self.batch.pk).update(**fields, **counted, **ended)
        return self.report


def _is_itself(origin: str, target: str) -> bool:
    """Whether the disk takes both names for the same one: it does not tell them apart, and there is nothing to do."""
    try:
        one, other = os.lstat(absolute(origin)), os.lstat(absolute(target))
    except OSError:
        return False
    return os.path.samestat(one, other) and one.st_nlink == 1
