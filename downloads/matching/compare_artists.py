"""Are the artists of a result those of the track? Pure."""

from __future__ import annotations

from collections.abc import Sequence

from downloads.matching.evidence import Evidence
from downloads.matching.features import ArtistName, QueryFeatures, ResultFeatures
from downloads.matching.similarity import similarity
from downloads.matching.title_parser import ParsedTitle
from downloads.matching.title_text import name_words, normalise, scripts, share_script
from downloads.matching.version_words import strip_noise

GUEST_ADDED = 0.78  # a release with a guest that the track does not name: a person should look
FEATURES_MISSING = 0.98  # services often list the main artist only
MAIN_ARTIST_MISSING = 0.86  # another of the track's artists stands there: remixers, conductors
MORE_ARTISTS = 0.98  # somebody else is named too
FIRST_ARTIST_OTHER = 0.93  # … and named first
ARTIST_IN_TITLE = 0.93  # an upload by somebody else whose title names the artist
ARTIST_ONLY_IN_TITLE = 0.97  # … and whose uploader is unknown
UPLOADER_NAMED = 0.97  # … and its uploader too: a trademark, or whoever plays it; the length has to agree
UPLOADER_FIRST = 0.85  # … and its uploader first, where performers stand
ARTISTS_AS_ONE_NAME = 0.95  # "Ann, Bo" in one field, and only Ann is listed
ARTIST_UNKNOWN = 0.88  # no artist on either side: unknown, not unequal
ARTIST_SCRIPT = 0.93  # names in scripts that cannot be compared
OTHER_ARTIST = 0.3

_SAME_NAME = 0.93  # similarity of two spellings of one name …
_LONG_NAME = 6  # … of at least so many characters
_ALMOST_SAME_GUEST = 0.8


def compare_artists(track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle) -> Evidence:
    """Compare the listed artists, and where an upload lists others, the names in its title."""
    if not track.artists or (not result.artists and not parsed.named):
        return Evidence(ARTIST_UNKNOWN, ("artist unknown",))
    if guests := _added_guests(track, result):
        return Evidence(GUEST_ADDED, (f"with {', '.join(guests)}, not in the wish",))
    listed = [is_listed(artist, result.artists) for artist in track.artists]
    in_title = [set(artist.words) <= parsed.named for artist in track.artists]
    if listed[0]:
        return _compare_others(track, result, [one or other for one, other in zip(listed, in_title, strict=True)])
    return _compare_without_main(track, result, listed, in_title)


def _compare_without_main(
    track: QueryFeatures, result: ResultFeatures, listed: list[bool], in_title: list[bool]
) -> Evidence:
    """The track's main artist is not listed: who is, and whether that is agreement."""
    main, others = track.artists[0], result.artists
    if any(listed) and (in_title[0] or len(track.artists) > 1):
        factor = ARTIST_IN_TITLE if in_title[0] else MAIN_ARTIST_MISSING
        return Evidence(factor, (f"listed under {others[0].written}, not under {main.written}",))
    if in_title[0] and result.result.kind != "song":
        factor, reasons = _uploader_in_title(track, result)
        factor *= ARTIST_IN_TITLE if others else ARTIST_ONLY_IN_TITLE
        return Evidence(factor, (f"{main.written} only in the title", *reasons))
    first = _first_name(main.written)
    if len(track.artists) == 1 and first and is_listed(ArtistName.of(first), others):
        return Evidence(ARTISTS_AS_ONE_NAME, (f"listed: {first}, wished as one name: {main.written}",))
    if others and not result.is_video and not any(share_script(main.text, other.text) for other in others):
        return Evidence(ARTIST_SCRIPT, ("artist in another script, cannot be compared",))
    names = ", ".join(other.written for other in others)
    return Evidence(OTHER_ARTIST, (f"another artist: {names}",) if others else ("artist not named",))


def _added_guests(track: QueryFeatures, result: ResultFeatures) -> list[str]:
    """Guests that a release's title names and the track does not: made with them, it is another recording.

    Only where the track names all its artists (privacy exports, which have no lengths either, name the first alone).
    """
    if result.is_video or track.query.duration_ms is None:
        return []
    named = result.featured
    alone = [name for name in sorted(named) if not any(other != name and other in name for other in named)]
    if not alone:
        return []
    mentioned = {word for text in (track.title.whole, track.album.text) for word in name_words(text)}
    mentioned |= track.artist_words
    guests = [name for name in alone if strip_noise(name) and not set(name_words(name)) <= mentioned]
    own = [artist.text for artist in track.artists]
    guests = [name for name in guests if max(similarity(name, artist) for artist in own) < _ALMOST_SAME_GUEST]
    return guests if all(share_script(name, artist) for name in guests for artist in own) else []


def _uploader_in_title(track: QueryFeatures, result: ResultFeatures) -> tuple[float, tuple[str, ...]]:
    """What it is worth that an upload's title names its uploader beside the artist: many play songs of others."""
    uploader = result.artists[0].key if result.artists else ""
    text = " ".join(name_words(result.text))
    if not uploader or set(uploader.split()) <= track.artist_words or f" {uploader} " not in f" {text} ":
        return 1.0, ()
    first = text.startswith(f"{uploader} ")
    return UPLOADER_FIRST if first else UPLOADER_NAMED, (f"its title names {result.artists[0].written} too",)


def _compare_others(track: QueryFeatures, result: ResultFeatures, present: list[bool]) -> Evidence:
    """The main artist is there: what the other names on both sides are worth."""
    factor, reasons = 1.0, []
    if not all(present):
        factor *= FEATURES_MISSING
        missing = [artist.written for artist, there in zip(track.artists, present, strict=True) if not there]
        reasons.append(f"not listed: {', '.join(missing)}")
    unknown = [one for one in result.artists if not any(is_listed(artist, [one]) for artist in track.artists)]
    featured = {word for name in track.title.featured for word in name_words(name)}
    unknown = [one for one in unknown if not set(one.words) <= featured]
    if unknown and _scripts_of(track.artists) <= _scripts_of(result.artists):
        factor *= FIRST_ARTIST_OTHER if unknown[0] == result.artists[0] else MORE_ARTISTS
        reasons.append(f"also by {', '.join(one.written for one in unknown)}")
    return Evidence(factor, tuple(reasons))


def _scripts_of(artists: Sequence[ArtistName]) -> frozenset[str]:
    return scripts(normalise(" ".join(artist.written for artist in artists)))


def _first_name(artist: str) -> str:
    """The first name of several in one field, as some exports write them, or ""."""
    first, comma, _ = artist.replace(";", ",").partition(",")
    return first.strip() if comma else ""


def is_listed(artist: ArtistName, listed: Sequence[ArtistName]) -> bool:
    """Whether ``artist`` is in ``listed``: in another spelling, joined with others, or as a channel ("… - Topic")."""
    given = {key for one in listed for key in one.keys}
    if artist.key in given or artist.key.replace(" ", "") in {key.replace(" ", "") for key in given}:
        return True
    if len(artist.key) >= _LONG_NAME and any(
        similarity(artist.key, key) >= _SAME_NAME for key in given if len(key) >= _LONG_NAME
    ):
        return True
    parts = artist.keys - {artist.key}
    return bool(parts) and parts <= given
