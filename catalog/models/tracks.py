"""Tracks and what describes them: artists, albums, credits, and the names under which sources know them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.db import connections, models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from catalog.db import database_clock
from catalog.db.counter_sql import FEW, statement
from catalog.models.library import Folder, PathInLibrary
from catalog.music.identity import SAME_LENGTH_MS
from catalog.music.same_recording import Description
from catalog.text.sort_key import LONGEST, sort_key


class SortKeyField(models.CharField):  # type: ignore[type-arg]
    """`catalog.text.sort_key` of the field ``of``, written whenever the row is saved or inserted."""

    def __init__(self, of: str = "", **options: Any) -> None:
        self.of = of
        super().__init__(**{"max_length": LONGEST, "db_default": "", "editable": False, **options})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "of": self.of}

    def pre_save(self, instance: models.Model, add: bool) -> str:
        value = sort_key(getattr(instance, self.of))
        setattr(instance, self.attname, value)
        return value


class Artist(models.Model):
    """A performer as billed. ``key`` is the name's NFKC casefold: one artist, one row."""

    name = models.TextField()
    key = models.CharField(max_length=200, unique=True)
    sort_key = SortKeyField(of="name")
    # Whether a wanted track credits it: written by `catalog.tracks.wanted.mark_wanted`.
    wanted = models.BooleanField(default=False)

    class Meta:
        ordering = ["key"]
        indexes = [
            models.Index(fields=["id"], name="artist_not_wanted", condition=Q(wanted=False)),
            models.Index(fields=["sort_key", "id"], name="artist_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Album(models.Model):
    """A release. ``key`` is "spotify:<id>", or made of title and album artist where no id is known."""

    title = models.TextField()
    artist = models.TextField(blank=True, default="", help_text="Album artist, as it is written in tags and paths.")
    artist_names = models.JSONField(default=list, blank=True, help_text="The album's artists one by one.")
    key = models.CharField(max_length=200, unique=True)
    release_date = models.CharField(max_length=10, blank=True, default="")
    cover_url = models.TextField(blank=True, default="")
    compilation = models.BooleanField(default=False)
    total_tracks = models.PositiveIntegerField(null=True, blank=True, help_text="On all its discs.")
    release_type = models.CharField(max_length=12, blank=True, default="", help_text="album, single or compilation.")
    label = models.TextField(blank=True, default="")
    copyright = models.TextField(blank=True, default="")
    sort_key = SortKeyField(of="title")
    wanted = models.BooleanField(default=False)  # whether a wanted track is on it: as an artist's

    class Meta:
        ordering = ["title", "pk"]
        indexes = [
            models.Index(fields=["id"], name="album_not_wanted", condition=Q(wanted=False)),
            models.Index(fields=["sort_key", "id"], name="album_by_title"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def spotify_id(self) -> str:
        return self.key.removeprefix("spotify:") if self.key.startswith("spotify:") else ""


# As the condition of the index `track_failed` says it. SQLite does not see through a parameter that each row of the
# index meets it, and looks (10,000 failures: 24 ms for 0.5).
EMPTY = RawSQL("''", ())


class TrackQuerySet(models.QuerySet["Track"]):
    """English for sets of tracks. None of these sets is kept anywhere: each is asked for when it is needed."""

    def wanted(self) -> Self:
        """In an enabled collection and not ignored by a person."""
        return self.filter(wanted=True)

    def missing(self) -> Self:
        return self.filter(wanted=True, status=Track.Status.MISSING)

    def downloading(self) -> Self:
        return self.filter(wanted=True, status=Track.Status.DOWNLOADING)

    def downloaded(self) -> Self:
        return self.filter(wanted=True, status=Track.Status.DOWNLOADED)

    def last_id(self) -> int:
        """The id of the newest row; 0 where there is none."""
        return self.order_by("-pk").values_list("pk", flat=True).first() or 0

    def with_isrc(self, isrcs: Iterable[str]) -> Self:
        """Any of these ISRCs. The index leaves out rows without one, and is used only where the query says so too."""
        return self.filter(isrc__in=set(isrcs) - {""}).exclude(isrc="")

    def queue(self, now: datetime | None = None) -> Self:
        """Wanted, missing and due, the longest due first. Served by the index `track_due`."""
        return self.missing().filter(retry_after__lte=now or database_clock.now()).order_by("retry_after", "pk")

    def cooling(self, now: datetime | None = None) -> Self:
        """Missing, but to be tried only later; the next one first."""
        return self.missing().filter(retry_after__gt=now or database_clock.now()).order_by("retry_after", "pk")

    def failed(self) -> Self:
        """A view, not a state: missing with a last error."""
        return self.missing().exclude(last_error=EMPTY)

    def expired(self, now: datetime) -> Self:
        """Claimed by a worker whose deadline has passed."""
        return self.filter(status=Track.Status.DOWNLOADING, claim_until__lt=now)

    def not_wanted(self) -> Self:
        return self.filter(wanted=False)

    def twins(self) -> Self:
        """Rows of one recording that could not be merged, because more than one of them has a file or a claim.

        By `catalog.ingest.merge.are_duplicates`: same ISRC or identity, lengths (milliseconds) known and within 3
        seconds.
        """
        other = Track.objects.exclude(pk=OuterRef("pk")).filter(
            duration_ms__gte=OuterRef("duration_ms") - SAME_LENGTH_MS,
            duration_ms__lte=OuterRef("duration_ms") + SAME_LENGTH_MS,
        )
        same_isrc = Exists(other.filter(isrc=OuterRef("isrc")).exclude(isrc=""))
        same_words = Exists(other.filter(identity=OuterRef("identity")))
        return self.exclude(local_path="").filter(same_isrc | same_words)


class TrackManager(models.Manager.from_queryset(TrackQuerySet)):  # type: ignore[misc]
    """Questions about all tracks at once."""

    def counts(self) -> dict[str, int]:
        """The six counters. ``missing + downloading + downloaded = songs``, always: read in one statement."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(statement(FEW))
            songs, artists, albums, downloading, missing = cursor.fetchone()
        return {
            "missing": missing,
            "downloading": downloading,
            "downloaded": songs - missing - downloading,
            "songs": songs,
            "artists": artists,
            "albums": albums,
        }


IS_QUEUED = Q(wanted=True, status="missing")  # `TrackQuerySet.missing`, for the indexes that serve it


class Track(models.Model):
    """One recording that somebody wants: one row, one file. For its states see `catalog.tracks.transitions`."""

    class Status(models.TextChoices):
        MISSING = "missing"
        DOWNLOADING = "downloading"
        DOWNLOADED = "downloaded"

    # What it is: written by sync
    title = models.TextField()
    artists = models.ManyToManyField(Artist, through="Credit", related_name="tracks")
    album = models.ForeignKey(Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="tracks")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    track_number = models.PositiveIntegerField(null=True, blank=True)
    disc_number = models.PositiveIntegerField(null=True, blank=True)
    explicit = models.BooleanField(null=True, blank=True)
    isrc = models.CharField(max_length=12, blank=True, default="")
    identity = models.CharField(max_length=200, help_text="catalog.music.identity.identity_key of title and artists.")
    spotify_id = models.CharField(max_length=22, null=True, blank=True, unique=True)
    added_at = models.DateTimeField(default=database_clock.now)

    # Whether it is wanted: written by `catalog.tracks.wanted`
    wanted = models.BooleanField(default=False)
    ignored = models.BooleanField(default=False)

    # What we know of its file: written by `catalog.tracks.transitions`
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.MISSING)
    local_path = PathInLibrary(blank=True, default="", help_text="Absolute. While missing: the last known place.")
    folder = models.ForeignKey(  # its own index would be taken in place of track_places, and read rows one by one
        Folder, null=True, blank=True, on_delete=models.PROTECT, related_name="tracks", db_index=False
    )
    file_name = models.TextField(blank=True, default="")
    name_key = models.TextField(blank=True, default="", help_text="NFC casefold of file_name.")
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")
    last_seen = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    error_kind = models.CharField(max_length=20, blank=True, default="")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="When it failed last; may be long past.")
    retry_after = models.DateTimeField(default=database_clock.now, help_text="May be tried from here on.")
    attempts = models.PositiveIntegerField(default=0)
    claim = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001  NULLs are distinct
    claim_until = models.DateTimeField(null=True, blank=True)
    reserved = models.BooleanField(
        default=False, help_text="local_path is reserved by a worker, not a last known place."
    )
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent, of the fetch under way.")

    objects = TrackManager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            # Each begins with the status, though its condition says it: SQLite without statistics (a database that
            # has just been filled) takes the index with the most equalities, and sorts. A million: 0.02 or 120 ms.
            models.Index(fields=["status", "retry_after", "id"], name="track_due", condition=IS_QUEUED),
            models.Index(fields=["status", "claim_until"], name="track_claims", condition=Q(status="downloading")),
            # With ``wanted``, which adds no byte to an entry: else SQLite goes to the table to see that it is so.
            models.Index(fields=["status", "id", "wanted"], name="track_missing", condition=IS_QUEUED),
            models.Index(
                fields=["status", "id", "wanted"],
                name="track_downloaded",
                condition=Q(wanted=True, status="downloaded"),
            ),
            models.Index(fields=["id"], name="track_not_wanted", condition=Q(wanted=False)),
            # Every song, wanted or not: the list of a week's songs may be of any that are known.
            models.Index(fields=["added_at", "wanted"], name="track_added"),
            models.Index(fields=["status", "id"], name="track_failed", condition=IS_QUEUED & ~Q(last_error="")),
            models.Index(
                fields=["status", "failed_at", "id"],
                name="track_failed_lately",
                condition=IS_QUEUED & ~Q(last_error=""),
            ),
            models.Index(
                # The kind first: of two indexes that serve as well, SQLite takes the wrong one for all that failed.
                # With what is counted of a kind: ten thousand failures need no look at the table (1 ms for 15).
                fields=["error_kind", "status", "id", "wanted", "retry_after"],
                name="track_failed_by_kind",
                condition=Q(status="missing") & ~Q(last_error=""),
            ),
            # What reconcile reads, in its order, without touching the table: file names and sizes by folder. Not
            # partial: SQLite 3.40 goes to the table for the column of a partial index's condition. The status stands
            # last, so that a change of it stays on its page: first, it cost 6.7 of the 15 µs that a row takes.
            models.Index(fields=["folder", "file_name", "size", "status"], name="track_places"),
            models.Index(fields=["identity"], name="track_identity"),
            models.Index(fields=["isrc"], name="track_isrc", condition=~Q(isrc="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["local_path"], condition=~Q(local_path=""), name="track_one_file"),
            models.UniqueConstraint(
                fields=["folder", "name_key"], condition=Q(folder__isnull=False), name="track_one_place"
            ),
            models.UniqueConstraint(fields=["claim"], condition=Q(claim__isnull=False), name="track_one_claim"),
            models.CheckConstraint(
                condition=Q(status__in=["missing", "downloading", "downloaded"]), name="track_status"
            ),
            models.CheckConstraint(
                condition=Q(status="downloading", claim__isnull=False, claim_until__isnull=False)
                | (~Q(status="downloading") & Q(claim__isnull=True, claim_until__isnull=True, reserved=False)),
                name="track_claim_while_downloading",
            ),
            models.CheckConstraint(
                condition=~Q(status="downloaded")
                | (~Q(local_path="") & Q(size__isnull=False, attempts=0, last_error="", error_kind="")),
                name="track_downloaded_has_file",
            ),
            models.CheckConstraint(
                condition=Q(local_path="", folder__isnull=True, file_name="", name_key="")
                | (~Q(local_path="") & Q(folder__isnull=False) & ~Q(file_name="") & ~Q(name_key="")),
                name="track_place_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(reserved=False) | (~Q(local_path="") & Q(size__isnull=False)),
                name="track_reserved_place",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def artist_names(self) -> list[str]:
        """In billing order. Prefetch ``credits__artist`` where there are many tracks."""
        return [credit.artist.name for credit in sorted(self.credits.all(), key=lambda credit: credit.position)]

    def effective_last_seen(self, last_pass: datetime | None) -> datetime | None:
        """When the file was last confirmed on disk. An unchanged library costs no writes: the last pass saw it too."""
        if self.status != self.Status.DOWNLOADED:
            return self.last_seen
        return max(filter(None, (self.last_seen, last_pass)), default=None)

    @property
    def spotify_url(self) -> str:
        return f"https://open.spotify.com/track/{self.spotify_id}" if self.spotify_id else ""


class Credit(models.Model):
    """An artist on a track, in billing order (position 0 is the main artist)."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="credits")
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="credits")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "position"], name="credit_one_per_position")]

    def __str__(self) -> str:
        return f"{self.track_id}: {self.artist_id}"


