"""Every text that yt-dlp and YouTube are known to say has a kind, and is made plain."""

import gzip
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from downloads.failures.classify import _TEXTS, Evidence, classify, diagnose, parse_retry_after, plain_message
from downloads.failures.kinds import ERROR_KINDS
from tests.shared import SHARED_CASES, SHARED_DATA, needs_cases, needs_shared

HINT = "Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki"
TEXTS = [
    ("private", f"ERROR: [youtube] abc: Private video. Sign in if you've been granted access to this video. {HINT}"),
    ("private", "ERROR: [youtube] abc: This video is private"),
    ("removed", "ERROR: [youtube] abc: Video unavailable. This video has been removed by the uploader"),
    ("removed", "ERROR: [youtube] abc: This video has been removed for violating YouTube's Terms of Service"),
    ("removed", "ERROR: [youtube] abc: Video unavailable. This video is no longer available because the YouTube "
     "account associated with this video has been terminated."),
    ("removed", "ERROR: [youtube] abc: Video unavailable. This video is no longer available due to a copyright claim"),
    ("removed", "ERROR: [youtube] abc: Video unavailable. This video is no longer available because the uploader has "
     "closed their YouTube account."),
    ("removed", "ERROR: [generic] audio: Unable to download webpage: HTTP Error 404: Not Found"),
    ("geo", "ERROR: [youtube] abc: The uploader has not made this video available in your country"),
    ("geo", "ERROR: [youtube] abc: Video unavailable. This video contains content from SME, who has blocked it in your "
     "country on copyright grounds"),
    ("geo", "This video is not available from your location due to geo restriction"),
    ("age", "ERROR: [youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users."),
    ("age", "AGE_VERIFICATION_REQUIRED"),
    ("members", "ERROR: [youtube] abc: Join this channel to get access to members-only content like this video"),
    ("members", "ERROR: [youtube] abc: This video is available to this channel's members on level: Fan"),
    ("members", "ERROR: [youtube] abc: This video is only available to Music Premium members"),
    ("members", "ERROR: [youtube] abc: This video requires payment to watch."),
    ("drm", "ERROR: [youtube] abc: This video is DRM protected"),
    ("live", "ERROR: [youtube] abc: This live event will begin in 3 days."),
    ("live", "ERROR: [youtube] abc: Premieres in 2 hours"),
    ("live", "ERROR: [youtube] abc: This live stream recording is not available."),
    ("bot_check", f"ERROR: [youtube] abc: Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot. {HINT}"),
    ("bot_check", "ERROR: [youtube] abc: x. YouTube is requiring a captcha challenge before playback"),
    ("bot_check", "ERROR: [youtube] All player responses are invalid. Your IP is likely being blocked by Youtube"),
    ("rate_limit", "ERROR: [youtube] abc: Video unavailable. This content isn't available, try again later. The "
     "current session has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep`"),
    ("rate_limit", "ERROR: unable to download video data: HTTP Error 429: Too Many Requests"),
    ("login", f"ERROR: [youtube] abc: Login details are needed to download this content. {HINT}"),
    ("login", "ERROR: [youtube] abc: Please sign in. Use --cookies-from-browser"),
    ("login", "LOGIN_REQUIRED"),
    ("no_js_runtime", "WARNING: [youtube] No supported JavaScript runtime could be found. Only deno is enabled"),
    ("outdated", "WARNING: [youtube] abc: n challenge solving failed: Some formats may be missing."),
    ("no_ffmpeg", "ERROR: Postprocessing: ffprobe and ffmpeg not found. Please install or provide the path"),
    ("no_formats", "ERROR: [youtube] abc: Requested format is not available. Use --list-formats for a list"),
    ("no_formats", "ERROR: [youtube] abc: No video formats found!; please report this issue on  https://github.com"),
    ("unavailable", "ERROR: [youtube] abc: Video unavailable"),
    ("unavailable", "ERROR: [youtube] abc: This video is not available"),
    ("unavailable", "ERROR: [youtube] abc: This video is unavailable. Watch on the latest version of YouTube."),
    ("server", "ERROR: [youtube] abc: Failed to extract any player response; please report this issue on"),
    ("server", "ERROR: unable to download video data: HTTP Error 403: Forbidden"),
    ("server", "ERROR: [youtube] abc: Unable to download API page: HTTP Error 503: Service Unavailable"),
    ("network", "ERROR: [youtube] abc: Unable to download API page: [Errno -3] Temporary failure in name resolution"),
    ("network", "ERROR: unable to download video data: ('Connection aborted.', ConnectionResetError(104, 'Connection "
     "reset by peer'))"),
    ("network", "ERROR: [generic] Unable to download webpage: The read operation timed out"),
    ("certificate", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer"),
    ("network", "ERROR: 5120 bytes read, 3000 more expected"),
    ("network", "ERROR: Did not get any data blocks"),
    ("network", "Got error: 55690 bytes read"),  # a cut in the middle of a chunk: nobody knows how many more
    ("disk_full", "ERROR: unable to write data: [Errno 28] No space left on device"),
    ("read_only", "ERROR: unable to open for writing: [Errno 30] Read-only file system: 'audio.part'"),
    ("storage", "ERROR: unable to write data: [Errno 5] Input/output error"),
    ("storage", "ERROR: unable to open for writing: [Errno 116] Stale file handle"),
    ("storage", "ERROR: unable to open for writing: [Errno 13] Permission denied: 'audio.part'"),
    ("too_large", "ERROR: unable to write data: [Errno 27] File too large"),
    ("not_a_file", "ERROR: Unsupported URL: http://127.0.0.1/a.mp3"),
    ("outdated", "ERROR: [youtube] abc: The page needs to be reloaded."),
    ("proxy", "Unable to connect to proxy: Tunnel connection failed: 403 Forbidden"),
    ("unknown", "ERROR: something nobody has said before"),
    ("unknown", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_a_known_text_has_its_kind(kind: str, text: str) -> None:
    assert classify(text) == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "server"), (401, "login"), (403, "server"), (404, "removed"), (410, "removed"), (429, "rate_limit"),
     (451, "geo"), (500, "server"), (503, "server")],
)  # fmt: skip
def test_a_status_alone_has_a_kind_and_words_are_worth_more(status: int, kind: str) -> None:
    assert classify("", status) == kind
    assert classify("This video is DRM protected", status) == ("rate_limit" if status == 429 else "drm")


