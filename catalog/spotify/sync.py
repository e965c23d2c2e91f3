"""The sync run: what Spotify says into the catalog, for every account. Assumes nothing about files.

One at a time. A refusal that is everybody's pauses the ``spotify`` service with its reason and ends the run at once;
nothing sleeps. Nothing is removed that was not read whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q

from catalog.ingest.replace import CollectionReport, forget_collections, replace_catalog
from catalog.models import Account, Collection, Run, Service, Track
from catalog.models.run_progress import Progress, RunProgress, close_run
from catalog.music.records import WITHDRAWN, CollectionRecord
from catalog.reports.ledger import ledgers
from catalog.spotify import accounts as spotify_accounts
from catalog.spotify.accounts import SPOTIFY, pause_sentence
from catalog.spotify.app import app
from catalog.spotify.auth import RowToken
from catalog.spotify.client import Api, KnownCollection, LibraryReader, Refusal, read_library
from catalog.spotify.errors import Kind
from catalog.spotify.link_names import ask_for_albums, ask_for_names
from catalog.storage import acting_host

A_DAY = timedelta(days=1)

NOBODY = "No Spotify account is connected: connect one on the page /connect, or import a file with import_library."
BUSY = "Another sync is running; this one has nothing to do."
STOPPED = "The sync was stopped before its end."

WHOLE_READ_EVERY = timedelta(days=1)  # one collection of each account

SUMS = ("added", "updated", "gone", "moved", "merged", "new_tracks")


@dataclass
class AccountReport:
    """What one account brought. ``problem`` is a sentence, or "" where all of it was read."""

    user_id: str
    name: str
    calls: int = 0
    problem: str = ""
    # Since when Spotify has not listed a collection ("playlist/<key>") without saying that it is gone.
    unlisted: dict[str, str] = field(default_factory=dict)


@dataclass
class SyncReport:
    """What a sync did, or with ``dry_run`` would do. Counts are of entries; ``new_tracks`` and ``to_fetch`` of tracks.

    ``problems`` are sentences, and so are ``notes``, which no further sync would mend; ``paused`` is set where Spotify
    is to be left alone, ``complete`` where everything that could be read was. ``calls_before`` is what the last sync
    cost (None: there was none), ``calls`` what this one did.
    """

    dry_run: bool = False
    busy: bool = False
    connected: bool = True
    paused: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    accounts: list[AccountReport] = field(default_factory=list)
    calls_before: int | None = None
    calls: int = 0
    added: int = 0
    updated: int = 0
    gone: int = 0
    moved: int = 0
    merged: int = 0
    new_tracks: int = 0
    forgotten: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    to_fetch: int = 0
    collections: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        return not (self.problems or self.paused or self.busy)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON. ``collections`` are the ledgers, ``changes`` the collections in which something changed."""
        return asdict(self) | {"complete": self.complete}

    def sentence(self) -> str:
        """The report in words, what is wrong first."""
        if self.busy or not self.connected:
            return acting_host.reason_not_to_act(BUSY) if self.busy else " ".join(self.problems) or NOBODY
        wrong = [self.paused] if self.paused else []
        wrong += self.problems
        counts = [("new", self.added), ("gone", self.gone), ("moved", self.moved), ("merged", self.merged)]
        counts += [("changed", self.updated)]
        counted = ", ".join(f"{number:,} {word}" for word, number in counts if number) or "nothing has changed"
        would = "It would be: " if self.dry_run else ""
        forgotten = f" No longer in the library: {', '.join(self.forgotten)}." if self.forgotten else ""
        calls = "1 call" if self.calls == 1 else f"{self.calls:,} calls"
        done = f"{would or counted[0].upper()}{counted if would else counted[1:]}"
        return " ".join(
            [*wrong, f"{done}; {self.to_fetch:,} to download ({calls} to Spotify).{forgotten}", *self.notes]
        )


