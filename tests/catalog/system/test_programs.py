"""Programs that are not ours: what they see of us, what they may use, and what is kept of their words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from catalog.system import programs
from catalog.system.programs import KEPT_BYTES, Limits
from tests.audio import make_audio


def python(code: str, **options: object) -> programs.Completed:
    return programs.run([sys.executable, "-I", "-S", "-c", code], **({"timeout": 60.0} | options))  # type: ignore[arg-type]


def test_no_secret_reaches_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "SPOTIFY_CLIENT_SECRET", "DATABASE_URL", "HTTPS_PROXY", "LD_PRELOAD", "FFREPORT"):
        monkeypatch.setenv(name, "secret-value")
    environment = python("import os; print(dict(os.environ))").stdout
    assert b"secret-value" not in environment and b"PATH" in environment


def test_ffmpeg_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from downloads.audio import ffmpeg  # a package above this one: its tools are what this is about

    song = make_audio(tmp_path / "song.mp3", 4)
    real = ffmpeg.find_ffmpeg()
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\nenv >> {tmp_path}/environment\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SECRET_KEY", "secret-value")
    ffmpeg.run_ffmpeg(ffmpeg.input_arguments(song))
    environment = (tmp_path / "environment").read_text()
    assert "PATH=" in environment and "secret-value" not in environment


def test_of_endless_messages_beginning_and_end_are_kept_and_all_are_counted() -> None:
    code = "import sys\nfor n in range(100_000): print(f'line {n} [error]', file=sys.stderr)"
    result = python(code, counted=(b"[error]",))
    assert len(result.stderr) == 2 * KEPT_BYTES
    assert result.stderr.startswith(b"line 0 ") and result.stderr.endswith(b"line 99999 [error]\n")
    assert result.counts == {b"[error]": 100_000}


def test_a_program_that_takes_too_much_memory_ends_alone() -> None:
    result = python("x = bytearray(2**29)", limits=Limits(memory_bytes=2**28))
    assert result.code != 0 and b"MemoryError" in result.stderr


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError):
        python("import time; time.sleep(600)", timeout=0.2)


def test_what_is_fed_arrives_whole_and_a_closed_input_is_no_error() -> None:
    data = bytes(1_000_000)
    count = "import sys; print(len(sys.stdin.buffer.read()))"
    assert python(count, stdin=data).stdout.strip() == b"1000000"
    assert python("import sys; sys.stdin.close(); print('ok')", stdin=data).stdout.strip() == b"ok"
