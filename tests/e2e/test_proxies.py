"""The examples of `docs/install.md` for nginx and Caddy, run as they stand there.

TLS, log-in, forms, a large upload, parts of a song for a player, clients that stall.

Only the name of a certificate's file, ports and folders of temporary files are set around them.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.installation import PROJECT, SONGS, HeldArchive, Installation, eventually
from tests.ports import free_port

pytestmark = pytest.mark.long

NAME = "music.example.org"
MAKE_ADMIN = "from django.contrib.auth.models import User; User.objects.create_superuser('kim', '', 'a long one 1')"
TRACK = "from catalog.models import Track; print(Track.objects.get(status='downloaded').pk)"
NETWORKS = (
    "from catalog.models import LoginFailure; print(list(LoginFailure.objects.values_list('network', flat=True)))"
)


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (PROJECT / "docs/install.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def nginx(folder: Path, port: int, backend: int) -> list[str]:
    names = ["-keyout", str(folder / "key"), "-out", str(folder / "cert"), "-subj", f"/CN={NAME}"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(make, check=True, capture_output=True)
    server = example("nginx").replace("listen 443", f"listen 127.0.0.1:{port}").replace(":8000", f":{backend}")
    server = re.sub(r"(ssl_certificate_key +)\S+;", rf"\1{folder}/key;", server)
    server = re.sub(r"(ssl_certificate +)\S+;", rf"\1{folder}/cert;", server)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"user root; daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
    whole += f"http {{ access_log off; {temporary}\n"
    (folder / "nginx.conf").write_text(f"{whole}{server}}}\n")
    return ["nginx", "-p", str(folder), "-e", str(folder / "log"), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, backend: int) -> list[str]:
    site = example("caddy").replace(NAME, f"https://{NAME}:{port}").replace(":8000", f":{backend}")
    said = (
        "admin off",
        "auto_https disable_redirects",
        "local_certs",
        "skip_install_trust",
        f"storage file_system {folder}",
    )
    options = "{\n" + "\n".join(said) + "\n}\n"
    (folder / "Caddyfile").write_text(options + site)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def behind(request: Any, tmp_path: Path, archive: HeldArchive) -> Iterator[tuple[Installation, str]]:
    """An installation behind the proxy, and the proxy's address."""
    make: Callable[..., list[str]] = request.param
    if not shutil.which(make.__name__, path="/usr/sbin:/usr/bin:/bin"):
        pytest.skip(f"{make.__name__} is not installed")
    port = free_port()
    origin = f"https://{NAME}:{port}"
    changes = {"HTTPS": "true", "ALLOWED_HOSTS": f"{NAME},127.0.0.1", "CSRF_TRUSTED_ORIGINS": origin}
    with Installation(tmp_path / "home", archive, TRUSTED_PROXY="127.0.0.1", **changes) as installed:
        installed.command("shell", "-c", MAKE_ADMIN)
        installed.start()
        folder = tmp_path / "proxy"
        folder.mkdir()
        line = make(folder, port, installed.port)
        proxy = subprocess.Popen(line, env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder)})
        try:
            yield installed, origin
        finally:
            proxy.terminate()
            proxy.wait()


class Resolved(requests.adapters.HTTPAdapter):
    """Speaks to the proxy on loopback under the site's name."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.poolmanager.connection_pool_kw |= {"server_hostname": NAME, "assert_hostname": False}
        request.headers["Host"] = request.url.split("/")[2]
        request.url = request.url.replace(NAME, "127.0.0.1")
        return super().send(request, *args, **kwargs)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_log_in_forms_and_a_large_upload_go_through(behind: tuple[Installation, str], tmp_path: Path) -> None:
    installed, origin = behind
    browser = requests.Session()
    browser.mount("https://", Resolved())
    browser.verify = browser.trust_env = False

    def answers() -> bool:
        try:
            return browser.get(f"{origin}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    eventually(answers, "the proxy leads to the page", 40)

    def post(path: str, page: str, files: Any = None, **data: str) -> requests.Response:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', browser.get(f"{origin}{page}").text)
        assert token
        form = {"csrfmiddlewaretoken": token[1], **data}
        headers = {"Referer": f"{origin}{page}", "Origin": origin}
        return browser.post(f"{origin}{path}", data=form, files=files, headers=headers, allow_redirects=False)

    assert post("/login", "/login", username="kim", password="no").status_code == 200
    answer = post("/login", "/login", username="kim", password="a long one 1")
    assert answer.status_code == 302, answer.text[:500]
    assert "secure" in answer.headers["Set-Cookie"].lower()
    assert browser.get(f"{origin}/settings").status_code == 200
    listen_in_ranges(browser, installed, origin)
    assert post("/fetching/pause", "/").status_code == 302  # a button
    large = tmp_path / "large.csv"
    large.write_bytes(b"Track Name,Artist Name(s)\n" + b"x" * 50_000_000)
    with large.open("rb") as file:
        sent = post("/import", "/import", files={"files": file})
    assert sent.status_code in (200, 400) and "Tonekeep" in sent.text  # its own page, not the proxy's 413
    assert "127.0.0.1" in installed.command("shell", "-c", NETWORKS).stdout
    with stalled_clients(int(origin.rpartition(":")[2])):
        for _ in range(5):
            assert browser.get(f"{origin}/healthz", timeout=10).status_code == 200
            assert browser.get(f"{origin}/settings", timeout=10).status_code == 200


def listen_in_ranges(browser: requests.Session, installed: Installation, origin: str) -> None:
    """A player asks for parts of a song's file, and gets those bytes."""
    installed.import_songs(SONGS[0])
    eventually(lambda: installed.files(), "the song is here", 120)
    content = installed.files()[0].read_bytes()
    pk = int(installed.command("shell", "-c", TRACK).stdout.split()[-1])
    for asked, first, last in (("0-", 0, len(content) - 1), ("100-199", 100, 199), ("-50", len(content) - 50, None)):
        part = browser.get(f"{origin}/decide/{pk}/sound", headers={"Range": f"bytes={asked}"})
        last = len(content) - 1 if last is None else last
        assert part.status_code == 206 and part.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
        assert part.content == content[first : last + 1]
    too_far = browser.get(f"{origin}/decide/{pk}/sound", headers={"Range": f"bytes={len(content)}-"})
    assert too_far.status_code == 416


@contextmanager
def stalled_clients(port: int) -> Iterator[None]:
    """Forty connections whose request never comes to its end: half a head, or a head and a bit of its body."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ExitStack() as held:
        for number in range(40):
            plain = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            client = held.enter_context(context.wrap_socket(plain, server_hostname=NAME))
            head = f"POST /login HTTP/1.1\r\nHost: {NAME}:{port}\r\n"
            body = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\nusername=k"
            client.sendall((head + body * (number % 2)).encode())
        yield
