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
GUEST_MISSING = 0.78  # … without a guest whom the track names
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
ARTIST_SCRIPT_FAR = 0.8  # … on another album and seconds off: as often somebody else's song of that name
ARTIST_SCRIPT_AGREES = 0.99  # … and title, album and length agree
SAME_TITLE, SAME_LENGTH = 0.98, 1.0  # similarity and seconds that count as agreement then
OTHER_LENGTH = 2.0  # seconds from which on nothing speaks for it
OTHER_ARTIST = 0.3

_SAME_NAME = 0.93  # similarity of two spellings of one name …
_LONG_NAME = 6  # … of at least so many characters
_ALMOST_SAME_GUEST = 0.8


def compare_artists(track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle) -> Evidence:
    """Compare the listed artists, and where an upload lists others, the names in its title."""
    if not track.artists or (not result.artists and not parsed.named):
        return Evidence(ARTIST_UNKNOWN, ("artist unknown",))
    if guests := _added_guests(track, result):
        return Evidence(GUEST_ADDED, (f"with {', '.join(guests)}, whom the song does not name",))
    listed = [is_listed(artist, result.artists) for artist in track.artists]
    in_title = [_is_named(artist, result, parsed) for artist in track.artists]
    present = [one or other for one, other in zip(listed, in_title, strict=True)]
    if listed[0]:
        evidence = _compare_others(track, result, present)
    else:
        evidence = _compare_without_main(track, result, listed, in_title)
    if evidence.factor > GUEST_MISSING and (guests := _missing_guests(track, result, parsed, present)):
        return Evidence(GUEST_MISSING, (f"without {', '.join(guests)}",))
    return evidence


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
        return Evidence(ARTISTS_AS_ONE_NAME, (f"listed: {first}, the song has one name: {main.written}",))
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
    alone = _single_names(result.title.featured)
    if not alone:
        return []
    mentioned = {word for text in (track.title.whole, track.album.text) for word in name_words(text)}
    mentioned |= track.artist_words
    guests = [name for name in alone if strip_noise(name) and not set(name_words(name)) <= mentioned]
    own = [artist.text for artist in track.artists]
    guests = [name for name in guests if max(similarity(name, artist) for artist in own) < _ALMOST_SAME_GUEST]
    return guests if all(share_script(name, artist) for name in guests for artist in own) else []


def _missing_guests(
    track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle, present: list[bool]
) -> list[str]:
    """Guests of the track that the result names nowhere: made without them, it is another recording.

    One's own files are named too sparsely to say so. A guest in another script may be any name that the result has and
    the track has not. A named version ("Ann Remix") is one recording, whether its artists' list is whole or not.
    """
    if result.result.kind == "file" or (all(present) and not track.title.featured):
        return []
    in_title = [ArtistName.of(name) for name in _single_names(track.title.featured) if strip_noise(name)]
    names = {*result.artist_words, *track.artist_words, *result.words.split()}
    in_title = [one for one in in_title if not set(one.words) <= names]
    is_named_version = bool(track.title.descriptors and (parsed.whole or parsed.descriptors))
    listed = [artist for artist, there in zip(track.artists[1:], present[1:], strict=True) if not there]
    listed = [one for one in listed if not is_named_version or not set(one.words).isdisjoint(track.title.whole.split())]
    missing = [*listed, *in_title]
    if any(share_script(one.text, other.text) for one in missing for other in result.artists):
        return [one.written for one in missing]
    return [one.written for one in missing] if len(missing) > len(_unknown_names(track, result)) else []


def _unknown_names(track: QueryFeatures, result: ResultFeatures) -> set[str]:
    """The names that the result lists or features, and that are none of the track's artists."""
    names = {key for one in result.artists if one.key not in _keys(track.artists) for key in one.keys}
    names |= {" ".join(name_words(name)) for name in result.title.featured}
    return set(_single_names(frozenset(names))) - _keys(track.artists)


def _keys(artists: Sequence[ArtistName]) -> set[str]:
    return {alias for artist in artists for alias in artist.aliases}


