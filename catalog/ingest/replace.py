"""A source's records into the catalog: read, compare, write only the differences. Download state is not touched.

An entry remembers a digest of the record it was made from: where the digests of a collection stand in the same order,
nothing else is looked at and nothing is written. Nothing is removed on account of an incomplete read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any

from django.db import transaction

from catalog.db.batches import batched
from catalog.db.bulk_insert import insert
from catalog.db.write_yield import yield_write_lock
from catalog.ingest import removal_policy
from catalog.ingest.one_writer import one_writer
from catalog.ingest.resolve import resolve
from catalog.models import Collection, Entry
from catalog.models.settings import value as setting
from catalog.music.records import CollectionRecord, EntryRecord, storable_record, track_values
from catalog.tracks.wanted import set_wanted

STRIDE = 1 << 20  # between positions: room for insertions that move no other row
BATCH = 1000
ENTRY_COLUMNS = ("collection_id", "position", "track_id", "alias_id", "reason", "label", "added_at", "digest")

Target = tuple[int, int]  # an entry's track id and alias id


@dataclass(slots=True)
class CollectionReport:
    """What one collection brought. ``entries = tracks + sum(skipped)``; ``duplicates`` of them were there already."""

    kind: str
    key: str
    name: str
    entries: int = 0
    tracks: int = 0
    duplicates: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    total: int | None = None
    added: int = 0
    updated: int = 0
    gone: int = 0
    moved: int = 0
    new_tracks: int = 0
    merged: int = 0
    complete: bool = True
    unchanged: bool = False
    closed: bool = False
    problem: str = ""


@dataclass(slots=True)
class ReplaceReport:
    """The sums over all collections, and each of them."""

    collections: list[CollectionReport] = field(default_factory=list)

    def total(self, name: str) -> int:
        return sum(getattr(report, name) for report in self.collections)

    @property
    def complete(self) -> bool:
        return all(report.complete for report in self.collections)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and the Run row."""
        names = ("added", "updated", "gone", "moved", "merged", "new_tracks")
        sums: dict[str, Any] = {name: self.total(name) for name in names}
        return sums | {"complete": self.complete, "collections": [asdict(report) for report in self.collections]}


def replace_catalog(records: Iterable[CollectionRecord], now: datetime) -> ReplaceReport:
    """Bring the catalog's collections in line with what a source says. Paths, states and errors stay as they are.

    ``records`` may be a generator: each collection is written before the next one is read. Writes go in short
    transactions; the collection's own row (its snapshot) is written last, so that a crash leaves it to be read again.
    """
    report = ReplaceReport()
    for record in map(storable_record, records):
        with one_writer():
            report.collections.append(_replace_collection(record, now))
    return report


def forget_collections(account: str, seen: Iterable[tuple[str, str]], now: datetime) -> int:
    """Delete an account's collections that its source no longer lists. Only for a list that was read whole. Rows."""
    kept = set(seen)
    gone = [
        collection
        for collection in Collection.objects.filter(account=account).exclude(kind=Collection.Kind.FILE)
        if (collection.kind, collection.key) not in kept
    ]
    return forget(gone)


def forget(collections: Iterable[Collection]) -> int:
    """Delete collections with their entries; what becomes of the files of their songs, each one says. Rows."""
    rows = 0
    for collection in collections:
        _take_out(collection, list(collection.entries.order_by("pk").values_list("pk", "track_id")))
        collection.delete()
        rows += 1
    return rows


def _take_out(collection: Collection, entries: Sequence[tuple[int, int | None]]) -> None:
    """Delete entries, given as (id, track id). What is wanted follows in the same transaction as each entry goes or
    comes: after a crash between the two nobody would look at these tracks again."""
    for part in _batches(entries):
        with transaction.atomic():
            Entry.objects.filter(pk__in=[pk for pk, _ in part]).delete()
            gone = {track_id for _, track_id in part if track_id is not None}
            set_wanted(gone)
            removal_policy.left(collection, gone)


