"""What the searches answered: candidates of a track, kept so that a retry does not search again."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from catalog.models import Track


class CandidateQuerySet(models.QuerySet["Candidate"]):
    """English for sets of candidates."""

    def usable(self) -> Self:
        """Not sent away: neither by a person nor because its content failed the proof."""
        return self.exclude(verdict__in=[Candidate.Verdict.NEVER, Candidate.Verdict.DISPROVED])


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
    score = models.FloatField(default=0)
    reasons = models.JSONField(default=list)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True, default=Verdict.OPEN)
    why = models.TextField(blank=True, default="", help_text="Why it was sent away.")
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
