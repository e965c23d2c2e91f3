"""How long fetches and searches took, as counts by length: workers write, `/metrics` shows them as histograms."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, models
from django.db.models import F

BOUNDS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000)  # ms
BEYOND = 2**31 - 1  # of the last row: whatever is longer

logger = logging.getLogger(__name__)


class TimingQuerySet(models.QuerySet["Timing"]):
    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        """Measure a block: its result is "ok", or the ``kind`` of the error that ended it."""
        started, result = time.monotonic(), "ok"
        try:
            yield
        except Exception as error:
            result = getattr(error, "kind", "unknown")
            raise
        finally:
            self._observe(step, result, round((time.monotonic() - started) * 1000))

    def _observe(self, step: str, result: str, milliseconds: int) -> None:
        up_to = next((bound for bound in BOUNDS if milliseconds <= bound), BEYOND)
        rows = self.filter(step=step, result=result, up_to=up_to)
        more = {"count": F("count") + 1, "milliseconds": F("milliseconds") + milliseconds}
        try:
            if not rows.update(**more):
                try:
                    self.create(step=step, result=result, up_to=up_to, count=1, milliseconds=milliseconds)
                except IntegrityError:  # another worker made the row in between
                    rows.update(**more)
        except DatabaseError as error:  # a number less: no reason for a song to fail
            logger.warning("How long a %s took was not written down: %s", step, type(error).__name__)


class Timing(models.Model):
    """How many runs of a step ended with a result and took at most ``up_to`` ms and longer than the bound before."""

    step = models.CharField(max_length=10)
    result = models.CharField(max_length=20)
    up_to = models.IntegerField()
    count = models.BigIntegerField()
    milliseconds = models.BigIntegerField(help_text="Of all together.")

    objects = TimingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "result", "up_to"], name="timing_bucket")]

    def __str__(self) -> str:
        return f"{self.step} {self.result} ≤ {self.up_to} ms: {self.count}"
