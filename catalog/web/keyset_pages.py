"""Pages of a million rows: by the last row's key, never by an offset, never with a count."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet
from django.http import HttpRequest

PAGE = 100  # rows


@dataclass(frozen=True)
class Page:
    """``after`` is what to ask for to get the next page, "" at the end."""

    rows: list[Any] = field(default_factory=list)
    after: str = ""


def page_of(rows: QuerySet[Any], by: tuple[str, ...], after: str = "", size: int = PAGE) -> Page:
    """The ``size`` rows that follow ``after`` in the order of the columns ``by``, the last one unique.

    A column that begins with "-" descends.

    ``rows`` may also be ``values_list(…, named=True)`` with these columns: half the time of objects.
    An ``after`` that cannot be read is as good as none: the first page.
    """
    try:
        following = _following(rows, by, _read(after, len(by)), size)
    except (ValueError, TypeError, OverflowError, ValidationError):  # it does not fit the columns: no number, no time
        following = _following(rows, by, None, size)
    page = following[:size]
    return Page(page, _written(page[-1], by) if len(following) > size else "")


def query_string(request: HttpRequest, **changes: str) -> str:
    """The query string of this page with some of its parameters changed."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()


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


def _read(after: str, columns: int) -> list[Any] | None:
    """The key that `_written` wrote; None for anything else, which a person or a scanner may have typed."""
    try:
        key = json.loads(after)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(key, list) and len(key) == columns and all(isinstance(part, (str, int)) for part in key)
    # What JSON can write and no database holds: a NUL, half a surrogate pair. The second one ends in a ValueError.
    return key if plain and not any("\0" in part for part in key if isinstance(part, str)) else None


def _written(row: Any, by: tuple[str, ...]) -> str:
    return json.dumps([getattr(row, column.lstrip("-")) for column in by], cls=_Exact)


class _Exact(DjangoJSONEncoder):
    """With microseconds: two rows that are due in the same millisecond must not be skipped."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)