def sync(
    now: datetime,
    dry_run: bool = False,
    *,
    full: bool = False,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Bring the catalog in line with every connected account; what was done.

    ``dry_run`` reads and changes nothing but a refreshed token. ``full`` reads what seems unchanged too.
    ``on_progress`` hears (collections read, collections known). Without any account there is nothing to do, which is
    no error. Raises only for bugs and a broken database; the run is then written down as failed.
    """
    report = SyncReport(dry_run=dry_run)
    with acting_host.try_act("sync") as mine:
        if not mine:
            report.busy = True
            return report
        latest = Run.objects.filter(kind=Run.Kind.SYNC, report__calls__gt=0).first()
        report.calls_before = latest.report["calls"] if latest else None
        run = None if dry_run else Run.objects.create(kind=Run.Kind.SYNC, started_at=now)
        _Sync(report, run, now, full, on_progress, acting_host.or_lost(should_stop)).run_to_its_end()
    return report


class _Sync:
    """One run."""

    def __init__(
        self,
        report: SyncReport,
        run: Run | None,
        now: datetime,
        full: bool,
        on_progress: Progress | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.report = report
        self.run = run
        self.now = now
        self.full = full
        self.progress = RunProgress(run, on_progress)
        self.should_stop = should_stop
        self.started = time.monotonic()
        self.done = self.total = 0

    def run_to_its_end(self) -> None:
        """Sync, and write down how it ended, also where it ended in an error."""
        problem = "The sync ended in an error; the log says which."
        try:
            self._sync()
            problem = "" if self.report.complete else self.report.sentence()
        finally:
            self.report.seconds = round(time.monotonic() - self.started, 3)
            if self.run:
                self.run.done, self.run.total = self.done, max(self.total, self.done)
                report = self.report.as_dict() | {"collections": []}  # those are rows of their own
                close_run(self.run, self.now, self.report.seconds, problem, report)

    def _sync(self) -> None:
        service = Service.objects.named(SPOTIFY)
        if service.is_paused(self.now):
            self.report.paused = pause_sentence(service)
        else:
            self._take_environment_token()
            accounts = list(Account.objects.exclude(user_id__startswith=spotify_accounts.NAMELESS).order_by("pk"))
            self.report.connected = bool(accounts or self.report.problems or self.report.paused)
            if self.report.dry_run:
                self._rehearse(accounts)
                return
            for account in accounts:
                self._account(account)
            for account in accounts[:1]:
                self._name_links(account)
        self._look_at_the_end()

    def _take_environment_token(self) -> None:
        try:
            spotify_accounts.take_environment_token(self.now)
        except (Refusal, spotify_accounts.ConnectProblem) as problem:
            self._refused(problem, "SPOTIFY_REFRESH_TOKEN")

    def _account(self, account: Account) -> None:
        """Read one account and write each collection before the next one is read."""
        if self._may_be_read(account):
            reading = self._reading(account)
            outcome = self._write(account, reading, self._watched(reading))
            self._judge(account, reading, outcome)

    def _name_links(self, account: Account) -> None:
        """Ask for the names of links that files have brought."""
        if self._may_be_read(account):
            api = Api(RowToken(account.pk), lambda: self.now)
            try:
                for ask in (ask_for_names, ask_for_albums):
                    note = ask(api, self.now, self.should_stop)
                    self.report.notes += [note] if note else []
            except Refusal as refusal:
                self._refused(refusal, account.name or account.user_id)
            self.report.calls += api.calls

    def _rehearse(self, accounts: list[Account]) -> None:
        """Read everything, write it, look, and take it back. Nothing is asked of Spotify while the database waits."""
        read = []
        for account in accounts:
            if self._may_be_read(account):
                reading = self._reading(account)
                read.append((account, reading, list(self._watched(reading))))
        with transaction.atomic():
            outcomes = [self._write(account, reading, records) for account, reading, records in read]
            self._look_at_the_end()
            transaction.set_rollback(True)
        for (account, reading, _), outcome in zip(read, outcomes, strict=True):
            self._judge(account, reading, outcome)  # a refusal is a fact, and stays

    def _may_be_read(self, account: Account) -> bool:
        """A dead consent is not asked again; what the app's owner can put right at Spotify is."""
        if self.report.paused or self.should_stop():
            return False
        if account.state == Account.State.RECONNECT:
            self._problem(account, account.reason)
            return False
        if not app().client_id:
            self._problem(account, "No Spotify app is set up; enter its client id on the page /connect.")
            return False
        return True

    def _reading(self, account: Account) -> LibraryReader:
        known = known_collections(account)
        if self.full:
            known = {key: replace(value, snapshot="", closed=False) for key, value in known.items()}
        elif key := self._due_to_be_read_whole(account):
            known[key] = replace(known[key], snapshot="")
        self.total += len(known)
        return read_library(account, known, self.now, self._long_unlisted(account))

    def _due_to_be_read_whole(self, account: Account) -> tuple[str, str] | None:
        """One collection a day, the one that waits longest: Spotify corrects titles without touching a head."""
        last = account.whole_read_at
        if self.report.dry_run or (last and timedelta(0) <= self.now - last < WHOLE_READ_EVERY):
            return None
        Account.objects.filter(pk=account.pk).update(whole_read_at=self.now)
        rows = Collection.objects.filter(account=account.user_id, enabled=True, closed=False)
        row = rows.order_by(F("whole_read_at").asc(nulls_first=True), "pk").first()
        if row is None or last is None:  # at first everything is read
            return None
        Collection.objects.filter(pk=row.pk).update(whole_read_at=self.now)
        return (row.kind, row.key)

    def _unlisted_before(self, account: Account) -> dict[str, str]:
        """As the last sync that read this account noted it."""
        ended = Run.objects.filter(kind=Run.Kind.SYNC, ended_at__isnull=False, report__calls__gt=0)
        accounts = ended.values_list("report__accounts", flat=True).first() or []
        mine: dict[str, Any] = next((each for each in accounts if each.get("user_id") == account.user_id), {})
        return dict(mine.get("unlisted", {}))

    def _long_unlisted(self, account: Account) -> set[tuple[str, str]]:
        since = {name: datetime.fromisoformat(at) for name, at in self._unlisted_before(account).items()}
        return {(name.split("/")[0], name.split("/")[1]) for name, at in since.items() if self.now - at >= A_DAY}

    def _watched(self, reading: LibraryReader) -> Iterator[CollectionRecord]:
        for record in reading:
            yield record
            self.done += 1
            self.progress.update(self.done, max(self.total, self.done))
            if self.should_stop():
                self.report.problems.append(STOPPED)
                return

    def _write(
        self, account: Account, reading: LibraryReader, records: Iterable[CollectionRecord]
    ) -> list[CollectionReport]:
        outcome = replace_catalog(records, self.now)
        forgotten = {key: value.name for key, value in reading.known.items() if key not in reading.still_there}
        if forgotten:
            forget_collections(account.user_id, reading.still_there, self.now)
            self.report.forgotten += sorted(forgotten.values())
        for name in SUMS:
            setattr(self.report, name, getattr(self.report, name) + outcome.total(name))
        self.report.calls += reading.calls
        before = self._unlisted_before(account)
        unlisted = {name: before.get(name, self.now.isoformat()) for name in map("/".join, sorted(reading.unlisted))}
        self.report.accounts.append(AccountReport(account.user_id, account.name, reading.calls, unlisted=unlisted))
        self.report.changes += [
            asdict(each) | {"account": account.user_id} for each in outcome.collections if _has_changed(each)
        ]
        return outcome.collections

    def _judge(self, account: Account, reading: LibraryReader, collections: list[CollectionReport]) -> None:
        """What went wrong with an account, in sentences, and what follows from it."""
        said = reading.refusal.reason if reading.refusal else ""  # said of the account, and not of its collection again
        half = [each for each in collections if not (each.complete or each.closed or each.problem == said)]
        wrong = [f"“{each.name}”: {each.problem}" for each in half]
        for sentence in [*reading.problems, *_shortened(wrong)]:
            self._problem(account, sentence)
        self.report.notes += [f"{account.name or account.user_id}: {note}" for note in reading.notes]
        if reading.refusal:
            spotify_accounts.refused(account, reading.refusal)
            self._refused(reading.refusal, account.name or account.user_id)
            self._note(account, said)
        elif not self.report.dry_run:
            spotify_accounts.worked(account)
            Service.objects.worked(SPOTIFY)

    def _refused(self, problem: Exception, who: str) -> None:
        if isinstance(problem, Refusal) and problem.kind == Kind.PAUSE and problem.until:
            self.report.paused = pause_sentence(Service.objects.pause(SPOTIFY, problem.until, problem.reason))
        else:
            self.report.problems.append(f"{who}: {problem}")

    def _problem(self, account: Account, sentence: str) -> None:
        self.report.problems.append(f"{account.name or account.user_id}: {sentence}")
        self._note(account, sentence)

    def _note(self, account: Account, sentence: str) -> None:
        for each in self.report.accounts:
            if each.user_id == account.user_id:
                each.problem = f"{each.problem} {sentence}".strip()

    def _look_at_the_end(self) -> None:
        self.report.to_fetch = Track.objects.queue(self.now).count()
        self.report.collections = ledgers()


def known_collections(account: Account) -> dict[tuple[str, str], KnownCollection]:
    """What the catalog has of an account's collections, as its reading needs it."""
    rows = Collection.objects.filter(account=account.user_id).exclude(kind=Collection.Kind.FILE)
    counted = rows.annotate(
        tracks=Count("entries__track"), withdrawn=Count("entries", filter=Q(entries__reason=WITHDRAWN))
    )
    return {
        (row["kind"], row["key"]): KnownCollection(
            row["name"], row["snapshot"], row["tracks"], row["withdrawn"], row["closed"], row["problem"]
        )
        for row in counted.values("kind", "key", "name", "snapshot", "tracks", "withdrawn", "closed", "problem")
    }


def _has_changed(each: CollectionReport) -> bool:
    return bool(each.added or each.updated or each.gone or each.moved)


def _shortened(sentences: list[str], most: int = 5) -> list[str]:
    """The first few; the pages show the others beside their collections."""
    more = len(sentences) - most
    return sentences[:most] + ([f"{more:,} more playlists and albums could not be read whole."] if more > 0 else [])
