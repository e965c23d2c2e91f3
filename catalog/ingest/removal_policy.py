"""What becomes of the file of a song that no collection wants any more: it stays, or goes to the bin.

The collection that a song left last decides, by its ``removal``. A song that a person ignores keeps its file, and so
does one that still stands in another collection, switched off, whose files are kept. Only rows are written here; the
files are moved after the next reconcile (`downloads.file_moves.trash`).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from catalog.db.batches import batched
from catalog.models import BinnedFile, Collection, Entry, Track, TrackQuerySet

State = BinnedFile.State
BATCH = 500
BIN = Collection.Removal.BIN


def left(collection: Collection, track_ids: Iterable[int]) -> int:
    """These tracks have just left ``collection``, and ``wanted`` has been brought in line. Files that are to go."""
    if collection.removal != BIN:
        return 0
    ids = list(track_ids)
    asked = 0
    for batch in batched(ids, BATCH):
        asked += _ask(_unwanted().filter(pk__in=batch))
    return asked


def switched_off() -> int:
    """Ask for the files of songs that stand only in collections that are switched off and whose files go to the bin.

    A song whose file a person has taken back out of the bin is not asked for again.
    """
    where = Entry.objects.filter(track=OuterRef("pk"), collection__enabled=False, collection__removal=BIN)
    never_asked = ~Exists(BinnedFile.objects.filter(track=OuterRef("pk")))
    return _ask(_unwanted().filter(Exists(where), never_asked, status=Track.Status.DOWNLOADED))


def may_stay(collection_ids: Iterable[int]) -> None:
    """The files of these collections' songs are to stay after all: what has not gone yet does not go."""
    theirs = Entry.objects.filter(collection__in=list(collection_ids), track=OuterRef("track"))
    BinnedFile.objects.filter(Exists(theirs), state=State.ASKED).delete()


def _unwanted() -> TrackQuerySet:
    kept = Entry.objects.filter(track=OuterRef("pk")).exclude(collection__removal=BIN)
    return Track.objects.not_wanted().filter(~Exists(kept), ignored=False)


def _ask(tracks: TrackQuerySet) -> int:
    ids = list(tracks.order_by().values_list("pk", flat=True))
    for part in batched(ids, BATCH):
        BinnedFile.objects.bulk_create([BinnedFile(track_id=pk) for pk in part], ignore_conflicts=True)
        BinnedFile.objects.filter(track__in=part, state=State.KEPT).update(state=State.ASKED)
    return len(ids)
