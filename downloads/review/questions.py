"""Which songs wait for a person's word, in the order in which they are asked, and which ask the same question."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q

from catalog.models import Track, TrackQuerySet
from catalog.web.keyset_pages import CountOnEachPage
from downloads.audio.verify import tolerance
from downloads.failures.kinds import NEEDS_PERSON
from downloads.models import RULED_OUT, Candidate
from downloads.review.differences import Differences, differences
from downloads.search import candidates

COUNTED_TO = 999  # a number in the navigation is read at a glance
ALIKE_LOOKED_AT = 40  # other songs that one question is compared with
Verdict = Candidate.Verdict


@dataclass(frozen=True, slots=True)
class Offer:
    """A recording that is offered for a track, with what tells it from the wish; ``off`` in whole seconds."""

    candidate: Candidate
    differences: Differences
    off: int | None
    fits: bool

    @classmethod
    def of(cls, track: Track, candidate: Candidate) -> Offer:
        marks = differences(candidates.query_for(track), candidates.search_result_of(candidate))
        if track.duration_ms is None or candidate.duration_ms is None:
            return cls(candidate, marks, None, True)
        apart = candidate.duration_ms - track.duration_ms
        return cls(candidate, marks, round(apart / 1000), abs(apart) <= tolerance(track.duration_ms))


def open_questions() -> TrackQuerySet:
    """Songs that only a person can settle and nobody has answered since: no choice stands, not all are refused."""
    rows = Candidate.objects.filter(track=OuterRef("pk"))
    chosen, refused = rows.filter(verdict=Verdict.CHOSEN, why=""), rows.filter(verdict=Verdict.NEVER)
    undecided = rows.filter(Q(verdict=Verdict.OPEN) | Q(verdict=Verdict.CHOSEN) & ~Q(why=""))
    asked = Track.objects.failed().filter(error_kind__in=NEEDS_PERSON)
    return asked.filter(~Exists(chosen), ~Exists(refused) | Exists(undecided))


count_open = CountOnEachPage(COUNTED_TO, open_questions)


def by_kind() -> list[TrackQuerySet]:
    """`open_questions` in parts, each of which an index gives in the order of its ids, however few they are."""
    return [open_questions().filter(error_kind=kind) for kind in NEEDS_PERSON]


def first_questions(number: int, after: int = 0) -> list[int]:
    """The ids of the next open questions after a song's id."""
    return sorted(
        pk
        for rows in by_kind()
        for pk in rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:number]
    )[:number]


def next_question(after: Track | None = None) -> Track | None:
    """The song to ask about after another one: of its album first, then in order, then those that were put off."""
    of_album = None
    if after is not None and after.album_id:
        of_album = open_questions().filter(pk__gt=after.pk, album=after.album_id).order_by("pk").first()
    if of_album is not None:
        found = [of_album.pk]
    else:
        found = first_questions(1, after.pk if after else 0) or first_questions(1)
    return Track.objects.filter(pk__in=found).select_related("album").prefetch_related("credits__artist").first()


def offers(track: Track) -> list[Offer]:
    """What may still be chosen for a track, the best first; a choice whose content failed the proof is among them."""
    rows = track.candidates.filter(Q(verdict=Verdict.OPEN) | Q(verdict=Verdict.CHOSEN))
    return [Offer.of(track, row) for row in rows.order_by(F("score").desc(), "pk")]


def asked_alike(track: Track) -> list[tuple[Track, list[Offer]]]:
    """Other open questions of the same album or the same wish, with what is offered for each."""
    same = Q(identity=track.identity)
    if track.album_id:
        same |= Q(album=track.album_id)
    rows = open_questions().filter(same).exclude(pk=track.pk).order_by("pk").select_related("album")
    return [(other, offers(other)) for other in rows.prefetch_related("credits__artist")[:ALIKE_LOOKED_AT]]


def alike(track: Track, offer: Offer, others: list[tuple[Track, list[Offer]]]) -> list[tuple[Track, Offer]]:
    """For which other songs the same answer holds, and which recording it is there.

    The same wish: the same recording is offered. The same album: one recording of the same release, artists and kind
    differs from its wish by the same words, and its length is no further off.
    """
    found = []
    for other, offered in others:
        same = [each for each in offered if _is_alike(track, offer, other, each)]
        if len(same) == 1:
            found.append((other, same[0]))
    return found


def _is_alike(track: Track, offer: Offer, other: Track, each: Offer) -> bool:
    one, two = offer.candidate, each.candidate
    if one.source != two.source or each.off is None or not each.fits:
        return False
    if one.source_id == two.source_id:
        return track.identity == other.identity
    if track.album_id is None or track.album_id != other.album_id or not one.album:
        return False
    release = (one.album, one.artists, one.kind, RULED_OUT in one.reasons)
    same_release = release == (two.album, two.artists, two.kind, RULED_OUT in two.reasons)
    return same_release and offer.differences.kind == each.differences.kind
