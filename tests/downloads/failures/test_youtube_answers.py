"""What YouTube answers, and what the row, the service and the attempts make of it: the table of docs/youtube.md.

Each answer is what yt-dlp 2026.10.26 makes of it: its error, its warnings, HTTP errors on the way, refused hosts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from downloads.audio.verify import require_bytes
from downloads.failures.classify import Evidence, diagnose
from downloads.failures.kinds import CANDIDATE, ERROR_KINDS, SERVICE, DownloadError
from downloads.fetch.child import SLOW_SECONDS, FetchContext
from downloads.fetch.protocol import FetchRequest
from downloads.search.youtube import ACCESS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "youtube.md"
NO_FORMATS = "[youtube] a: No video formats found!; please report this issue on  https://github.com/yt-dlp"
REQUESTED = "[youtube] a: Requested format is not available. Use --list-formats for a list of available formats"
NO_RESPONSE = "[youtube] a: Failed to extract any player response; please report this issue on  https://github.com"
API = "[youtube] a: Unable to download API page: HTTP Error {0}: x (caused by <HTTPError {0}: x>)"
SABR = "[youtube] a: Some web https formats have been skipped as they are missing a URL. YouTube is forcing SABR"
DRM = "[youtube] a: Some tv client https formats have been skipped as they are DRM protected."
N_FAILED = "[youtube] a: n challenge solving failed: Some formats may be missing."
S_FAILED = "[youtube] a: Signature solving failed: Some formats may be missing."
NO_DENO = "[youtube] No supported JavaScript runtime could be found. Only deno is enabled by default"
PAGE_ERROR = "[youtube] a: Unable to download webpage: {}"
MEDIA = "unable to download video data: HTTP Error {}: x"
OK = Evidence()

# The answer in a few words, yt-dlp's error, what it met before, the kind.
ANSWERS: list[tuple[str, str, Evidence, str]] = [
    ("bot check", "[youtube] a: Sign in to confirm you\u2019re not a bot. Use --cookies", OK, "bot_check"),
    ("captcha page", "[youtube] a: Please solve the captcha", OK, "bot_check"),
    ("page leads to google.com/sorry", PAGE_ERROR.format("www.google.com:443 is not connected to"),
     Evidence(refused=["www.google.com:443"]), "bot_check"),
    ("player leads to google.com/sorry", NO_FORMATS, Evidence(refused=["google.com:443"]), "bot_check"),
    ("bot check of one client, no formats of the others", NO_FORMATS,
     Evidence(["[youtube] a: Sign in to confirm you're not a bot."]), "bot_check"),
    ("search leads to google.com/sorry", "YouTube Music asks for a captcha.", OK, "bot_check"),
    ("all answers are of another video", "[youtube] a: All player responses are invalid. Your IP is likely being "
     "blocked by Youtube", OK, "bot_check"),
    ("page answers 429", PAGE_ERROR.format("HTTP Error 429: Too Many"), Evidence(statuses=[429]), "rate_limit"),
    ("player answers 429", NO_RESPONSE, Evidence([API.format(429)], [429]), "rate_limit"),
    ("media host answers 429", MEDIA.format(429), Evidence(statuses=[429]), "rate_limit"),
    ("search answers 429", "YouTube Music answers 429. HTTP Error 429", OK, "rate_limit"),
    ("session limit", "[youtube] a: This content isn't available, try again later. The current session has been "
     "rate-limited by YouTube", OK, "rate_limit"),
    ("please sign in", "[youtube] a: Please sign in", OK, "login"),
    ("old cookies", "[youtube] a: The provided YouTube account cookies are no longer valid", OK, "login"),
    ("player answers 403, page is fine", NO_FORMATS, Evidence([API.format(403)], [403]), "server"),
    ("player answers 400, page is fine", NO_FORMATS, Evidence([API.format(400)], [400]), "server"),
    ("player answers 503, page is fine", REQUESTED, Evidence([API.format(503)], [503]), "server"),
    ("player answers 403, page too", NO_RESPONSE, Evidence([API.format(403)], [403]), "server"),
    ("page answers 503", PAGE_ERROR.format("HTTP Error 503: Service Unavailable"), Evidence(statuses=[503]), "server"),
    ("media host answers 403", MEDIA.format(403), Evidence(statuses=[403]), "server"),
    ("media host answers 503", MEDIA.format(503), Evidence(statuses=[503]), "server"),
    ("player resets the connection", NO_FORMATS,
     Evidence(["[youtube] a: Unable to download API page: [Errno 104] Connection reset by peer"]), "network"),
    ("SABR only", NO_FORMATS, Evidence([SABR]), "no_formats"),
    ("SABR only, format asked for", REQUESTED, Evidence([SABR]), "no_formats"),
    ("all formats of a client with DRM", REQUESTED, Evidence([DRM]), "no_formats"),
    ("no formats, no reason", REQUESTED, OK, "no_formats"),
    ("the recording is copy-protected", "[youtube] a: This video is DRM protected", OK, "drm"),
    ("n challenge not solved", REQUESTED, Evidence([N_FAILED, SABR]), "outdated"),
    ("signature not solved", REQUESTED, Evidence([S_FAILED]), "outdated"),
    ("no deno, and a challenge was asked", REQUESTED, Evidence([NO_DENO, N_FAILED]), "no_js_runtime"),
    ("no deno, the recording is unavailable", "[youtube] a: This video is not available", Evidence([NO_DENO]),
     "unavailable"),
    ("the page needs to be reloaded", "[youtube] a: The page needs to be reloaded.", OK, "outdated"),
    ("changed JSON", "[youtube] a: a: Failed to parse JSON (caused by JSONDecodeError)", OK, "outdated"),
    ("empty page", "[youtube] a: Unable to extract yt initial data", OK, "outdated"),
    ("empty answers", NO_RESPONSE, Evidence(), "server"),
    ("private", "[youtube] a: Private video. Sign in if you've been granted access to this video", OK, "private"),
    ("removed", "[youtube] a: Video unavailable. This video has been removed by the uploader", OK, "removed"),
    ("terminated account", "[youtube] a: Video unavailable. The account has been terminated", OK, "removed"),
    ("not in this country", "[youtube] a: The uploader has not made this video available in your country You might "
     "want to use a VPN or a proxy server (with --proxy) to workaround.", OK, "geo"),
    ("age", "[youtube] a: Sign in to confirm your age. This video may be inappropriate for some users.", OK, "age"),
    ("members only", "[youtube] a: Join this channel to get access to members-only content", OK, "members"),
    ("Music Premium", "[youtube] a: This video is only available to Music Premium members", OK, "members"),
    ("live", "[youtube] a: This live event will begin in 3 hours.", OK, "live"),
    ("premiere", "[youtube] a: Premieres in 3 hours", OK, "live"),
    ("not available (music's usual block)", "[youtube] a: This video is not available", OK, "unavailable"),
    ("silence of the media host", "[download] Got error: The read operation timed out. Giving up after 3 retries", OK,
     "network"),
    ("reset in the middle", "[download] Got error: [Errno 104] Connection reset by peer. Giving up after 3 retries", OK,
     "network"),
    ("closed early", "[download] Got error: 400000 bytes read, 1600000 more expected. Giving up after 3 retries", OK,
     "network"),
    ("no DNS", PAGE_ERROR.format("[Errno -3] Temporary failure in name resolution"), OK, "network"),
    ("certificate not trusted", PAGE_ERROR.format("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), OK,
     "certificate"),
    ("proxy refuses", PAGE_ERROR.format("Unable to connect to proxy: Tunnel connection failed: 407"), OK, "proxy"),
    ("media host leads to another site", "unable to download video data: evil.example:443 is not connected to",
     Evidence(refused=["evil.example:443"]), "foreign_host"),
]  # fmt: skip


def trickle() -> None:
    """1 kB a second, as the child sees it."""
    seconds = iter([0.0, SLOW_SECONDS])
    context = FetchContext(FetchRequest("/stage", ACCESS), lambda line: None, clock=lambda: next(seconds))
    for done in (0, 60_000):
        context._progress({"downloaded_bytes": done})


def truncated() -> None:
    """This file, and one byte more."""
    require_bytes(__file__, os.path.getsize(__file__) + 1)


# What no server says, and the fetch finds out by itself.
FOUND_OUT: list[tuple[str, Callable[[], None], str]] = [
    ("trickle", trickle, "network"),
    ("truncated", truncated, "network"),
]


@pytest.mark.parametrize(("answer", "fetch", "kind"), FOUND_OUT, ids=[row[0] for row in FOUND_OUT])
def test_what_the_fetch_finds_out_has_its_kind(answer: str, fetch: Callable[[], None], kind: str) -> None:
    with pytest.raises(DownloadError, match=r"^Only ") as caught:
        fetch()
    assert caught.value.kind == kind and not ERROR_KINDS[kind].bans


@pytest.mark.parametrize(("answer", "error", "evidence", "kind"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_each_answer_has_its_kind_and_a_sentence_without_a_tools_advice(
    answer: str, error: str, evidence: Evidence, kind: str
) -> None:
    diagnosed, message = diagnose(error, None, evidence)
    assert diagnosed == kind
    assert message and not any(word in message for word in ("--", "caused by", "http://", "https://", "report this"))


def test_no_answer_of_youtube_bars_a_recording() -> None:
    assert not any(ERROR_KINDS[kind].bans for _, _, _, kind in ANSWERS)


def line(answer: str, kind: str) -> str:
    """One line of the page: the answer, the row's sentence, who pays, the pause, what helps."""
    error = ERROR_KINDS[kind]
    pays, pause = {
        SERVICE: ("nobody: the attempt is given back", "1 h, 6 h, 24 h, 48 h, or what it asks for"),
        CANDIDATE: ("the recording: the next one is tried", "none; 5 min once five songs in a row meet it first"),
    }.get(error.fault, ("the song: one attempt", "none; 5 min, 30 min, 2 h … once five songs in a row meet it"))
    return f"| {answer} | `{kind}` | {error.sentence} | {pays} | {pause} | {error.cure} |"


def test_the_page_says_what_the_program_does() -> None:
    page = PAGE.read_text()
    rows = [(answer, kind) for answer, *_, kind in (*ANSWERS, *FOUND_OUT)]
    missing = [row for answer, kind in rows if (row := line(answer, kind)) not in page]
    assert missing == []
