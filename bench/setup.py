"""A place of its own to measure in: database, data and music folder below one folder, whatever the environment says."""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def configure(place: str, db: str) -> str:
    """Set Django up over an empty database below ``place``; the path of the music folder, which is made.

    ``db`` is "sqlite", or "postgres": then the database "tonekeep_bench" is made anew on the server that
    BENCH_DATABASE_URL names (default: the local one).
    """
    sys.path.insert(0, str(PROJECT))
    server = os.environ.get("BENCH_DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")
    for name in re.findall(r'(?:text|flag|number|choice|names|address)\("([A-Z_]+)"', _settings_text()):
        os.environ.pop(name, None)
    os.makedirs(f"{place}/music", exist_ok=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": f"{place}/data",
        "MUSIC_DIR": f"{place}/music",
        "MIN_FREE_GB": "0",
    }
    if db == "postgres":
        os.environ["DATABASE_URL"] = _new_postgres(server)
    else:
        shutil.rmtree(f"{place}/data", ignore_errors=True)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    return f"{place}/music"


def _settings_text() -> str:
    return (PROJECT / "config" / "settings.py").read_text(encoding="utf-8")


def _new_postgres(server: str) -> str:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tonekeep_bench WITH (FORCE)")
        connection.execute("CREATE DATABASE tonekeep_bench")
    return server.rpartition("/")[0] + "/tonekeep_bench"


def timed(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_of(work: Callable[[], object], runs: int, warm_up: bool = True) -> float:
    """Median seconds of ``runs`` runs; a first one is thrown away."""
    if warm_up:
        work()
    return statistics.median(timed(work) for _ in range(runs))


def find(root: str, *extra: str) -> Callable[[], object]:
    """A run of ``find ROOT -type f …``, its output thrown away."""
    return lambda: subprocess.run(["find", root, "-type", "f", *extra], stdout=subprocess.DEVNULL, check=True)


def settle_database() -> None:
    """What a database does by itself some time after so many rows: statistics, and PostgreSQL's visibility map."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def peak_rss_mb() -> float:
    """The largest resident memory that this process and its ended children had, in MB."""
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
