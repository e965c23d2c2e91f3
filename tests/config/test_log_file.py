"""The log as a file: redacted, bounded, silent where it cannot be written; its last lines on a page for owners."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from config import log_redaction
from config.log_redaction import LogFile, RedactingFormatter
from downloads.health.log_tail import last_lines


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    handler = LogFile(str(tmp_path / "tonekeep.log"))
    handler.setFormatter(RedactingFormatter("%(levelname)s %(message)s", ["s3cret"]))
    return handler


def say(log: LogFile, words: str) -> None:
    log.emit(logging.LogRecord("x", logging.INFO, "", 0, words, (), None))


def test_lines_are_redacted_and_only_the_owners(log: LogFile) -> None:
    say(log, "the key is s3cret\nINFO forged")
    assert last_lines(log.path, 200)[0].startswith("INFO the key is ***")
    assert not any(line.startswith("INFO forged") for line in last_lines(log.path, 200))
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_a_large_file_is_put_aside_and_the_one_before_it_goes(log: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_redaction, "LARGEST_FILE", 50)
    for number in range(9):
        say(log, f"{number} {'x' * 30}")
    assert sum(path.stat().st_size for path in log.path.parent.iterdir()) < 200


def test_a_folder_that_is_away_stops_nobody(log: LogFile, tmp_path: Path) -> None:
    log.path = tmp_path / "away" / "tonekeep.log"
    say(log, "lost")
    assert last_lines(log.path, 200) == []


def test_the_page_shows_the_last_lines_as_text_to_owners_alone(
    client: Client, db: None, settings: LazySettings, tmp_path: Path
) -> None:
    settings.LOG_FILE = tmp_path / "tonekeep.log"
    settings.LOG_FILE.write_text("".join(f"INFO line {number} <b>\n" for number in range(9_000)))
    assert client.get("/log").status_code == 302
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    page = client.get("/log").content.decode()
    assert "line 8999 &lt;b&gt;" in page and "line 8700 " not in page
