"""Is this candidate the recording that a track row names? A score, and reasons that a person can read. Pure.

A score is a product: every kind of evidence (title, artists, length, album, …) is a factor in 0..1, so that nothing
makes up for a wrong title or a wrong length. A wrong file is much worse than a question to a person: below
``THRESHOLD`` there is no guess. Some findings are vetoes, whatever the rest says: another kind of recording (live,
remix, karaoke, …) than the one wished, another number in the name, a length that cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from downloads.matching.similarity import likeness
from downloads.matching.title_parser import Names, ParsedTitle, names_of, read
from downloads.matching.title_text import Title, comparable, fold, names_in, scripts, wished, words
from downloads.matching.version_words import IMPLIES, versions_in, without_noise

THRESHOLD = 80.0  # below this a person decides

# Which evidence is worth how much. Factors, with the reason for each.
SAME_NAME = 0.90  # less alike than this is another name, whatever the letters have in common
EXTRA_IN_SONG = 0.78  # a release says something that nothing explains: a person should look
EXTRA_IN_VIDEO = 0.75  # … an upload does: mostly a mix, a fan's edit, a performance
FOREIGN = 0.97  # words in another script beside the name: mostly its translation
OTHER_SCRIPT = 0.6  # the whole name in another script: cannot be compared
TRANSLITERATED = 0.75  # … but artist and length agree: worth a person's look, never a guess
SOFT_ADDED, SOFT_MISSING = 0.95, 0.97  # "Radio Edit": often the very recording; the length decides
DESCRIPTOR_MISSING = 0.90  # "Live" where "Live at Wembley" is wished
REMIXER_MISSING = 0.78  # "Club Mix" where "Ann Remix" is wished: mostly somebody else's
DESCRIPTOR_PARTLY = 0.75  # two are wished and one is there: a remix of a remix
BY_ALBUM = 0.93  # the wished version is only named by the album
ALBUM_SAYS_LIVE = 0.78  # the album is called "Live …", the track is not
FEATURES_MISSING = 0.98  # services often list the main artist only
MAIN_ARTIST_MISSING = 0.86  # another of the wished artists stands there: remixers, conductors
MORE_ARTISTS = 0.98  # somebody else is named too
FIRST_ARTIST_OTHER = 0.93  # … and named first
ARTIST_IN_TITLE = 0.93  # an upload by somebody else whose title names the artist
UPLOADER_NAMED = 0.97  # … and its uploader too: a trademark, or whoever plays it; the length has to agree
UPLOADER_FIRST = 0.85  # … and its uploader first, where performers stand
ARTIST_UNKNOWN = 0.88  # no artist on either side: unknown, not unequal
ARTIST_SCRIPT = 0.93  # names in scripts that cannot be compared
VIDEO = 0.94  # a video's sound may have an intro, a scene, a cut; songs come first
UPLOAD_UNKNOWN = 0.90  # a video, and one of artist or length is unknown
VIDEO_LENGTH = 1.5  # seconds off weigh more in an upload
LENGTH_UNKNOWN = 0.91  # privacy exports have no length
ALBUM_OTHER, ALBUM_UNKNOWN = 0.98, 0.99  # the same recording is sold on many albums
EXPLICIT_OTHER = 0.97  # labels set the flag carelessly: the right releases of explicit tracks are often unmarked
ISRC_SAME = 92.0  # the source says that it is this very recording: floor for titles that are written otherwise

# Seconds beyond rounding -> factor, read in straight lines. The proof after the fetch allows max(5 s, 3 %):
# what is announced to be further off would only be fetched to be thrown away, and is a veto.
# Between two releases of one recording the recorded searches show 2.1 s at most; from 5 s on it is another cut.
LENGTH_CURVE = ((0.0, 1.0), (1.0, 0.995), (2.0, 0.97), (4.0, 0.92), (5.0, 0.82), (6.0, 0.76), (8.0, 0.7), (12.0, 0.4))
LENGTH_VETO = 12.0  # seconds beyond rounding, at the scale of a song
_AMBIGUOUS_SPREAD_MS = 15_000  # with no length to go by, candidates this far apart are different recordings
_AMBIGUOUS_SCORE = 1.0

# An album called so holds such recordings throughout, also where its tracks do not say so.
_ALBUM_KEYS = frozenset(["live", "session", "unplugged", "acoustic", "karaoke", "tribute", "cover", "instrumental"])
_ALBUM_KEYS |= {"8-bit", "demo", "nightcore", "sped up", "slowed", "orchestral", "a cappella", "re-recording"}
_ALBUM_VETO = frozenset({"karaoke", "tribute", "8-bit", "nightcore"})


@dataclass(frozen=True, slots=True)
class TrackQuery:
    """What a track row says. ``duration_ms`` None, ``""`` and ``()`` mean unknown; artists in billing order."""

    title: str
    artists: tuple[str, ...]
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search answered. ``kind`` is "song" (a release), "video" (an upload) or "file" (one's own server)."""

    id: str
    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None
    url: str = ""
    kind: str = "song"
    isrc: str = ""
    explicit: bool | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate's score, 0..100, the sentences that explain it, and whether something forbids it."""

    candidate: SearchResult
    score: float
    reasons: tuple[str, ...]
    vetoed: bool


