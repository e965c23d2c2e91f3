"""When two descriptions are of one recording: `relation`. Pure values, no Django.

The names are compared before (`catalog.music.identity.identity_key`); here is the evidence beside them. Two songs kept
as one lose the second, so that doubt counts as "different": several Spotify ids are one recording only by the same
ISRC, or by lengths within 3 s where nothing speaks against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from catalog.music.identity import identity_key, same_length

# Words of an album's title that name another performance of the same songs.
_PERFORMANCE = re.compile(
    r"\b(live|unplugged|acoustic|acoustics|acústico|acústica|acoustique|akustisch|akustik|acustico"
    r"|en vivo|ao vivo|en directo|dal vivo|en concert|in concert|concert|konzert)\b|"
    r"ライブ|ライヴ|アコースティック|라이브"
)
_EDITION = re.compile(r"[(\[][^()\[\]]*[)\]]| - (?:single|ep)\Z")


class Relation(IntEnum):
    """What two descriptions say of each other; the higher, the more they are one recording."""

    CONFLICT = 0  # something known of both differs
    NO_EVIDENCE = 1  # two ids, or two albums, and no lengths
    POSSIBLE = 2  # nothing differs, little is known
    LIKELY = 3  # the same, from one album
    SAME = 4  # the same ISRC, or lengths within 3 s


@dataclass(frozen=True, slots=True)
class Description:
    """What a source says of a recording beside its names. ``album`` is a title; "" and None are unknown.

    ``apart``: a person said that it is a recording of its own.
    """

    spotify_id: str = ""
    isrc: str = ""
    duration_ms: int | None = None
    album: str = ""
    album_id: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    explicit: bool | None = None
    apart: bool = False

    @property
    def is_firm(self) -> bool:
        """Whether an id, an ISRC or a person says which recording it is; the others go where they fit best."""
        return bool(self.spotify_id or self.isrc or self.apart)

    @property
    def specificity(self) -> int:
        """How much is known that tells recordings of one name apart."""
        return 2 * (self.duration_ms is not None) + bool(self.album)


def relation(one: Description, other: Description) -> Relation:
    """The evidence that two descriptions with equal names, or with one ISRC, are of one recording."""
    if one.spotify_id and one.spotify_id == other.spotify_id:
        return Relation.SAME
    if one.apart or other.apart or not same_length(one.duration_ms, other.duration_ms):
        return Relation.CONFLICT
    if one.isrc and one.isrc == other.isrc:
        return Relation.SAME
    if _differ(one, other):
        return Relation.CONFLICT
    if one.duration_ms is not None and other.duration_ms is not None:
        return Relation.SAME
    if one.spotify_id and other.spotify_id:
        return Relation.NO_EVIDENCE
    if one.album and other.album:
        return Relation.LIKELY if _same_edition(one.album, other.album) else Relation.NO_EVIDENCE
    return Relation.POSSIBLE


def fit(one: Description, others: Iterable[Description]) -> Relation:
    """How well a description joins several of one recording: as its best relation, but no conflict with any.

    Where only little evidence is for it, the lack of evidence beside any of them is against it.
    """
    members = [(relation(one, other), other.is_firm and one.is_firm) for other in others]
    relations = [how for how, _ in members] or [Relation.CONFLICT]
    worst, best = min(relations), max(relations)
    # Two ids are not one recording because both are like a name without an id, which may belong to either.
    firm = max((how for how, is_firm in members if is_firm), default=Relation.SAME)
    if worst == Relation.CONFLICT or (worst == Relation.NO_EVIDENCE and min(best, firm) < Relation.SAME):
        return worst
    return best


def may_be_joined(first: Iterable[Description], second: Iterable[Description]) -> bool:
    """Whether two recordings turn out to be one: evidence for it, and nothing against it between any of them."""
    others = list(second)
    relations = [relation(one, other) for one in first for other in others]
    return bool(relations) and max(relations) == Relation.SAME and min(relations) > Relation.CONFLICT


def _differ(one: Description, other: Description) -> bool:
    """Whether something other than the length tells the two apart."""
    if None not in (one.explicit, other.explicit) and one.explicit != other.explicit:
        return True  # a clean version and the explicit one
    if one.isrc and other.isrc and one.isrc[:7] == other.isrc[:7]:
        return True  # ISO 3901: a registrant gives each recording of a year a number of its own
    if one.album and other.album:
        if _performances(one.album) != _performances(other.album):
            return True
        return _is_same_album(one, other) and _differ_on_album(one, other)
    return False


def _is_same_album(one: Description, other: Description) -> bool:
    if one.album_id and other.album_id:
        return one.album_id == other.album_id
    return one.album.casefold() == other.album.casefold()


def _differ_on_album(one: Description, other: Description) -> bool:
    """Two places of one album. An album lists an id once: two ids of it are two of its tracks."""
    if one.track_number and other.track_number:
        return (one.disc_number or 1, one.track_number) != (other.disc_number or 1, other.track_number)
    return bool(one.spotify_id and other.spotify_id and one.album_id and other.album_id)


def _performances(album: str) -> bool:
    return bool(_PERFORMANCE.search(album.casefold()))


def _same_edition(one: str, other: str) -> bool:
    """Whether two titles name editions of one album: "Tides" and "Tides (Deluxe Edition)"."""
    return _without_edition(one) == _without_edition(other)


def _without_edition(album: str) -> str:
    folded = album.casefold()
    return identity_key(_EDITION.sub(" ", folded).strip() or folded, ())
