"""`make torture`: random kills and meetings of late workers, on a database and a music folder of their own.

    python -m tests.crash.run --kills 1000 --db sqlite
    python -m tests.crash.run --kills 1000 --db postgres --hosts 3
    python -m tests.crash.run --kills 0 --pairs --db postgres [--share 1/4] [--processes 2]

Exit status 0 only where nothing was broken. Both databases one after the other without --db.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Each with a mount of another kind: how it puts files in place.
HOSTS = {"nas": "link", "attic": "rename", "garage": "copy"}


def main() -> int:
    """Run what the arguments ask for; the exit status."""
    options = _options()
    if options.db == "both":
        rest = [argument for argument in sys.argv[1:] if argument not in ("--db", "both")]
        again = [sys.executable, "-m", "tests.crash.run", *rest]
        return max(subprocess.run([*again, "--db", name]).returncode for name in ("sqlite", "postgres"))
    if options.pairs and options.processes > 1 and not options.kills:
        return _at_once(options)
    _set_up(options.db)
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        return _run(options)
    finally:
        connection.creation.destroy_test_db("", verbosity=0)


def _at_once(options: argparse.Namespace) -> int:
    """The share of the pairs in as many processes, each with a database and a folder of its own."""
    again = [sys.executable, "-m", "tests.crash.run", "--kills", "0", "--pairs", "--db", options.db]
    again += ["--only", options.only, "--processes", "1"]
    started = [subprocess.Popen([*again, "--share", part]) for part in parts(options.share, options.processes)]
    return max(process.wait() for process in started)


def parts(share: str, processes: int) -> list[str]:
    """The shares that make up ``share``, one for each process: "1/4" for two is "1/8" and "5/8"."""
    number, of = map(int, share.split("/"))
    return [f"{number + of * part}/{of * processes}" for part in range(processes)]


def played(pairs: list[Any], share: str) -> list[Any]:
    """Those of the ``pairs`` that belong to ``share``: "2/4" is the second of each four."""
    number, of = map(int, share.split("/"))
    return pairs[number - 1 :: of]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.run")
    parser.add_argument("--kills", type=int, default=1000, help="random kills; 0: none")
    parser.add_argument("--hosts", type=int, default=0, help="on so many hosts (3 at most), each with its own path")
    parser.add_argument("--preloader", action="store_true", help="fetches come from a fork server, as in the product")
    parser.add_argument("--pairs", action="store_true", help="play every pair of points too, in both orders")
    parser.add_argument("--only", default="", help="only pairs that fit this pattern: ^fetched-.*-first-first$")
    parser.add_argument("--share", default="1/1", help="of the pairs: 1/4 is the first of four shares")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that play pairs at once")
    parser.add_argument("--db", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    return parser.parse_args()


def _set_up(db: str) -> None:
    os.environ["DB"] = db
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"].setdefault("TEST", {})
    if db == "postgres":
        settings.DATABASES["default"]["TEST"]["NAME"] = f"tonekeep_torture_{os.getpid()}"
    django.setup()
    logging.disable(logging.WARNING)


def _run(options: argparse.Namespace) -> int:
    broken = 0
    if options.kills:
        broken += _kill(options)
    if options.pairs:
        broken += _pair(options)
    return 1 if broken else 0


def _kill(options: argparse.Namespace) -> int:
    from django.conf import settings

    from tests.crash.random_kills import Figures, torture
    from tests.crash.workspace import Workspace, configure

    seed = options.seed or random.SystemRandom().randrange(1, 10**6)

    def tell(figures: Figures) -> None:
        if sys.stderr.isatty():
            print(f"\r{figures.kills} kills, {len(figures.broken)} broken", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        configure(settings, Path(folder))
        workspace = Workspace(Path(folder), Path(folder) / "recordings", preloader=options.preloader)
        workspace.on_hosts(dict(list(HOSTS.items())[: options.hosts]))
        figures = torture(workspace, options.kills, random.Random(seed), tell)
    where = f"{options.db}, {options.hosts} hosts," if options.hosts else options.db
    where += " with the fork server" if options.preloader else ""
    print(
        f"\n{figures.kills} random kills on {where} in {figures.seconds:.0f} s (seed {seed}): "
        f"{figures.processes} workers, {figures.recovered} claims recovered, {figures.tracks} tracks, "
        f"{figures.fetches} fetches; {len(figures.broken)} promises broken"
    )
    return _complain(figures.broken)


def _pair(options: argparse.Namespace) -> int:
    from django.conf import settings
    from django.core.management import call_command

    from tests.crash.pairs import all_pairs, play
    from tests.crash.workspace import Workspace, configure

    chosen = played([pair for pair in all_pairs() if re.search(options.only, str(pair))], options.share)
    began, met, broken = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory(prefix="torture-") as common:
        for pair in chosen:
            with tempfile.TemporaryDirectory(prefix="torture-") as folder:
                call_command("flush", interactive=False, verbosity=0)
                configure(settings, Path(folder))
                found, reached = play(Workspace(Path(folder), Path(common)), pair)
                met += reached
                broken += [f"{pair}: {sentence}" for sentence in found]
    print(
        f"{len(chosen)} meetings of two late workers on {options.db} in {time.monotonic() - began:.0f} s, "
        f"{met} of them with both in their places; {len(broken)} promises broken"
    )
    return _complain(broken)


def _complain(broken: list[str]) -> int:
    for sentence in broken[:50]:
        print(f"  {sentence}")
    return len(broken)


if __name__ == "__main__":
    sys.exit(main())
