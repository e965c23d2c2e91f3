"""Pages of a million rows: by the key of a row, never by an offset, never with a count."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from catalog.text.humanize import AtLeast

PAGE = 100  # rows


@dataclass(frozen=True)
class Page:
    """``after`` is what to ask for to get the next page, ``before`` the one before; "" where there is none."""

    rows: list[Any] = field(default_factory=list)
    after: str = ""
    before: str = ""


def page_of(
    rows: QuerySet[Any] | Sequence[QuerySet[Any]],
    by: tuple[str, ...],
    after: str = "",
    size: int = PAGE,
    before: str = "",
) -> Page:
    """The ``size`` rows that follow ``after`` in the order of the columns ``by``, the last one unique.

    A column that begins with "-" descends. With ``before`` in place of ``after``: the rows that come before it.
    ``rows`` may also be ``values_list(…, named=True)`` with these columns: half the time of objects. Several sets
    without a row in common are read each by its own index and merged; ``by`` then ascends or descends as a whole.
    A key that cannot be read is as good as none: the first page.
    """
    backward = bool(before) and not after
    order = tuple(_turned(column) for column in by) if backward else by
    sets = [rows] if isinstance(rows, QuerySet) else rows
    key = read_key(before if backward else after, len(by))
    try:
        found = _merged(sets, order, key, size)
    except (ValueError, TypeError, OverflowError, ValidationError):  # it does not fit the columns: no number, no time
        key, backward, found = None, False, _merged(sets, by, None, size)
    more = len(found) > size
    page = found[:size][::-1] if backward else found[:size]
    if not page:
        return Page()
    onward = key is not None if backward else more
    back = more if backward else key is not None
    return Page(page, written_key(page[-1], by) if onward else "", written_key(page[0], by) if back else "")


def asked_page(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[QuerySet[Any]], by: tuple[str, ...], size: int = PAGE
) -> Page:
    """`page_of` for the page that the address asks for."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    return page_of(rows, by, after, size, before)


def counted_to(most: int, rows: QuerySet[Any]) -> int:
    """How many rows there are; `AtLeast` where they are more than ``most``. Reads no more, and in any order."""
    return _no_further(most, rows.order_by()[: most + 1].count())


class CountOnEachPage:
    """`counted_to` of a set that every page asks for: its statement is written once a process.

    To build it anew took a third of what an empty page takes. ``rows`` gives the same set each time it is called.
    """

    def __init__(self, most: int, rows: Callable[[], QuerySet[Any]]) -> None:
        self._most, self._rows = most, rows

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        text, values = self._rows().order_by().values("pk")[: self._most + 1].query.sql_with_params()
        return f"SELECT COUNT(*) FROM ({text}) AS counted", tuple(values)  # noqa: S608

    def __call__(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(*self._statement)
            return _no_further(self._most, int(cursor.fetchone()[0]))


def _no_further(most: int, number: int) -> int:
    return AtLeast(most) if number > most else number


def query_string(request: HttpRequest, **changes: str) -> str:
    """The query string of this page with some of its parameters changed; "" takes one out."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
        if not value:
            del query[name]
    return query.urlencode()


def links(request: HttpRequest, page: Page) -> dict[str, str]:
    """Addresses of the first, the previous and the next page, for `parts/pager.html`; "" where there is none."""
    moved = request.GET.get("after") or request.GET.get("before")
    return {
        "first": f"{request.path}?{query_string(request, after='', before='')}" if moved else "",
        "previous": f"?{query_string(request, before=page.before, after='')}" if page.before and moved else "",
        "next": f"?{query_string(request, after=page.after, before='')}" if page.after else "",
    }


def _turned(column: str) -> str:
    return column[1:] if column.startswith("-") else f"-{column}"


def _merged(sets: Sequence[QuerySet[Any]], by: tuple[str, ...], key: list[Any] | None, size: int) -> list[Any]:
    """What follows in all sets together, in their common order."""
    found = [row for rows in sets for row in _following(rows, by, key, size)]
    if len(sets) > 1:
        columns = [column.lstrip("-") for column in by]
        found.sort(key=lambda row: [getattr(row, column) for column in columns], reverse=by[0].startswith("-"))
    return found[: size + 1]


def _following(rows: QuerySet[Any], by: tuple[str, ...], key: list[Any] | None, size: int) -> list[Any]:
    """One row more than a page has, if there is one: so it is known whether another page follows."""
    if key is not None:
        beyond = Q()
        for column, value in reversed(list(zip(by, key, strict=True))):
            name, step = column.lstrip("-"), "lt" if column.startswith("-") else "gt"
            past = Q(**{f"{name}__{step}": value})
            beyond = Q(**{f"{name}__{step}e": value}) & (past | beyond) if beyond else past
        rows = rows.filter(beyond)
    return list(rows.order_by(*by)[: size + 1])


def read_key(text: str, columns: int) -> list[Any] | None:
    """The key that `written_key` wrote; None for anything else, which a person or a scanner may have typed."""
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(key, list) and len(key) == columns and all(isinstance(part, (str, int)) for part in key)
    # What JSON can write and no database holds: a NUL, half a surrogate pair. The second one ends in a ValueError.
    return key if plain and not any("\0" in part for part in key if isinstance(part, str)) else None


def written_key(row: Any, by: tuple[str, ...]) -> str:
    return json.dumps([getattr(row, column.lstrip("-")) for column in by], cls=_Exact)


class _Exact(DjangoJSONEncoder):
    """With microseconds: two rows that are due in the same millisecond must not be skipped."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)
