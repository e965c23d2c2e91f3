"""The catalog: what should be there, and what is. Rows are the only memory that the program has.

The columns of a track's state are written by `catalog.lifecycle` alone; the constraints here say the same rules to
the database. `artists`, `albums`, `entries` describe; `status`, `local_path` and their neighbours remember.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import connections, models
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from catalog import records
from catalog.counters import FEW, statement


class Artist(models.Model):
    """A performer as billed. ``key`` is the name's NFKC casefold: one artist, one row."""

    name = models.TextField()
    key = models.CharField(max_length=200, unique=True)
    # Whether a wanted track credits it: written by lifecycle.mark_wanted. Looked up row by row it cost 200 ms at 1M.
    wanted = models.BooleanField(default=False)

    class Meta:
        ordering = ["key"]
        indexes = [models.Index(fields=["id"], name="artist_not_wanted", condition=Q(wanted=False))]

    def __str__(self) -> str:
        return self.name


class Album(models.Model):
    """A release. ``key`` is "spotify:<id>", or made of title and album artist where no id is known."""

    title = models.TextField()
    artist = models.TextField(blank=True, default="", help_text="Album artist, as it is written in tags and paths.")
    key = models.CharField(max_length=200, unique=True)
    release_date = models.CharField(max_length=10, blank=True, default="")
    cover_url = models.TextField(blank=True, default="")
    compilation = models.BooleanField(default=False)
    wanted = models.BooleanField(default=False)  # whether a wanted track is on it: as an artist's

    class Meta:
        ordering = ["title", "pk"]
        indexes = [
            models.Index(fields=["id"], name="album_not_wanted", condition=Q(wanted=False)),
            models.Index(fields=["title", "id"], name="album_by_title", condition=Q(wanted=True)),
        ]

    def __str__(self) -> str:
        return self.title


