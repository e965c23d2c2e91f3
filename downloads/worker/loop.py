"""Workers: claim the next track and see it through, once or until nothing may be fetched now.

A worker asks the catalog for the next track; nobody hands it one. Nothing sleeps here but `work_until_empty`, where no
cluster waits for its worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from catalog.db import database_clock
from catalog.models import Service, Track
from catalog.reports import plan
from catalog.storage import state as storage
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from downloads.failures import clock_skew
from downloads.search import rate_limit
from downloads.worker import rescue
from downloads.worker.attempt import Attempt, Clock, Outcome


def reason_not_to_work(now: datetime) -> str:
    """Why nothing may be claimed at ``now``, in a sentence; "" where it may."""
    state = storage.check(now)
    if state.state != "online":
        return state.reason
    for service in Service.objects.filter(name__in=["audio", "storage"]):
        if service.paused_by_person:
            return "Downloads are paused: press Resume downloads on the start page."
        if service.is_paused(now) and service.state != "canary":
            return f"Downloads are paused until {service.paused_until:%Y-%m-%d %H:%M}: {service.reason}"
        if service.is_paused(now):
            return "One track is being tried to see whether the pause can end."
    return plan.reason_to_wait() or plan.reason_to_rest(now)


def work_one(now: Clock = database_clock.now, should_stop: Callable[[], bool] = lambda: False) -> Outcome | None:
    """Claim the next track and see it through. None: nothing is due, or nothing may be fetched now."""
    if should_stop() or reason_not_to_work(now()) or not Track.objects.queue(now()).exists():
        return None
    if not rate_limit.may_request(now()) or not _may_try_audio(now()):
        return None
    track = transitions.claim(now())
    if track is None:
        Service.objects.canary_returned("audio", now())
        return None
    failpoint("claimed")
    return Attempt(track, now, should_stop).run()


def _may_try_audio(now: datetime) -> bool:
    """After a pause of the audio service one worker alone goes first. True where there was none, or for that one."""
    has_paused = Service.objects.filter(name="audio", strikes__gt=0).exists()
    return not has_paused or Service.objects.send_canary("audio", now, now + clock_skew.CANARY)


def _waits_for_rate_limit(now: datetime) -> bool:
    """Whether the site's pace is all that a due track waits for."""
    return not reason_not_to_work(now) and rate_limit.is_only_obstacle(now)


def seconds_to_turn(now: datetime) -> float:
    """Until the site may be asked again, where its pace is all that a due track waits for; 0.0 where it is not."""
    return max(0.1, (rate_limit.next_turn(now) - now).total_seconds()) if _waits_for_rate_limit(now) else 0.0


def work_until_empty(
    now: Clock = database_clock.now,
    should_stop: Callable[[], bool] = lambda: False,
    workers: int = 1,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Recover, then work with ``workers`` threads until nothing may be fetched now. How many tracks were ended.

    Here, where no cluster waits for its worker, the pace that a site is asked in is waited for.
    """
    rescue.recover(now())
    ended = threading.Semaphore(0)
    errors: list[BaseException] = []

    def stopped() -> bool:
        return should_stop() or bool(errors)

    def work() -> None:
        try:
            while not stopped():
                outcome = work_one(now, stopped)
                if outcome is not None:
                    ended.release()
                    on_outcome(outcome)
                elif not _waits_for_rate_limit(now()):
                    break
                else:
                    sleep(1.0)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, name=f"worker-{number}") for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    count = 0
    while ended.acquire(blocking=False):
        count += 1
    return count
