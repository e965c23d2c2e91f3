"""YouTube's own extractor has no stand-in: what yt-dlp is told is held here word for word, and its format choice
runs over recorded answers. It has not been run against YouTube."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from downloads.failures.kinds import DownloadError
from downloads.fetch import child, ytdlp
from downloads.fetch.process import COMMAND, PROJECT, child_environment
from downloads.fetch.protocol import ConnectionOptions, FetchRequest
from downloads.fetch.url_allowlist import SiteAccess, direct_files
from downloads.search.youtube import ACCESS, SEARCH_ACCESS
from tests.downloads.loopback import Loopback, sends_json
from tests.shared import SHARED_DATA, needs_shared

COMMON = {
    "outtmpl": {"default": "audio.%(ext)s"},
    "paths": {"home": "."},
    "ffmpeg_location": "/bin/ffmpeg",
    "fixup": "never",
    "postprocessors": [],
    "noplaylist": True,
    "continuedl": False,
    "overwrites": True,
    "updatetime": False,
    "cachedir": False,
    "enable_file_urls": False,
    "proxy": "",
    "socket_timeout": 20,
    "fragment_retries": 0,
    "file_access_retries": 0,
    "ratelimit": None,
    "quiet": True,
    "noprogress": True,
    "color": "never",
    "remote_components": [],
}
YOUTUBE = COMMON | {
    "format": "141/140/bestaudio[ext=m4a][abr>?64]/251/bestaudio",
    "allowed_extractors": ["youtube"],
    "js_runtimes": {"deno": {"path": "/bin/deno"}},
    "retries": 3,
    "extractor_retries": 1,
    "http_chunk_size": 10_485_760,
}
ARCHIVE = COMMON | {
    "format": "bestaudio/best",
    "allowed_extractors": ["generic"],
    "force_generic_extractor": True,
    "js_runtimes": {},
    "retries": 0,
    "extractor_retries": 0,
}


def parameters(access: SiteAccess, **options: Any) -> dict[str, Any]:
    return ytdlp.parameters(FetchRequest("/stage", access, **options), "/bin/ffmpeg", "/bin/deno")


def test_what_yt_dlp_is_told_for_youtube() -> None:
    assert parameters(ACCESS) == YOUTUBE
    opus = parameters(ACCESS, audio_format="opus")
    assert opus == YOUTUBE | {"format": "774/251/bestaudio[acodec=opus][abr>?64]/140/bestaudio"}
    assert parameters(ACCESS, audio_format="mp3", connection=ConnectionOptions(rate_bytes=500_000)) == YOUTUBE | {
        "ratelimit": 500_000
    }


def test_what_yt_dlp_is_told_for_a_search_and_for_an_archive() -> None:
    assert parameters(direct_files("nas")) == ARCHIVE
    extra = {"format": "bestaudio/best", "retries": 0, "extractor_retries": 0, "extract_flat": True}
    search = {key: value for key, value in YOUTUBE.items() if key != "http_chunk_size"} | extra
    assert parameters(SEARCH_ACCESS, query="a song") == search | {"allowed_extractors": ["youtubesearch"]}


def test_what_the_settings_ask_for_is_told_and_nothing_else() -> None:
    options = ConnectionOptions(
        proxy="socks5h://proxy:1080",
        ca_file="/ca.pem",
        cookies="/home/me/cookies.txt",
        cache_dir="/cache",
        source_address="0.0.0.0",
        extractor_args={"player_client": ["tv"]},
    )
    assert parameters(ACCESS, connection=options) == YOUTUBE | {
        "proxy": "socks5h://proxy:1080",
        "compat_opts": ["no-certifi"],
        "cookiefile": "/stage/.home/cookies.txt",
        "cachedir": "/cache",
        "source_address": "0.0.0.0",
        "extractor_args": {"youtube": {"player_client": ["tv"]}},
    }


def test_a_proxy_is_the_only_host_and_a_token_provider_the_only_one_beside_it() -> None:
    through = FetchRequest("/stage", ACCESS, connection=ConnectionOptions(proxy="http://me:secret@proxy:3128"))
    assert through.allows("proxy", 3128)
    assert not through.allows("www.youtube.com", 443) and not through.allows("proxy", 80)
    tokens = FetchRequest("/stage", ACCESS, connection=ConnectionOptions(po_token_provider="http://127.0.0.1:4416"))
    assert tokens.allows("127.0.0.1", 4416) and tokens.allows("www.youtube.com", 443)
    assert not tokens.allows("127.0.0.1", 80) and not tokens.allows("localhost", 4416)


BEHIND_PROXY = """
import http.client, sys
from downloads.fetch.sandbox import NetworkSandbox
from downloads.fetch import ytdlp
from downloads.fetch.url_allowlist import SiteAccess
sandbox = NetworkSandbox(lambda host, port: True, frozenset())
sandbox.limit_destinations(SiteAccess(("Youtube",), domains=("youtube.com",)).allows, *ytdlp.socks_sockets())
connection = http.client.HTTPSConnection("127.0.0.1", 9)
connection.set_tunnel("www.youtube.com", 443)
for host in ("evil.example", "127.0.0.1"):
    try:
        http.client.HTTPSConnection("127.0.0.1", 9).set_tunnel(host, 443)
    except PermissionError:
        pass