@dataclass(frozen=True, slots=True)
class _Finding:
    factor: float = 1.0
    reasons: tuple[str, ...] = ()
    veto: bool = False


def score(wish: TrackQuery, candidate: SearchResult) -> Scored:
    """Compare one candidate with the wish. Never raises, whatever the texts are."""
    title = wished(wish.title, wish.artists)
    names = names_of(wish.artists, candidate.artists, wish.album)
    reading = _as_written(wish, candidate) or read(candidate.title, title, names)
    artists, lengths = _compare_artists(wish, title, candidate, reading, names), _compare_lengths(wish, candidate)
    rest_agrees = artists.factor >= ARTIST_SCRIPT and lengths.factor >= LENGTH_CURVE[2][1] - 0.01
    findings = [
        _compare_names(reading, candidate, rest_agrees),
        _compare_versions(title, reading, wish, candidate),
        artists,
        lengths,
        _compare_albums(wish, title, candidate),
        _compare_explicit(wish, candidate, reading),
        _compare_kind(wish, candidate),
    ]
    total = 100.0
    for finding in findings:
        total *= finding.factor
    reasons = tuple(reason for finding in findings for reason in finding.reasons)
    vetoed = any(finding.veto for finding in findings)
    if wish.isrc and wish.isrc == candidate.isrc and not vetoed and lengths.factor > 0.9:
        total, reasons = max(total, ISRC_SAME), (*reasons, "same ISRC")
    return Scored(candidate, round(min(total, 100.0), 2), reasons or ("title, artists and length agree",), vetoed)


def rank(wish: TrackQuery, candidates: Iterable[SearchResult]) -> list[Scored]:
    """All candidates, best first, vetoed last; equals in the order of the search, more often played videos first."""
    scored = [score(wish, candidate) for candidate in candidates]
    return sorted(scored, key=lambda one: (one.vetoed, -one.score, -(one.candidate.views or 0)))


def acceptable(scored: Scored) -> bool:
    """Whether the candidate may be taken without asking."""
    return scored.score >= THRESHOLD and not scored.vetoed


def choose(wish: TrackQuery, candidates: Iterable[SearchResult]) -> Scored | None:
    """The best acceptable candidate, or None: a person has to decide."""
    fit = [one for one in rank(wish, candidates) if acceptable(one)]
    if not fit or (wish.duration_ms is None and _ambiguous(fit)):
        return None
    return fit[0]


def _ambiguous(fit: list[Scored]) -> bool:
    """Whether the best candidates are recordings of clearly different length, with none known to be wished."""
    near = [one.candidate for one in fit if fit[0].score - one.score <= _AMBIGUOUS_SCORE]
    lengths = [one.duration_ms for one in near if one.duration_ms is not None]
    return bool(lengths) and max(lengths) - min(lengths) > _AMBIGUOUS_SPREAD_MS


def _as_written(wish: TrackQuery, candidate: SearchResult) -> ParsedTitle | None:
    """The reading of a title that equals the wished one as written: there is nothing to interpret."""
    if fold(wish.title) != fold(candidate.title):
        return None
    none: frozenset[str] = frozenset()
    return ParsedTitle(1.0, none, none, frozenset(), True, (), (), none, False, True)