def test_every_kind_that_can_be_read_from_words_has_a_text_here() -> None:
    assert {kind for kind, _ in _TEXTS} == {kind for kind, _ in TEXTS} - {"unknown"}


def players_words(answer: dict[str, Any]) -> str:
    """What yt-dlp says about a player's answer (extractor/youtube/_video.py: reason, then subreason)."""
    if "http" in answer:
        return f"Unable to download API page: HTTP Error {answer['http']}: {answer['error']['message']}"
    return ". ".join(text for text in (answer["reason"], answer["subreason"]) if text)


def recorded_answers() -> list[dict[str, Any]]:
    with gzip.open(SHARED_DATA / "youtube" / "player_answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@needs_shared
def test_each_recorded_player_answer_is_a_recording_or_has_its_kind() -> None:
    kinds: dict[str, int] = {}
    for answer in recorded_answers():
        playable = answer.get("playability") == "OK" and answer["audio_formats"]
        kind = "playable" if playable else classify(players_words(answer))
        kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds == {"playable": 222, "unavailable": 11, "server": 1}


def test_each_sentence_in_yt_dlps_youtube_extractor_has_a_kind() -> None:
    """Its source is read in place: a new version that says something new turns this red."""
    found = importlib.util.find_spec("yt_dlp")
    assert found and found.submodule_search_locations
    room = Path(found.submodule_search_locations[0]) / "extractor"
    sources = [(room / name).read_text() for name in ("youtube/_video.py", "youtube/_base.py")]
    raised = r"(?:ExtractorError|raise_no_formats|raise_login_required)\(\s*f?'((?:[^'\\]|\\.)+)'"
    said = {text for source in sources for text in re.findall(raised, source)}
    said |= set(re.findall(r"msg='([^']+)'", (room / "common.py").read_text()))
    # Programming errors, options that are never set here, comments (never asked for), and one that only repeats
    # YouTube's own words, which are among the texts above.
    not_ours = (
        "Cannot find",
        "Invalid URL",
        "No player clients",
        "comment",
        "OAuth",
        "password",
        "language code",
        "YouTube said: {",
    )
    texts = {text for text in said if not any(part in text for part in not_ours)}
    assert len(texts) >= 7
    assert {text for text in texts if classify(text) == "unknown"} == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\x1b[0;31mERROR:\x1b[0m [youtube] dQw4w9WgXcQ: Private video. Sign in", "Private video. Sign in"),
        (
            "ERROR: [generic] audio: Unable: HTTP Error 404: Not Found (caused by <HTTPError 404>)",
            "Unable: HTTP Error 404: Not Found",
        ),
        (
            "ERROR: [youtube] a: No video formats found!; please report this issue on  https://x",
            "No video formats found!",
        ),
        ("ERROR: Unsupported\n URL: http://x", "Unsupported URL: http://x"),
        (
            "ERROR: [youtube] a: Requested format is not available. Use --list-formats for a list of available formats",
            "Requested format is not available.",
        ),
        (
            "The uploader has not made this video available in your country You might want to use a VPN or a proxy "
            "server (with --proxy) to workaround.",
            "The uploader has not made this video available in your country",
        ),
        (
            "Unable to download API page: HTTPSConnectionPool(host='www.youtube.com', port=443): Read timed out.",
            "Unable to download API page:",
        ),
        ("plain words", "plain words"),
        ("", ""),
    ],
)
def test_a_tools_words_are_made_plain(text: str, words: str) -> None:
    assert plain_message(text) == words


def test_a_tools_words_are_kept_short() -> None:
    assert len(plain_message("word " * 10_000)) <= 300


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), (" 5 ", 5.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-5", None), ("1e9", None), ("", None),
     (None, None), ("9" * 400, None), ("\N{ARABIC-INDIC DIGIT ONE}", None)],
)  # fmt: skip
def test_a_servers_time_is_read_in_seconds_only(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text) == seconds


