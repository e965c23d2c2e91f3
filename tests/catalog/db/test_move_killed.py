"""A move to PostgreSQL and back is killed again and again, and nothing is lost. 100,000 tracks: bench/move_to.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

PROJECT = Path(__file__).resolve().parents[3]
SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/test")


@pytest.mark.long
def test_killed_at_ten_moments_on_either_way_the_copy_equals_the_source() -> None:
    try:
        psycopg.connect(SERVER, connect_timeout=5).close()
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer")
    command = [sys.executable, "bench/move_to.py", "--tracks", "2000", "--kills", "10"]
    environment = os.environ | {"BENCH_DATABASE_URL": SERVER}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every row of every table is as it was" in done.stdout