def _compare_names(reading: ParsedTitle, candidate: SearchResult, rest_agrees: bool) -> _Finding:
    if not reading.comparable and rest_agrees:
        return _Finding(TRANSLITERATED, ("title in another script, perhaps the same: needs a decision",))
    if not reading.comparable:
        return _Finding(OTHER_SCRIPT, ("title in another script, cannot be compared",))
    if reading.other_number:
        return _Finding(0.5, ("another number in the title",), veto=True)
    if reading.closeness < SAME_NAME - 0.01:
        return _Finding(reading.closeness**2 * 0.6, ("another title",))
    factor, reasons = min(1.0, reading.closeness + 0.003), []
    if reading.closeness < 0.98:
        reasons.append("title written a little differently")
    for extra in reading.extras:
        factor *= EXTRA_IN_VIDEO if candidate.kind == "video" else EXTRA_IN_SONG
        reasons.append(f"“{extra}” in the title, not in the wish")
    if reading.foreign:
        factor *= FOREIGN
        reasons.append("more words in another script in the title")
    return _Finding(factor, tuple(reasons))


def _compare_versions(title: Title, reading: ParsedTitle, wish: TrackQuery, candidate: SearchResult) -> _Finding:
    """Live, remix, karaoke, …: what is not wished is a veto, and so is what is wished and not there."""
    if reading.covers_versions and not reading.hard:
        return _Finding(SOFT_ADDED if reading.soft - title.soft else 1.0, _soft_reasons(reading.soft - title.soft))
    wish_album = versions_in(fold(wish.album)).hard & _ALBUM_KEYS if wish.album else frozenset()
    album = versions_in(fold(candidate.album)).hard if candidate.album else frozenset()
    allowed = title.hard | wish_album | {implied for key in title.hard | wish_album for implied in IMPLIES.get(key, ())}
    said = reading.hard | {implied for key in reading.hard for implied in IMPLIES.get(key, ())}
    if unwished := sorted(reading.hard - allowed):
        return _Finding(0.3, tuple(f"{key} in the title, not in the wish" for key in unwished), veto=True)
    missing = title.hard - said
    if missing - album:
        return _Finding(0.3, tuple(f"{key} is wished, not in the title" for key in sorted(missing - album)), veto=True)
    factor, reasons = 1.0, list(_soft_reasons(reading.soft - title.soft))
    factor *= SOFT_ADDED if reading.soft - title.soft else SOFT_MISSING if title.soft - reading.soft else 1.0
    if missing:
        factor *= BY_ALBUM
        reasons.append(f"{', '.join(sorted(missing))} only in the name of the album")
    described = _Finding()
    if title.hard or title.soft:
        described = _compare_descriptors(title.descriptors, reading.descriptors, title.hard)
    return _Finding(factor * described.factor, (*reasons, *described.reasons), described.veto)


