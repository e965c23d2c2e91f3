"""Is a result the version of the song that the track is: live, remix, karaoke, …? Pure."""

from __future__ import annotations

from downloads.matching.album_name import ALBUM_KEYS
from downloads.matching.evidence import Evidence
from downloads.matching.features import QueryFeatures, ResultFeatures
from downloads.matching.similarity import similarity
from downloads.matching.title_parser import ParsedTitle
from downloads.matching.version_words import find_versions, implied_by

SAME_DESCRIPTOR = 0.90
COSMETIC_ADDED, COSMETIC_MISSING = 0.95, 0.97  # "Radio Edit": often the very recording; the length decides
DESCRIPTOR_MISSING = 0.90  # "Live" where the track is "Live at Wembley"
REMIXER_MISSING = 0.78  # "Club Mix" where the track is "Ann Remix": mostly somebody else's
DESCRIPTOR_PARTLY = 0.75  # the track has two and one is there: a remix of a remix
BY_ALBUM = 0.93  # the track's version is only named by the album
ALBUM_SAYS_LIVE = 0.78  # the album is called "Live …" on one side only
ALBUM_LENGTH = 2.0  # seconds off from which on any version word in an album's name weighs
ALBUM_OTHER, ALBUM_UNKNOWN, ALBUM_EDITION = 0.98, 0.99, 0.995  # the same recording is sold on many albums
OTHER_VERSION = 0.3

# Versions of which there are many: whose remix, how much slower ("Super Slowed").
_NAMED = frozenset({"remix", "another version", "sped up", "slowed", "nightcore", "altered sound"})
# Albums that are never taken unasked, whatever else agrees.
_ALBUM_VETO = frozenset({"karaoke", "tribute", "8-bit", "nightcore"})


def compare_versions(track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle) -> Evidence:
    """An exclusive version word that stands on one side only is a veto."""
    title, added = track.title, parsed.cosmetic - track.title.cosmetic
    reasons = tuple(f"{key} in this title, not in the song’s" for key in sorted(added))
    if parsed.whole and not parsed.exclusive:
        return Evidence(COSMETIC_ADDED if added else 1.0, reasons)
    allowed = title.exclusive | (track.album.versions & ALBUM_KEYS)
    if unwanted := sorted(parsed.exclusive - allowed - implied_by(allowed)):
        return Evidence(OTHER_VERSION, tuple(f"{key} in this title, not in the song’s" for key in unwanted), veto=True)
    missing = title.exclusive - parsed.exclusive - implied_by(parsed.exclusive)
    if absent := sorted(missing - result.album.versions):
        reasons = tuple(f"{key} in the song’s title, not in this one" for key in absent)
        return Evidence(OTHER_VERSION, reasons, veto=True)
    factor = COSMETIC_ADDED if added else COSMETIC_MISSING if title.cosmetic - parsed.cosmetic else 1.0
    if missing:
        factor *= BY_ALBUM
        reasons += (f"{', '.join(sorted(missing))} only in the name of the album",)
    if not title.exclusive and not title.cosmetic:
        return Evidence(factor, reasons)
    described = _compare_descriptors(title.descriptors, parsed.descriptors, title.exclusive)
    return Evidence(factor * described.factor, reasons + described.reasons, described.veto)


def _compare_descriptors(
    wanted: frozenset[frozenset[str]], given: frozenset[frozenset[str]], exclusive: frozenset[str]
) -> Evidence:
    """Whose remix, where live: another name is another recording; no name leaves it open."""
    if not wanted and not given:
        return Evidence()
    if not wanted or not given:
        factor = REMIXER_MISSING if exclusive & _NAMED else DESCRIPTOR_MISSING
        return Evidence(factor, ("which version is said on one side only",))
    for one in given:
        if not any(_same_descriptor(other, one) for other in wanted):
            return Evidence(OTHER_VERSION, (f"another version: “{' '.join(sorted(one))}”",), veto=True)
    if not all(any(_same_descriptor(one, other) for other in given) for one in wanted):
        return Evidence(DESCRIPTOR_PARTLY, ("names a part of the song’s version only",))
    return Evidence()


def _same_descriptor(wanted: frozenset[str], given: frozenset[str]) -> bool:
    years, other_years = ({word for word in words if word.isdigit() and len(word) == 4} for words in (wanted, given))
    if years and other_years and not years & other_years:
        return False
    if len(wanted & given) / min(len(wanted), len(given)) > 0.5:
        return True
    return similarity(" ".join(sorted(wanted)), " ".join(sorted(given))) >= SAME_DESCRIPTOR


def compare_albums(
    track: QueryFeatures, result: ResultFeatures, seconds_off: float, said_by_others: frozenset[str] = frozenset()
) -> Evidence:
    """What the albums' names say of the version, and whether it is the track's album.

    A version word in the name of an ordinary album weighs only with a second sign: a length that is off, or another
    result from that album whose title says so (``said_by_others``).
    """
    own, other = track.album, result.album
    if own.written and own.text == other.text:
        return Evidence()
    if unwanted := _unwanted_album_versions(track, result, seconds_off, said_by_others):
        veto = bool(_ALBUM_VETO & set(unwanted))
        return Evidence(ALBUM_SAYS_LIVE, (f"the album “{other.written}” says {unwanted[0]}",), veto)
    if missing := _missing_album_versions(track, result):
        return Evidence(ALBUM_SAYS_LIVE, (f"the song’s album “{own.written}” says {missing[0]}, this does not",))
    if not other.written or not own.written:
        return Evidence(ALBUM_UNKNOWN)
    if own.short == other.short:
        return Evidence(ALBUM_EDITION)
    return Evidence(ALBUM_OTHER, (f"from another album, “{other.written}”",))


def _unwanted_album_versions(
    track: QueryFeatures, result: ResultFeatures, seconds_off: float, said_by_others: frozenset[str]
) -> list[str]:
    album = result.album
    allowed = track.title.exclusive | track.versions | track.album.versions
    unwanted = (album.versions & ALBUM_KEYS) - allowed - implied_by(allowed)
    if seconds_off <= ALBUM_LENGTH:
        declared = frozenset() if track.names_album(album) else album.declared
        unwanted &= declared | said_by_others
    return sorted(unwanted)


def _missing_album_versions(track: QueryFeatures, result: ResultFeatures) -> list[str]:
    """Versions that the track's album declares of all its tracks, and nothing of the result says."""
    if track.is_single or not (result.album.written or result.is_video):
        return []
    versions = find_versions(result.text).exclusive | result.album.versions
    return sorted(track.album.declared - track.versions - versions - implied_by(versions))