try:
    http.client.HTTPConnection("127.0.0.1", 9).putrequest("GET", "http://www.youtube.com/")
except PermissionError:
    pass
try:
    ytdlp.socks_sockets()[0]().connect(("evil.example", 443))
except PermissionError:
    pass
print(*sandbox.refused)
"""


def test_a_proxy_leads_to_the_sites_own_hosts_alone() -> None:
    done = subprocess.run([sys.executable, "-c", BEHIND_PROXY], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["evil.example:443", "127.0.0.1:443", "www.youtube.com:80", "evil.example:443"], done


def test_a_request_is_the_same_after_its_way_to_the_child() -> None:
    options = ConnectionOptions(proxy="http://proxy:1", extractor_args={"player_client": ["tv", "web"]})
    request = FetchRequest("/stage", ACCESS, "https://www.youtube.com/watch?v=aaaaaaaaaaa", connection=options)
    assert FetchRequest.from_json(request.to_json()) == request


TOKEN_FROM_PROVIDER = """
import sys
from downloads.fetch import ytdlp
from downloads.fetch.protocol import FetchRequest
request = FetchRequest.from_json(sys.argv[1])
downloader = ytdlp.make_downloader(request, ytdlp.WarningLog(), "ffmpeg", "")
from yt_dlp.extractor.youtube.pot._director import initialize_pot_director
from yt_dlp.extractor.youtube.pot.provider import PoTokenContext, PoTokenRequest
director = initialize_pot_director(downloader.get_info_extractor("Youtube"))
question = PoTokenRequest(
    context=PoTokenContext.GVS, innertube_context={"client": {"clientName": "WEB"}}, visitor_data="visitor",
    request_cookiejar=downloader.cookiejar, request_timeout=5,
)
print(director.get_po_token(question))
"""


def test_a_token_comes_from_the_provider_that_the_settings_name(tmp_path: Path) -> None:
    with Loopback({"/get_pot": sends_json({"poToken": "dG9rZW4x"})}) as server:
        request = FetchRequest(str(tmp_path), ACCESS, connection=ConnectionOptions(po_token_provider=server.url))
        command = [sys.executable, "-c", TOKEN_FROM_PROVIDER, request.to_json()]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("dG9rZW4x"), done.stdout + done.stderr


def test_nothing_that_runs_programs_or_reads_settings_is_ever_told() -> None:
    forbidden = {"external_downloader", "exec_cmd", "cookiefile", "cookiesfrombrowser", "plugin_dirs", "username"}
    forbidden |= {"password", "usenetrc", "netrc_cmd", "config_locations", "allow_unplayable_formats", "progress_hooks"}
    for told in (parameters(ACCESS), parameters(direct_files("nas")), parameters(SEARCH_ACCESS, query="a song")):
        assert not forbidden & set(told)
        assert "--" not in json.dumps(told)


def test_deno_comes_from_its_wheel_and_runs() -> None:
    found = ytdlp.find_deno()
    assert os.path.isfile(found) and os.path.basename(found) == "deno"
    said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=600).stdout
    assert said.startswith("deno 2.")


IN_THE_CHILD = """
import json, sys
from downloads.fetch import ytdlp
from downloads.fetch.protocol import FetchRequest
request = FetchRequest.from_json(sys.argv[1])
downloader = ytdlp.make_downloader(request, ytdlp.WarningLog(), "ffmpeg", ytdlp.find_deno())
def chosen(answer):
    formats = [{
        "format_id": str(part["itag"]), "url": "https://x.googlevideo.com/", "vcodec": "none",
        "ext": "m4a" if "mp4" in part["mimeType"] else "webm", "protocol": "https",
        "acodec": part["mimeType"].split('"')[1], "abr": part["bitrate"] / 1000,
    } for part in answer]
    downloader.sort_formats({"formats": formats})
    select = downloader.build_format_selector(downloader.params["format"])
    context = {"formats": formats, "has_merged_format": False, "incomplete_formats": True}
    return [part["format_id"] for part in select(context)]
