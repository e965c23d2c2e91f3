"""The catalog in the admin: to look at, to search, and for the few changes that a person may make.

What a track's state is, `catalog.lifecycle` alone writes: here it is read-only. Rows come from sources and workers:
nothing is added or deleted by hand. No list counts its rows: at a million that alone would take longer than the page.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

from catalog.log_in import LogInForm
from catalog.models import (
    Account,
    Album,
    Artist,
    Cluster,
    Collection,
    Entry,
    Event,
    Library,
    Run,
    Service,
)

COUNTED_TO = 10_000  # rows: 100 pages by number

admin.site.site_title = admin.site.site_header = "Tonekeep"
admin.site.index_title = "The catalog"
admin.site.login_form = LogInForm


class ShortCount(Paginator):
    """Counts no further than `COUNTED_TO` rows: the database stops there, however many there are."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.order_by()[:COUNTED_TO].values_list("pk", flat=True))


class InWindows(ChangeList):
    """Pages by number within the first `COUNTED_TO` rows; a link leads to those after them, by key.

    So no page costs more than the last one of the first window, wherever in a million rows it lies. Where a person
    sorts by a column there is no such link: other columns have no unique order.
    """

    def _step(self) -> str:
        """The lookup that goes on in the order of the list; "" where that is not the order of the key."""
        order = self.get_ordering(self._request, self.root_queryset)
        return {"pk": "id__gt", "-pk": "id__lt"}.get(str(order[0]), "")

    def get_results(self, request: HttpRequest) -> None:
        self._request = request
        super().get_results(request)

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
        return any(step in self.params for step in ("id__gt", "id__lt"))

    @property
    def back(self) -> str:
        return self.get_query_string(remove=["p", "id__gt", "id__lt"])


class ReadOnly(admin.ModelAdmin):
    """Rows to look at. Sub-classes may name fields in ``may_edit`` that a person may change."""

    paginator = ShortCount
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count each filter's rows
    list_per_page = 100
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
        fields = [field.name for field in self.model._meta.fields if field.name not in self.may_edit]
        return fields + [name for name in self.readonly_fields if name not in fields]


class ReadOnlyRows(admin.TabularInline):
    """Rows that belong to the one that is shown, to look at."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class EventRows(ReadOnlyRows):
    """What happened to a track: kept 90 days, so a page of them is enough to read and never too much to load."""

    model = Event
    fields = ("at", "kind", "reason")
    verbose_name_plural = "what happened"


@admin.register(Artist)
class ArtistAdmin(ReadOnly):
    list_display = ("name",)
    search_fields = ("name", "key")
    ordering = ("pk",)


@admin.register(Album)
class AlbumAdmin(ReadOnly):
    list_display = ("title", "artist", "release_date", "compilation")
    search_fields = ("title", "artist", "=key")
    ordering = ("pk",)


@admin.register(Collection)
class CollectionAdmin(ReadOnly):
    """On and off belongs to the page that also brings ``wanted`` in line; here it is shown."""

    list_display = ("name", "kind", "account", "enabled", "closed", "total", "synced_at", "problem")
    list_filter = ("kind", "enabled", "closed")
    search_fields = ("name", "owner", "account")
    may_edit = ("removal",)


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    list_display = ("collection", "track", "reason", "label", "added_at")
    list_filter = ("reason",)
    list_select_related = ("collection", "track")
    search_fields = ("label", "track__title")
    ordering = ("pk",)


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "kind", "track", "reason")
    list_filter = ("kind",)
    list_select_related = ("track",)
    search_fields = ("reason", "track__title")
    ordering = ("-pk",)  # as they happened, and by key


@admin.register(Service)
class ServiceAdmin(ReadOnly):
    list_display = ("name", "state", "reason", "paused_until", "paused_by_person", "strikes", "checked_at")


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("kind", "started_at", "ended_at", "ok", "done", "total", "problem")
    list_filter = ("kind", "ok")


@admin.register(Library)
class LibraryAdmin(ReadOnly):
    list_display = ("root_path", "free_bytes", "held_since", "last_pass", "last_full_pass")
    may_edit = ("write_playlists", "always_relink")


@admin.register(Cluster)
class ClusterAdmin(ReadOnly):
    list_display = ("name", "started_at", "beat_at", "reconciled_at")


@admin.register(Account)
class AccountAdmin(ReadOnly):
    """Without its token, which is nobody's to read, sealed or not."""

    list_display = ("name", "user_id", "product", "state", "reason", "consent_at")
    exclude = ("token",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for name in super().get_readonly_fields(request, obj) if name not in self.exclude]