def digest(entry: EntryRecord) -> int:
    """63 bits of an entry as read: two entries are the same where it is."""
    added_at = entry.added_at.isoformat() if entry.added_at else ""
    text = repr((entry.reason, entry.label, added_at, track_values(entry.track) if entry.track else None))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def _replace_collection(record: CollectionRecord, now: datetime) -> CollectionReport:
    defaults = {"name": record.name, "removal": partial(setting, "UNWANTED_FILES")}
    collection, _ = Collection.objects.get_or_create(
        account=record.account, kind=record.kind, key=record.key, defaults=defaults
    )
    report = CollectionReport(record.kind, record.key, record.name, total=record.total, problem=record.problem)
    report.complete, report.closed, report.unchanged = record.complete, record.closed, record.unchanged
    changed = False
    if not (record.closed or record.unchanged):
        entries = _Entries(collection, record, report)
        changed = entries.write(now)
        _count(collection, record, report)
    _describe(collection, record, now, changed)
    return report


def _describe(collection: Collection, record: CollectionRecord, now: datetime, changed: bool) -> None:
    """Write the collection's own row, if anything in it differs."""
    fields: dict[str, Any] = {"name": record.name, "closed": record.closed, "problem": record.problem}
    if record.owner:
        fields["owner"] = record.owner
    if record.total is not None:
        fields["total"] = record.total
    if record.complete and not record.closed:
        fields["snapshot"] = record.snapshot
        if changed or collection.synced_at is None:
            fields["synced_at"] = now
    differences = {name: value for name, value in fields.items() if getattr(collection, name) != value}
    if differences:
        Collection.objects.filter(pk=collection.pk).update(**differences)


def _count(collection: Collection, record: CollectionRecord, report: CollectionReport) -> None:
    reasons = Counter(entry.reason for entry in record.entries if entry.track is None)
    report.entries = len(record.entries)
    report.skipped = dict(reasons)
    report.tracks = report.entries - sum(reasons.values())
    distinct = collection.entries.exclude(track=None).values("track").distinct().count()
    report.duplicates = max(0, report.tracks - distinct)


class _Entries:
    """The entries of one collection: as the catalog has them, and as they were read."""

    def __init__(self, collection: Collection, record: CollectionRecord, report: CollectionReport) -> None:
        self.collection = collection
        self.record = record
        self.report = report
        self.digests = [digest(entry) for entry in record.entries]
        self.old = list(
            collection.entries.order_by("position", "pk").values_list("pk", "position", "digest", "track_id")
        )

    def write(self, now: datetime) -> bool:
        """Write the differences. False: there were none."""
        if self.digests == [row[2] for row in self.old]:
            return False
        stay, added, leftover = self._pair()
        tracks = self._resolve(added, now)
        changed = self._reuse(added, leftover, tracks, stay)
        positions = _positions([stay.get(index) for index in range(len(self.digests))])
        self._move(stay, positions)
        self._add(added, changed, tracks, positions)
        if self.record.complete:
            _take_out(self.collection, list(leftover.items()))
            self.report.gone = len(leftover)
        return True

    def _pair(self) -> tuple[dict[int, tuple[int, int]], list[int], dict[int, int | None]]:
        """Pair what was read with what is there by digest, in order.

        Answers ({index as read: (entry id, position)}, indexes that are new, {entry id left over: track id}).
        """
        known: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for pk, position, value, _ in reversed(self.old):
            known[value].append((pk, position))
        stay: dict[int, tuple[int, int]] = {}
        added = []
        for index, value in enumerate(self.digests):
            if known.get(value):
                stay[index] = known[value].pop()
            else:
                added.append(index)
        kept = {pk for pk, _ in stay.values()}
        return stay, added, {pk: track_id for pk, _, _, track_id in self.old if pk not in kept}

    def _resolve(self, added: Sequence[int], now: datetime) -> dict[int, Target]:
        """{index as read: its target} of the new entries that are tracks."""
        indexes = [index for index in added if self.record.entries[index].track]
        resolution = resolve((self.record.entries[index].track for index in indexes), now)  # type: ignore[misc]
        self.report.new_tracks, self.report.merged = resolution.new, resolution.merged
        return dict(zip(indexes, zip(resolution.track_ids, resolution.alias_ids, strict=True), strict=True))

    def _reuse(
        self,
        added: list[int],
        leftover: dict[int, int | None],
        tracks: dict[int, Target],
        stay: dict[int, tuple[int, int]],
    ) -> set[int]:
        """An entry whose record reads differently but is the same track keeps its row. Indexes so updated."""
        by_track: dict[int, list[int]] = defaultdict(list)
        for pk, track_id in reversed(leftover.items()):
            if track_id is not None:
                by_track[track_id].append(pk)
        positions = {pk: position for pk, position, _, _ in self.old}
        updated: list[tuple[int, int]] = []
        changed: set[int] = set()
        for index in added:
            if index in tracks and by_track.get(tracks[index][0]):
                pk = by_track[tracks[index][0]].pop()
                del leftover[pk]
                stay[index] = (pk, positions[pk])
                changed.add(index)
                updated.append((pk, index))
        for part in _batches(updated):
            with transaction.atomic():
                for pk, index in part:
                    entry = self.record.entries[index]
                    values = {"digest": self.digests[index], "label": entry.label, "added_at": entry.added_at}
                    track_id, alias_id = tracks[index]
                    Entry.objects.filter(pk=pk).update(track=track_id, alias=alias_id, **values)
                set_wanted({tracks[index][0] for _, index in part})
        self.report.updated = len(updated)
        return changed

    def _move(self, stay: dict[int, tuple[int, int]], positions: list[int]) -> None:
        moved = [
            Entry(pk=pk, position=positions[index])
            for index, (pk, position) in stay.items()
            if position != positions[index]
        ]
        for part in _batches(moved):
            Entry.objects.bulk_update(part, ["position"])
        self.report.moved = len(moved)

    def _add(self, added: list[int], changed: set[int], tracks: dict[int, Target], positions: list[int]) -> None:
        new = [index for index in added if index not in changed]
        for part in _batches(self._row(index, tracks, positions[index]) for index in new):
            with transaction.atomic():
                insert(Entry, ENTRY_COLUMNS, part)
                set_wanted({row[2] for row in part if row[2] is not None})
        self.report.added = len(new)

    def _row(self, index: int, tracks: dict[int, Target], position: int) -> tuple[Any, ...]:
        """In the order of `ENTRY_COLUMNS`."""
        entry = self.record.entries[index]
        values = (entry.reason, entry.label, entry.added_at, self.digests[index])
        return self.collection.pk, position, *tracks.get(index, (None, None)), *values