print(json.dumps({
    "chosen": [chosen(answer) for answer in json.load(sys.stdin)],
    "extractors": list(downloader._ies),
    "runtimes": {name: bool(found.info and found.info.supported) for name, found in downloader._js_runtimes.items()},
    "proxies": downloader.proxies,
}))
"""


def in_the_child(stage: Path, audio_format: str, answers: list[Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_CHILD, FetchRequest(str(stage), ACCESS, audio_format=audio_format).to_json()],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=child_environment(str(stage)) | {"HTTPS_PROXY": "http://127.0.0.1:9"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_yt_dlp_accepts_it_and_knows_one_extractor_and_one_runtime(tmp_path: Path) -> None:
    seen = in_the_child(tmp_path, "best", [])
    assert seen["extractors"] == ["Youtube"]
    assert seen["runtimes"] == {"deno": True}
    assert seen["proxies"] == {"all": "__noproxy__"}


@needs_shared
@pytest.mark.parametrize(("audio_format", "itag", "other"), [("best", "140", "251"), ("opus", "251", "140")])
def test_each_recorded_recording_has_the_sound_that_is_wanted(
    tmp_path: Path, audio_format: str, itag: str, other: str
) -> None:
    with gzip.open(SHARED_DATA / "youtube" / "player_answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        answers = [row["audio_formats"] for row in map(json.loads, lines) if row.get("audio_formats")]
    chosen = in_the_child(tmp_path, audio_format, answers)["chosen"]
    assert len(chosen) == len(answers) == 222
    for answer, formats in zip(answers, chosen, strict=True):
        offered = {str(part["itag"]) for part in answer}
        assert formats == [itag if itag in offered else other]
    assert Counter(part for formats in chosen for part in formats)[itag] > 200


def test_opus_of_128_kbit_is_taken_before_aac_of_48(tmp_path: Path) -> None:
    """Where 140 is missing; 48 kbit/s would be refused as too poor once it is here, and the recording barred."""
    poor = {"itag": 139, "mimeType": 'audio/mp4; codecs="mp4a.40.5"', "bitrate": 48_800}
    good = {"itag": 251, "mimeType": 'audio/webm; codecs="opus"', "bitrate": 129_000}
    dubbed = {"itag": "140-1", "mimeType": 'audio/mp4; codecs="mp4a.40.2"', "bitrate": 129_500}
    answers = [[poor, good], [good, poor, dubbed], [poor]]
    assert in_the_child(tmp_path, "best", answers)["chosen"] == [["251"], ["140-1"], ["139"]]


class Extractor:
    """What stands for yt-dlp here is only asked what it was told; it answers with one info."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        self.fetched = False

    def extract_info(self, url: str, download: bool, process: bool) -> dict[str, Any]:
        return self.info

    def process_ie_result(self, info: dict[str, Any], download: bool) -> dict[str, Any]:
        self.fetched = True
        return info


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ({"live_status": "is_live"}, "live"),
        ({"live_status": "is_upcoming"}, "live"),
        ({"live_status": "post_live"}, "live"),
        ({"_type": "playlist", "entries": []}, "not_a_file"),
        ({"_type": "url", "url": "http://x"}, "not_a_file"),
    ],
)
def test_what_is_no_recording_is_not_fetched(info: dict[str, Any], kind: str) -> None:
    extractor = Extractor(info)
    with pytest.raises(DownloadError) as caught:
        ytdlp.fetch_site(extractor, "https://www.youtube.com/watch?v=aaaaaaaaaaa")
    assert caught.value.kind == kind and not extractor.fetched


