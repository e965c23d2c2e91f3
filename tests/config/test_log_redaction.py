"""No secret reaches a log line, wherever in it it stands."""

from __future__ import annotations

import logging

import pytest

from config.log_redaction import RedactingFormatter, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://me:pa55word@host/db", "postgres://me:***@host/db"),
        ("Authorization: Bearer BQC4abcdefgh", "Authorization: Bearer ***"),
        ('{"access_token": "BQC4abcdefgh"}', '{"access_token": "***"}'),
        ("grant_type=refresh_token&refresh_token=AQAabcdefgh", "grant_type=refresh_token&refresh_token=***"),
        ("the key is s3cr3t/+value", "the key is ***"),
        ("quoted as s3cr3t%2F%2Bvalue", "quoted as ***"),
    ],
)
def test_secrets_become_stars(text: str, expected: str) -> None:
    assert redact(text, ["s3cr3t/+value"]) == expected


@pytest.mark.parametrize("text", ["Track 7 downloaded, 212 s", "http://127.0.0.1:8000/queue", "Code: Red (album)"])
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert redact(text, ["s3cr3t", ""]) == text


def test_a_traceback_is_cleaned_as_well() -> None:
    formatter = RedactingFormatter("%(message)s", ["hunter2hunter2"])
    try:
        raise ValueError("login hunter2hunter2 refused")
    except ValueError:
        import sys

        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed with %s", ("hunter2hunter2",), sys.exc_info()
        )
    line = formatter.format(record)
    assert "hunter2" not in line
    assert "ValueError: login *** refused" in line
