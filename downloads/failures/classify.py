"""Find the kind of a failure in the words of yt-dlp, ffmpeg, a site or the operating system. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.text.sanitize import one_line

# Texts of yt-dlp 2026.10.26 (extractor/youtube/_video.py, _base.py, extractor/common.py, networking), of YouTube's
# player (playabilityStatus) and of the operating system. The first row that fits decides, so the order matters:
# "Private video. Sign in …" is private, not login; the disk's own words come before everything.
_TEXTS: tuple[tuple[str, str], ...] = (
    ("disk_full", r"no space left|errno 28\b|errno 122\b|disk quota exceeded"),
    ("read_only", r"read-only file system|errno 30\b"),
    ("too_large", r"file too large|errno 27\b|larger than max"),
    ("storage", r"input/output error|errno 5\b|stale file handle|errno 116\b|permission denied|errno 13\b"),
    ("no_ffmpeg", r"ffmpeg (is )?not (found|installed)|ffprobe and ffmpeg not found"),
    ("no_js_runtime", r"no supported javascript runtime"),
    ("outdated", r"challenge solving failed|signature (solving|extraction) failed|nsig extraction failed"),
    ("outdated", r"page needs to be reloaded"),
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
    ("network", r"unable to connect to proxy', remotedisconnected"),  # the proxy was there, the other side hung up
    ("proxy", r"proxy|tunnel connection|socks"),
    ("server", r"http error [45]\d\d|precondition check failed|failed to extract any player response"),
    ("outdated", r"failed to parse json|unable to extract|cannot identify player"),
    ("server", r"incomplete data received"),
    ("certificate", r"certificate"),
    ("network", r"timed out|name or service not known|name resolution|failed to resolve|getaddrinfo"),
    ("network", r"connection (was )?(refused|reset|aborted|closed|broken)|remote end closed|unreachable"),
    ("network", r"incompleteread|\b\d{1,12} bytes read\b|\bssl\b|unable to connect|eof occurred"),
    ("network", r"did not get any data blocks"),  # the server closed without sending any
    ("no_formats", r"requested format is not available|no video formats|only images are available|no formats"),
    ("no_formats", r"missing a url|\bsabr\b"),
    ("not_a_file", r"unsupported url|did not get any data|is not a valid url|no suitable extractor"),
    ("unavailable", r"unavailable|not available|unplayable|isn.t available|error occurred"),
)
_RULES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _TEXTS)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PREFIX = re.compile(r"^(ERROR:\s*)?(\[[^\]\s]{1,60}\]\s+(\S{1,80}:\s+)?)?")
_ADVICE = re.compile(
    r"(;\s?please report this issue on|\(caused by|Use --\w|See\s{1,4}https?://|For more information,"
    r"|You might want to use|\bHTTPS?ConnectionPool\(|\(Caused by|<urllib3|Ensure you have|Try again with --)"
)
# How requests words what urllib3 met: ('Connection aborted.', RemoteDisconnected('Remote end closed …'))
_PAIR = re.compile(r"\('[^']{0,100}', \w{1,60}\(['\"]([^'\"]{1,200})['\"]\)\)")
_RETRYING = re.compile(r"\.? Retrying \(\d+/\d+\)\.*")
_LONGEST = 300  # characters of a tool's own words that are kept


def parse_retry_after(text: str | None) -> float | None:
    """The seconds in a Retry-After header; None where it names none (a date counts as none)."""
    text = (text or "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def classify(message: str, http_status: int | None = None) -> str:
    """The kind of error that a tool's ``message`` tells of; ``http_status`` is the answer's, where known.

    Always a key of `ERROR_KINDS`; "unknown" where the words are not.
    """
    text = message if http_status is None else f"{message} HTTP Error {http_status}"
    return next((kind for kind, rule in _RULES if rule.search(text)), "unknown")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen while a fetch went wrong, besides its error.

    ``warnings`` are yt-dlp's, ``statuses`` the HTTP errors that it met, ``refused`` the hosts ("name:port") that the
    sandbox did not let it connect to.
    """

    warnings: Sequence[str] = ()
    statuses: Sequence[int] = ()
    refused: Sequence[str] = ()


NO_EVIDENCE = Evidence()
# "Unusual traffic": google.com/sorry, where YouTube sends whom it takes for a robot.
_CAPTCHA_HOST = re.compile(r"(www\.)?google\.[a-z.]{2,6}:\d+\Z")
# Kinds that only say that nothing came of it -> the kinds of what was seen before that explain them, the best first.
_BETTER_CAUSES = {
    "unavailable": ("bot_check", "rate_limit"),
    "server": ("bot_check", "rate_limit"),
    "unknown": ("bot_check", "rate_limit", "server", "certificate", "proxy", "network"),
    "outdated": ("bot_check", "rate_limit", "server", "network"),
    "no_formats": (
        *("bot_check", "rate_limit", "login", "no_js_runtime", "outdated"),
        *("server", "certificate", "proxy", "network", "no_formats"),
    ),
}


def diagnose(message: str, status: int | None = None, evidence: Evidence = NO_EVIDENCE) -> tuple[str, str]:
    """The kind of a failed fetch and its sentence: by its error, or by what led to it where the error says little."""
    kind, text = classify(message, status), plain_message(message)
    if any(_CAPTCHA_HOST.match(host) for host in evidence.refused):
        return "bot_check", "YouTube asks for a captcha because of unusual traffic from this address."
    if 429 in evidence.statuses and kind in _BETTER_CAUSES:
        return "rate_limit", "The site answers 429 (too many requests)."
    causes = {classify(warning): warning for warning in reversed(evidence.warnings)}
    for cause in _BETTER_CAUSES.get(kind, ()):
        if cause in causes:
            return cause, plain_message(causes[cause])
    if evidence.refused and kind in {"unknown", "unavailable", "no_formats", "proxy"}:
        place = evidence.refused[0][:100]
        return "foreign_host", f"It leads away from the server, to {place}, and was not followed."
    return kind, text


def plain_message(message: str) -> str:
    """A tool's words for people: one line without colours, prefixes and advice for a command line, 300 characters."""
    text = one_line(_COLOUR.sub("", message))
    text = _PREFIX.sub("", text, count=1)
    text = _RETRYING.sub("", _PAIR.sub(r"\1", text))
    advice = _ADVICE.search(text)
    return (text[: advice.start()] if advice else text)[:_LONGEST].strip()
