"""Sixty addresses that lead elsewhere are refused, in the parent and again in the child."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from downloads.failures.kinds import DownloadError
from downloads.fetch.process import PROJECT, fetch
from downloads.fetch.protocol import FetchRequest
from downloads.fetch.sandbox import NetworkSandbox
from downloads.fetch.url_allowlist import (
    AddressRefused,
    SiteAccess,
    archive_address,
    direct_files,
    server,
    youtube_address,
    youtube_id,
)
from downloads.search.youtube import ACCESS

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f" {ID}\n",
        f"https://www.youtube.com/watch?v={ID}",
        f"http://youtube.com/watch?v={ID}&list=PL1&t=5",
        f"https://www.youtube.com/watch/?list=x&v={ID}",
        f"https://music.youtube.com/watch?v={ID}&feature=share",
        f"https://m.youtube.com/watch?v={ID}#t=1",
        f"https://youtu.be/{ID}?si=abc",
        f"https://www.youtube.com/embed/{ID}",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"HTTPS://WWW.YouTube.com:443/watch?v={ID}",
    ],
)
def test_every_usual_form_gives_the_id_and_one_address(text: str) -> None:
    assert youtube_id(text) == ID
    assert youtube_address(text) == f"https://www.youtube.com/watch?v={ID}"


HOSTILE = [
    "",
    " ",
    "dQw4w9WgXc",
    "dQw4w9WgXcQQ",
    "dQw4w9WgXc/",
    "dQw4w9WgXc\n",
    "-" * 10,
    "../../../etc",
    "https://evil.example/watch?v=dQw4w9WgXcQ",
    "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
    "https://evilyoutube.com/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
    "https://evil.example#www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://evil.example?www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://evil.example\\@www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com\\.evil.example/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com%2eevil.example/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com%00.evil.example/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com\x00/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com\t/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ\r\nHost: evil",
    "https://www.youtube.com:8080/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com:80x/watch?v=dQw4w9WgXcQ",
    "http://www.youtube.com:443/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com/redirect?q=https://evil.example",
    "https://www.youtube.com/watch",
    "https://www.youtube.com/watch?v=",
    "https://www.youtube.com/watch?v=short",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ/../x",
    "https://www.youtube.com/watch?list=PL123",
    "https://www.youtube.com/playlist?list=PL123",
    "https://www.youtube.com/channel/UC1234567890",
    "https://www.youtube.com/@somebody",
    "https://www.youtube.com/",
    "https://www.youtube.com/attribution_link?u=/watch%3Fv%3DdQw4w9WgXcQ",
    "https://youtu.be/",
    "https://youtu.be/dQw4w9WgXcQ/x",
    "https://youtu.be/watch?v=dQw4w9WgXcQ",
    "https://youtu.be.evil.example/dQw4w9WgXcQ",
    "https://accounts.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://google.com/url?q=https://youtu.be/dQw4w9WgXcQ",
    "//www.youtube.com/watch?v=dQw4w9WgXcQ",
    "www.youtube.com/watch?v=dQw4w9WgXcQ",
    "ftp://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "file:///etc/passwd",
    "file://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "javascript:alert(1)//www.youtube.com/watch?v=dQw4w9WgXcQ",
    "data:text/html,https://youtu.be/dQw4w9WgXcQ",
    "ytsearch:dQw4w9WgXcQ",
    "ytsearch10:x",
    "yt:dQw4w9WgXcQ",
    "-o/etc/passwd",
    "--exec=id",
    "--config-location=x",
    "http://127.0.0.1/watch?v=dQw4w9WgXcQ",
    "http://localhost/watch?v=dQw4w9WgXcQ",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/watch?v=dQw4w9WgXcQ",
    "http://[::ffff:7f00:1",
    "http://2130706433/watch?v=dQw4w9WgXcQ",
    "https://уoutube.com/watch?v=dQw4w9WgXcQ",
    "https://www.youtube。com/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com/watch?v=" + "x" * 5000,
]


def test_there_are_sixty_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_address_is_refused_by_parent_and_child(tmp_path: Path, text: str) -> None:
    with pytest.raises(AddressRefused):
        youtube_address(text)
    with pytest.raises(DownloadError) as caught:
        fetch(text, tmp_path, access=ACCESS, command=["/nonexistent"])
    assert caught.value.kind == "foreign_host"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_address_is_on_the_audio_server(text: str) -> None:
    with pytest.raises(AddressRefused):
        archive_address(text, server("nas.example:8000"))


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("nas", "http://nas/a.mp3"),
        ("nas", "https://nas/a.mp3"),
        ("nas:8000", "http://nas:8000/a.mp3"),
        ("http://NAS:8000/music/", "http://nas:8000/other/a.mp3?x=1"),
        ("http://nas", "https://nas/a.mp3"),
        ("[::1]:8000", "http://[::1]:8000/a.mp3"),
    ],
)
def test_a_file_on_the_server_is_allowed(allowed: str, url: str) -> None:
    assert archive_address(url, server(allowed)) == url


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("nas:8000", "http://nas/a.mp3"),
        ("nas:8000", "http://nas:8001/a.mp3"),
        ("https://nas", "http://nas/a.mp3"),
        ("nas", "http://nas.example/a.mp3"),
        ("nas", "http://user@nas/a.mp3"),
        ("nas", "http://nas/a b.mp3"),
    ],
)
def test_another_port_or_name_is_another_server(allowed: str, url: str) -> None:
    with pytest.raises(AddressRefused):
        archive_address(url, server(allowed))


def test_what_stands_behind_a_number_sign_reaches_no_tool() -> None:
    """yt-dlp reads options from there."""
    url = "http://nas.example:8000/a.mp3"
    smuggled = f"{url}?x=1#__youtubedl_smuggle=%7B%22http_headers%22%3A+%7B%7D%7D"
    assert archive_address(smuggled, server("nas.example:8000")) == f"{url}?x=1"


@pytest.mark.parametrize("text", ["", "http://", "http://:80", "nas:port", "a b"])
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        server(text)


def test_the_fence_lets_through_what_was_agreed_on() -> None:
    fence = NetworkSandbox(server("nas:8000").allows, frozenset({"/usr/bin/ffmpeg"}))
    fence("socket.getaddrinfo", ("nas", 8000))
    fence("socket.getaddrinfo", (b"NAS", "8000"))
    fence("subprocess.Popen", ("/usr/bin/ffmpeg", [], None, None))
    fence("open", ("/etc/passwd", "r", 0))
    assert fence.refused == []


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("socket.getaddrinfo", ("nas", 8001)),
        ("socket.getaddrinfo", ("evil.example", 8000)),
        ("socket.getaddrinfo", ("nas", None)),
        ("socket.connect", (None, "/var/run/docker.sock")),
        ("socket.connect", (None, ("192.0.2.1", 8000))),
        ("socket.sendto", (None, ("192.0.2.1", 8000))),
        ("socket.gethostbyname", ("evil.example",)),
        ("subprocess.Popen", ("/bin/sh", [], None, None)),
        ("subprocess.Popen", ("ffmpeg", [], None, None)),
        ("os.system", ("id",)),
        ("os.exec", ("/bin/sh", [], None)),
        ("os.posix_spawn", ("/bin/sh", [], None)),
    ],
)
def test_the_fence_refuses_all_else(event: str, args: tuple[object, ...]) -> None:
    fence = NetworkSandbox(server("nas:8000").allows, frozenset({"/usr/bin/ffmpeg"}))
    with pytest.raises(PermissionError):
        fence(event, args)


@pytest.mark.parametrize(
    "host", ["www.youtube.com", "rr3---sn-4g5e.googlevideo.com", "youtubei.googleapis.com", "YOUTUBE.com."]
)
def test_youtubes_own_hosts_are_reached_over_https_only(host: str) -> None:
    assert ACCESS.allows(host, 443)
    assert not ACCESS.allows(host, 80)


@pytest.mark.parametrize("host", ["evilyoutube.com", "youtube.com.evil.example", "googleapis.com", "127.0.0.1", ""])
def test_other_hosts_are_not_youtubes(host: str) -> None:
    assert not ACCESS.allows(host, 443)


IN_ONE_CHILD = """
import json, sys
from downloads.fetch.child import FetchContext
from downloads.fetch.protocol import FetchRequest
for line in json.load(sys.stdin):
    print(json.dumps(FetchContext(FetchRequest.from_json(line), print).answer()))
"""


@pytest.mark.parametrize("access", [ACCESS, direct_files("nas.example:8000")], ids=["youtube", "archive"])
def test_the_child_refuses_each_of_them_on_its_own(tmp_path: Path, access: SiteAccess) -> None:
    """The child's whole way, in a process that believes a parent which has checked nothing."""
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_CHILD],
        input=json.dumps([FetchRequest(str(tmp_path), access, text).to_json() for text in HOSTILE]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=600,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["kind"] for answer in answers] == ["foreign_host"] * len(HOSTILE)
    assert os.listdir(tmp_path) == []
