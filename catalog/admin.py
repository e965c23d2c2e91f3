"""The catalog in the admin: to look at, to search, and for the few changes that a person may make.

A track's state is written by `catalog.tracks.transitions` alone: here it is read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import localize

from catalog.db import database_clock
from catalog.models import (
    Account,
    AdoptionMatch,
    Album,
    Alias,
    Artist,
    BinnedFile,
    Cluster,
    Collection,
    Entry,
    Event,
    Folder,
    Library,
    Run,
    Service,
    Track,
    TrackQuerySet,
)
from catalog.reports.listings import narrowed
from catalog.text.humanize import count
from catalog.tracks import transitions, wanted
from catalog.web.admin_base import FewRows, NotInIndex, ReadOnly, ReadOnlyRows
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed

# Sent after an action that may have made tracks due; `downloads.admin` wakes the workers.
tracks_requested = Signal()

admin.site.site_title = admin.site.site_header = "Tonekeep"
admin.site.index_title = "The catalog"


class EventRows(ReadOnlyRows):
    """What happened to a track: kept 90 days, so a page of them is enough to read and never too much to load."""

    model = Event
    fields = ("at", "kind", "by", "reason")
    verbose_name_plural = "what happened"


class AliasRows(ReadOnlyRows):
    """The names under which sources know a track."""

    model = Alias
    fields = ("key",)


class StateFilter(admin.SimpleListFilter):
    """The same sets that the pages show, by the same names."""

    title = "state"
    parameter_name = "is"
    SETS: dict[str, tuple[str, Callable[[TrackQuerySet], TrackQuerySet]]] = {
        "failed": ("failed", lambda rows: rows.failed()),
        "cooling": ("waiting to retry", lambda rows: rows.cooling(database_clock.now())),
        "ready": ("up next", lambda rows: rows.queue(database_clock.now())),
        "downloading": ("downloading", lambda rows: rows.downloading()),
        "missing": ("missing", lambda rows: rows.missing()),
        "downloaded": ("downloaded", lambda rows: rows.downloaded()),
        "not_wanted": ("not wanted", lambda rows: rows.not_wanted()),
        "ignored": ("stopped by a person", lambda rows: rows.not_wanted().filter(ignored=True)),
        "twins": ("twice in the catalog", lambda rows: rows.twins()),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.SETS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        chosen = self.SETS.get(self.value() or "")
        return chosen[1](queryset) if chosen else queryset  # type: ignore[arg-type]


@admin.register(Track)
class TrackAdmin(ReadOnly):
    """State columns are `catalog.tracks.transitions`'s; a person asks through the actions."""

    # What is wrong stands where it is seen without scrolling.
    list_display = ("title", "by", "status", "why", "retry_after", "attempts", "wanted", "album")
    list_filter: ClassVar[tuple[type[admin.SimpleListFilter], ...]] = (StateFilter,)
    list_select_related = ("album",)
    search_fields = ("title", "identity", "credits__artist__name", "album__title", "=isrc", "=spotify_id")
    search_help_text = "Title, artist, album, ISRC or Spotify id"
    actions = ("try_again", "ignore", "want_again")
    inlines: ClassVar[tuple[type[ReadOnlyRows], ...]] = (EventRows, AliasRows)
    ordering = ("pk",)
    exclude = ("last_seen",)
    readonly_fields = ("last_seen_on_disk",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only for the actions: the form has no field that could be changed."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("credits__artist")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """As the list of songs does it. Django's own way joins each track's credits: 2.5 s at a million, this 0.4 s."""
        return narrowed(queryset, {"q": search_term}), False

    @admin.display(description="artists")
    def by(self, track: Track) -> str:
        return ", ".join(track.artist_names)

    @admin.display(description="last seen on disk")
    def last_seen_on_disk(self, track: Track) -> str:
        """As the song's page has it: passes over an unchanged folder write no row."""
        seen = track.effective_last_seen(Library.current().last_pass)
        return str(localize(timezone.localtime(seen))) if seen else ""

    @admin.display(description="why it failed")
    def why(self, track: Track) -> str:
        return f"{track.error_kind.replace('_', ' ')}: {track.last_error}" if track.last_error else ""

    @admin.action(description="Try again now", permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: TrackQuerySet) -> HttpResponse | None:
        return self._apply(request, queryset, transitions.retry, "Try again now", "tried again now")

    @admin.action(description="Stop trying", permissions=["change"])
    def ignore(self, request: HttpRequest, queryset: TrackQuerySet) -> HttpResponse | None:
        return self._apply(request, queryset, wanted.ignore, "Stop trying", "not tried any more")

    @admin.action(description="Download again", permissions=["change"])
    def want_again(self, request: HttpRequest, queryset: TrackQuerySet) -> HttpResponse | None:
        return self._apply(request, queryset, wanted.want_again, "Download again", "downloaded again")

    def _apply(
        self, request: HttpRequest, chosen: TrackQuerySet, change: Callable[..., int], label: str, outcome: str
    ) -> HttpResponse | None:
        """Change the chosen tracks, then send `tracks_requested`; many only after a question with their number.

        A list that was searched is joined: filter by ids.
        """
        tracks = Track.objects.filter(pk__in=chosen.order_by().values("pk"))
        number = tracks.count()
        if number > CONFIRM_ABOVE and not confirmed(request):
            return confirmation(request, f"{label}: {count(number, 'song')}?", label)
        changed = change(tracks, database_clock.now(), by=request.user.get_username())
        tracks_requested.send(sender=type(self))
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, f"{count(changed, 'song')} {outcome}.", level)
        return None


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
class CollectionAdmin(FewRows):
    """On and off belongs to the page that also brings ``wanted`` in line; here it is shown."""

    list_display = ("name", "kind", "account", "enabled", "closed", "total", "synced_at", "problem")
    list_filter = ("kind", "enabled", "closed")
    search_fields = ("name", "owner", "account")
    may_edit = ("removal",)


