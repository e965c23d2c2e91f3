"""Admin lists of a million rows: read-only, paged in windows, never counted.

Rows come from sources and workers: nothing is added or deleted by hand.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED_TO = 10_000  # rows: 200 pages by number


class ShortCount(Paginator):
    """Counts no further than `COUNTED_TO` rows: the database stops there, however many there are."""

    @cached_property
    def first(self) -> list[Any]:
        """The keys of the rows, unordered: no more than one that would not fit on a page."""
        rows: Any = self.object_list
        return list(rows.order_by().values_list("pk", flat=True)[: self.per_page + 1])

    @cached_property
    def count(self) -> int:
        if len(self.first) <= self.per_page:
            return len(self.first)
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_TO].count())  # SELECT COUNT(*) FROM (SELECT … LIMIT)


class InWindows(ChangeList):
    """Pages by number within the first `COUNTED_TO` rows; a link leads to those after them, by key.

    So no page costs more than the last one of the first window, wherever in a million rows it lies. Where a person
    sorts by a column there is no such link: other columns have no unique order.
    """

    def get_ordering_field(self, field_name: Any) -> Any:
        """None, which leaves the column out, where it may not be sorted by: Django asks that of its links alone."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def _step(self) -> str:
        """The lookup that goes on in the order of the list; "" where that is not the order of the key."""
        order = self.get_ordering(self._request, self.root_queryset)
        return {"pk": f"{self._key}__gt", "-pk": f"{self._key}__lt"}.get(str(order[0]), "")

    @property
    def _key(self) -> str:
        return str(self.lookup_opts.pk.name)

    def get_results(self, request: HttpRequest) -> None:
        self._request = request
        super().get_results(request)
        if not self.multi_page:  # a search for rare words reads every row: once for this page is enough
            found = self.root_queryset.filter(pk__in=self.paginator.first)  # type: ignore[attr-defined]
            self.result_list = self.apply_select_related(found).order_by(*self.queryset.query.order_by)

    @property
    def beyond(self) -> str:
        """The address of the window that follows; "" where there is none."""
        step = self._step()
        if not step or self.result_count < COUNTED_TO:
            return ""
        last = self.queryset.values_list("pk", flat=True)[COUNTED_TO - 1 : COUNTED_TO + 1]
        return self.get_query_string({step: last[0]}, ["p"]) if len(last) == 2 else ""

    @property
    def is_beyond(self) -> bool:
        return any(f"{self._key}__{step}" in self.params for step in ("gt", "lt"))

    @property
    def back(self) -> str:
        return self.get_query_string(remove=["p", f"{self._key}__gt", f"{self._key}__lt"])


class ReadOnly(admin.ModelAdmin):
    """Rows to look at. Sub-classes may name fields in ``may_edit`` that a person may change.

    A list is sorted by its own order alone: a click on a column would sort a million rows. `FewRows` may be sorted.
    """

    paginator = ShortCount
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count each filter's rows
    list_per_page = 50
    sortable_by = ()
    may_edit: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InWindows

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.may_edit) and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        left_out = {*self.may_edit, *(self.exclude or ())}
        fields = [field.name for field in self.model._meta.fields if field.name not in left_out]
        return fields + [name for name in self.readonly_fields if name not in fields]


class FewRows(ReadOnly):
    """Tables that never grow long: each column may be sorted by."""

    def get_sortable_by(self, request: HttpRequest) -> Any:
        return self.get_list_display(request)


class ReadOnlyRows(admin.TabularInline):
    """Rows that belong to the one that is shown, to look at."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NotInIndex:
    """Rows of the machinery: reached by address and from other rows, left out of the list of models."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
