"""One claimed track, start to finish: adopt, choose, fetch, verify, tag, publish, and what went wrong.

Whose fault a failure is decides what it costs: the track's cools it down, the candidate's takes the next one in the
same attempt, everybody's pauses the service and gives the attempt back (`downloads.failures.circuit_breaker`). Nothing
sleeps here: what must wait is a time in the catalog.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from catalog.models import Service, Timing, Track
from catalog.models.settings import value
from catalog.storage import state as storage
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from downloads.audio import fingerprint, verify
from downloads.failures import backoff, circuit_breaker
from downloads.failures.kinds import CANDIDATE, ERROR_KINDS, DownloadError
from downloads.fetch import fork_server, process
from downloads.fetch.fork_server import ForkServer
from downloads.file_moves import superseded
from downloads.models import AudioFile, Candidate
from downloads.publishing import existing_file, publish, staging, tagging, written_tags
from downloads.search import candidates, rate_limit
from downloads.search.sources import source

FETCH_SECONDS = 3600.0  # a fetch that takes longer is stopped
# What only a change (`downloads.worker.upgrade_retry`), a person or time can cure.
NOT_FOUND = {"no_match", "needs_decision"}
PROGRESS_EVERY = timedelta(seconds=2)
# One in each worker process, started at its first fetch.
FORK_SERVER = ForkServer() if fork_server.is_supported() else None

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one track ended: "downloaded", "adopted", "failed", "released" or "lost"; ``error_kind`` where it failed."""

    track_id: int
    title: str
    result: str
    error_kind: str = ""
    message: str = ""


class RateLimited(Exception):
    """The site that the chosen recording comes from may be asked from ``turn`` on; the track is due then."""

    def __init__(self, turn: datetime) -> None:
        super().__init__("The site that the chosen recording comes from is not asked again yet.")
        self.turn = turn


