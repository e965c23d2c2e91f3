"""What lies outside us and can be down for everyone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from catalog.db import database_clock


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
        over = Q(paused_until__isnull=True) | Q(paused_until__lte=now or database_clock.now())
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