def _single_names(names: frozenset[str]) -> list[str]:
    """Of "a & b", "a" and "b": those that hold no other."""
    return [name for name in sorted(names) if not any(other != name and other in name for other in names)]


def _is_named(artist: ArtistName, result: ResultFeatures, parsed: ParsedTitle) -> bool:
    """Whether the result's title names the artist, in one of the scripts of the name."""
    return any(set(alias.split()) <= parsed.named or f" {alias} " in result.words for alias in artist.aliases if alias)


def in_own_script(
    evidence: Evidence, track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle, seconds_off: float
) -> Evidence:
    """Only the artist is written in another script: agreement where title, album and length say that it is the one.

    A question where album and length say otherwise.
    """
    is_same_album = bool(track.album.text) and track.album.text == result.album.text and not track.is_single
    has_lengths = None not in (track.query.duration_ms, result.result.duration_ms)
    agrees = parsed.comparable and parsed.similarity >= SAME_TITLE and has_lengths and seconds_off <= SAME_LENGTH
    if evidence.factor == ARTIST_SCRIPT and is_same_album and agrees:
        return Evidence(ARTIST_SCRIPT_AGREES, ("artist in another script; title, album and length agree",))
    if evidence.factor == ARTIST_SCRIPT and not is_same_album and seconds_off > OTHER_LENGTH:
        return Evidence(ARTIST_SCRIPT_FAR, evidence.reasons)
    return evidence


def _uploader_in_title(track: QueryFeatures, result: ResultFeatures) -> tuple[float, tuple[str, ...]]:
    """What it is worth that an upload's title names its uploader beside the artist: many play songs of others."""
    uploader = result.artists[0].key if result.artists else ""
    if not uploader or set(uploader.split()) <= track.artist_words or f" {uploader} " not in result.words:
        return 1.0, ()
    first = result.words.startswith(f" {uploader} ")
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
    joined = {key for artist in track.artists for key in artist.keys}
    unknown = [one for one in unknown if not set(one.words) <= featured and not one.aliases & joined]
    if unknown and _scripts_of(track.artists) <= _scripts_of(result.artists):
        factor *= _factor_of_others(track, result, is_first=unknown[0] == result.artists[0])
        reasons.append(f"also by {', '.join(one.written for one in unknown)}")
    return Evidence(factor, tuple(reasons))


def _factor_of_others(track: QueryFeatures, result: ResultFeatures, is_first: bool) -> float:
    """What it is worth that a result lists somebody whom the track does not.

    A release with another artist is as often made anew with them as not, unless it is the track's own album. Privacy
    exports, which have no lengths, name the first artist only.
    """
    is_same_album = bool(track.album.text) and track.album.text == result.album.text and not track.is_single
    if result.result.kind == "song" and track.query.duration_ms is not None and not is_same_album:
        return GUEST_ADDED
    return FIRST_ARTIST_OTHER if is_first else MORE_ARTISTS


def _scripts_of(artists: Sequence[ArtistName]) -> frozenset[str]:
    return scripts(normalise(" ".join(artist.written for artist in artists)))


def _first_name(artist: str) -> str:
    """The first name of several in one field, as some exports write them, or ""."""
    first, comma, _ = artist.replace(";", ",").partition(",")
    return first.strip() if comma else ""


def is_listed(artist: ArtistName, listed: Sequence[ArtistName]) -> bool:
    """Whether ``artist`` is in ``listed``: in another spelling, joined with others, or as a channel ("… - Topic")."""
    keys = {key for one in listed for key in one.keys}
    if artist.aliases & keys or artist.key.replace(" ", "") in {key.replace(" ", "") for key in keys}:
        return True
    if len(artist.key) >= _LONG_NAME and any(
        similarity(artist.key, key) >= _SAME_NAME for key in keys if len(key) >= _LONG_NAME
    ):
        return True
    parts = artist.keys - artist.aliases
    return bool(parts) and parts <= keys