@pytest.mark.parametrize("info", [{}, {"live_status": "not_live"}, {"live_status": "was_live", "_type": "video"}])
def test_a_recording_is_fetched(info: dict[str, Any]) -> None:
    extractor = Extractor(info)
    ytdlp.fetch_site(extractor, "https://www.youtube.com/watch?v=aaaaaaaaaaa")
    assert extractor.fetched


def test_http_errors_on_the_way_are_noted_with_their_retry_after() -> None:
    log = ytdlp.WarningLog()
    for status, header in ((403, None), (429, "7200"), (429, "60")):
        response = SimpleNamespace(headers={"Retry-After": header} if header else {})
        log.http_error(SimpleNamespace(status=status, response=response))
    assert (log.statuses, log.retry_after) == ([403, 429, 429], 7200.0)


def test_a_429_that_yt_dlp_went_on_without_is_a_rate_limit_of_the_time_it_named() -> None:
    context = child.FetchContext(FetchRequest("/stage", ACCESS), lambda line: None)
    context._log.statuses, context._log.retry_after = [429], 7200.0
    answer = context._explain(Exception("[youtube] a: Failed to extract any player response"))
    assert (answer["kind"], answer["retry_after"]) == ("rate_limit", 7200.0)


def test_a_transfer_that_trickles_is_given_up_after_a_minute() -> None:
    seconds = iter([0.0, 30.0, 59.0, 60.0])
    context = child.FetchContext(FetchRequest("/stage", ACCESS), lambda line: None, clock=lambda: next(seconds))
    for done in (0, 30_000, 59_000):
        context._progress({"downloaded_bytes": done})
    with pytest.raises(DownloadError, match=r"Only 1\.0 kB arrived per second"):
        context._progress({"downloaded_bytes": 60_000})


def test_a_slow_line_is_let_be() -> None:
    minutes = iter(range(10))
    context = child.FetchContext(FetchRequest("/stage", ACCESS), lambda line: None, clock=lambda: 60.0 * next(minutes))
    for minute in range(10):
        context._progress({"downloaded_bytes": 900_000 * minute})


def test_the_child_is_this_python_with_a_safe_path() -> None:
    assert list(COMMAND) == [sys.executable, "-P", "-s", "-m", "downloads.fetch.child"]


def test_what_youtube_lists_as_the_size_is_what_must_arrive_and_a_guess_is_not() -> None:
    listed = {"requested_downloads": [{"filepath": "/stage/audio.m4a", "filesize": 4_000_000}]}
    assert ytdlp.announced_bytes(listed, 0) == 4_000_000
    assert ytdlp.announced_bytes({"filesize": None, "filesize_approx": 5_000_000}, 0) is None
    assert ytdlp.announced_bytes({"filesize": 4_000_000}, 4_000_100) == 4_000_100, "the server's own header is newer"
