"""Reconcile: the catalog learns what is on the disk. Touches no metadata, no file, and nothing that it cannot see.

Folder by folder, never row by row. A *quick* pass takes one stat per folder and lists only folders whose stamp or
number of rows has changed (`catalog.scanning.folder_stamp` says what a stamp may be believed for); a *full* pass lists
each one once. Files that are gone make their tracks missing, files of the recorded size that are back at their last
known places make them downloaded again, files of another size are listed in the report and not touched. Before absences
are written the root is asked once more whether it is still the library. Where many files are gone at once the rows tell
the truth, but fetching waits for a person.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from catalog.library import adopt, changed_files, relink
from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.models import Collection, Folder, Library, Run, Track
from catalog.models.run_progress import Progress, RunProgress, close_run
from catalog.models.settings import value
from catalog.scanning import folder_index
from catalog.scanning.folder_stamp import FilesystemTrust
from catalog.scanning.scan import UNKNOWN_ROWS, AskRow, FolderRow, FolderScanner, ScanResult
from catalog.scanning.scan_worker import ScanWorker, processors
from catalog.storage import acting_host, hold
from catalog.storage import state as storage
from catalog.storage.mounts import MountWatch, is_within
from catalog.storage.probe import Root, RootProblem, open_root
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from catalog.tracks.conditional_update import BATCH

EXAMPLES = 20  # paths of each kind that a report names
RESUME_WITHIN = timedelta(days=1)  # a full pass that was cut short goes on where it stopped
SEARCH_WITHIN = timedelta(minutes=10)  # vanished files are not fetched sooner, should the search be cut off
TWO_PROCESSES_FROM = 3000  # folders of a full pass: below, starting another process costs more than it gains

Status = Track.Status
logger = logging.getLogger(__name__)


@dataclass
class ReconcileReport:
    """What a pass did. Counts are of tracks where nothing else is said; ``seconds`` is how long it took.

    ``complete`` is True where every folder in question was looked at; else ``problem`` says why, in a sentence.
    ``found`` files of missing tracks were found elsewhere, ``questions`` may be theirs, which a person is asked.
    ``learned`` files were changed by another program and have their new size; ``other_size`` are another song's.
    ``unknown`` counts folders and files that could neither be confirmed nor denied: their rows stand as they were.
    ``rows_changed`` counts rows of tracks and folders that were written, a few rows of bookkeeping apart.
    """

    state: str = ""
    problem: str = ""
    complete: bool = False
    busy: bool = False
    full: bool = False
    sizes: bool = False
    dry_run: bool = False
    folders: int = 0
    listed: int = 0
    files: int = 0
    vanished: int = 0
    restored: int = 0
    found: int = 0
    questions: int = 0
    unknown: int = 0
    other_size: int = 0
    learned: int = 0
    rows_changed: int = 0
    held: bool = False
    seconds: float = 0.0
    vanished_examples: list[str] = field(default_factory=list)
    found_examples: list[str] = field(default_factory=list)
    unknown_examples: list[str] = field(default_factory=list)
    other_size_examples: list[str] = field(default_factory=list)
    changed_folders: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        data = asdict(self)
        del data["changed_folders"]
        return data

    @property
    def searched(self) -> list[str] | None:
        """Where files may have come: the folders that have changed, None for anywhere (a pass over all of them)."""
        return None if self.full else self.changed_folders

    def sentence(self) -> str:
        """The report in words."""
        if self.busy or (self.problem and not self.complete):
            return self.problem
        would = "would be " if self.dry_run else ""
        parts = [f"{self.files:,} files are there"]
        parts += [f"{self.vanished:,} {would}missing"] if self.vanished else []
        parts += [f"{self.found:,} found elsewhere"] if self.found else []
        parts += [f"{self.questions:,} files wait for your answer"] if self.questions else []
        parts += [f"{self.restored:,} {would}back"] if self.restored else []
        parts += [f"{self.learned:,} changed by other programs"] if self.learned else []
        parts += [f"{self.other_size:,} of another size than recorded"] if self.other_size else []
        parts += [f"{self.unknown:,} folders or files could not be read"] if self.unknown else []
        return ", ".join(parts) + (". Downloads wait until you confirm it." if self.held else ".")


class Stopped(Exception):
    """Somebody asked the pass to stop."""


def reconcile(
    now: datetime,
    full: bool = False,
    sizes: bool = False,
    dry_run: bool = False,
    on_progress: Progress | None = None,
    *,
    collection: str = "",
    paths: Iterable[str] | None = None,
    accept_missing: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    tools: AudioTools = NO_TOOLS,
) -> ReconcileReport:
    """Bring the rows in line with the music folder; what was found.

    ``sizes`` compares the sizes too, and is a full pass. ``on_progress`` gets (folders looked at, folders in all).
    ``collection`` (a name) or ``paths`` (folders, relative to the root, with all below them) make it a pass over a part
    of the library. ``accept_missing``: a person says that files that are gone are to be fetched again. ``dry_run``
    changes nothing at all. Raises ValueError, with a sentence, for a collection that is not there.

    Files that are gone are searched for among those that no row names before anything fetches them
    (`catalog.library.relink`); files of another size than recorded are read (`catalog.library.changed_files`).
    ``tools`` can hear what they are.

    One pass at a time: a second one returns at once with ``busy``. Offline storage: nothing changes, ``problem`` says
    why. Cut short by ``should_stop`` or by a crash, the next full pass goes on where this one stopped.
    """
    scope = _scope(collection, paths)
    stops = should_stop if dry_run else acting_host.or_lost(should_stop)
    options = Options(full or sizes, sizes, dry_run, accept_missing, scope, stops, tools)
    report = ReconcileReport(full=options.full, sizes=sizes, dry_run=dry_run)
    if dry_run:
        return _look(options, report, now, storage.inspect(), None, on_progress)
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            report.busy = True
            report.problem = acting_host.reason_not_to_act(
                "The music folder is being scanned already; this scan has nothing to do."
            )
            return report
        state = storage.check(now)
        run = Run.objects.create(kind=Run.Kind.RECONCILE, started_at=now, report={"full": options.full, "sizes": sizes})
        try:
            return _look(options, report, now, state, run, on_progress)
        except Exception as error:
            report.problem = f"The pass was cut short by {type(error).__name__}."
            raise
        finally:
            _close(run, report, now)


@dataclass(frozen=True)
class Options:
    """How a pass looks, and at what. ``scope`` None is the whole library."""

    full: bool
    sizes: bool
    dry_run: bool
    accept_missing: bool
    scope: Q | None
    should_stop: Callable[[], bool]
    tools: AudioTools


def _scope(collection: str, paths: Iterable[str] | None) -> Q | None:
    """The folders of a part of the library; None for all of it."""
    if collection:
        found = Collection.objects.filter(Q(name=collection) | Q(key=collection)).values("pk")
        if not found:
            raise UserError(f"There is no collection called {collection!r}.")
        return Q(Exists(Track.objects.filter(folder=OuterRef("pk"), entries__collection__in=found)))
    if paths is None:
        return None
    below = Q(pk__in=[])
    for path in {path.strip("/") for path in paths}:
        below |= Q(path=path) | Q(path__startswith=f"{path}/") if path else Q(pk__gt=0)
    return below


def _look(
    options: Options,
    report: ReconcileReport,
    now: datetime,
    state: storage.StorageState,
    run: Run | None,
    on_progress: Progress | None,
) -> ReconcileReport:
    """Run the pass, if the library is there, and write down how it ended."""
    began = time.monotonic()
    report.state = state.state
    if not state.may_read:
        report.problem = state.reason
        return report
    try:
        with open_root(state.root) as root, folder_index.small_cache():
            one_pass = Pass(options, report, now, root, run)
            one_pass.go(RunProgress(run, on_progress))
            one_pass.search()
            one_pass.settle_hold()
        report.complete = True
    except RootProblem as error:
        report.problem = str(error)
    except Stopped:
        report.problem = "Stopped before its end; the next full pass goes on from here."
    report.seconds = round(time.monotonic() - began, 3)
    if run is not None:
        report.state = storage.check(now).state
        if report.complete and options.scope is None:
            ended = now + timedelta(seconds=report.seconds)
            full = {"last_full_pass": ended} if options.full else {}
            Library.objects.filter(pk=1).update(last_pass=ended, **full)
    return report


class Pass:
    """One pass over the folders of a library that is there."""

    def __init__(self, options: Options, report: ReconcileReport, now: datetime, root: Root, run: Run | None) -> None:
        self.options, self.report, self.now, self.root, self.run = options, report, now, root, run
        self.due = now + SEARCH_WITHIN
        self.scanner = FolderScanner(
            root.fd,
            FilesystemTrust(root.path),
            int(now.timestamp() * 1_000_000_000),
            options.sizes or not options.full,
            value("IGNORED_FOLDERS"),
        )
        self.library = Library.load()
        self.mounts = MountWatch(root.path, self.library.mounts, options.accept_missing)
        self.total = 0  # files before the first absence was written, counted once absences are many

    def go(self, progress: RunProgress) -> None:
        """Look at every folder in question, chunk by chunk, and write what was found.

        While a second process looks at the folders of one chunk, the rows of the next one are read.
        """
        scope = self._mounted(self.options.scope if self.options.scope is not None else Q())
        after = self._resumed_after()
        total = Folder.objects.filter(scope, pk__gt=after).count()
        with ExitStack() as stack:
            worker = None
            if self.options.full and total >= TWO_PROCESSES_FROM and processors() > 1:
                worker = stack.enter_context(ScanWorker(self.scanner, self.root.path))
            before: Sequence[FolderRow | AskRow] = []
            for chunk, asks in self._all(scope, after) if self.options.full else self._changed(scope, after):
                self.report.listed += len(asks)
                if worker is None:
                    self._end(chunk, self.scanner.look(asks, changed=not self.options.full), total, progress)
                    continue
                if before:
                    self._end(before, worker.receive(), total, progress)
                worker.send(asks)
                before = chunk
            if worker is not None and before:
                self._end(before, worker.receive(), total, progress)

    def _mounted(self, scope: Q) -> Q:
        """``scope`` without the folders on drives that are not mounted: nothing is known of them."""
        for mount in self.mounts.gone:
            below = Q(path=mount) | Q(path__startswith=f"{mount}/")
            self.report.unknown += Folder.objects.filter(scope & below).count()
            _mention(self.report.unknown_examples, "", [f"{mount}: the drive is not mounted"])
            scope &= ~below
        return scope

    def _end(
        self, chunk: Sequence[FolderRow | AskRow], findings: list[ScanResult], total: int, progress: RunProgress
    ) -> None:
        """Write what was found in a chunk of folders."""
        if findings:
            self._take(findings, {row[0]: FolderRow(*row[:7]) for row in chunk})
        self.report.folders += len(chunk)
        stop = self.options.should_stop()
        progress.update(self.report.folders, total, at_once=stop, reached=chunk[-1][0])
        if stop:
            raise Stopped

    def _resumed_after(self) -> int:
        """Where an unfinished full pass of the same kind stopped; 0 to begin at the beginning."""
        if not self.run or not self.options.full or self.options.scope is not None:
            return 0
        alike = Run.objects.filter(kind=Run.Kind.RECONCILE, report__full=True, report__sizes=self.options.sizes)
        last = alike.exclude(pk=self.run.pk).filter(started_at__range=(self.now - RESUME_WITHIN, self.now)).first()
        return 0 if last is None or last.ok else int(last.report.get("reached", 0))

    # --- Looking ------------------------------------------------------------------------------------------

    def _all(self, scope: Q, after: int) -> Iterator[tuple[Sequence[AskRow], list[AskRow]]]:
        """Chunks of folders, and all of them to be listed."""
        for chunk in folder_index.asks_in_chunks(scope, self.options.sizes, after):
            parts = sum(1 + ask[7].count("/") for ask in chunk if ask[7])
            self.report.files += parts // 2 if self.options.sizes else parts
            yield chunk, chunk

    def _changed(self, scope: Q, after: int) -> Iterator[tuple[Sequence[FolderRow], list[AskRow]]]:
        """Chunks of folders, and those of them whose stamp or number of rows has changed."""
        for chunk in folder_index.in_chunks(scope, after):
            counts = folder_index.downloaded_between(chunk[0].folder, chunk[-1].folder)
            self.report.files += sum(counts.values())
            changed = self.scanner.changed(chunk, counts)
            self.report.changed_folders += [row.path for row in changed if row.mtime_ns is not None]
            yield chunk, folder_index.asks_of([row.folder for row in changed], sizes=True)

    # --- Writing ------------------------------------------------------------------------------------------

    def _take(self, findings: list[ScanResult], rows: dict[int, FolderRow]) -> None:
        """Put findings into the report and into the rows."""
        for found in findings:
            self._report(found)
        gone = self._on_mounts({found.folder: set(found.gone) for found in findings if found.gone}, rows)
        back = {found.folder: set(found.back) for found in findings if found.back}
        if self.options.dry_run:
            self._count(vanished=sum(map(len, gone.values())), restored=sum(map(len, back.values())))
            return
        self._vanish(gone, {folder for folder in gone if rows[folder].rows == UNKNOWN_ROWS})
        self._restore(back)
        changed = [found for found in findings if _says_more(found, rows[found.folder])]
        read, unread = ([found for found in changed if bool(found.problem) is bad] for bad in (False, True))
        self.report.rows_changed += folder_index.write_stamps(read, self.now)
        self.report.rows_changed += folder_index.write_stamps(unread, self.library.last_pass)
        self._review([found for found in findings if found.other_size])

    def _review(self, results: list[ScanResult]) -> None:
        """Read the files of another size than recorded. What was written just now is looked at in the next pass."""
        paths: dict[str, int] = {}
        for result in results:
            names = (entry.rpartition("/")[0] for entry in result.other_size)
            paths |= {f"{result.path}/{name}" if result.path else name: result.folder for name in names}
        if not paths:
            return
        self.root.require()
        review = changed_files.review(list(paths), self.now, self.options.tools)
        Folder.objects.filter(pk__in={paths[path] for path in review.recent}).update(mtime_ns=None)
        self._count(vanished=len(review.broken), restored=len(review.back))
        self.report.learned += len(review.learned)
        self.report.other_size += len(review.others)
        _mention(self.report.vanished_examples, "", review.broken)
        _mention(self.report.other_size_examples, "", review.others)

    def _on_mounts(self, gone: dict[int, set[str]], rows: dict[int, FolderRow]) -> dict[int, set[str]]:
        """``gone`` without what is below a mount that was unmounted, or mounted anew, since the pass began."""
        lost = self.mounts.lost() if gone else []
        unknown = {folder for folder in gone if is_within(rows[folder].path, lost)}
        self.report.unknown += len(unknown)
        return {folder: names for folder, names in gone.items() if folder not in unknown}

    def _report(self, result: ScanResult) -> None:
        report, where = self.report, f"{result.path}/" if result.path else ""
        report.unknown += bool(result.problem) + len(result.unknown)
        if self.options.dry_run:
            report.other_size += len(result.other_size)
            _mention(report.other_size_examples, where, result.other_size)
        _mention(report.vanished_examples, where, result.gone)
        _mention(report.unknown_examples, where, result.unknown)
        if result.problem:
            _mention(report.unknown_examples, "", [f"{result.path or '.'}: {result.problem}"])

    def _count(self, vanished: int = 0, restored: int = 0) -> None:
        self.report.vanished += vanished
        self.report.restored += restored
        self.report.files += restored - vanished
        if not self.options.dry_run:
            self.report.rows_changed += vanished + restored

    def _vanish(self, gone: dict[int, set[str]], unread_before: set[int]) -> None:
        """Make the tracks of these names missing, after a last look at the root before every batch."""
        lost = folder_index.ids_of(Status.DOWNLOADED, gone)
        if self.report.vanished + len(lost) > hold.hold_above() and not self.options.accept_missing:
            self._hold_for_now(len(lost))
        for moment, names in self._by_last_sight(lost, unread_before).items():
            for batch in _batches(names):
                self.root.require()
                at = {pk: lost[pk][0] for pk in batch}
                self._count(vanished=transitions.vanish(batch, self.now, moment, "The file is gone.", at, self.due))

    def _by_last_sight(self, lost: folder_index.Ids, unread_before: set[int]) -> dict[datetime | None, dict[int, str]]:
        """The names by when their files were last seen: by the last pass, or before it where it could not read."""
        last_pass = self.library.last_pass
        if not unread_before:
            return {last_pass: {pk: name for pk, (_, name) in lost.items()}}
        seen_at = dict(Folder.objects.filter(pk__in=unread_before).values_list("pk", "seen_at"))
        found: dict[datetime | None, dict[int, str]] = {}
        for pk, (folder, name) in lost.items():
            found.setdefault(seen_at.get(folder, last_pass), {})[pk] = name
        return found

    def _restore(self, back: dict[int, set[str]]) -> None:
        columns = folder_index.ids_of(Status.MISSING, back)
        for batch in _batches({pk: name for pk, (_, name) in columns.items()}):
            self.root.require()
            at = {pk: columns[pk][0] for pk in batch}
            self._count(restored=transitions.restore(batch, self.now, "The file is back.", at))

    def _hold_for_now(self, more: int) -> None:
        """Many files are gone: hold before any worker can claim them. `settle_hold` decides once all is known."""
        if not self.total:
            self.total = Track.objects.filter(status=Status.DOWNLOADED).count() + self.report.vanished
        if not Library.load().held_since:
            hold.begin(self.report.vanished + more, self.total, self.now)

    def search(self) -> None:
        """Look for the vanished files elsewhere; what is not found is due from now on."""
        if self.options.dry_run:
            return
        try:
            if self.report.vanished and self.library.find_moved:
                found = relink.RelinkReport()
                changed = self.report.changed_folders
                relink.search(found, self.now, tools=self.options.tools, changed=changed, due=self.due)
                self.report.found, self.report.questions = found.relinked, found.questions
                self.report.found_examples = found.examples
                self.report.rows_changed += found.relinked
            adopt.hold_questions(self.now)
            self.mounts.save()
        finally:
            if self.report.vanished:
                transitions.end_search(self.due, self.now)

    def settle_hold(self) -> None:
        """At the end of a pass: hold, or let fetching go on, also where an earlier hold has lost its reason."""
        if self.options.dry_run:
            self.report.held = bool(self.library.held_since)
            return
        if self.options.accept_missing:
            hold.release()
        else:
            self.report.held = hold.settle(self.now, self.report.vanished - self.report.found, self.total)


def _says_more(result: ScanResult, folder: FolderRow) -> bool:
    """Whether the folder's row must be written; a report alone may name it each time."""
    return (result.stamp or (None,) * 4) != folder[2:6] or result.rows != folder.rows


def _mention(examples: list[str], where: str, names: Iterable[str]) -> None:
    for name in names:
        if len(examples) >= EXAMPLES:
            return
        examples.append(where + name)


def _batches(names: dict[int, str]) -> Iterable[dict[int, str]]:
    pks = list(names)
    for start in range(0, len(pks), BATCH):
        yield {pk: names[pk] for pk in pks[start : start + BATCH]}


def _close(run: Run, report: ReconcileReport, now: datetime) -> None:
    """A pass that was cut short keeps the folder that it reached, for the next one."""
    reached = {} if report.complete else {"reached": run.report.get("reached", 0)}
    run.done, run.total = report.folders, max(run.total, report.folders)
    problem = report.problem or ("" if report.complete else "The pass was cut short.")
    close_run(run, now, report.seconds, problem, report.as_dict() | reached)
