"""What the searches answered, what a person said of it, what was done with files; and who is told."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from catalog.db.id_sets import id_subquery
from catalog.models import Album, Collection, PathInLibrary, Track


class CandidateQuerySet(models.QuerySet["Candidate"]):
    """Filters on candidates."""

    def usable(self) -> Self:
        """Neither excluded by a person nor disproved by its content."""
        return self.exclude(verdict__in=[Candidate.Verdict.NEVER, Candidate.Verdict.DISPROVED])


RULED_OUT = "ruled out"  # the last of the reasons of a recording that a veto forbids


class Candidate(models.Model):
    """A recording that a source offers for a track, what the matcher said of it, and what became of it.

    ``verdict`` NEVER and CHOSEN are a person's word and outlive every new search; DISPROVED means that its *content*
    failed the proof. A transport error leaves no verdict.
    """

    class Verdict(models.TextChoices):
        OPEN = "", "open"
        CHOSEN = "chosen", "chosen by a person"
        NEVER = "never", "never this one"
        DISPROVED = "disproved", "its audio was not the song"

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="candidates")
    source = models.CharField(max_length=10)
    source_id = models.TextField()
    url = models.TextField()
    kind = models.CharField(max_length=10, blank=True, default="")
    title = models.TextField(blank=True, default="")
    artists = models.JSONField(default=list)
    album = models.TextField(blank=True, default="")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    isrc = models.TextField(blank=True, default="")
    explicit = models.BooleanField(null=True, blank=True)
    views = models.PositiveBigIntegerField(null=True, blank=True)
    score = models.FloatField(default=0)
    reasons = models.JSONField(default=list)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True, default=Verdict.OPEN)
    why = models.TextField(blank=True, default="", help_text="Why it was sent away.")
    fingerprint = models.BinaryField(default=b"", help_text="Of its audio, once it was fetched; may be empty.")
    found_at = models.DateTimeField()

    objects = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ["-score", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["track", "source", "source_id"], name="candidate_once"),
            models.UniqueConstraint(fields=["track"], condition=Q(verdict="chosen"), name="candidate_one_chosen"),
        ]

    def __str__(self) -> str:
        return self.title or self.source_id

    @property
    def told_reasons(self) -> list[str]:
        """As people read them: without the mark of a veto, whose reason stands before it."""
        return [reason for reason in self.reasons if reason != RULED_OUT]


class Search(models.Model):
    """A person's own search words for a track, and their result (`downloads.search.manual_search`)."""

    track = models.OneToOneField(Track, on_delete=models.CASCADE, primary_key=True, related_name="own_search")
    words = models.TextField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    found = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "searches"

    def __str__(self) -> str:
        return self.words


class AudioFileQuerySet(models.QuerySet["AudioFile"]):
    """Sound of files."""

    def twice(self) -> Self:
        """Those of downloaded tracks that sound like another track's.

        The few rows are read first, and their states picked out here: else SQLite may look at each of a million
        tracks (200 ms).
        """
        sounds = self.filter(same_as__isnull=False).order_by("pk").values_list("pk", flat=True)
        states = Track.objects.filter(pk__in=id_subquery(sounds)).order_by().values_list("pk", "status")
        return self.filter(pk__in=id_subquery(pk for pk, status in states if status == Track.Status.DOWNLOADED))


