"""Orders in which lists of songs are shown. A page costs the same however long its list is.

Newest, next try and last failure have an index. Artist and album lie in other tables: such a page walks along the
artists or albums in their order and takes their songs, some groups at a time; a list of few songs is sorted as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.db.id_sets import id_subquery
from catalog.models import Album, Artist, Credit, Track, TrackQuerySet
from catalog.web.keyset_pages import PAGE, Page, page_of, read_key, written_key

FEW = 5_000  # songs that are sorted as a whole: 10 to 20 ms
SOME = 20_000  # songs whose ids are read to find those of an artist among them
FIRST_GROUPS, MOST_GROUPS = 8, 500  # artists or albums whose songs are read at once; more each time
AT_THE_END = "\U0010ffff"  # songs of no artist or album


@dataclass(frozen=True, slots=True)
class Order:
    """``columns`` of an index, or ``groups`` by which the songs are taken. ``of_missing``: for lists of these alone."""

    name: str
    label: str
    columns: tuple[str, ...] = ()
    groups: str = ""
    of_missing: bool = False
    of_failed: bool = False


ORDERS = {
    order.name: order
    for order in (
        Order("newest", "Newest first", ("-pk",)),
        Order("oldest", "Oldest first", ("pk",)),
        Order("artist", "Artist", groups="artist"),
        Order("album", "Album", groups="album"),
        Order("due", "Next try", ("retry_after", "pk"), of_missing=True),
        Order("failed", "Failed lately", ("-failed_at", "-pk"), of_failed=True),
    )
}


class Place(NamedTuple):
    """Where a song stands: group, then album, disc and number within it."""

    group_key: str
    group: int
    album: int
    disc: int
    number: int
    pk: int

    @property
    def within(self) -> tuple[int, ...]:
        """Where it stands within its group."""
        return self[2:]


PLACE = Place._fields


def page_of_songs(rows: TrackQuerySet, order: Order, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """One page of ``rows``; its rows have a ``pk``. Orders by group know no page before: ``before`` is left out."""
    if order.columns:
        keys = rows.values_list(*(column.lstrip("-") for column in order.columns), named=True)
        if order.of_failed:  # none is without: an error and its moment are written in one UPDATE; the key needs one
            keys = keys.filter(failed_at__isnull=False)
        return page_of(keys, order.columns, after, size, before)
    key = read_key(after, len(PLACE))
    start = Place(*key) if key and _is_place(key) else None
    few = list(rows.order_by().values_list("pk", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        places: Iterator[Place] = (one for one in _of_few(few, order.groups) if start is None or one > start)
    else:
        places = _walk(rows, order.groups, start, size + 1, _ids_of_some(rows))
    found = list(islice(places, size + 1))
    return Page(found[:size], written_key(found[size - 1], PLACE) if len(found) > size else "")


def _ids_of_some(rows: TrackQuerySet) -> set[int] | None:
    """The ids of a list that is much shorter than the library; None of a longer one.

    Of an artist's songs hardly one is on it: it costs less to know all that are than to look at each song.
    """
    ids = rows.order_by().values_list("pk", flat=True)
    return None if ids[: SOME + 1].count() > SOME else set(ids)


def _is_place(key: list[Any]) -> bool:
    return isinstance(key[0], str) and all(isinstance(part, int) and abs(part) < 1 << 62 for part in key[1:])


def _of_few(ids: list[int], groups: str) -> list[Place]:
    tracks = (
        Track.objects.filter(pk__in=id_subquery(ids))
        .order_by()
        .values_list("album_id", "disc_number", "track_number", "pk")
    )
    if groups == "album":
        named = Track.objects.filter(pk__in=id_subquery(ids), album__isnull=False).order_by()
        names = {pk: (key, album) for pk, key, album in named.values_list("pk", "album__sort_key", "album_id")}
    else:
        credits = Credit.objects.filter(track__in=id_subquery(ids), position=0)
        names = {pk: (key, artist) for pk, key, artist in credits.values_list("track_id", "artist__sort_key", "artist")}
    return sorted(_place(*names[each[-1]], *each) if each[-1] in names else _of_none(each[-1]) for each in tracks)


def _walk(rows: TrackQuerySet, groups: str, start: Place | None, most: int, ids: set[int] | None) -> Iterator[Place]:
    """The places after ``start``: a few groups at a time in the database's own order, then ``most`` of no group."""
    if start is None or start.group_key != AT_THE_END:
        for chunk in _chunks(Artist.objects.all() if groups == "artist" else Album.objects.all(), start):
            turn = {pk: number for number, pk in enumerate(chunk)}
            for place in sorted(_of_groups(rows, groups, chunk, ids), key=lambda one: (turn[one.group], one.within)):
                if start is None or place.group != start.group or place.within > start.within:
                    yield place
    if groups == "album":
        rest = rows.filter(album=None)
    else:
        rest = rows.filter(~Exists(Credit.objects.filter(track=OuterRef("pk"), position=0)))
    if start is not None and start.group_key == AT_THE_END:
        rest = rest.filter(pk__gt=start.pk)
    yield from map(_of_none, rest.order_by("pk").values_list("pk", flat=True)[:most])


def _chunks(rows: QuerySet[Any], start: Place | None) -> Iterator[dict[int, str]]:
    """Groups in their order from that of ``start`` on, id -> sort key, ever more at once."""
    rows = rows.order_by("sort_key", "pk").values_list("pk", "sort_key")
    some, size = rows if start is None else rows.filter(_from(start.group_key, start.group)), FIRST_GROUPS
    while chunk := dict(some[:size]):
        yield chunk
        last = list(chunk)[-1]
        some, size = rows.filter(_from(chunk[last], last + 1)), min(size * 2, MOST_GROUPS)


def _from(key: str, pk: int) -> Q:
    return Q(sort_key__gte=key) & (Q(sort_key__gt=key) | Q(pk__gte=pk))


def _of_groups(rows: TrackQuerySet, groups: str, chunk: dict[int, str], ids: set[int] | None) -> Iterable[Place]:
    columns = ("album_id", "disc_number", "track_number", "pk")
    if groups == "album":
        found = rows.filter(album__in=id_subquery(chunk)).order_by().values_list(*columns)
        return [_place(chunk[each[0]], each[0], *each) for each in found]
    # In two steps: of both as one, PostgreSQL goes through all that failed and looks for each song's artist.
    credits = Credit.objects.filter(artist__in=id_subquery(chunk), position=0)
    owners = {
        track: artist for track, artist in credits.values_list("track_id", "artist_id") if not ids or track in ids
    }
    found = rows.filter(pk__in=id_subquery(owners)).order_by().values_list(*columns)
    return [_place(chunk[owners[each[-1]]], owners[each[-1]], *each) for each in found]


def _place(key: str, group: int, album: int | None, disc: int | None, number: int | None, pk: int) -> Place:
    return Place(key, group, album or 0, disc or 0, number or 0, pk)


def _of_none(pk: int) -> Place:
    return Place(AT_THE_END, 0, 0, 0, 0, pk)
