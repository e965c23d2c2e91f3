"""Tracks in the admin: what is known of each, why it is not here, and the three things that a person may ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from catalog.admin import AliasRows, EventRows, FewRows, ReadOnly, ReadOnlyRows
from catalog.models import Track, TrackQuerySet
from catalog.reports.listings import narrowed
from catalog.text.humanize import count
from catalog.tracks import transitions
from downloads.failures.kinds import ERROR_KINDS
from downloads.models import Candidate, FormerFile, Move, MoveBatch, Pace, Replaced, Search, Sound


class StateFilter(admin.SimpleListFilter):
    """The same sets that the pages show, by the same names."""

    title = "state"
    parameter_name = "is"
    SETS: dict[str, tuple[str, Callable[[TrackQuerySet], TrackQuerySet]]] = {
        "failed": ("failed", lambda rows: rows.failed()),
        "cooling": ("cooling", lambda rows: rows.cooling(timezone.now())),
        "ready": ("ready", lambda rows: rows.queue(timezone.now())),
        "downloading": ("downloading", lambda rows: rows.downloading()),
        "missing": ("missing", lambda rows: rows.missing()),
        "downloaded": ("downloaded", lambda rows: rows.downloaded()),
        "not_wanted": ("not wanted", lambda rows: rows.not_wanted()),
        "ignored": ("ignored", lambda rows: rows.not_wanted().filter(ignored=True)),
        "twins": ("twice in the catalog", lambda rows: rows.twins()),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.SETS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        chosen = self.SETS.get(self.value() or "")
        return chosen[1](queryset) if chosen else queryset  # type: ignore[arg-type]


class ErrorKindFilter(admin.SimpleListFilter):
    """Missing tracks by what went wrong. The kinds come from the one table of errors, not from a scan of the rows."""

    title = "kind of error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.replace("_", " ")) for kind in ERROR_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        # The condition of the index `track_failed`, word by word.
        failed = Q(status="missing") & ~Q(last_error="")
        return queryset.filter(failed, error_kind=self.value()) if self.value() else queryset


class CandidateRows(ReadOnlyRows):
    """The recordings that were found for a track, the best first."""

    model = Candidate
    fields = ("title", "artists", "album", "duration_ms", "source", "score", "reasons", "verdict", "why")


class SoundRows(ReadOnlyRows):
    """What was proven of the file."""

    model = Sound
    fk_name = "track"  # not ``same_as``
    fields = ("duration_ms", "codec", "bit_rate", "same_as", "proved_at")


@admin.register(Track)
class TrackAdmin(ReadOnly):
    """State columns are `catalog.tracks.transitions`'s; a person asks through the actions, which wake the workers."""

    # What is wrong stands where it is seen without scrolling.
    list_display = ("title", "by", "status", "why", "retry_after", "attempts", "wanted", "album")
    list_filter = (StateFilter, ErrorKindFilter)
    list_select_related = ("album",)
    search_fields = ("title", "identity", "credits__artist__name", "album__title", "=isrc", "=spotify_id")
    search_help_text = "Title, artist, album, ISRC or Spotify id"
    actions = ("try_again", "ignore", "want_again")
    inlines = (EventRows, CandidateRows, SoundRows, AliasRows)
    ordering = ("pk",)

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

    @admin.display(description="why it failed")
    def why(self, track: Track) -> str:
        return f"{track.error_kind.replace('_', ' ')}: {track.last_error}" if track.last_error else ""

    @admin.action(description="Try again now", permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: TrackQuerySet) -> None:
        self._ask(request, queryset, transitions.retry, "tried again now")

    @admin.action(description="Ignore", permissions=["change"])
    def ignore(self, request: HttpRequest, queryset: TrackQuerySet) -> None:
        self._ask(request, queryset, transitions.ignore, "ignored from now on")

    @admin.action(description="Want again", permissions=["change"])
    def want_again(self, request: HttpRequest, queryset: TrackQuerySet) -> None:
        self._ask(request, queryset, transitions.want_again, "wanted again")

    def _ask(self, request: HttpRequest, chosen: TrackQuerySet, change: Callable[..., int], said: str) -> None:
        """Change the chosen tracks and wake the workers. A list that was searched is joined: filter by its ids."""
        tracks = Track.objects.filter(pk__in=chosen.order_by().values("pk"))
        changed = change(tracks, timezone.now(), f"by {request.user.get_username()}")
        from downloads.jobs import (
            tasks,  # here: all that fetches and syncs hangs on it, 30 MB in every command's memory
        )

        tasks.wake()
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, f"{count(changed, 'song')} {said}.", level)


# --- What a person asked for, and what waits ------------------------------------------------------------------


@admin.register(Search)
class SearchAdmin(ReadOnly):
    """Asked for on a song's page "Decide"."""

    list_display = ("track", "words", "asked_at", "answered_at", "found", "problem")
    list_select_related = ("track",)
    search_fields = ("words",)


@admin.register(Replaced)
class ReplacedAdmin(ReadOnly):
    list_display = ("track", "path", "size", "asked_at")
    list_select_related = ("track",)
    search_fields = ("path",)
    ordering = ("pk",)


@admin.register(FormerFile)
class FormerFileAdmin(ReadOnly):
    """Brought back on the page of the bin."""

    list_display = ("track", "origin", "target", "state", "moved_at")
    list_select_related = ("track",)
    search_fields = ("origin",)
    ordering = ("-pk",)


@admin.register(MoveBatch)
class MoveBatchAdmin(FewRows):
    """Asked for, and undone, on the page "Places"."""

    list_display = ("asked_at", "kind", "ended_at", "moved", "left", "undone", "problem")
    ordering = ("-pk",)


@admin.register(Move)
class MoveAdmin(ReadOnly):
    """The journal, the last move first."""

    list_display = ("origin", "target", "state", "batch", "track")
    list_filter = ("state",)
    list_select_related = ("batch", "track")
    search_fields = ("origin", "target")
    ordering = ("-pk",)


@admin.register(Pace)
class PaceAdmin(FewRows):
    list_display = ("source", "not_before", "booked_until")