class Folder(models.Model):
    """A folder of the music folder, and the stamp under which its files were last confirmed.

    ``path`` is relative to the root, "/"-separated, "" for the root itself; ``key`` is its NFC casefold. A stamp is
    (mtime_ns, ctime_ns, inode, device) and ``rows``, the number of downloaded tracks it was confirmed for; mtime_ns
    None means: not to be trusted, list it.
    """

    path = models.TextField()
    key = models.TextField(unique=True)
    mtime_ns = models.BigIntegerField(null=True)
    ctime_ns = models.BigIntegerField(null=True)
    inode = models.BigIntegerField(null=True, help_text="Above 2**63: less 2**64, to fit.")
    device = models.BigIntegerField(null=True)
    rows = models.IntegerField(default=0, help_text="-1 while it cannot be read: then seen_at is what stands.")
    seen_at = models.DateTimeField(null=True, help_text="End of the last pass that listed it.")

    def __str__(self) -> str:
        return self.path or "/"


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

    def with_isrc(self, isrcs: Iterable[str]) -> Self:
        """Any of these ISRCs. The index leaves out rows without one, and is used only where the query says so too."""
        return self.filter(isrc__in=set(isrcs) - {""}).exclude(isrc="")

    def queue(self, now: datetime | None = None) -> Self:
        """Wanted, missing and due, the longest due first. Served by the index `track_due`."""
        return self.missing().filter(retry_after__lte=now or timezone.now()).order_by("retry_after", "pk")

    def cooling(self, now: datetime | None = None) -> Self:
        """Missing, but to be tried only later; the next one first."""
        return self.missing().filter(retry_after__gt=now or timezone.now()).order_by("retry_after", "pk")

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

        By `catalog.merge.are_twins`: same ISRC or identity, lengths (milliseconds) known and within 3 seconds.
        """
        other = Track.objects.exclude(pk=OuterRef("pk")).filter(
            duration_ms__gte=OuterRef("duration_ms") - 3000, duration_ms__lte=OuterRef("duration_ms") + 3000
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
    """One recording that somebody wants: one row, one file. For its states see `catalog.lifecycle`."""

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
    identity = models.CharField(max_length=200, help_text="catalog.identity.identity_key of title and artists.")
    spotify_id = models.CharField(max_length=22, null=True, blank=True, unique=True)
    added_at = models.DateTimeField(default=timezone.now)

    # Whether it is wanted: written by lifecycle.set_wanted and lifecycle.ignore
    wanted = models.BooleanField(default=False)
    ignored = models.BooleanField(default=False)

    # What we know of its file: written by lifecycle
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.MISSING)
    local_path = models.TextField(blank=True, default="", help_text="Absolute. While missing: the last known place.")
    folder = models.ForeignKey(  # its own index would be taken in place of track_places, and read rows one by one
        Folder, null=True, blank=True, on_delete=models.PROTECT, related_name="tracks", db_index=False
    )
    file_name = models.TextField(blank=True, default="")
    name_key = models.TextField(blank=True, default="", help_text="NFC casefold of file_name.")
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")
    last_seen = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")
    error_kind = models.CharField(max_length=20, blank=True, default="")
    retry_after = models.DateTimeField(default=timezone.now, help_text="May be tried from here on.")
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
            models.Index(fields=["status", "id"], name="track_failed", condition=IS_QUEUED & ~Q(last_error="")),
            models.Index(
                # The kind first: of two indexes that serve as well, SQLite takes the wrong one for all that failed.
                fields=["error_kind", "status", "id"],
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

    class Meta:
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return self.key


class CollectionQuerySet(models.QuerySet["Collection"]):
    """English for sets of collections."""

    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def with_ledger(self) -> Self:
        """Annotated so that ``listed = distinct_tracks + duplicates + withdrawn + episodes + local + unreadable``."""
        entries = Q(entries__isnull=False)
        reasons = {
            name: Count("entries", filter=Q(entries__reason=reason))
            for name, reason in [
                ("withdrawn", records.WITHDRAWN),
                ("episodes", records.EPISODE),
                ("local", records.LOCAL),
                ("unreadable", records.UNREADABLE),
            ]
        }
        return self.annotate(
            listed=Count("entries", filter=entries),
            distinct_tracks=Count("entries__track", distinct=True),
            duplicates=Count("entries__track") - Count("entries__track", distinct=True),
            **reasons,
        )


class Collection(models.Model):
    """Where tracks come from: liked songs, a playlist, a saved album, an imported file."""

    class Kind(models.TextChoices):
        LIKED = records.LIKED, "Liked songs"
        PLAYLIST = records.PLAYLIST, "Playlist"
        ALBUM = records.ALBUM, "Saved album"
        FILE = records.FILE, "Imported file"

    class Removal(models.TextChoices):
        KEEP = "keep", "Keep the file"
        BIN = "bin", "Move the file to a dated bin"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=200)
    account = models.CharField(max_length=100, blank=True, default="", help_text="The Spotify user it belongs to.")
    name = models.TextField()
    owner = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    removal = models.CharField(max_length=4, choices=Removal.choices, default=Removal.KEEP)
    snapshot = models.CharField(max_length=200, blank=True, default="", help_text="Spotify's name for this version.")
    total = models.PositiveIntegerField(null=True, blank=True, help_text="What the source says it holds.")
    closed = models.BooleanField(default=False, help_text="Listed by Spotify, but not opened to us.")
    problem = models.TextField(blank=True, default="", help_text="Why the last read was not complete.")
    synced_at = models.DateTimeField(null=True, blank=True, help_text="Last complete read.")

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["account", "kind", "key"], name="collection_once")]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """A track's place in a collection, or the reason why there is no track.

    ``position`` orders a collection; it has gaps, so that an insertion writes one row. ``digest`` is of the record as
    read: an entry whose digest stands needs no other look.
    """

    class Reason(models.TextChoices):
        EPISODE = records.EPISODE, "podcast episode"
        LOCAL = records.LOCAL, "local file"
        WITHDRAWN = records.WITHDRAWN, "withdrawn by Spotify"
        UNREADABLE = records.UNREADABLE, "not readable"

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="entries")
    position = models.BigIntegerField()
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.CASCADE, related_name="entries")
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True, default="")
    label = models.TextField(blank=True, default="")
    added_at = models.DateTimeField(null=True, blank=True)
    digest = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["collection", "position"], name="entry_order")]
        constraints = [
            models.CheckConstraint(
                condition=Q(track__isnull=False, reason="") | (Q(track__isnull=True) & ~Q(reason="")),
                name="entry_track_or_reason",
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.track_id)


class EventQuerySet(models.QuerySet["Event"]):
    def record(self, track_ids: Iterable[int], kind: str, reason: str, now: datetime) -> None:
        """Append one event per track."""
        Event.objects.bulk_create(
            [Event(track_id=pk, kind=kind, reason=reason, at=now) for pk in track_ids], batch_size=1000
        )

    def older_than(self, moment: datetime) -> Self:
        return self.filter(at__lt=moment)


class Event(models.Model):
    """What happened to a track's state, when and why. Append-only; kept 90 days."""

    class Kind(models.TextChoices):
        FINISH = "finish", "downloaded"
        FAIL = "fail", "failed"
        VANISH = "vanish", "file gone"
        RESTORE = "restore", "file is back"
        ADOPT = "adopt", "file adopted"
        RECOVER = "recover", "recovered after a crash"
        RETRY = "retry", "asked to try again"
        IGNORE = "ignore", "ignored"
        WANT = "want", "wanted again"
        DECIDE = "decide", "decided by a person"
        MOVE = "move", "file moved"

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="events", db_index=False)  # event_track
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.TextField(blank=True, default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["track", "-at"], name="event_track"),
            models.Index(fields=["at"], name="event_age"),
            # The pages ask for the latest of these; a million vanished files must not stand in between.
            models.Index(fields=["at"], name="event_failed", condition=Q(kind="fail")),
            models.Index(fields=["at"], name="event_finished", condition=Q(kind="finish")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reason}".strip()