def _soft_reasons(added: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{key} in the title, not in the wish" for key in sorted(added))


def _compare_descriptors(
    wanted: frozenset[frozenset[str]], given: frozenset[frozenset[str]], hard: frozenset[str]
) -> _Finding:
    """Whose remix, where live: another name is another recording; no name leaves it open."""
    if not wanted and not given:
        return _Finding()
    if not wanted or not given:
        factor = REMIXER_MISSING if hard & {"remix", "another version"} else DESCRIPTOR_MISSING
        return _Finding(factor, ("which version is said on one side only",))
    for one in given:
        if not any(_same_descriptor(other, one) for other in wanted):
            return _Finding(0.3, (f"another version: “{' '.join(sorted(one))}”",), veto=True)
    if not all(any(_same_descriptor(one, other) for other in given) for one in wanted):
        return _Finding(DESCRIPTOR_PARTLY, ("not all of the wished version is in the title",))
    return _Finding()


def _same_descriptor(wanted: frozenset[str], given: frozenset[str]) -> bool:
    years, other_years = ({word for word in one if word.isdigit() and len(word) == 4} for one in (wanted, given))
    if years and other_years and not years & other_years:
        return False
    if len(wanted & given) / min(len(wanted), len(given)) > 0.5:
        return True
    return likeness(" ".join(sorted(wanted)), " ".join(sorted(given))) >= SAME_NAME


def _compare_artists(
    wish: TrackQuery, title: Title, candidate: SearchResult, reading: ParsedTitle, names: Names
) -> _Finding:
    wanted = [artist for artist in wish.artists if artist.strip()]
    listed = [artist for artist in candidate.artists if artist.strip()]
    if not wanted or (not listed and not reading.named):
        return _Finding(ARTIST_UNKNOWN, ("artist unknown",))
    if guests := _guests(wish, title, candidate):
        return _Finding(EXTRA_IN_SONG, (f"with {', '.join(guests)}, not in the wish",))
    own = [_is_listed(artist, listed) for artist in wanted]
    named = [set(name) <= reading.named for name in names.artists]
    if own[0]:
        return _others(wanted, listed, [one or other for one, other in zip(own, named, strict=True)], title)
    if any(own) and (named[0] or len(wanted) > 1):
        factor = ARTIST_IN_TITLE if named[0] else MAIN_ARTIST_MISSING
        return _Finding(factor, (f"listed under {listed[0]}, not under {wanted[0]}",))
    if named[0] and candidate.kind != "song":
        factor, reasons = _uploaders_share(candidate.title, listed, names)
        return _Finding(factor * (ARTIST_IN_TITLE if listed else 0.97), (f"{wanted[0]} only in the title", *reasons))
    if len(wanted) == 1 and (first := _first_of(wanted[0])) and _is_listed(first, listed):
        return _Finding(0.95, (f"listed: {first}, wished as one name: {wanted[0]}",))
    if listed and not any(comparable(fold(wanted[0]), fold(one)) for one in listed) and candidate.kind != "video":
        return _Finding(ARTIST_SCRIPT, ("artist in another script, cannot be compared",))
    return _Finding(0.3, (f"another artist: {', '.join(listed)}",) if listed else ("artist not named",))


def _guests(wish: TrackQuery, title: Title, candidate: SearchResult) -> list[str]:
    """Guests that a release's title names and the wish does not: made with them, it is another recording.

    Only where the wish names all its artists (privacy exports, which have no lengths either, name the first alone).
    """
    if candidate.kind == "video" or wish.duration_ms is None:
        return []
    known = [fold(artist) for artist in wish.artists]
    mentioned = {word for name in (*known, title.whole, fold(wish.album)) for word in words(name)}
    named = wished(candidate.title, candidate.artists).featured
    alone = [name for name in named if not any(other != name and other in name for other in named)]
    guests = [name for name in sorted(alone) if without_noise(name) and not set(words(name)) <= mentioned]
    guests = [name for name in guests if max((likeness(name, artist) for artist in known), default=0) < 0.8]
    return guests if all(comparable(name, artist) for name in guests for artist in known) else []


def _uploaders_share(title: str, listed: list[str], names: Names) -> tuple[float, tuple[str, ...]]:
    """What it is worth that an upload's title names its uploader beside the artist: many play songs of others."""
    uploader = " ".join(words(fold(listed[0]))) if listed else ""
    text = " ".join(words(fold(title)))
    if not uploader or set(uploader.split()) <= names.artist_words or f" {uploader} " not in f" {text} ":
        return 1.0, ()
    first = text.startswith(f"{uploader} ")
    return UPLOADER_FIRST if first else UPLOADER_NAMED, (f"its title names {listed[0]} too",)


def _others(wanted: list[str], listed: list[str], found: list[bool], title: Title) -> _Finding:
    """The main artist is there: what the other names on both sides are worth."""
    factor, reasons = 1.0, []
    comparable_scripts = scripts(fold(" ".join(wanted))) <= scripts(fold(" ".join(listed)))
    if not all(found):
        factor *= FEATURES_MISSING
        missing = [artist for artist, there in zip(wanted, found, strict=True) if not there]
        reasons.append(f"not listed: {', '.join(missing)}")
    unknown = [one for one in listed if not any(_is_listed(artist, [one]) for artist in wanted)]
    featured = {word for name in title.featured for word in words(name)}
    unknown = [one for one in unknown if not set(words(fold(one))) <= featured]
    if unknown and comparable_scripts:
        factor *= FIRST_ARTIST_OTHER if unknown[0] == listed[0] else MORE_ARTISTS
        reasons.append(f"also by {', '.join(unknown)}")
    return _Finding(factor, tuple(reasons))


def _first_of(artist: str) -> str:
    """The first name of several in one field, as some exports write them, or ""."""
    first, comma, _ = artist.replace(";", ",").partition(",")
    return first.strip() if comma else ""


def _is_listed(artist: str, listed: list[str]) -> bool:
    """Whether ``artist`` is one of ``listed``, written alike, joined with others, or as a channel ("… - Topic")."""
    wanted = {" ".join(words(fold(artist)))}
    given = {" ".join(words(name)) for one in listed for name in names_in(one)}
    if wanted & given or {name.replace(" ", "") for name in wanted} & {name.replace(" ", "") for name in given}:
        return True
    if any(likeness(one, other) >= 0.93 for one in wanted for other in given if min(len(one), len(other)) >= 6):
        return True
    parts = {" ".join(words(part)) for part in names_in(artist)} - wanted
    return bool(parts) and parts <= given


def _compare_lengths(wish: TrackQuery, candidate: SearchResult) -> _Finding:
    if wish.duration_ms is None or candidate.duration_ms is None:
        return _Finding(LENGTH_UNKNOWN, ("length unknown",))
    seconds = wish.duration_ms / 1000
    off = abs(candidate.duration_ms - wish.duration_ms) / 1000
    beyond = max(0.0, off - 1.0) * _length_scale(seconds)  # services round up or down
    reason = (f"length {off:.0f} s off",) if off >= 1.5 else ()
    if candidate.kind == "video":
        beyond *= VIDEO_LENGTH  # the difference is a scene or a title, not rounding
    factor = _on_curve(beyond) * (1 - 0.002 * min(off, 5))
    return _Finding(factor, reason, veto=beyond > LENGTH_VETO or off - 1 > max(5.0, 0.03 * seconds))


def _length_scale(seconds: float) -> float:
    """Three seconds are much for a jingle and little for a symphony: how much a second weighs."""
    if seconds <= 0 or 60 <= seconds <= 600:
        return 1.0
    return min(4.0, 60 / seconds) if seconds < 60 else max(0.4, 600 / seconds)


def _on_curve(value: float) -> float:
    for (left, high), (right, low) in pairwise(LENGTH_CURVE):
        if value <= right:
            return high + (low - high) * (value - left) / (right - left)
    return 0.0


def _compare_albums(wish: TrackQuery, title: Title, candidate: SearchResult) -> _Finding:
    if not candidate.album:
        return _Finding(ALBUM_UNKNOWN)
    if wish.album and fold(wish.album) == fold(candidate.album):
        return _Finding()
    allowed = title.hard | versions_in(title.whole).hard | (versions_in(fold(wish.album)).hard if wish.album else set())
    allowed |= {implied for key in allowed for implied in IMPLIES.get(key, ())}
    unwished = sorted((versions_in(fold(candidate.album)).hard & _ALBUM_KEYS) - allowed)
    if unwished:
        veto = bool(_ALBUM_VETO & set(unwished))
        return _Finding(ALBUM_SAYS_LIVE, (f"the album “{candidate.album}” says {unwished[0]}",), veto)
    if wish.album and wished(wish.album, ()).short == wished(candidate.album, ()).short:
        return _Finding(0.995)
    if not wish.album:
        return _Finding(ALBUM_UNKNOWN)
    return _Finding(ALBUM_OTHER, (f"from another album, “{candidate.album}”",))


def _compare_explicit(wish: TrackQuery, candidate: SearchResult, reading: ParsedTitle) -> _Finding:
    if wish.explicit and "clean" in reading.soft:
        return _Finding(0.8, ("the clean cut of an explicit track",))
    if wish.explicit is None or candidate.explicit is None or wish.explicit == candidate.explicit:
        return _Finding()
    said = "marked explicit, the wish is not" if candidate.explicit else "not marked explicit, the wish is"
    return _Finding(EXPLICIT_OTHER, (said,))


def _compare_kind(wish: TrackQuery, candidate: SearchResult) -> _Finding:
    if candidate.kind != "video":
        return _Finding()
    unknown = wish.duration_ms is None or candidate.duration_ms is None or not wish.artists
    return _Finding(VIDEO * (UPLOAD_UNKNOWN if unknown else 1), ("a video, not a release",))
