"""Relink: files that were renamed or moved inside the music folder become their tracks' files again.

Rows that miss a file at a last known place are paired with audio files that no row names: by the id in their tags, and
where there is none by size and length, if on both sides only one comes into question. Without it a renamed file is
missing and fetched again, and the renamed one stays a stranger. No file is touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from catalog.library import adopt, untracked
from catalog.models import Alias, Track, TrackQuerySet
from catalog.music.identity import identity_key, same_length
from catalog.storage import hold
from catalog.storage import state as storage
from catalog.system.file_locks import try_lock
from catalog.tags.tag_cache import Found

BATCH = 2000  # files looked at together
IDS = 500
EXAMPLES = 20


@dataclass(slots=True)
class RelinkReport:
    """``lost`` rows had a last known place, ``files`` were strangers, ``relinked`` found each other.

    ``ambiguous`` are files of which size and length fit several rows, or several files one row: nobody can tell.
    """

    lost: int = 0
    files: int = 0
    relinked: int = 0
    ambiguous: int = 0
    dry_run: bool = False
    problem: str = ""
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The report in words."""
        if self.problem:
            return self.problem
        would = "would be " if self.dry_run else ""
        said = f"{self.relinked:,} of {self.lost:,} missing songs {would}found under other names"
        return said + (f", {self.ambiguous:,} files fit several songs." if self.ambiguous else ".")


def relink(
    now: datetime, dry_run: bool = False, on_progress: Callable[[int], None] = lambda files: None
) -> RelinkReport:
    """Pair missing rows that have a last known place with files that no row names. What was found.

    To be called after a reconcile, which finds out what is missing. ``dry_run`` changes no row; ``on_progress``
    hears of the files looked at. Where storage cannot be read nothing is done and ``problem`` says why.
    """
    report = RelinkReport(dry_run=dry_run)
    report.lost = _lost().count()
    if not report.lost:
        return report
    state = storage.inspect() if dry_run else storage.check(now)
    if not state.may_read:
        report.problem = state.reason
        return report
    with try_lock("reconcile") as mine:
        if not mine:
            report.problem = "A reconcile is running; look again when it has ended."
            return report
        _Pairs(report, now).make(on_progress)
        if not dry_run:
            hold.settle(now)
    return report


def _lost() -> TrackQuerySet:
    return Track.objects.filter(status=Track.Status.MISSING, folder__isnull=False)


class _Pairs:
    """Files and rows that may belong together; a row is taken once."""

    def __init__(self, report: RelinkReport, now: datetime) -> None:
        self.report, self.now = report, now
        self.taken: set[int] = set()

    def make(self, on_progress: Callable[[int], None]) -> None:
        """Ids first, over all files: what they settle is no longer in question by size."""
        sizes = set(_lost().exclude(size=None).values_list("size", flat=True))
        alike: dict[int, list[Found]] = defaultdict(list)
        with untracked.tag_reader(self.now) as reader:
            for batch in _batches():
                on_progress(len(batch))
                new = untracked.unknown(batch)
                self.report.files += len(new)
                for found in self._by_id(reader.read(new)):
                    if found.size in sizes:
                        alike[found.size].append(found)
        for size, files in alike.items():
            self._by_size(files, size)

    def _by_id(self, files: list[Found]) -> Iterator[Found]:
        """Link what an id settles; the rest is handed on."""
        owners = _Ids(files)
        for found in files:
            if found.said is None:
                continue
            row = owners.of(found)
            if row is None:
                yield found
            elif row.pk not in self.taken:
                self._link(row.pk, found, "renamed: the id in its tags")

    def _by_size(self, files: list[Found], size: int) -> None:
        """Files of one size, and the rows that are still lost and had it: paired where only one fits on both sides."""
        rows = [row for row in _lost().filter(size=size) if row.pk not in self.taken]
        fits = {
            found.relative: [row for row in rows if _fits(row, found)] for found in files if not _names_another(found)
        }
        wooed: dict[int, int] = defaultdict(int)
        for suited in fits.values():
            for row in suited:
                wooed[row.pk] += 1
        for found in files:
            suited = fits.get(found.relative, [])
            if len(suited) == 1 and wooed[suited[0].pk] == 1:
                self._link(suited[0].pk, found, "renamed: its size and length")
            elif suited:
                self.report.ambiguous += 1

    def _link(self, track_id: int, found: Found, how: str) -> None:
        if not self.report.dry_run and not adopt.take(track_id, found.relative, found.size, self.now, how):
            return
        self.taken.add(track_id)
        self.report.relinked += 1
        if len(self.report.examples) < EXAMPLES:
            self.report.examples.append(found.relative)


def _fits(row: Track, found: Found) -> bool:
    """Same bytes, and lengths that agree; a length that is unknown agrees with none, since size alone is thin."""
    assert found.said
    known = row.duration_ms is not None and found.said.duration_ms is not None
    return known and row.size == found.size and same_length(row.duration_ms, found.said.duration_ms)


def _names_another(found: Found) -> bool:
    """A file with an id that the catalog knows is that track's or nobody's."""
    assert found.said
    keys = [f"spotify:{spotify_id}" for spotify_id in found.said.spotify_ids]
    return bool(keys) and Alias.objects.filter(key__in=keys).exists()


class _Ids:
    """The lost rows that the ids in a batch of files name: Spotify's, or our own beside the row's spelling."""

    def __init__(self, files: list[Found]) -> None:
        said = [found.said for found in files if found.said]
        keys = [f"spotify:{spotify_id}" for tag in said for spotify_id in tag.spotify_ids]
        self.by_spotify: dict[str, Track] = {}
        for part in _parts(keys):
            aliases = Alias.objects.filter(key__in=part, track__in=_lost()).select_related("track")
            self.by_spotify |= {alias.key.partition(":")[2]: alias.track for alias in aliases}
        ours = [pk for tag in said if (pk := _row_id(tag.track_key))]
        self.by_row: dict[int, Track] = {}
        for part in _parts(ours):
            self.by_row |= {row.pk: row for row in _lost().filter(pk__in=part)}

    def of(self, found: Found) -> Track | None:
        assert found.said
        for spotify_id in found.said.spotify_ids:
            if spotify_id in self.by_spotify:
                return self.by_spotify[spotify_id]
        row = self.by_row.get(_row_id(found.said.track_key))
        # The row's number alone proves nothing: in another database it was another track's.
        if row and row.identity == identity_key(found.said.title, found.said.artists):
            return row
        return None


def _row_id(track_key: str) -> int:
    """The row that our own id in a file's tags names ("12:token"); 0 for none."""
    text = track_key.partition(":")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), IDS):
        yield values[start : start + IDS]


def _batches() -> Iterator[list[str]]:
    files = untracked.audio_files()
    while batch := list(islice(files, BATCH)):
        yield batch
