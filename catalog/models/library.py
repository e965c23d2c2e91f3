"""The music folder: which disk it is, its folders, and files about which something is still to be done."""

from __future__ import annotations

import os
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q


class PathInLibrary(models.TextField):  # type: ignore[type-arg]
    """The path of a file of the music folder: absolute in Python, relative to the root in the database.

    Each host has its own path to the one folder: what is read on a host is in the spelling of its MUSIC_DIR, and so is
    what a query compares with. A path outside the folder is stored as it is. "" is no path.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """``value`` below this host's root."""
        return os.path.join(settings.MUSIC_DIR, value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        """``value`` without this host's root."""
        value = super().get_prep_value(value)
        return value.removeprefix(settings.MUSIC_DIR.rstrip("/") + "/") if isinstance(value, str) else value

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """A text, for migrations: they see what is stored."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", list(args), kwargs


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


class Library(models.Model):
    """The one music folder (row 1): which disk it is, and what the last look at it said.

    ``held_since`` is set while fetching waits for a person after many files vanished at once.
    """

    class ArtistTag(models.TextChoices):
        JOINED = "joined", "As people read them in ARTIST, one each in ARTISTS"
        EACH = "each", "One value each, in ARTIST too"

    root_uuid = models.CharField(max_length=36, blank=True, default="")
    root_path = models.TextField(blank=True, default="", help_text="Where it was seen last.")
    free_bytes = models.BigIntegerField(null=True, blank=True)
    free_inodes = models.BigIntegerField(
        null=True, blank=True, help_text="Files that its disk has room for; empty: it tells none."
    )
    held_since = models.DateTimeField(null=True, blank=True)
    held_reason = models.TextField(blank=True, default="")
    last_pass = models.DateTimeField(null=True, blank=True, help_text="End of the last completed reconcile.")
    last_full_pass = models.DateTimeField(null=True, blank=True)
    path_template = models.TextField(blank=True, default="")
    write_playlists = models.BooleanField(default=True, help_text="An m3u8 for each enabled collection.")
    mounts = models.JSONField(default=list, blank=True, help_text="Mounts below the root that hold files of ours.")
    bin_accepted = models.BooleanField(default=False, help_text="A person said yes to what goes to the bin now.")
    accepted_up_to = models.BigIntegerField(
        null=True, blank=True, help_text="Songs up to this id stood in a plan that was accepted; empty: none was."
    )
    retag = models.BooleanField(default=True, help_text="Tags in files follow what Spotify corrects.")
    artist_tag = models.CharField(max_length=6, choices=ArtistTag.choices, default=ArtistTag.JOINED)
    id3_version = models.PositiveSmallIntegerField(default=4, help_text="2.4, or 2.3 with ID3v1 for old players.")
    write_m3u = models.BooleanField(
        default=False, help_text="Each playlist as .m3u too, for players that know no m3u8."
    )
    find_moved = models.BooleanField(default=True, help_text="Look for files that vanish among those of no song.")

    class Meta:
        verbose_name_plural = "library"
        permissions = [("operate_library", "Can press every button and change every setting")]

    def __str__(self) -> str:
        return self.root_path

    @classmethod
    def load(cls) -> Library:
        """The row, made where it is not there yet."""
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def current(cls) -> Library:
        """The row as it is, for who only reads: where there is none yet, one with the defaults that is not saved."""
        return cls.objects.filter(pk=1).first() or cls()


class AdoptionMatchQuerySet(models.QuerySet["AdoptionMatch"]):
    """Sets of questions."""

    def unanswered(self) -> Self:
        """Those that a person can answer: of tracks without a file, or with a worse one."""
        asked = Q(better=False, track__status="missing") | Q(better=True, track__status="downloaded")
        return self.filter(asked, rejected=False, accepted_by="")


class AdoptionMatch(models.Model):
    """A file that may be a track's, which only a person can decide. A "no" is kept: it is asked once.

    ``file`` is relative to the root; ``size`` is in bytes, as it was when the file was read. ``better``: the track has
    a file, and this one has the better sound; a yes (``accepted_by``) is done by the next pass.
    """

    track = models.ForeignKey("catalog.Track", on_delete=models.CASCADE, related_name="adoption_matches")
    file = models.TextField(unique=True)
    size = models.BigIntegerField()
    why = models.TextField()
    rejected = models.BooleanField(default=False)
    better = models.BooleanField(default=False)
    accepted_by = models.CharField(max_length=150, blank=True, default="")

    objects = AdoptionMatchQuerySet.as_manager()

    class Meta:
        db_table = "catalog_doubt"
        verbose_name_plural = "adoption matches"

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

    track = models.OneToOneField("catalog.Track", on_delete=models.CASCADE, related_name="binned_file")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    origin = models.TextField(blank=True, default="")
    target = models.TextField(blank=True, default="")
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state"], name="binned_state")]

    def __str__(self) -> str:
        return self.target or self.origin
