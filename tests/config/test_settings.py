"""The settings: read from the environment by one module, documented twice, refused in one sentence."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {
    "text",
    "flag",
    "number",
    "whole",
    "choice",
    "names",
    "networks",
    "address",
    "place",
    "proxy",
    "extractor_args",
    "readable",
    "program",
}
SAY = "from config import settings as s; print(s.{name})"


def names_in_settings() -> set[str]:
    """Every name that settings.py asks the environment for."""
    tree = ast.parse((ROOT / "config/settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def ask(folder: Path, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh process's value of one setting, under nothing but the given environment."""
    clean = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "ENV_FILE": os.devnull, **environment}
    command = [sys.executable, "-c", SAY.format(name=name)]
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=600)


def test_every_setting_stands_in_the_example_file() -> None:
    written = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(written) == sorted(names_in_settings())


def test_every_setting_stands_in_the_readme() -> None:
    section = (ROOT / "README.md").read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    assert set(re.findall(r"`([A-Z_]+)`", " ".join(first_cells))) == names_in_settings()


def test_the_example_file_can_be_used_as_it_is(tmp_path: Path) -> None:
    assert ask(tmp_path, "PORT", ENV_FILE=str(ROOT / ".env.example")).stdout == "8000\n"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PORT=8100\nDOWNLOAD_WORKERS='3'\n")
    assert ask(tmp_path, "PORT", ENV_FILE=str(tmp_path / "env")).stdout == "8100\n"
    assert ask(tmp_path, "PORT", ENV_FILE=str(tmp_path / "env"), PORT="8200").stdout == "8200\n"
    assert ask(tmp_path, "DOWNLOAD_WORKERS", ENV_FILE=str(tmp_path / "env"), PORT="8200").stdout == "3\n"


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    assert ask(tmp_path, "PORT", PORT=" ").stdout == "8000\n"


def test_the_systems_proxy_and_own_certificates_are_heeded(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    both, own = "YOUTUBE_PROXY, s.CA_FILE", str(tmp_path / "ca.pem")
    systems = {"ALL_PROXY": "socks5://other:1080", "HTTPS_PROXY": "http://proxy:3128", "REQUESTS_CA_BUNDLE": own}
    assert ask(tmp_path, both, **systems).stdout == f"http://proxy:3128 {own}\n"
    ours = {"YOUTUBE_PROXY": "http://mine:3128", "SSL_CERT_FILE": own, "REQUESTS_CA_BUNDLE": os.devnull}
    assert ask(tmp_path, both, **systems | ours).stdout == f"http://mine:3128 {own}\n"
    assert ask(tmp_path, both, ALL_PROXY="socks5://other:1080").stdout == "socks5://other:1080 \n"


@pytest.mark.parametrize("value", ["http://127.0.0.1:9000", "http://127.0.0.1:9000/"])
def test_addresses_work_with_and_without_a_slash_at_the_end(tmp_path: Path, value: str) -> None:
    assert ask(tmp_path, "ARCHIVE_URL", ARCHIVE_URL=value).stdout == "http://127.0.0.1:9000\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "8000.5"),
        ("HTTPS", "perhaps"),
        ("DOWNLOAD_WORKERS", "0"),
        ("AUDIO_SOURCE", "tape"),
        ("YOUTUBE_COOKIES", "/nonexistent/cookies.txt"),
        ("YOUTUBE_PROXY", "ftp://proxy"),
        ("YOUTUBE_EXTRACTOR_ARGS", "youtube:innertube_host=evil.example"),
        ("PO_TOKEN_PROVIDER", "127.0.0.1"),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
        ("DOWNLOAD_KB_PER_SECOND", "1"),
        ("AUDIO_SOURCE", "archive"),  # without ARCHIVE_URL
        ("ARCHIVE_URL", "127.0.0.1:9000"),
        ("ARCHIVE_URL", "http://["),
        ("ARCHIVE_URL", "http://host:port"),
        ("MIN_FREE_GB", "-1"),
        ("MUSIC_UMASK", "9"),
        ("DATABASE_URL", "mysql://here"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://host"),
        ("DATABASE_URL", "sqlite://:memory:"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("DATA_DIR", "/dev/null/data"),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("MUSIC_DIR", "~nobody-of-this-name/music"),
        ("ALLOWED_HOSTS", "http://nas.local"),
        ("ALLOWED_HOSTS", "nas.local:8000"),
        ("CSRF_TRUSTED_ORIGINS", "music.example.org"),
        ("SECRET_KEY", "x"),
        ("SECRET_KEY", "a" * 31),
        ("TRUSTED_PROXY", "proxy.local"),
        ("AUTH_PROXY_HEADER", "Remote-User"),
        ("ENV_FILE", "/nowhere/at/all"),
        ("ENV_FILE", str(ROOT)),
        ("ENV_FILE", str(ROOT / "docs" / "status.png")),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_sentence_that_names_it(
    tmp_path: Path, name: str, value: str
) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull, name: value}
    command = [sys.executable, "manage.py", "migrate", "--check"]
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("Error: ")
    assert name in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_settings_file_of_an_editor_that_marks_utf8_is_read(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PORT=8100\n", encoding="utf-8-sig")
    assert ask(tmp_path, "PORT", ENV_FILE=str(tmp_path / "env")).stdout == "8100\n"


def test_a_password_in_an_unusable_address_is_not_repeated(tmp_path: Path) -> None:
    said = ask(tmp_path, "PORT", DATABASE_URL="mysql://me:hunter2secret@host/db")
    assert said.returncode != 0
    assert "DATABASE_URL" in said.stderr
    assert "hunter2secret" not in said.stderr


def test_a_file_that_is_no_database_is_said_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Anna, " * 100)
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'letter'}"
    command = [sys.executable, "manage.py", "migrate"]
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert refused.returncode == 1
    assert refused.stderr == "Error: The file that DATABASE_URL names is no SQLite database. Name another one.\n"
    assert (tmp_path / "letter").read_text() == "Dear Anna, " * 100


def test_a_music_folder_that_is_not_there_stops_no_start(tmp_path: Path) -> None:
    named = tmp_path / "not mounted"
    assert ask(tmp_path, "MUSIC_DIR", MUSIC_DIR=str(named)).stdout == f"{named}\n"
    assert not named.exists()


def test_the_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = ask(tmp_path, "SECRET_KEY").stdout, ask(tmp_path, "SECRET_KEY").stdout
    assert len(first) > 32
    assert first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_any_host_name_on_an_open_address_is_refused_and_on_this_machine_taken(tmp_path: Path) -> None:
    for bind in ("0.0.0.0", "::", "192.168.1.5"):
        refused = ask(tmp_path, "ALLOWED_HOSTS", ALLOWED_HOSTS="*", BIND=bind)
        assert refused.returncode != 0
        assert "ALLOWED_HOSTS is *" in refused.stderr
    assert ask(tmp_path, "ALLOWED_HOSTS", ALLOWED_HOSTS="*").stdout == "['*']\n"


def test_a_folder_made_by_hand_is_closed_by_the_first_command(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "tonekeep.sqlite3"):
        path.mkdir(exist_ok=True) if path == tmp_path else path.touch()
        path.chmod(0o755)
    assert ask(tmp_path, "PORT", MUSIC_DIR="/music").returncode == 0
    assert [path.stat().st_mode & 0o077 for path in (tmp_path, *tmp_path.iterdir())] == [0] * 4


def test_nothing_is_made_that_others_may_read_whatever_umask_started_us(tmp_path: Path) -> None:
    script = "import os; os.umask(0); from config import settings; print(oct(os.umask(0)))"
    clean = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0o77\n"