NO_FORMATS = "[youtube] abc: No video formats found!; please report this issue on  https://github.com/yt-dlp"
REQUESTED = "[youtube] abc: Requested format is not available. Use --list-formats for a list of available formats"
API = "[youtube] abc: Unable to download API page: HTTP Error {}: x (caused by <HTTPError {}: x>)"
SABR = "[youtube] abc: Some web https formats have been skipped as they are missing a URL. YouTube is forcing SABR."
CHALLENGE = "[youtube] abc: n challenge solving failed: Some formats may be missing. Ensure you have a supported"
NO_RUNTIME = "[youtube] No supported JavaScript runtime could be found. Only deno is enabled by default"


@pytest.mark.parametrize("error", [NO_FORMATS, REQUESTED])
@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (Evidence(), "no_formats"),
        (Evidence([SABR]), "no_formats"),
        (
            Evidence(["[youtube] abc: Some tv client https formats have been skipped as they are DRM protected"]),
            "no_formats",
        ),
        (Evidence([API.format(403, 403)]), "server"),
        (Evidence([API.format(400, 400), SABR]), "server"),
        (Evidence(["[youtube] Unable to download API page: [Errno 104] Connection reset by peer"]), "network"),
        (Evidence([CHALLENGE]), "outdated"),
        (Evidence([NO_RUNTIME, CHALLENGE]), "no_js_runtime"),
        (Evidence(["[youtube] abc: Sign in to confirm you\u2019re not a bot."]), "bot_check"),
        (Evidence([API.format(429, 429)], [429]), "rate_limit"),
        (Evidence([SABR], [429]), "rate_limit"),
        (Evidence([], [], ["www.google.com:443"]), "bot_check"),
    ],
)
def test_what_led_to_no_formats_is_told_and_bans_nothing(error: str, evidence: Evidence, kind: str) -> None:
    diagnosed, message = diagnose(error, None, evidence)
    assert diagnosed == kind and not ERROR_KINDS[diagnosed].bans
    assert message and "--" not in message and "caused by" not in message


@pytest.mark.parametrize(
    ("error", "evidence", "kind"),
    [
        ("This video is not available", Evidence([NO_RUNTIME]), "unavailable"),
        ("This video is not available", Evidence([API.format(403, 403)], [403]), "unavailable"),
        ("This video is not available", Evidence([], [429]), "rate_limit"),
        ("The uploader has not made this video available in your country", Evidence([], [429]), "geo"),
        ("Failed to extract any player response", Evidence([API.format(429, 429)], [429, 429]), "rate_limit"),
        ("Unable to download webpage: www.google.com:443 is not connected to", Evidence([], [], ["www.google.com:443"]),
         "bot_check"),
        ("Unable to download webpage: evil.example:443 is not connected to", Evidence([], [], ["evil.example:443"]),
         "foreign_host"),
        ("google.evil.example:443 is not connected to", Evidence([], [], ["google.evil.example:443"]), "foreign_host"),
        ("This video is private", Evidence([], [], ["evil.example:443"]), "private"),
    ],
)  # fmt: skip
def test_a_clear_error_stays_what_it_is_and_a_vague_one_is_explained(error: str, evidence: Evidence, kind: str) -> None:
    assert diagnose(error, None, evidence)[0] == kind


@needs_cases
def test_no_message_of_a_sites_bad_day_bans_a_recording() -> None:
    text = (SHARED_CASES / "format-not-available" / "messages.txt").read_text()
    for block in text.strip().split("\n\n"):
        *warnings, error = block.splitlines()
        kind, _ = diagnose(error, None, Evidence(warnings))
        assert not ERROR_KINDS[kind].bans and ERROR_KINDS[kind].service == "audio"
        assert "yt-dlp" in ERROR_KINDS[kind].cure
