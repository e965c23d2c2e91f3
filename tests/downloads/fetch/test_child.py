"""The whole of a fetch over real HTTP: a real child process runs the real yt-dlp."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from demo.archive import ArchiveServer
from downloads.audio.ffmpeg import find_ffmpeg
from downloads.audio.probe import probe
from downloads.audio.verify import verify
from downloads.failures.kinds import ERROR_KINDS, DownloadError
from downloads.fetch.process import PROJECT, Fetched, child_environment, fetch
from downloads.fetch.protocol import HOME, FetchRequest
from downloads.fetch.url_allowlist import SiteAccess, direct_files
from downloads.search.youtube import ACCESS
from tests.audio import make_audio
from tests.downloads.loopback import Loopback, never_ends, sends, sends_until_it_closes, status


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for name in ("song.mp3", "song.m4a", "song.opus", "song.flac", "song.ogg", "song.wav"):
        make_audio(folder / name, 4)
    return folder


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs of 24 seconds: half of one is further off than the five seconds that a recording may differ by."""
    folder = tmp_path_factory.mktemp("songs")
    for extension in ("mp3", "m4a", "opus", "flac", "ogg", "wav"):
        make_audio(folder / f"song.{extension}", 24)
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    (tmp_path / "stage").mkdir()
    return tmp_path / "stage"


def fetched_into(stage: Path | str) -> list[str]:
    """What lies in the stage, but for the tools' own home, which goes with it."""
    return sorted(name for name in os.listdir(stage) if name != HOME)


def get(url: str, stage: Path, **options: object) -> Fetched:
    options = {"access": direct_files(url.split("/")[2]), "deadline_seconds": 600.0} | options
    return fetch(url, stage, **options)  # type: ignore[arg-type]


def refusal(url: str, stage: Path, **options: object) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        get(url, stage, **options)
    assert caught.value.kind in ERROR_KINDS
    assert "\n" not in caught.value.message and "Traceback" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("extension", ["mp3", "m4a", "opus", "flac", "ogg", "wav"])
def test_best_is_the_file_as_it_was_delivered(music: Path, stage: Path, extension: str) -> None:
    with ArchiveServer(music) as archive:
        found = get(f"{archive.url}/audio/song.{extension}", stage)
    assert found.extension == extension
    assert Path(found.path).read_bytes() == (music / f"song.{extension}").read_bytes()
    assert fetched_into(stage) == [f"audio.{extension}"]
    assert found.size == os.path.getsize(found.path)


@pytest.mark.parametrize(
    ("delivered", "wanted", "codec", "same"),
    [
        ("mp3", "mp3", "mp3", True),
        ("opus", "opus", "opus", True),
        ("m4a", "m4a", "aac", True),
        ("flac", "mp3", "mp3", False),
        ("mp3", "opus", "opus", False),
        ("ogg", "m4a", "aac", False),
    ],
)
def test_a_wanted_format_is_made_only_where_it_is_not_there_already(
    music: Path, stage: Path, delivered: str, wanted: str, codec: str, same: bool
) -> None:
    with ArchiveServer(music) as archive:
        found = get(f"{archive.url}/audio/song.{delivered}", stage, audio_format=wanted)
    assert (found.extension, probe(found.path).codec) == (wanted, codec)
    assert fetched_into(stage) == [f"audio.{wanted}"]
    delivered_bytes = (music / f"song.{delivered}").read_bytes()
    assert (Path(found.path).read_bytes() == delivered_bytes) is same
    verify(found.path, 4000, None)


def test_the_extension_comes_from_the_content_and_not_from_the_address(music: Path, stage: Path) -> None:
    body = (music / "song.m4a").read_bytes()
    with Loopback({"/get.php": sends(body, "audio/mpeg")}) as server:
        found = get(f"{server.url}/get.php?id=5", stage)
    assert found.extension == "m4a"


