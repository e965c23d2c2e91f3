"""A library's own title, taken apart: the song's name, its version and its guests. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from downloads.matching.title_text import (
    Segment,
    descriptor,
    featured_names,
    is_noise,
    normalise,
    split_featuring,
    split_names,
    split_segments,
)
from downloads.matching.version_words import find_versions


@dataclass(frozen=True, slots=True)
class TrackTitle:
    """What a track's title says, normalised.

    ``name`` has everything that belongs to the song, ``short`` not its brackets; ``dashed`` is what of it stands
    behind a dash, where services name versions. ``exclusive``, ``cosmetic``: keys of
    `downloads.matching.version_words`. ``descriptors``: the words that name each version. ``featured``: guests.
    """

    whole: str
    name: str
    short: str
    exclusive: frozenset[str]
    cosmetic: frozenset[str]
    descriptors: frozenset[frozenset[str]]
    featured: frozenset[str]
    dashed: str = ""


def _performers_behind_dash(piece: Segment, artists: set[str]) -> str:
    """The names in "Song - with Ann", if one of the artists is meant; else "": "Song - with Strings"."""
    names = piece.text.removeprefix("with ")
    return names if names != piece.text and not split_names(names).isdisjoint(artists) else ""


@lru_cache(maxsize=4096)
def parse_track_title(title: str, artists: tuple[str, ...]) -> TrackTitle:
    """Take a title apart: "Song (feat. B) - Live at C" is "song", featuring "b", live, {"c"}."""
    pieces = list(split_segments(title))
    own = {normalise(artist) for artist in artists}
    if len(pieces) > 1 and not pieces[0].bracketed and pieces[0].text in own and not pieces[1].bracketed:
        pieces = pieces[1:]  # "Artist - Title", as files and videos are named
    main = next((at for at, piece in enumerate(pieces) if not piece.bracketed), 0)
    short, names = split_featuring(pieces[main].text)
    named, featured = [short or pieces[main].text], [names]
    exclusive: set[str] = set()
    cosmetic: set[str] = set()
    descriptors: list[frozenset[str]] = []
    dashed: list[str] = []
    behind_version = False
    for at, piece in enumerate(pieces):
        if at == main:
            continue
        before, guests = split_featuring(piece.text)  # "Ann Remix; feat. Bo" is not Bo's
        versions = find_versions(before or piece.text)
        names = featured_names(piece) or _performers_behind_dash(piece, own)
        if names:
            featured.append(names)
        elif versions.exclusive or versions.cosmetic:
            featured.append(guests if before else "")
            exclusive |= versions.exclusive
            cosmetic |= versions.cosmetic
            descriptors.append(descriptor(versions))
        elif behind_version and not piece.bracketed:  # "Live at the Hall, Town - May 3rd, 1986"
            descriptors[-1] |= descriptor(versions)
        elif not is_noise(piece):
            named.insert(0, piece.text) if at < main else named.append(piece.text)
            if at > main and not piece.bracketed:
                dashed.append(piece.text)
        behind_version = bool(versions.exclusive) and not piece.bracketed
    return TrackTitle(
        normalise(title),
        " ".join(named),
        short,
        frozenset(exclusive),
        frozenset(cosmetic),
        frozenset(filter(None, descriptors)),
        frozenset(name for part in featured for name in split_names(part)),
        " ".join(dashed),
    )
