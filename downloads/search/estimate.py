"""About how long songs take to be fetched, and how much room they need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from catalog.models.settings import value
from catalog.reports.plan import bytes_of
from catalog.text.humanize import span

SECONDS_A_SONG = 6  # of one worker where no site's pace is to be kept


@dataclass(frozen=True, slots=True)
class Estimate:
    seconds: int
    gigabytes: float

    def __str__(self) -> str:
        size = f"{self.gigabytes:.1f}" if self.gigabytes >= 0.05 else "less than 0.1"
        return f"about {span(timedelta(seconds=self.seconds))} and {size} GB"


def estimate(songs: int, milliseconds: int) -> Estimate:
    """For so many songs of this length together, at the pace of the source that is set."""
    seconds = songs * SECONDS_A_SONG / value("DOWNLOAD_WORKERS")
    if value("AUDIO_SOURCE") == "youtube":
        seconds = max(seconds, songs * 3600 / value("YOUTUBE_PER_HOUR"))
    return Estimate(round(seconds), bytes_of(milliseconds) / 1e9)
