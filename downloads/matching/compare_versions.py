"""Is a result the version of the song that the track is: live, remix, karaoke, …? Pure."""

from __future__ import annotations

from downloads.matching.evidence import Evidence
from downloads.matching.features import QueryFeatures, ResultFeatures
from downloads.matching.similarity import similarity
from downloads.matching.title_parser import ParsedTitle
from downloads.matching.version_words import implied_by

SAME_DESCRIPTOR = 0.90
COSMETIC_ADDED, COSMETIC_MISSING = 0.95, 0.97  # "Radio Edit": often the very recording; the length decides
DESCRIPTOR_MISSING = 0.90  # "Live" where the track is "Live at Wembley"
REMIXER_MISSING = 0.78  # "Club Mix" where the track is "Ann Remix": mostly somebody else's
DESCRIPTOR_PARTLY = 0.75  # the track has two and one is there: a remix of a remix
BY_ALBUM = 0.93  # the track's version is only named by the album
ALBUM_SAYS_LIVE = 0.78  # the album is called "Live …", the track is not
ALBUM_OTHER, ALBUM_UNKNOWN, ALBUM_EDITION = 0.98, 0.99, 0.995  # the same recording is sold on many albums
OTHER_VERSION = 0.3

# An album called so holds such recordings throughout, also where its tracks do not say so.
_ALBUM_KEYS = frozenset(["live", "session", "unplugged", "acoustic", "karaoke", "tribute", "cover", "instrumental"])
_ALBUM_KEYS |= {"8-bit", "demo", "nightcore", "sped up", "slowed", "orchestral", "a cappella", "re-recording"}
_ALBUM_VETO = frozenset({"karaoke", "tribute", "8-bit", "nightcore"})


def compare_versions(track: QueryFeatures, result: ResultFeatures, parsed: ParsedTitle) -> Evidence:
    """An exclusive version word that stands on one side only is a veto."""
    title, added = track.title, parsed.cosmetic - track.title.cosmetic
    reasons = tuple(f"{key} in the title, not in the wish" for key in sorted(added))
    if parsed.whole and not parsed.exclusive:
        return Evidence(COSMETIC_ADDED if added else 1.0, reasons)
    allowed = title.exclusive | (track.album.versions & _ALBUM_KEYS)
    if unwanted := sorted(parsed.exclusive - allowed - implied_by(allowed)):
        return Evidence(OTHER_VERSION, tuple(f"{key} in the title, not in the wish" for key in unwanted), veto=True)
    missing = title.exclusive - parsed.exclusive - implied_by(parsed.exclusive)
    if absent := sorted(missing - result.album.versions):
        return Evidence(OTHER_VERSION, tuple(f"{key} is wished, not in the title" for key in absent), veto=True)
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
        factor = REMIXER_MISSING if exclusive & {"remix", "another version"} else DESCRIPTOR_MISSING
        return Evidence(factor, ("which version is said on one side only",))
    for one in given:
        if not any(_same_descriptor(other, one) for other in wanted):
            return Evidence(OTHER_VERSION, (f"another version: “{' '.join(sorted(one))}”",), veto=True)
    if not all(any(_same_descriptor(one, other) for other in given) for one in wanted):
        return Evidence(DESCRIPTOR_PARTLY, ("not all of the wished version is in the title",))
    return Evidence()


def _same_descriptor(wanted: frozenset[str], given: frozenset[str]) -> bool:
    years, other_years = ({word for word in words if word.isdigit() and len(word) == 4} for words in (wanted, given))
    if years and other_years and not years & other_years:
        return False
    if len(wanted & given) / min(len(wanted), len(given)) > 0.5:
        return True
    return similarity(" ".join(sorted(wanted)), " ".join(sorted(given))) >= SAME_DESCRIPTOR


def compare_albums(track: QueryFeatures, result: ResultFeatures) -> Evidence:
    """What the album's name says of the version, and whether it is the track's album."""
    own, other = track.album, result.album
    if not other.written:
        return Evidence(ALBUM_UNKNOWN)
    if own.written and own.text == other.text:
        return Evidence()
    allowed = track.title.exclusive | track.versions | own.versions
    if unwanted := sorted((other.versions & _ALBUM_KEYS) - allowed - implied_by(allowed)):
        veto = bool(_ALBUM_VETO & set(unwanted))
        return Evidence(ALBUM_SAYS_LIVE, (f"the album “{other.written}” says {unwanted[0]}",), veto)
    if own.written and own.short == other.short:
        return Evidence(ALBUM_EDITION)
    if not own.written:
        return Evidence(ALBUM_UNKNOWN)
    return Evidence(ALBUM_OTHER, (f"from another album, “{other.written}”",))
