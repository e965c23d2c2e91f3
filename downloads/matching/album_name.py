"""Which version words in an album's name speak of all its tracks. Pure."""

from __future__ import annotations

import re

from downloads.matching.title_text import Segment, descriptor, split_segments
from downloads.matching.version_words import find_versions

# An album called so may hold such recordings throughout, also where its tracks do not say so.
ALBUM_KEYS = frozenset(["live", "session", "unplugged", "acoustic", "karaoke", "tribute", "cover", "instrumental"])
ALBUM_KEYS |= {"8-bit", "demo", "nightcore", "sped up", "slowed", "orchestral", "a cappella", "re-recording"}

# Words of live recordings that are words of ordinary editions too: "Album (Tour Edition)".
_ORDINARY = frozenset({"tour", "festival", "session", "sessions", "performance"})
# Words that declare a version wherever they stand.
_DECLARING = re.compile(
    r"(?<!\S)(?:(?:live|recorded) (?:at|in|from|on|im|aus|en|à|al|dal|no|na|w)(?!\S)"
    r"|live (?:\d|sessions?|recordings?|album|concerts?|tour|ep|set)"
    r"|karaoke|backing tracks?"
    r"|unplugged|in concert|en concierto|en vivo|ao vivo|dal vivo|na żywo|tribute to|renditions? of|nightcore|8 ?bit)"
)
# An album's whole name can be an ordinary word ("Tribute", "Cover"); these are rarely one.
_DECLARING_ALONE = frozenset({"live", "acoustic", "instrumental", "demo", "a cappella", "unplugged", "karaoke"})


def declared_versions(album: str) -> frozenset[str]:
    """The versions that an album's name declares: "Live at the Hall", "Name (Demos)", not "The Hilltop Sessions"."""
    declared: frozenset[str] = frozenset()
    for number, segment in enumerate(split_segments(album)):
        declared |= _declared_by(segment, is_first=number == 0)
    return declared & ALBUM_KEYS


def _declared_by(segment: Segment, is_first: bool) -> frozenset[str]:
    versions = find_versions(segment.text)
    if _DECLARING.search(segment.text):
        return versions.exclusive
    if descriptor(versions) - versions.years:  # other words beside it: a name
        return frozenset()
    versions = find_versions(" ".join(word for word in segment.text.split() if word not in _ORDINARY))
    return versions.exclusive & _DECLARING_ALONE if is_first and not segment.bracketed else versions.exclusive