@dataclass
class Attempt:
    """One claimed track. ``run`` always ends the claim, unless somebody else already has."""

    track: Track
    now: Clock
    should_stop: Callable[[], bool]
    lost: threading.Event = field(default_factory=threading.Event)
    away: threading.Event = field(default_factory=threading.Event)
    _reported_at: datetime | None = None

    @property
    def token(self) -> str:
        return self.track.claim or ""

    def run(self) -> Outcome:
        """The whole way of the track, and the one place where its end is decided."""
        try:
            with self._renewed():
                result = self._adopt() or self._get()
        except publish.LeaseLost:
            result = Outcome(self.track.pk, self.track.title, "lost")
        except RateLimited as error:
            ours = transitions.release(self.track.pk, self.token, self.now(), error.turn)
            result = Outcome(self.track.pk, self.track.title, "released" if ours else "lost", "", str(error))
        except DownloadError as error:
            result = self._failed(error.kind, error.message, error.retry_after)
        except publish.NoFreeName as error:
            result = self._failed("no_free_name", str(error))
        except OSError as error:
            result = self._disk_failed(error)
        except Exception as error:
            logger.exception("Track %s ended in an error of ours", self.track.pk)
            result = self._failed("unknown", f"An error of the program: {type(error).__name__}.")
        staging.clear_stage(self.track)
        Service.objects.canary_returned("audio", self.now())
        failpoint("cleaned")
        return result

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Renew the lease from a thread of its own: proving and tagging do not come back to us in between."""
        done = threading.Event()

        def renew() -> None:
            try:
                while not done.wait(transitions.RENEW_EVERY.total_seconds()):
                    if not self._renew():
                        self.lost.set()
                        return
                    self._look_at_storage()
            finally:
                connection.close()

        thread = threading.Thread(target=renew, name=f"lease-{self.track.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew(self) -> bool:
        try:
            return transitions.renew(self.track.pk, self.token, self.now())
        except DatabaseError as error:  # one that is busy or restarts: the lease outlasts seven missed renewals
            logger.warning("The lease on track %s was not renewed: %s", self.track.pk, type(error).__name__)
            connection.close()
            return True

    def _look_at_storage(self) -> None:
        """A fetch that takes long gives its track back as soon as this host's music folder has gone."""
        with suppress(DatabaseError):
            if not storage.check(self.now()).may_read:
                self.away.set()

    # --- What is there already ----------------------------------------------------------------------------

    def _adopt(self) -> Outcome | None:
        failpoint("adopting")
        if superseded.must_be_replaced(self.track):
            return None
        own_file = existing_file.find_own_file(self.track) or superseded.old_file(self.track)
        if own_file and existing_file.adopt_own_file(self.track, *own_file, self.now()):
            self.track.replaced.all().delete()
            return Outcome(self.track.pk, self.track.title, "adopted")
        return None

    # --- What is fetched ----------------------------------------------------------------------------------

    def _get(self) -> Outcome:
        choice = candidates.chosen(self.track)
        if choice and choice.why:
            raise self._choice_failed(choice, choice.why)
        self._take_turn(choice.source if choice else value("AUDIO_SOURCE"))
        fit = candidates.acceptable(self.track, source(), self.now())
        if not fit:
            has_candidates = self.track.candidates.usable().exists()
            kind = "needs_decision" if has_candidates else "no_match"
            raise DownloadError(kind, self._why_none_fits() if has_candidates else ERROR_KINDS[kind].sentence)
        last: DownloadError | None = None
        for candidate in fit:
            try:
                return self._take(candidate)
            except DownloadError as error:
                if ERROR_KINDS[error.kind].fault != CANDIDATE:
                    raise
                self._require_storage()  # a file on a drive that has gone looks like a bad one,
                self._require_stage()  # and so does one that recovery took away from a worker that was late
                last = DownloadError(error.kind, f"{error.message} ({candidate.title or candidate.source_id})")
                if ERROR_KINDS[error.kind].bans:
                    candidates.reject(candidate, error.message)
                    if candidate == choice:
                        raise self._choice_failed(candidate, error.message) from error
            staging.clear_stage(self.track)
        assert last
        raise last

    def _take_turn(self, name: str) -> None:
        """A choice may come from another source than was asked about before the claim: that one's pace holds."""
        turn = rate_limit.next_turn(self.now(), name)
        if turn > self.now():
            raise RateLimited(turn)
        rate_limit.record_request(self.now(), name=name)

    @staticmethod
    def _choice_failed(choice: Candidate, why: str) -> DownloadError:
        name = choice.title or choice.source_id
        return DownloadError("choice_failed", f"The recording that was chosen, “{name}”, cannot be used: {why}")

    def _why_none_fits(self) -> str:
        best = self.track.candidates.usable().first()
        assert best
        return f"The nearest is “{best.title}”: {', '.join(best.told_reasons[:3])}."

    def _take(self, candidate: Candidate) -> Outcome:
        staged = self._fetch(candidate)
        Service.objects.worked("audio")
        audio = verify.verify(staged.path, self._expected_ms(candidate), staged.expected_bytes)
        failpoint("verified")
        self._refuse_refused(candidate, audio.fingerprint)
        fields = tagging.write_tags(self.track, staged.path)
        size = staging.size_of(staged.path)
        failpoint("tagged")
        self._require_ours(100)
        self._require_storage()
        if not candidates.is_still_selected(candidate):
            raise DownloadError("stopped", "Somebody decided otherwise while it was downloaded.")
        superseded.move_to_trash(self.track, self.now())
        self._remember(candidate, staged, audio)
        written_tags.remember(self.track, fields)
        place = publish.publish(self.track, publish.Staged(staged.path, size, staged.extension), self.now)
        tagging.put_cover(self.track, place)
        logger.info("Track %s downloaded, %s s", self.track.pk, audio.duration_ms // 1000)
        return Outcome(self.track.pk, self.track.title, "downloaded")

    def _expected_ms(self, candidate: Candidate) -> int | None:
        """How long the recording must be; None where nobody knows.

        Whoever chose it saw its length: it must be what it was announced to be, not what the track row says.
        """
        announced = candidate.verdict == Candidate.Verdict.CHOSEN or self.track.duration_ms is None
        return candidate.duration_ms if announced else self.track.duration_ms

    @staticmethod
    def _refuse_refused(candidate: Candidate, numbers: array[int]) -> None:
        """DownloadError where what was fetched is a refused recording under another id."""
        if candidate.verdict != Candidate.Verdict.CHOSEN and fingerprint.sounds_refused(candidate, numbers):
            raise DownloadError("refused_sound", ERROR_KINDS["refused_sound"].sentence)

    def _remember(self, candidate: Candidate, staged: process.Fetched, audio: verify.VerifiedAudio) -> None:
        """What was proven, for whoever compares recordings later."""
        rate = round(staged.size * 8000 / audio.duration_ms)
        fields = {
            "candidate": candidate,
            "duration_ms": audio.duration_ms,
            "codec": staged.codec[:20],
            "bit_rate": rate,
        }
        sound, _ = AudioFile.objects.update_or_create(track=self.track, defaults=fields | {"proved_at": self.now()})
        fingerprint.remember(sound, audio.fingerprint, audio.loudness, self.now())

    def _fetch(self, candidate: Candidate) -> process.Fetched:
        self._require_ours(0)  # whoever was late until now must not fetch what another worker is fetching
        stage = staging.open_stage(self.track)
        failpoint("staged")
        audio_source = source(candidate.source)
        with Timing.objects.measured("fetch"):
            fetched = process.fetch(
                audio_source.url_of(candidate.source_id, candidate.url),
                stage,
                access=audio_source.access(),
                connection=audio_source.connection(),
                server=FORK_SERVER,
                audio_format=value("AUDIO_FORMAT"),
                least_bit_rate=value("LEAST_KBPS") * 1000,
                any_quality=candidate.verdict == Candidate.Verdict.CHOSEN,
                length_unknown=self._expected_ms(candidate) is None,
                on_progress=self._report_progress,
                should_stop=lambda: self.lost.is_set() or self.away.is_set() or self.should_stop(),
                deadline_seconds=FETCH_SECONDS,
            )
        failpoint("fetched")
        return fetched

    def _report_progress(self, share: float) -> None:
        """Store the progress, at most every 2 seconds."""
        now = self.now()
        if self._reported_at is None or now - self._reported_at >= PROGRESS_EVERY:
            self._reported_at = now
            if not transitions.renew(self.track.pk, self.token, now, percent=int(share * 100)):
                self.lost.set()

    def _require_ours(self, percent: int) -> None:
        if self.lost.is_set() or not transitions.renew(self.track.pk, self.token, self.now(), percent):
            raise publish.LeaseLost

    def _require_stage(self) -> None:
        if not os.path.isdir(staging.stage_folder(self.track)):
            raise publish.LeaseLost

    def _require_storage(self) -> None:
        """The drive may have gone while we fetched: nothing is written under a bare mount point."""
        state = storage.check(self.now())
        if not state.may_write:
            raise DownloadError("storage", state.reason)

    # --- What went wrong ----------------------------------------------------------------------------------

    def _failed(self, kind: str, message: str, retry_after: float | None = None) -> Outcome:
        if self.lost.is_set():
            return Outcome(self.track.pk, self.track.title, "lost")
        now = self.now()
        state = storage.check(now)
        if not state.may_read and kind != "stopped":  # the stage went with it, whatever the fetch made of that
            kind, message = "storage", state.reason
        if circuit_breaker.is_everybodys(kind, self.track, now):
            if ERROR_KINDS[kind].service == "storage" and not transitions.holds(self.track.pk, self.token, now):
                # Recovery took the stage away from a worker that was late: the disk is well.
                return Outcome(self.track.pk, self.track.title, "lost")
            circuit_breaker.pause(kind, message, retry_after, now)
            error = (kind, message) if circuit_breaker.keeps_kind(kind) else None
            ours, result = transitions.release(self.track.pk, self.token, now, error=error), "released"
        else:
            not_found = kind in NOT_FOUND and source().rate_limit is not None
            steps = self.track.attempts + (backoff.NOT_FOUND_STEPS if not_found else 0)
            later = backoff.next_try(now, steps, random.random())
            ours, result = transitions.fail(self.track.pk, self.token, kind, message, later, now), "failed"
        return Outcome(self.track.pk, self.track.title, result if ours else "lost", kind, message)

    def _disk_failed(self, error: OSError) -> Outcome:
        return self._failed(*circuit_breaker.disk_failure(error, self.now()))
