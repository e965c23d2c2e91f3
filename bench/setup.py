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
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
SETTINGS = PROJECT / "config" / "settings.py"
DATABASE = "tonekeep_bench"
ENVIRONMENT = ("DJANGO_SETTINGS_MODULE", "DATA_DIR", "MUSIC_DIR", "MIN_FREE_GB", "DATABASE_URL")


def configure(place: str, db: str) -> str:
    """Set Django up over an empty database below ``place``; the path of the music folder, which is made.

    ``db`` is "sqlite", or "postgres": then the database "tonekeep_bench" is made anew on the server that
    BENCH_DATABASE_URL names (default: the local one).
    """
    if db == "postgres":
        _new_postgres()
    else:
        shutil.rmtree(f"{place}/data", ignore_errors=True)
    return use(place, db)


def use(place: str, db: str) -> str:
    """Set Django up over the database that is below ``place``, migrated; the path of the music folder."""
    sys.path.insert(0, str(PROJECT))
    os.makedirs(f"{place}/music", exist_ok=True)
    environment_of(place, db)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    return f"{place}/music"


def environment_of(place: str, db: str) -> None:
    """Let the environment say where this measurement is, and nothing else that settings.py reads."""
    for name in re.findall(r'(?:text|flag|number|choice|names|address)\("([A-Z_]+)"', SETTINGS.read_text("utf-8")):
        os.environ.pop(name, None)
    where = {"DATA_DIR": f"{place}/data", "MUSIC_DIR": f"{place}/music", "MIN_FREE_GB": "0"}
    if db == "postgres":
        where["DATABASE_URL"] = f"{_server().rpartition('/')[0]}/{DATABASE}"
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", **where}


def _server() -> str:
    return os.environ.get("BENCH_DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")


def _new_postgres() -> None:
    import psycopg

    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")


class Took(NamedTuple):
    """How long a piece of work took on the clock, and of the processors, its ended children among them. Seconds.

    On a machine that does other things at the same time the second figure says more than the first.
    """

    seconds: float
    cpu: float


def timed(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    return measured(work).seconds


def measured(work: Callable[[], object]) -> Took:
    """One run."""
    cpu, began = _cpu(), time.perf_counter()
    work()
    return Took(time.perf_counter() - began, _cpu() - cpu)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def median_of(work: Callable[[], object], runs: int, warm_up: bool = True) -> Took:
    """Medians of ``runs`` runs; a first one is thrown away."""
    if warm_up:
        work()
    return median([measured(work) for _ in range(runs)])


def median(took: list[Took]) -> Took:
    return Took(statistics.median(one.seconds for one in took), statistics.median(one.cpu for one in took))


def find(root: str, *extra: str) -> Callable[[], object]:
    """A run of ``find ROOT -type f …``, its output thrown away."""
    return lambda: subprocess.run(["find", root, "-type", "f", *extra], stdout=subprocess.DEVNULL, check=True)


def settle_database() -> None:
    """What a database does by itself some time after so many rows: statistics, and PostgreSQL's visibility map."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def peak_rss_mb(process: int | str = "self") -> float:
    """The largest resident memory that a running process has had so far, in MB.

    Not `getrusage`: a child counts there what its parent held when it was forked.
    """
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