@admin.register(Entry)
class EntryAdmin(NotInIndex, ReadOnly):
    list_display = ("collection", "track", "reason", "label", "added_at")
    list_filter = ("reason",)
    list_select_related = ("collection", "track")
    search_fields = ("label", "track__title")
    ordering = ("pk",)


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "kind", "track", "by", "reason")
    list_filter = ("kind",)
    list_select_related = ("track",)
    search_fields = ("reason", "track__title")
    ordering = ("-pk",)  # as they happened, and by key


@admin.register(Folder)
class FolderAdmin(NotInIndex, ReadOnly):
    """The stamps by which a pass knows that it may skip a folder."""

    list_display = ("path", "rows", "seen_at", "mtime_ns")
    search_fields = ("path", "key")
    ordering = ("pk",)


@admin.register(AdoptionMatch)
class DoubtAdmin(NotInIndex, ReadOnly):
    """Answered on the page "Music you already have"."""

    list_display = ("file", "track", "size", "why", "rejected")
    list_filter = ("rejected",)
    list_select_related = ("track",)
    search_fields = ("file",)
    ordering = ("pk",)


@admin.register(BinnedFile)
class BinnedFileAdmin(NotInIndex, ReadOnly):
    """Taken back on the page "Bin"."""

    list_display = ("track", "state", "origin", "target", "moved_at")
    list_filter = ("state",)
    list_select_related = ("track",)
    search_fields = ("origin", "target")
    ordering = ("pk",)


@admin.register(Service)
class ServiceAdmin(FewRows):
    list_display = ("name", "state", "reason", "paused_until", "paused_by_person", "strikes", "checked_at")


@admin.register(Run)
class RunAdmin(FewRows):
    list_display = ("kind", "started_at", "ended_at", "ok", "done", "total", "problem")
    list_filter = ("kind", "ok")


@admin.register(Library)
class LibraryAdmin(FewRows):
    list_display = ("root_path", "free_bytes", "held_since", "last_pass", "last_full_pass")
    may_edit = ("write_playlists", "find_moved")


@admin.register(Cluster)
class ClusterAdmin(NotInIndex, FewRows):
    list_display = ("host", "queue", "workers", "started_at", "beat_at", "reconciled_at")


@admin.register(Account)
class AccountAdmin(FewRows):
    """Without its token, which is nobody's to read, sealed or not."""

    list_display = ("name", "user_id", "product", "state", "reason", "consent_at")
    exclude = ("token",)
