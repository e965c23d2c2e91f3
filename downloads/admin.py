"""Downloads in the admin: what the searches found, what a person asked for, and what waits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin import AliasRows, EventRows, TrackAdmin, tracks_requested
from catalog.models import Track
from catalog.web.admin_base import FewRows, NotInIndex, ReadOnly, ReadOnlyRows
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs.queue import wake
from downloads.models import (
    AudioFile,
    Candidate,
    FailedTrack,
    FormerFile,
    Move,
    MoveBatch,
    RateLimitState,
    Replaced,
    Search,
)
from downloads.review.decisions import ASKS_A_PERSON


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


@admin.register(FailedTrack)
class FailedTrackAdmin(TrackAdmin):
    """What failed: why, how often, when next, what was found, and the page that cures it."""

    list_display = ("title", "by", "error_kind", "last_error", "attempts", "retry_after", "found", "cure")
    list_filter = (ErrorKindFilter,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        offered = Candidate.objects.filter(track=OuterRef("pk")).order_by().values("track").annotate(n=Count("pk"))
        rows: Any = super().get_queryset(request)
        return rows.failed().annotate(offered=Coalesce(Subquery(offered.values("n")), 0))  # type: ignore[no-any-return]

    @admin.display(description="recordings found")
    def found(self, track: Any) -> int:
        return int(track.offered)

    @admin.display(description="cure")
    def cure(self, track: Track) -> SafeString:
        choose = track.error_kind in ASKS_A_PERSON
        address = reverse("review_track" if choose else "track", args=[track.pk])
        return format_html('<a href="{}">{}</a>', address, "Choose the recording" if choose else "See the song")


@receiver(tracks_requested)
def wake_workers(**signal: Any) -> None:
    """Start on the tracks that an action of the admin made due."""
    wake()


# --- What a person asked for, and what waits ------------------------------------------------------------------


@admin.register(Search)
class SearchAdmin(NotInIndex, ReadOnly):
    """Asked for on a song's page "Choose the recording"."""

    list_display = ("track", "words", "asked_at", "answered_at", "found", "problem")
    list_select_related = ("track",)
    search_fields = ("words",)


@admin.register(Replaced)
class ReplacedAdmin(NotInIndex, ReadOnly):
    list_display = ("track", "path", "size", "asked_at")
    list_select_related = ("track",)
    search_fields = ("path",)
    ordering = ("pk",)


@admin.register(FormerFile)
class FormerFileAdmin(NotInIndex, ReadOnly):
    """Brought back on the page of the bin."""

    list_display = ("track", "origin", "target", "state", "moved_at")
    list_select_related = ("track",)
    search_fields = ("origin",)
    ordering = ("-pk",)


@admin.register(MoveBatch)
class MoveBatchAdmin(NotInIndex, FewRows):
    """Asked for, and undone, on the page "File names"."""

    list_display = ("asked_at", "kind", "ended_at", "moved", "left", "undone", "problem")
    ordering = ("-pk",)


@admin.register(Move)
class MoveAdmin(NotInIndex, ReadOnly):
    """The journal, the last move first."""

    list_display = ("origin", "target", "state", "batch", "track")
    list_filter = ("state",)
    list_select_related = ("batch", "track")
    search_fields = ("origin", "target")
    ordering = ("-pk",)


@admin.register(RateLimitState)
class PaceAdmin(NotInIndex, FewRows):
    list_display = ("source", "not_before", "booked_until")
