"""What can go wrong while getting one track: whose fault it is, how to say it, what to do about it.

Pure. `ERROR_KINDS` is the one table; `classify` finds the kind in a tool's own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.text.sanitize import one_line

TRACK = "track"  # this track cools down
CANDIDATE = "candidate"  # the next candidate is tried in the same attempt; none left: the track cools down
SERVICE = "service"  # everybody's at once: the service pauses and the attempt is given back


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """``fault`` is one of TRACK, CANDIDATE, SERVICE.

    ``service`` is the service that pauses when the fault is the service's own. Where a *track's* fault names a
    service, the kind counts against the track until several different tracks in a row have met it.
    ``sentence`` is for people, ``cure`` says what helps. ``bans`` is True where the *content* failed its proof:
    only such a candidate is never taken again.
    """

    fault: str
    service: str
    sentence: str
    cure: str
    bans: bool = False


_WAIT = "Nothing to do: it is tried again by itself."
_OTHER = "Another recording is tried; you can also choose one yourself."
_DECIDE = "Choose a recording on the track's page, or search with other words."
_CHOOSE = "Choose another one, or take this one back and let the program choose."
_YTDLP = "Update yt-dlp, then try again."
_DISK = "See to the disk that holds the music folder; fetching goes on by itself afterwards."

ERROR_KINDS: dict[str, ErrorKind] = {
    # Nothing to fetch.
    "no_match": ErrorKind(TRACK, "", "No recording was found that fits this track.", _DECIDE),
    "needs_decision": ErrorKind(TRACK, "", "No recording fits well enough to take it unasked.", _DECIDE),
    "choice_failed": ErrorKind(TRACK, "", "The recording that a person chose cannot be used.", _CHOOSE),
    # Fetched, and nowhere to put it.
    "no_free_name": ErrorKind(
        TRACK, "", "Every name that this track could have is taken by other files.", "Move or rename those files."
    ),
    # One recording cannot be had; another one may.
    "unavailable": ErrorKind(CANDIDATE, "", "The recording is not available.", _OTHER),
    "private": ErrorKind(CANDIDATE, "", "The recording is private.", _OTHER),
    "removed": ErrorKind(CANDIDATE, "", "The recording was taken down.", _OTHER),
    "geo": ErrorKind(CANDIDATE, "", "The recording is not offered in this country.", _OTHER),
    "age": ErrorKind(CANDIDATE, "", "The recording asks for proof of age.", _OTHER),
    "members": ErrorKind(CANDIDATE, "", "The recording is for paying members only.", _OTHER),
    "drm": ErrorKind(CANDIDATE, "", "The recording is copy-protected and is left alone.", _OTHER),
    "live": ErrorKind(CANDIDATE, "", "It is a live broadcast, not a recording.", _OTHER),
    "no_audio": ErrorKind(CANDIDATE, "", "There is no audio in it that can be used.", _OTHER, bans=True),
    "foreign_host": ErrorKind(
        CANDIDATE, "", "The address leads to a place that nothing is fetched from.", "Check the audio server."
    ),
    "not_a_file": ErrorKind(
        CANDIDATE, "", "The address leads to a page or a playlist, not to an audio file.", "Check the audio server."
    ),
    "too_large": ErrorKind(CANDIDATE, "", "The file is larger than any song is.", _OTHER),
    # It was fetched, and its content is not the song: never taken again.
    "bad_file": ErrorKind(CANDIDATE, "", "What arrived is not a sound audio file.", _OTHER, bans=True),
    "too_short": ErrorKind(CANDIDATE, "", "The file holds only a part of what it claims.", _OTHER, bans=True),
    "wrong_length": ErrorKind(CANDIDATE, "", "The recording's length is not the track's.", _OTHER, bans=True),
    "silent": ErrorKind(CANDIDATE, "", "The recording is silent.", _OTHER, bans=True),
    "low_quality": ErrorKind(CANDIDATE, "", "The recording's sound is too poor to keep.", _OTHER, bans=True),
    # Transport: this track's bad luck, until different tracks in a row have met it.
    "network": ErrorKind(TRACK, "audio", "The connection failed.", "Check the network if it stays so."),
    "server": ErrorKind(TRACK, "audio", "The other side answered with an error.", _WAIT),
    "timeout": ErrorKind(TRACK, "audio", "It took too long and was stopped.", _WAIT),
    # Everybody's at once.
    "login": ErrorKind(SERVICE, "audio", "The site asks for a login.", "Wait, or use another audio source."),
    "bot_check": ErrorKind(SERVICE, "audio", "The site suspects a robot.", "Wait: fetching pauses by itself."),
    "rate_limit": ErrorKind(SERVICE, "audio", "The site asks us to slow down.", "Wait: fetching pauses by itself."),
    "no_js_runtime": ErrorKind(
        SERVICE, "audio", "YouTube needs a JavaScript runtime, and none was found.", "Reinstall requirements.txt."
    ),
    "no_ffmpeg": ErrorKind(SERVICE, "audio", "ffmpeg was not found.", "Install ffmpeg, or reinstall requirements.txt."),
    "disk_full": ErrorKind(SERVICE, "storage", "The disk is full.", "Make room on the music folder's disk."),
    "read_only": ErrorKind(SERVICE, "storage", "The music folder cannot be written to.", _DISK),
    "storage": ErrorKind(SERVICE, "storage", "The music folder's disk reports an error.", _DISK),
    # Ours.
    "stopped": ErrorKind(SERVICE, "", "It was stopped before it was done.", _WAIT),
    "tool_crashed": ErrorKind(TRACK, "", "The fetching program ended without a result.", _YTDLP),
    "unknown": ErrorKind(TRACK, "", "It failed for a reason that is not known here.", _YTDLP),
}

# Texts of yt-dlp 2026.10.26 (extractor/youtube/_video.py, _base.py, extractor/common.py, networking), of YouTube's
# player (playabilityStatus) and of the operating system. The first row that fits decides, so the order matters:
# "Private video. Sign in …" is private, not login; the disk's own words come before everything.
_TEXTS: tuple[tuple[str, str], ...] = (
    ("disk_full", r"no space left|errno 28\b|errno 122\b|disk quota exceeded"),
    ("read_only", r"read-only file system|errno 30\b"),
    ("too_large", r"file too large|errno 27\b|larger than max"),
    ("storage", r"input/output error|errno 5\b|stale file handle|errno 116\b|permission denied|errno 13\b"),
    ("no_ffmpeg", r"ffmpeg (is )?not (found|installed)|ffprobe and ffmpeg not found"),
    ("no_js_runtime", r"no supported javascript runtime|challenge solving failed|signature solving failed"),
    ("bot_check", r"not a bot\b|not a robot|captcha|anti-bot|ip is likely being blocked|unusual traffic"),
    ("rate_limit", r"rate-?limited|isn.t available, try again later|too many requests|http error 429"),
    ("rate_limit", r"resource_exhausted|quota exceeded"),
    ("private", r"private video|video is private|been granted access"),
    ("members", r"members?[- ]only|channel.s members|join this channel|premium members|requires payment|rental"),
    ("age", r"confirm your age|age[- _]restricted|age_verification|age_check|inappropriate"),
    ("drm", r"\bdrm\b"),
    ("geo", r"in your country|geo[- ]?restrict|in your (region|location)|from your location|http error 451"),
    ("live", r"live event|premieres? (in|will)|live_stream_offline|live stream|\bis (currently )?live|offline\b"),
    ("removed", r"been removed|removed by|been terminated|been deleted|no longer available|copyright|violat"),
    ("removed", r"http error (404|410)|does not exist|closed (his|her|their) .*account"),
    ("login", r"login (is )?required|login_required|login details|registered users|cookies are no longer valid"),
    ("login", r"please sign in|sign in to|requires? authentication|http error 401"),
    # A search page or an API that failed says "unavailable" too; its status is the better witness.
    ("server", r"http error [45]\d\d|precondition check failed|failed to extract any player response"),
    ("server", r"incomplete data received|failed to parse json|unable to extract|cannot identify player"),
    ("network", r"timed out|name or service not known|name resolution|failed to resolve|getaddrinfo"),
    ("network", r"connection (was )?(refused|reset|aborted|closed|broken)|remote end closed|unreachable"),
    ("network", r"incompleteread|\d+ bytes read\b|\bssl\b|certificate|tunnel connection|unable to connect"),
    ("no_audio", r"requested format is not available|no video formats|only images are available|no formats"),
    ("not_a_file", r"unsupported url|did not get any data|is not a valid url|no suitable extractor"),
    ("unavailable", r"unavailable|not available|unplayable|isn.t available|error occurred"),
)
_RULES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _TEXTS)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PREFIX = re.compile(r"^(ERROR:\s*)?(\[[^\]\s]{1,60}\]\s+(\S{1,80}:\s+)?)?")
_ADVICE = re.compile(
    r"\s*(;\s*please report this issue on|\(caused by|Use --cookies|See\s+https?://|For more information,)"
)
_LONGEST = 300  # characters of a tool's own words that are kept


class SourceError(Exception):
    """A search that failed. ``kind`` is a key of `ERROR_KINDS`, ``message`` one sentence.

    ``retry_after`` is in seconds, where the server named a time.
    """

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = one_line(message)
        self.retry_after = retry_after


def seconds_of(text: str | None) -> float | None:
    """The seconds in a Retry-After header; None where it names none (a date counts as none)."""
    text = (text or "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def classify(message: str, http_status: int | None = None) -> str:
    """The kind of error that a tool's ``message`` tells of; ``http_status`` is the answer's, where known.

    Always a key of `ERROR_KINDS`; "unknown" where the words are not.
    """
    text = message if http_status is None else f"{message} HTTP Error {http_status}"
    return next((kind for kind, rule in _RULES if rule.search(text)), "unknown")


def plain(message: str) -> str:
    """A tool's words for people: one line without colours, prefixes and advice for a command line, 300 characters."""
    text = one_line(_COLOUR.sub("", message))
    text = _PREFIX.sub("", text, count=1)
    advice = _ADVICE.search(text)
    return (text[: advice.start()] if advice else text)[:_LONGEST].strip()