def test_progress_rises_to_one(music: Path, stage: Path) -> None:
    shares: list[float] = []
    with ArchiveServer(music) as archive:
        get(f"{archive.url}/audio/song.mp3", stage, on_progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0


@pytest.mark.real_exec
def test_a_busy_server_is_an_error_of_its_own_and_the_next_try_succeeds(music: Path, stage: Path) -> None:
    with ArchiveServer(music, failures={"song.mp3": 1}) as archive:
        assert refusal(f"{archive.url}/audio/song.mp3", stage).kind == "server"
        assert get(f"{archive.url}/audio/song.mp3", stage).extension == "mp3"


def test_a_server_that_says_stop_names_its_own_time(stage: Path) -> None:
    with Loopback({"/a.mp3": status(429, Retry_After="7200")}) as server:
        error = refusal(f"{server.url}/a.mp3", stage)
    assert (error.kind, error.retry_after) == ("rate_limit", 7200.0)


@pytest.mark.parametrize(
    ("code", "kind"), [(404, "removed"), (410, "removed"), (401, "login"), (403, "server"), (500, "server")]
)
def test_a_status_has_a_kind(stage: Path, code: int, kind: str) -> None:
    with Loopback({"/a.mp3": status(code)}) as server:
        assert refusal(f"{server.url}/a.mp3", stage).kind == kind


def test_a_server_that_is_not_there_is_a_network_error(stage: Path) -> None:
    with Loopback() as server:
        gone = server.url
    assert refusal(f"{gone}/a.mp3", stage).kind == "network"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_is_refused_without_a_connection(stage: Path, code: int) -> None:
    with Loopback({"/a.mp3": sends(b"x" * 5000)}) as canary:
        routes = {"/a.mp3": status(code, Location=f"{canary.url}/a.mp3")}
        with Loopback(routes) as server:
            assert refusal(f"{server.url}/a.mp3", stage).kind == "foreign_host"
    assert canary.asked == []


@pytest.mark.real_exec
def test_a_redirect_on_the_second_look_is_refused_as_well(stage: Path) -> None:
    """The first request is yt-dlp's look at the headers, the second one fetches."""
    with Loopback({"/a.mp3": sends(b"x" * 5000)}) as canary, Loopback() as server:
        answers = iter([sends(b"x" * 5000), status(302, Location=f"{canary.url}/a.mp3")])
        server.routes["/a.mp3"] = lambda handler: next(answers)(handler)
        assert refusal(f"{server.url}/a.mp3", stage).kind == "foreign_host"
        assert len(server.asked) == 2
    assert canary.asked == []


def test_a_redirect_on_the_same_server_is_followed(music: Path, stage: Path) -> None:
    routes = {"/a.mp3": status(302, Location="/b"), "/b": sends((music / "song.mp3").read_bytes())}
    with Loopback(routes) as server:
        assert get(f"{server.url}/a.mp3", stage).extension == "mp3"


def manifests(canary: str) -> list[tuple[str, bytes]]:
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{canary}/a.ts\n#EXT-X-ENDLIST\n".encode()
    dash = (
        f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><BaseURL>{canary}/'
        '</BaseURL><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1">'
        "<BaseURL>a.m4a</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()
    page = f'<html><title>x</title><video src="{canary}/a.mp4"></video><meta property="og:video" '
    embed = (page + f'content="{canary}/b.mp4"><iframe src="{canary}/c"></iframe></html>').encode()
    feed = f'<rss><channel><title>x</title><item><enclosure url="{canary}/a.mp3"/></item></channel></rss>'
    xspf = (
        '<playlist xmlns="http://xspf.org/ns/0/"><trackList><track><location>'
        f"{canary}/a.mp3</location></track></trackList></playlist>"
    )
    refresh = f'<html><meta http-equiv="refresh" content="0; url={canary}/a.mp3"></html>'
    return [
        ("audio/mpegurl", hls),
        ("application/vnd.apple.mpegurl", hls),
        ("text/plain", hls),
        ("audio/mpeg", hls),
        ("application/octet-stream", hls),
        ("application/dash+xml", dash),
        ("text/html", embed),
        ("application/rss+xml", feed.encode()),
        ("application/xspf+xml", xspf.encode()),
        ("text/html", refresh.encode()),
        ("text/plain", f"ffconcat version 1.0\nfile '{canary}/a.mp3'\n".encode()),
        ("audio/mpeg", f"ffconcat version 1.0\nfile '{canary}/a.mp3'\n".encode()),
    ]


@pytest.mark.parametrize("number", range(12))
def test_a_manifest_or_page_in_place_of_a_file_is_refused_and_leads_nowhere(stage: Path, number: int) -> None:
    with Loopback() as canary:
        kind, body = manifests(canary.url)[number]
        with Loopback({"/a.mp3": sends(body, kind)}) as server:
            error = refusal(f"{server.url}/a.mp3", stage)
    assert error.kind in {"not_a_file", "foreign_host", "bad_file"}
    assert canary.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/a.mp3",
        "ftp://127.0.0.1/a.mp3",
        "file:///etc/passwd",
        "http://archive@127.0.0.1/a.mp3",
        "http://127.0.0.1\\@evil.example/a.mp3",
        "//evil.example/a.mp3",
        "-o/etc/x",
        "ytsearch:x",
    ],
)
def test_an_address_elsewhere_is_refused_before_a_child_is_started(stage: Path, url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(url, stage, access=direct_files("127.0.0.1"), command=["/nonexistent"])
    assert caught.value.kind == "foreign_host"


@pytest.mark.real_exec
@pytest.mark.parametrize("access", [direct_files("127.0.0.1:1"), ACCESS], ids=["archive", "youtube"])
def test_the_child_refuses_a_foreign_address_on_its_own(stage: Path, access: SiteAccess) -> None:
    with Loopback({"/a.mp3": sends(b"x")}) as canary:
        request = FetchRequest(str(stage), access, f"{canary.url}/a.mp3", parent=os.getpid())
        done = subprocess.run(
            [sys.executable, "-P", "-m", "downloads.fetch.child"],
            input=request.to_json() + "\n",
            capture_output=True,
            text=True,
            env=child_environment(str(stage)),
            cwd=stage,
            timeout=600,
        )
    assert json.loads(done.stdout)["kind"] == "foreign_host"
    assert canary.asked == []


def test_a_page_that_is_named_mp3_is_no_audio(stage: Path) -> None:
    page = b"<html><body>Please log in</body></html>" * 100
    with Loopback({"/a.mp3": sends(page, "audio/mpeg")}) as server:
        assert refusal(f"{server.url}/a.mp3", stage).kind == "bad_file"


@pytest.mark.parametrize("how", ["with a length", "in chunks"])
def test_a_connection_that_breaks_off_bans_nothing(music: Path, stage: Path, how: str) -> None:
    body = (music / "song.ogg").read_bytes()
    half = body[: len(body) // 2]
    lengths = sends(half, claimed=len(body))
    with Loopback({"/a": lengths if how == "with a length" else sends_until_it_closes(half, True, cut=True)}) as server:
        kind = refusal(f"{server.url}/a", stage).kind
    assert kind == "network" and not ERROR_KINDS[kind].bans


@pytest.mark.parametrize("extension", ["mp3", "m4a", "opus", "flac", "ogg", "wav"])
@pytest.mark.parametrize("chunked", [True, False])
def test_half_a_file_of_which_nobody_said_the_length_is_refused(
    songs: Path, stage: Path, extension: str, chunked: bool
) -> None:
    """Neither the server nor the catalog: what is left is where the container says that it ends."""
    body = (songs / f"song.{extension}").read_bytes()
    with Loopback({"/a": sends_until_it_closes(body[: len(body) // 2], chunked)}) as server:
        assert refusal(f"{server.url}/a", stage, length_unknown=True).kind in {"too_short", "bad_file"}
    with Loopback({"/a": sends_until_it_closes(body, chunked)}) as server:
        for name in fetched_into(stage):
            os.unlink(stage / name)
        assert get(f"{server.url}/a", stage, length_unknown=True).size == len(body)


@pytest.mark.parametrize("audio_format", ["mp3", "best"])
def test_half_a_file_is_refused_before_it_is_made_into_a_whole_one(
    songs: Path, stage: Path, tmp_path: Path, audio_format: str
) -> None:
    """Encoded again, or put into another container, the half would have a head and an end of its own."""
    webm = tmp_path / "song.webm"
    subprocess.run([find_ffmpeg(), "-v", "error", "-i", str(songs / "song.opus"), "-c", "copy", str(webm)], check=True)
    body = webm.read_bytes() if audio_format == "best" else (songs / "song.ogg").read_bytes()
    with Loopback({"/a": sends_until_it_closes(body[: len(body) // 2])}) as server:
        assert refusal(f"{server.url}/a", stage, length_unknown=True, audio_format=audio_format).kind == "too_short"


def test_how_many_bytes_were_announced_goes_with_the_file_unless_it_was_rewritten(music: Path, stage: Path) -> None:
    with ArchiveServer(music) as archive:
        found = get(f"{archive.url}/audio/song.ogg", stage)
        assert found.expected_bytes == found.size == os.path.getsize(music / "song.ogg")
        os.unlink(found.path)
        assert get(f"{archive.url}/audio/song.ogg", stage, audio_format="mp3").expected_bytes is None


def test_an_empty_answer_is_the_networks_fault(stage: Path) -> None:
    with Loopback({"/a.mp3": sends(b"")}) as server:
        assert refusal(f"{server.url}/a.mp3", stage).kind == "network"


def test_a_file_beyond_the_limit_is_given_up(music: Path, stage: Path) -> None:
    with ArchiveServer(music) as archive:
        error = refusal(f"{archive.url}/audio/song.wav", stage, max_bytes=100_000)
    assert error.kind == "too_large"


def test_a_server_that_falls_silent_is_left_at_the_deadline(stage: Path) -> None:
    with Loopback({"/a.mp3": never_ends()}) as server:
        ticks = iter([0.0, *[100.0] * 1000])
        error = refusal(f"{server.url}/a.mp3", stage, deadline_seconds=50.0, clock=lambda: next(ticks))
    assert error.kind == "timeout"


@pytest.mark.real_exec
def test_a_stop_ends_a_running_fetch(stage: Path) -> None:
    started = threading.Event()
    with Loopback({"/a.mp3": never_ends(started=started)}) as server:
        error = refusal(f"{server.url}/a.mp3", stage, should_stop=started.is_set, poll_seconds=0.05)
    assert error.kind == "stopped"


@pytest.mark.real_exec
def test_no_secret_and_no_proxy_reaches_the_child(monkeypatch: pytest.MonkeyPatch, music: Path, stage: Path) -> None:
    for name in ("SECRET_KEY", "SPOTIFY_CLIENT_SECRET", "DATABASE_URL", "LD_PRELOAD", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "secret-value")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert "secret-value" not in child_environment(str(stage)).values()
    assert not [name for name in child_environment(str(stage)) if "proxy" in name.lower()]
    with ArchiveServer(music) as archive:  # with the proxy in force it could not succeed
        assert get(f"{archive.url}/audio/song.mp3", stage).size > 0


@pytest.mark.real_exec
def test_a_module_in_the_stage_is_not_imported(music: Path, stage: Path) -> None:
    (stage / "json.py").write_text("raise SystemExit(3)")
    with ArchiveServer(music) as archive:
        error = refusal(f"{archive.url}/audio/song.mp3", stage)
    assert "2 files" in error.message  # it ran to its end, and the stray file is noticed


@pytest.mark.real_exec
def test_importing_the_parents_side_does_not_import_yt_dlp() -> None:
    code = "import sys, downloads.fetch.process; sys.exit('yt_dlp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0


def test_ffmpeg_is_found_in_the_wheel_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = find_ffmpeg()
    assert subprocess.run([found, "-version"], capture_output=True).stdout.startswith(b"ffmpeg version")
