"""The plan of what is fetched, which a person accepts before anything is: its numbers, and whether one waits.

The first plan covers the whole library. After it was accepted (`catalog.library.make_plan.accept_plan`) songs that come
later are fetched unasked, until more of them are missing at once than PLAN_SONGS (200) or PLAN_GB (5).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from catalog.db.id_sets import id_subquery
from catalog.models import AdoptionMatch, BinnedFile, Event, Library, Run, Track, TrackQuerySet
from catalog.models.settings import value
from catalog.text.setting_values import is_within

BYTES_PER_SECOND = 20_000  # of a song: 160 kbit/s, as most are delivered
USUAL_LENGTH = 240_000  # ms, of a song whose length is unknown
LENGTHS = 1_000  # songs whose mean length stands for all
LAST_FOUND = 500  # recognised files of which it is said by what
LOOK_AGAIN = timedelta(minutes=5)  # after a look that did not reach its end
LONGEST_LOOK = timedelta(hours=6)  # the jobs' own time limit: one without an end that is older was cut off

NOT_SEEN = "Nothing is downloaded before you have seen the plan: press Start on its page (/plan)."


@dataclass(frozen=True, slots=True)
class Plan:
    """Songs that ``here`` are files of the music folder, that ``ask`` for an answer, and that are to ``fetch``.

    The three add up to the wanted songs that the plan is about. ``others`` are files of no song, which are left alone.
    ``accepted``: nothing waits for a person. ``up_to`` is the last song that the plan has seen.
    """

    here: int
    ask: int
    fetch: int
    others: int
    accepted: bool
    up_to: int
    milliseconds: int  # about, of those to fetch

    @property
    def songs(self) -> int:
        return self.here + self.ask + self.fetch

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def reason_to_wait(library: Library | None = None) -> str:
    """Why nothing may be fetched before a person has accepted the plan, in a sentence; "" where nothing waits.

    Asked before each claim: it reads the library's row, and of the songs that came later no more than the limit.
    """
    if not settings.CONFIRM_PLANS:
        return ""
    library = library or Library.current()
    if library.accepted_up_to is None:
        return NOT_SEEN
    if not Track.objects.missing().filter(pk__gt=library.accepted_up_to).exists():
        return ""
    most, most_gigabytes = value("PLAN_SONGS"), value("PLAN_GB")
    songs, size = _new(library.accepted_up_to, most)
    if songs > most:
        return f"More than {most:,} songs are new. {NOT_SEEN}"
    if size > most_gigabytes * 1e9:
        return f"More than {most_gigabytes:g} GB are new. {NOT_SEEN}"
    return ""


def reason_to_rest(now: datetime) -> str:
    """Outside the hours that a person has set nothing new is fetched: a sentence; "" within them."""
    windows = value("FETCH_HOURS")
    if not windows or is_within(windows, timezone.localtime(now, ZoneInfo(value("TIME_ZONE"))).time()):
        return ""
    hours = ", ".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in windows)
    return f"Nothing is downloaded outside the hours {hours}; change them under Settings › Downloads."


def _new(accepted_up_to: int, most: int) -> tuple[int, int]:
    """(missing songs that came after the last plan, their bytes), of one more than ``most`` songs."""
    new = Track.objects.missing().filter(pk__gt=accepted_up_to).order_by("pk")
    lengths = list(new.values_list("duration_ms", flat=True)[: most + 1])
    return len(lengths), bytes_of(sum(length or USUAL_LENGTH for length in lengths))


def bytes_of(milliseconds: int) -> int:
    """About how large songs of this length are together."""
    return milliseconds * BYTES_PER_SECOND // 1000


def to_let_go(library: Library | None = None) -> int:
    """How many files wait to go to the bin until a person says yes; 0 where they go by themselves."""
    if not settings.CONFIRM_PLANS or (library or Library.current()).bin_accepted:
        return 0
    leaving = BinnedFile.objects.filter(
        state=BinnedFile.State.ASKED, track__wanted=False, track__status=Track.Status.DOWNLOADED
    )
    files = leaving.count()
    return files if files and files > value("PLAN_SONGS") else 0


# --- The lists behind the numbers -------------------------------------------------------------------------


def planned(last: int | None = None) -> TrackQuerySet:
    """The wanted songs that the plan is about: those that came after the last one, or all where nothing waits.

    ``last`` is `seen_up_to`, where it is known already.
    """
    if last is None:
        library = Library.current()
        last = seen_up_to(library, bool(reason_to_wait(library)))
    return Track.objects.wanted().filter(pk__gt=last)


def seen_up_to(library: Library, waits: bool) -> int:
    """The last song that the plan is not about; 0 where it is about all. ``waits``: until a person has accepted it."""
    return (library.accepted_up_to or 0) if waits else 0


def here(tracks: TrackQuerySet) -> TrackQuerySet:
    """Those of ``tracks`` that have their file."""
    return tracks.filter(status=Track.Status.DOWNLOADED)


def asked(tracks: TrackQuerySet) -> TrackQuerySet:
    """Those about whose file a person is asked."""
    return tracks.filter(pk__in=_questions().values("track"), status=Track.Status.MISSING)


def to_fetch(tracks: TrackQuerySet) -> TrackQuerySet:
    """All the others."""
    return tracks.exclude(pk__in=_questions().values("track")).exclude(status=Track.Status.DOWNLOADED)


def matches(last: int) -> QuerySet[AdoptionMatch]:
    """The files about which a person is asked, for the wanted songs after ``last``."""
    return _questions().filter(track__wanted=True, track__status=Track.Status.MISSING, track__gt=last)


def _questions() -> QuerySet[AdoptionMatch]:
    return AdoptionMatch.objects.filter(rejected=False)


def plan() -> Plan:
    """The plan as it is now. What no look through the folder has seen yet is counted as to be fetched."""
    library, looked = Library.current(), last_look()
    waits = bool(reason_to_wait(library))
    last = seen_up_to(library, waits)
    here, others = _counted(last)
    ask = matches(last).order_by().values("track").distinct().count()
    fetch = others - ask
    lengths = Track.objects.missing().filter(pk__gt=last).order_by("pk").values_list("duration_ms", flat=True)[:LENGTHS]
    known = [length or USUAL_LENGTH for length in lengths]
    return Plan(
        here=here,
        ask=ask,
        fetch=fetch,
        others=looked.report.get("others", 0) if looked else 0,
        accepted=not waits,
        up_to=Track.objects.last_id(),
        milliseconds=round(sum(known) * fetch / len(known)) if known else USUAL_LENGTH * fetch,
    )


def _counted(last: int) -> tuple[int, int]:
    """(wanted songs with their file, all others) after the song ``last``. Of all songs the large set is not counted."""
    if not last:
        counters = Track.objects.counts()
        return counters["downloaded"], counters["songs"] - counters["downloaded"]
    songs = Track.objects.filter(pk__gt=last).order_by()
    return songs.downloaded().count(), songs.missing().count() + songs.downloading().count()


def found_by(last: int, limit: int = 6) -> list[tuple[str, int]]:
    """By what the wanted songs after ``last`` that are here were recognised, and how many by each, the most first.

    Of the last 500 that were: a library of a million that was adopted has an event for each.
    """
    adopted = Event.objects.filter(kind=Event.Kind.ADOPT).order_by("-at", "-pk")
    found = dict(reversed(adopted.values_list("track_id", "reason")[:LAST_FOUND]))
    states = Track.objects.filter(pk__in=id_subquery(pk for pk in found if pk > last)).order_by()
    here = [
        pk for pk, *state in states.values_list("pk", "status", "wanted") if state == [Track.Status.DOWNLOADED, True]
    ]
    return Counter(found[pk] for pk in here).most_common(limit)


# --- The look through the folder --------------------------------------------------------------------------


def last_look() -> Run | None:
    """The last look through the music folder that reached its end."""
    return Run.objects.filter(kind=Run.Kind.ADOPT, ok=True).first()


def look_under_way(now: datetime) -> Run | None:
    """The look that runs now."""
    run = Run.objects.filter(kind=Run.Kind.ADOPT).first()
    return run if run and run.ended_at is None and abs(now - run.started_at) < LONGEST_LOOK else None


def is_looked_for() -> bool:
    """Whether the last look through the folder knew every song that there is."""
    looked = last_look()
    return looked is not None and not Track.objects.filter(pk__gt=looked.report.get("up_to", 0)).exists()


def needs_look(now: datetime) -> bool:
    """Whether a plan waits for a look through the folder that has not been made yet."""
    if not reason_to_wait() or not Track.objects.wanted().exists() or is_looked_for():
        return False
    failed = Run.objects.filter(kind=Run.Kind.ADOPT, ok=False).first()
    return failed is None or abs(now - failed.started_at) >= LOOK_AGAIN