class AudioFile(models.Model):
    """What was proven of the file that a track was given: its true length, its codec, and where it came from."""

    track = models.OneToOneField(Track, on_delete=models.CASCADE, primary_key=True, related_name="audio_file")
    candidate = models.ForeignKey(Candidate, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    duration_ms = models.PositiveIntegerField()
    codec = models.CharField(max_length=20, blank=True, default="")
    bit_rate = models.PositiveIntegerField(null=True, blank=True, help_text="bit/s")
    fingerprint = models.BinaryField(default=b"", help_text="chromaprint: 32-bit numbers, little-endian; may be empty.")
    same_as = models.ForeignKey(
        Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="Sounds like that one's."
    )
    loudness = models.FloatField(null=True, blank=True, help_text="LUFS, integrated (EBU R128).")
    heard_at = models.DateTimeField(null=True, blank=True, help_text="When fingerprint and loudness were measured.")
    proved_at = models.DateTimeField()

    objects = AudioFileQuerySet.as_manager()

    class Meta:
        db_table = "downloads_sound"
        indexes = [
            models.Index(fields=["track"], name="sound_twice", condition=Q(same_as__isnull=False)),
            models.Index(fields=["track"], name="sound_unheard", condition=Q(heard_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.codec} {self.duration_ms // 1000} s"


class WrittenTags(models.Model):
    """What was written into the tags of a track's file, so that a later correction touches nobody else's words.

    ``fields`` are as `catalog.tags.tag_fields.fields_of` makes them. ``digest`` is of what the catalog said when this
    was last looked at: the file is read again only where it says something else. ``foreign``: the file was not fetched
    here, and nothing is written into it. ``kept`` are fields in which a person
    has written other words. ``before`` is what the run of ``retagged_at`` found in the fields that it changed.
    """

    track = models.OneToOneField(Track, on_delete=models.CASCADE, primary_key=True, related_name="written_tags")
    fields = models.JSONField(default=dict)
    digest = models.CharField(max_length=16, blank=True, default="")
    foreign = models.BooleanField(default=False)
    kept = models.JSONField(default=list, blank=True)
    before = models.JSONField(default=dict, blank=True)
    retagged_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        verbose_name_plural = "written tags"

    def __str__(self) -> str:
        return f"{self.track_id}: {self.digest}"


class FingerprintHash(models.Model):
    """A few numbers of each fingerprint: those that may be the same share one (`downloads.audio.fingerprint`)."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="fingerprint_hashes")
    value = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "downloads_print"

    def __str__(self) -> str:
        return f"{self.value:08x}"


class Replaced(models.Model):
    """A file that a person wants another recording for: it goes to the bin once that recording is there."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="replaced")
    path = PathInLibrary(help_text="Absolute.")
    size = models.BigIntegerField(help_text="Bytes.")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "replaced files"

    def __str__(self) -> str:
        return self.path


class FormerFile(models.Model):
    """A file that gave way to another recording of its track: in the bin, and on its way there or back.

    ``origin`` and ``target`` are relative to the music folder: where it was, and where it lies. Written before the file
    is moved: whatever a crash leaves, row and disk say how far it came (`downloads.file_moves.superseded`,
    `downloads.file_moves.restore`).
    """

    class State(models.TextChoices):
        LEAVING = "leaving", "on its way to the bin"
        BINNED = "binned", "in the bin"
        RETURNING = "returning", "on its way back"

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="former_files")
    candidate = models.ForeignKey(Candidate, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.LEAVING)
    origin = models.TextField()
    target = models.TextField()
    size = models.BigIntegerField(help_text="Bytes.")
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-moved_at"], name="former_state")]

    def __str__(self) -> str:
        return self.target


class RateLimitState(models.Model):
    """When a source may be asked again (`downloads.search.rate_limit`). One row per source."""

    source = models.CharField(max_length=10, primary_key=True)
    not_before = models.DateTimeField(help_text="A pause for breath after the last song.")
    booked_until = models.DateTimeField(help_text="Up to here the hour's budget is spent.")

    class Meta:
        db_table = "downloads_pace"

    def __str__(self) -> str:
        return self.source


class Toolchain(models.Model):
    """What songs were last looked for with (row 1): when it changes, what nothing fitted is tried again."""

    versions = models.JSONField(default=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))


class MoveBatch(models.Model):
    """Files that were moved to where the template wants them, or back again: asked for, begun, ended."""

    class Kind(models.TextChoices):
        APPLY = "apply", "to their places"
        UNDO = "undo", "back again"

    kind = models.CharField(max_length=5, choices=Kind.choices)
    template = models.TextField(blank=True, default="")
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    undone = models.BooleanField(default=False)
    moved = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0, help_text="Files that could not be moved and stayed.")
    problem = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "move batches"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.asked_at:%Y-%m-%d %H:%M}"


class Move(models.Model):
    """The journal of one file's move: written before its file is touched, so that a crash can be finished.

    ``origin`` and ``target`` are relative to the music folder. ``track`` is empty for what goes along with a folder's
    songs: the album's picture.
    """

    class State(models.TextChoices):
        MOVING = "moving", "on its way"
        MOVED = "moved", "moved"
        UNDONE = "undone", "moved back"

    batch = models.ForeignKey(MoveBatch, on_delete=models.CASCADE, related_name="moves")
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.TextField()
    target = models.TextField()
    size = models.BigIntegerField(help_text="Bytes.")
    state = models.CharField(max_length=6, choices=State.choices, default=State.MOVING)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "state"], name="move_batch"),
            models.Index(fields=["id"], name="move_under_way", condition=Q(state="moving")),
        ]

    def __str__(self) -> str:
        return f"{self.origin} -> {self.target}"