class ServiceQuerySet(models.QuerySet["Service"]):
    """The one way to pause a service and let it go on."""

    def named(self, name: str) -> Service:
        """The row of a service, made where it is not there yet."""
        return self.get_or_create(name=name)[0]

    def pause(
        self, name: str, until: datetime, reason: str, state: str = "paused", now: datetime | None = None
    ) -> Service:
        """Stop the claim until ``until``, say why, and count a strike. A longer pause that stands is kept.

        Workers that meet the same refusal together count one strike: only the first one finds it running, and
        later its canary finds it still refusing.
        """
        self.named(name)
        over = Q(paused_until__isnull=True) | Q(paused_until__lte=now or timezone.now())
        running = over | Q(state="canary")
        self.filter(running, name=name).update(strikes=F("strikes") + 1, paused_until=until, reason=reason, state=state)
        self.filter(name=name, paused_until__lt=until).update(paused_until=until, reason=reason, state=state)
        return self.get(name=name)

    def send_canary(self, name: str, now: datetime, until: datetime) -> bool:
        """After a pause one worker alone tries the service, until ``until``. True: it is this caller.

        One conditional UPDATE: of the workers that find the pause over only the first changes the row.
        """
        ended = Q(paused_until__lte=now) | Q(paused_until__isnull=True)  # by itself, or by a person who said go on
        over = self.filter(ended, name=name, strikes__gt=0, paused_by_person=False)
        return bool(over.update(state="canary", paused_until=until))

    def canary_returned(self, name: str, now: datetime) -> None:
        """The canary learnt nothing of the service: the next one may go."""
        self.filter(name=name, state="canary").update(paused_until=now)

    def worked(self, name: str) -> None:
        """It answered as it should: no pause, no strikes. Writes only where there was something to clear."""
        self.filter(name=name).exclude(state="ok", strikes=0, paused_until=None, reason="").update(
            state="ok", strikes=0, paused_until=None, reason=""
        )

    def shorten_pause(self, name: str, now: datetime, longest: timedelta, instead: timedelta) -> int:
        """A pause that lasts longer than the ``longest`` there is becomes one of ``instead``. Rows changed."""
        return self.filter(name=name, paused_until__gt=now + longest).update(paused_until=now + instead)

    def pause_by_person(self, name: str) -> None:
        self.named(name)
        self.filter(name=name).update(paused_by_person=True)

    def go_on(self, name: str) -> None:
        """A person says go on: every pause of this service ends now."""
        self.filter(name=name).update(paused_by_person=False, paused_until=None)


class Service(models.Model):
    """Something outside us that can be down for everyone: ``spotify``, ``audio``, ``storage``.

    ``state`` is "ok" or what is wrong in a word (storage: online, offline, full, readonly). ``paused_until`` in the
    future, or ``paused_by_person``, stop the claim; ``strikes`` counts pauses in a row and sets their length.
    """

    name = models.CharField(max_length=10, primary_key=True)
    state = models.CharField(max_length=20, default="ok")
    reason = models.TextField(blank=True, default="")
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_by_person = models.BooleanField(default=False)
    strikes = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)

    objects = ServiceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def is_paused(self, now: datetime) -> bool:
        """Whether it stops the claim at ``now``, by a person or by itself."""
        return self.paused_by_person or (self.paused_until is not None and self.paused_until > now)