def _batches(rows: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """`BATCH` rows at a time, each written in a transaction of its own: a writer beside us never waits for long."""
    for batch in batched(rows, BATCH):
        yield batch
        yield_write_lock()


def _positions(paired: Sequence[tuple[int, int] | None]) -> list[int]:
    """A position for each entry as read, in rising order; as many as possible keep the one they have.

    ``paired`` holds (entry id, position) of those that are already there, None for new ones.
    """
    old = [pair[1] if pair else None for pair in paired]
    keep = _longest_rising(old)
    result: list[int] = []
    run = 0  # entries since the last kept one
    for index in [*keep, len(old)]:
        run = index - len(result)
        after = old[index] if index < len(old) else None
        before = result[-1] if result else None
        if before is not None and after is not None and after - before <= run:
            return [STRIDE * (place + 1) for place in range(len(old))]  # no room left: number anew
        result += _between(before, after, run)
        if after is not None:
            result.append(after)
    return result


def _between(before: int | None, after: int | None, count: int) -> list[int]:
    if before is None and after is None:
        return [STRIDE * (place + 1) for place in range(count)]
    if before is None:
        return [after - STRIDE * (count - place) for place in range(count)]  # type: ignore[operator]
    if after is None:
        return [before + STRIDE * (place + 1) for place in range(count)]
    return [before + (after - before) * (place + 1) // (count + 1) for place in range(count)]


def _longest_rising(values: Sequence[int | None]) -> list[int]:
    """Indexes of a longest strictly rising subsequence, Nones left out (patience sorting, O(n log n))."""
    tails: list[int] = []
    tail_indexes: list[int] = []
    previous: list[int] = [-1] * len(values)
    for index, value in enumerate(values):
        if value is None:
            continue
        place = bisect_left(tails, value)
        previous[index] = tail_indexes[place - 1] if place else -1
        tails[place : place + 1] = [value]
        tail_indexes[place : place + 1] = [index]
    chain = []
    index = tail_indexes[-1] if tail_indexes else -1
    while index >= 0:
        chain.append(index)
        index = previous[index]
    return chain[::-1]
