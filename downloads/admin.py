"""Downloads in the admin: what the searches found, what a person asked for, and what waits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest

from catalog.admin import AliasRows, EventRows, TrackAdmin, tracks_requested
from catalog.models import Track
from catalog.web.admin_base import FewRows, ReadOnly, ReadOnlyRows
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs.queue import wake
from downloads.models import AudioFile, Candidate, FormerFile, Move, MoveBatch, RateLimitState, Replaced, Search


class ErrorKindFilter(admin.SimpleListFilter):
    """Missing tracks by what went wrong. The kinds come from the one table of errors, not from a scan of the rows."""

    title = "kind of error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.replace("_", " ")) for kind in ERROR_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        # The condition of the index `track_failed`, word by word.
        failed = Q(status=Track.Status.MISSING) & ~Q(last_error="")
        return queryset.filter(failed, error_kind=self.value()) if self.value() else queryset


class CandidateRows(ReadOnlyRows):
    """The recordings that were found for a track, the best first."""

    model = Candidate
    fields = ("title", "artists", "album", "duration_ms", "source", "score", "reasons", "verdict", "why")


class SoundRows(ReadOnlyRows):
    """What was proven of the file."""

    model = AudioFile
    fk_name = "track"  # not ``same_as``
    fields = ("duration_ms", "codec", "bit_rate", "same_as", "proved_at")


# What the catalog's list of tracks gains from this app: imports run downwards, so it is added from above.
TrackAdmin.list_filter = (*TrackAdmin.list_filter, ErrorKindFilter)
TrackAdmin.inlines = (EventRows, CandidateRows, SoundRows, AliasRows)


@receiver(tracks_requested)
def wake_workers(**signal: Any) -> None:
    """Start on the tracks that an action of the admin made due."""
    wake()


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


@admin.register(RateLimitState)
class PaceAdmin(FewRows):
    list_display = ("source", "not_before", "booked_until")