class Library(models.Model):
    """The one music folder (row 1): which disk it is, and what the last look at it said.

    ``held_since`` is set while fetching waits for a person after many files vanished at once.
    """

    root_uuid = models.CharField(max_length=36, blank=True, default="")
    root_path = models.TextField(blank=True, default="", help_text="Where the rows' absolute paths begin.")
    publish_method = models.CharField(max_length=12, blank=True, default="")
    free_bytes = models.BigIntegerField(null=True, blank=True)
    held_since = models.DateTimeField(null=True, blank=True)
    held_reason = models.TextField(blank=True, default="")
    last_pass = models.DateTimeField(null=True, blank=True, help_text="End of the last completed reconcile.")
    last_full_pass = models.DateTimeField(null=True, blank=True)
    path_template = models.TextField(blank=True, default="")
    write_playlists = models.BooleanField(default=True, help_text="An m3u8 for each enabled collection.")
    always_relink = models.BooleanField(default=False, help_text="After every reconcile look for renamed files.")

    class Meta:
        verbose_name_plural = "library"

    def __str__(self) -> str:
        return self.root_path

    @classmethod
    def load(cls) -> Library:
        """The row, made where it is not there yet."""
        return cls.objects.get_or_create(pk=1)[0]


class Doubt(models.Model):
    """A file that may be a missing track's, and that only a person can tell. A "no" is kept: it is asked once.

    ``file`` is relative to the root; ``size`` is in bytes, as `catalog.adopt` saw it.
    """

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="doubts")
    file = models.TextField(unique=True)
    size = models.BigIntegerField()
    why = models.TextField()
    rejected = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.file


class BinnedFile(models.Model):
    """The way of a file into the dated bin and back: what is to be moved is written down before it is moved.

    ``origin`` and ``target`` are places relative to the root: where the file was, and where it goes or has gone.
    A crash in the middle leaves LEAVING or RETURNING behind, and the disk says how far it came.
    """

    class State(models.TextChoices):
        ASKED = "asked", "is to go to the bin"
        LEAVING = "leaving", "on its way to the bin"
        BINNED = "binned", "in the bin"
        RETURNING = "returning", "on its way back"
        KEPT = "kept", "taken back by a person"

    track = models.OneToOneField(Track, on_delete=models.CASCADE, related_name="binned_file")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    origin = models.TextField(blank=True, default="")
    target = models.TextField(blank=True, default="")
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state"], name="binned_state")]

    def __str__(self) -> str:
        return self.target or self.origin


class Account(models.Model):
    """A Spotify account. ``token`` is sealed with a key derived from SECRET_KEY (`catalog.sources.sealing`)."""

    class State(models.TextChoices):
        CONNECTED = "connected"
        RECONNECT = "reconnect", "reconnect needed"
        PREMIUM = "premium", "needs Premium"
        NOT_ALLOWED = "not_allowed", "app not allowed for this user"

    user_id = models.CharField(max_length=100, unique=True)
    name = models.TextField(blank=True, default="")
    product = models.CharField(max_length=20, blank=True, default="")
    token = models.TextField(blank=True, default="")
    consent_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.CONNECTED)
    reason = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name or self.user_id


class SpotifyApp(models.Model):
    """The client id and sealed secret of the person's own Spotify app (row 1), where the environment has none."""

    client_id = models.CharField(max_length=64, blank=True, default="")
    client_secret = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.client_id


class Run(models.Model):
    """A sync or reconcile that was run: when, how it ended, and its report."""

    class Kind(models.TextChoices):
        SYNC = "sync"
        RECONCILE = "reconcile"
        ADOPT = "adopt"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ok = models.BooleanField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, default="")
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["kind", "-started_at"], name="run_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"


class Cluster(models.Model):
    """A running cluster: when it started, its last heartbeat through a worker, whether a reconcile ended since."""

    name = models.CharField(max_length=40, primary_key=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class SetupLink(models.Model):
    """The one-time link that makes the first admin (`catalog.setup_link`). Only the digest of its token is kept."""

    digest = models.CharField(max_length=64, primary_key=True)
    valid_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"valid until {self.valid_until:%Y-%m-%d %H:%M}"