class Alias(models.Model):
    """A name under which a source knows a track: several Spotify ids of one recording lead to one track.

    ``key`` is "spotify:<22 characters>", or "text:<identity>…" where a source has no ids.
    """

    key = models.CharField(max_length=220, unique=True)
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="aliases")
    # What the sources say under this name; two names of one track part where this comes to differ.
    album = models.ForeignKey(Album, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    isrc = models.CharField(max_length=12, blank=True, default="")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    track_number = models.PositiveIntegerField(null=True, blank=True)
    disc_number = models.PositiveIntegerField(null=True, blank=True)
    explicit = models.BooleanField(null=True, blank=True)
    apart = models.BooleanField(default=False, help_text="A person said that it is a song of its own.")

    class Meta:
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return self.key

    @property
    def spotify_id(self) -> str:
        return self.key.removeprefix("spotify:") if self.key.startswith("spotify:") else ""

    @property
    def description(self) -> Description:
        """What is known of the recording under this name. Reads ``album``: select it where there are many."""
        return Description(
            spotify_id=self.spotify_id,
            isrc=self.isrc,
            duration_ms=self.duration_ms,
            album=self.album.title if self.album else "",
            album_id=self.album.spotify_id if self.album else "",
            track_number=self.track_number,
            disc_number=self.disc_number,
            explicit=self.explicit,
            apart=self.apart,
        )