class Channel(models.Model):
    """Where messages go: a service by its Apprise address, or a webhook.

    ``address`` and ``secret`` (a webhook's, by which it knows us) are sealed; ``shown`` is all that a page tells of the
    address. ``events`` are keys of `downloads.notify.events.KINDS`; ``quiet`` are hours like "22:00-07:00".
    """

    class Kind(models.TextChoices):
        APPRISE = "apprise", "a service"
        WEBHOOK = "webhook", "a webhook"

    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=60)
    address = models.TextField()
    shown = models.TextField(blank=True, default="")
    secret = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    events = models.JSONField(default=list, blank=True)
    quiet = models.CharField(max_length=100, blank=True, default="")
    paused_hours = models.PositiveSmallIntegerField(default=6, help_text="A pause that lasts longer is told.")
    decisions = models.PositiveIntegerField(default=20, help_text="As many songs that wait for a person are told.")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    """Something that lasts and that a channel hears of once: made when it begins, deleted when it is over."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="incidents")
    subject = models.CharField(max_length=60)
    since = models.DateTimeField()
    told = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "subject"], name="incident_once")]

    def __str__(self) -> str:
        return self.subject


class Message(models.Model):
    """What a channel is to be told, until it was, and then for the log (`downloads.notify`).

    ``subject`` names the event within its channel. ``due_at`` is the next try; while a try is under way it lies ahead.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waits"
        SENT = "sent", "sent"
        FAILED = "failed", "given up"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=100)
    title = models.TextField()
    text = models.TextField(blank=True, default="")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["channel", "subject"], name="message_once")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="message_latest"),
            models.Index(fields=["due_at"], name="message_waits", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return self.title


class Player(models.Model):
    """A music player that is told when songs have come, gone or moved (`downloads.players`).

    ``folder`` is the music folder as the player names it. ``told_up_to`` is the last event that it knows of, ``stamp``
    the state of the collections. ``fixed``: the environment says it, and no page changes it.
    """

    class Kind(models.TextChoices):
        MPD = "mpd", "MPD"
        SUBSONIC = "subsonic", "Subsonic (Navidrome, Gonic, supysonic)"
        JELLYFIN = "jellyfin", "Jellyfin"
        PLEX = "plex", "Plex"
        COMMAND = "command", "A command of your own"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    address = models.TextField()
    user = models.CharField(max_length=100, blank=True, default="")
    secret = models.TextField(blank=True, default="", help_text="Password or token, sealed.")
    folder = models.TextField(blank=True, default="")
    playlists = models.BooleanField(default=True, help_text="Push playlists, where the player takes them.")
    enabled = models.BooleanField(default=True)
    fixed = models.BooleanField(default=False)
    asked = models.BooleanField(default=True, help_text="Tell it everything at the next opportunity.")
    told_up_to = models.BigIntegerField(default=0)
    stamp = models.CharField(max_length=32, blank=True, default="")
    told_at = models.DateTimeField(null=True, blank=True)
    scanning = models.BooleanField(default=False, help_text="It scans; its playlists follow.")
    ok = models.BooleanField(null=True)
    answer = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind"], condition=Q(fixed=True), name="player_fixed_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.address}"


class PlayerSong(models.Model):
    """A track's id at a player; "" where it was looked for in vain."""

    player = models.ForeignKey(Player, on_delete=models.CASCADE, related_name="songs")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    song = models.CharField(max_length=100, blank=True, default="")
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["player", "track"], name="player_song_once")]

    def __str__(self) -> str:
        return self.song


class PlayerPlaylist(models.Model):
    """A collection's playlist at a player, by its id there: one whose name changes stays the same one."""

    player = models.ForeignKey(Player, on_delete=models.CASCADE, related_name="lists")
    collection = models.ForeignKey(Collection, null=True, on_delete=models.SET_NULL, related_name="+")
    playlist = models.CharField(max_length=100)
    digest = models.CharField(max_length=32, help_text="Of its name and songs as they were pushed last.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["player", "collection"], name="player_playlist_once")]

    def __str__(self) -> str:
        return self.playlist


class AlbumCover(models.Model):
    """What became of the search for an album's picture (`downloads.publishing.album_covers`). One row per album.

    ``kept``: a small copy lies in DATA_DIR. Else the files of the album are looked at again at ``look_at``, and
    ``address`` is asked at ``fetch_at``; NULL stands for never. ``unreachable_at``: its host gave no answer then.
    """

    album = models.OneToOneField(Album, on_delete=models.CASCADE, primary_key=True, related_name="small_cover")
    address = models.TextField(blank=True, default="", help_text="The album's cover_url when it was looked for.")
    kept = models.BooleanField(default=False)
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the copy.")
    look_at = models.DateTimeField(null=True, blank=True)
    fetch_at = models.DateTimeField(null=True, blank=True)
    unreachable_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["look_at"], name="cover_look", condition=Q(look_at__isnull=False)),
            models.Index(fields=["fetch_at"], name="cover_fetch", condition=Q(fetch_at__isnull=False)),
            models.Index(fields=["unreachable_at"], name="cover_no_answer", condition=Q(unreachable_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.album_id}: {'kept' if self.kept else 'none'}"


class FailedTrack(Track):
    """The same rows, for a list of their own in the admin."""

    class Meta:
        proxy = True
