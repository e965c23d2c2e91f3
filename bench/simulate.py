"""What breaks first when the library or the number of households grows: a simulation, calibrated by measured runs.

    python bench/simulate.py

First it simulates the runs that were measured (`make hosts-test`, and this file with --claims) and says how far it is
off: its two unknowns, a cost and the other work of the machine, come from the smallest and the largest run. Then it
works out, for each size, how much of each resource is asked for: rates times measured costs.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import statistics
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# --- What was measured ------------------------------------------------------------------------------------

# Tracks a minute by hosts, two workers each, all on the two processors of one machine: docs/scale.md.
MEASURED_HOSTS: dict[int, float] = {1: 35, 2: 53, 3: 109, 4: 115}
# Claims a second by connections that claim without a pause, PostgreSQL 15 on two processors.
MEASURED_CLAIMS: dict[int, float] = {1: 71, 2: 89, 4: 197, 8: 300}
CORES = 2

# Costs, each with where it was measured (docs/performance.md, docs/scale.md).
BYTES_A_TRACK = 1124  # rows and indexes on PostgreSQL of a track, its credit, entry, alias and event: --claims
HOT_BYTES_A_TRACK = 292  # of those, the indexes of the table of tracks
COUNTERS_NS_A_TRACK = 57  # six counters on PostgreSQL
PASS_US_A_FOLDER = 8.8  # a pass that changes nothing: 0.73 s for 83,334 folders
FULL_PASS_US_A_FILE = 1.7  # a full pass, names
QUICK_EVERY = 15 * 60.0  # seconds
TICK_CPU = 0.05  # assumed: seconds of a processor for the tick of one installation, each minute
SYNC_REQUESTS = 8  # assumed: of an unchanged library of 2,000 songs at Spotify
SYNC_EVERY = 3600.0
SPOTIFY_ACCOUNTS = 25  # that an app in development mode may have
SPOTIFY_REQUESTS = 180 / 60  # a second, for one app: what Spotify is said to bear; it publishes no figure
YOUTUBE_PER_HOUR = 150  # songs for one address, a guest: the default pace
MEMORY = 16e9  # bytes that a database server of the size of a house has for indexes


# --- Workers, event by event ------------------------------------------------------------------------------


@dataclass
class Cost:
    """Seconds of a processor for one piece of work, and how many others wanted the processors meanwhile."""

    seconds: float
    beside: float


class Servers:
    """``count`` servers with one queue: who comes at ``now`` and needs ``seconds`` is done at the answered time."""

    def __init__(self, count: int) -> None:
        self.free = [0.0] * count

    def serve(self, now: float, seconds: float) -> float:
        start = max(now, heapq.heappop(self.free))
        heapq.heappush(self.free, start + seconds)
        return start + seconds


def simulate(workers: int, cost: Cost, processors: int = CORES, pieces: int = 3000) -> float:
    """Pieces of work a second that ``workers`` do who begin the next as soon as one is done.

    The kernel gives each who wants a processor its share: beside others, work takes longer by their number.
    """
    dice, servers = random.Random(1), Servers(processors)
    longer = max(1.0, (workers + cost.beside) / max(workers, processors))
    coming = [(dice.random() * cost.seconds, number) for number in range(workers)]
    heapq.heapify(coming)
    now = 0.0
    for _ in range(pieces):
        now, number = heapq.heappop(coming)
        ready = servers.serve(now, dice.expovariate(1 / cost.seconds) * longer)
        heapq.heappush(coming, (ready, number))
    return pieces / now


def calibrated(measured: dict[int, float], workers: int = 1) -> Cost:
    """What explains the smallest and the largest run, of ``workers`` for each unit of its key."""
    (low, slow), (high, fast) = min(measured.items()), max(measured.items())
    few, many = low * workers, high * workers
    share, grown = many / few, fast / slow  # a rate is few * CORES / (few + beside) / seconds
    beside = max(0.0, (grown * many - share * few) / (share - grown)) if share > grown else 0.0
    longer = max(1.0, (few + beside) / max(few, CORES))
    return Cost(min(few, CORES) / (slow * longer), beside)


def say_errors(fetch: Cost, claim: Cost) -> None:
    """How far the simulation is off the measured runs, the two that it was calibrated by among them."""
    print(f"{'run':34} {'measured':>9} {'simulated':>10} {'error':>7}")
    runs = [(f"{n} hosts, tracks/min", m, simulate(2 * n, fetch) * 60) for n, m in MEASURED_HOSTS.items()]
    runs += [(f"{n} connections, claims/s", m, simulate(n, claim)) for n, m in MEASURED_CLAIMS.items()]
    for name, measured, said in runs:
        print(f"{name:34} {measured:>9.0f} {said:>10.0f} {said / measured - 1:>+7.0%}")
    errors = [abs(said / measured - 1) for _, measured, said in runs]
    print(f"mean error {statistics.mean(errors):.0%}, largest {max(errors):.0%}\n")


# --- Sizes ------------------------------------------------------------------------------------------------


@dataclass
class Size:
    """An installation: ``tracks`` in all, ``households`` that share it, ``new`` tracks a day."""

    name: str
    tracks: float
    households: float
    new: float


SIZES = [
    Size("1 million tracks, one household", 1e6, 1, 100),
    Size("10 million tracks, one household", 1e7, 1, 1000),
    Size("a billion tracks, one household", 1e9, 1, 1e5),
    Size("100,000 households of 10,000 tracks", 1e9, 1e5, 1e6),
]


def loads(size: Size, fetch: Cost, claim: Cost) -> dict[str, float]:
    """Each resource -> how often over it is asked for; 1 is all of it."""
    folders = size.tracks / 12
    return {
        "audio source: new songs from one address a household": size.new / size.households / (YOUTUBE_PER_HOUR * 24),
        "audio source: the first fill within 30 days": size.tracks / size.households / (YOUTUBE_PER_HOUR * 24 * 30),
        "Spotify: accounts of one app": size.households / SPOTIFY_ACCOUNTS,
        "Spotify: requests of one app": size.households * SYNC_REQUESTS / SYNC_EVERY / SPOTIFY_REQUESTS,
        "folder: a quick pass each 15 min, one host": folders * PASS_US_A_FOLDER / 1e6 / QUICK_EVERY,
        "folder: a full pass a day, one host": size.tracks * FULL_PASS_US_A_FILE / 1e6 / 86_400,
        "database: what is hot in 16 GB of memory": size.tracks * HOT_BYTES_A_TRACK / MEMORY,
        "status page: counters within 1 s": size.tracks * COUNTERS_NS_A_TRACK / 1e9,
        "wake-ups: a tick a minute each, one processor": size.households * TICK_CPU / 60,
        "claims of new songs, one database of 2 processors": size.new / 86_400 * claim.seconds / CORES,
        "fetching new songs, 2 processors": size.new / 86_400 * fetch.seconds / CORES,
    }


def say_sizes(fetch: Cost, claim: Cost) -> None:
    for size in SIZES:
        print(f"{size.name}: {size.tracks * BYTES_A_TRACK / 1e9:,.0f} GB of rows and indexes")
        for name, load in sorted(loads(size, fetch, claim).items(), key=lambda pair: -pair[1]):
            mark = "breaks" if load > 1 else "near" if load > 0.3 else ""
            print(f"  {name:54} {load:>12.4g} x  {mark}")
        print()


# --- Claims: the measurement ------------------------------------------------------------------------------


def measure_claims() -> None:
    """Claims a second of 1, 2, 4 and 8 processes, and the bytes of a track, on PostgreSQL with 100,000 tracks."""
    import multiprocessing
    import tempfile

    from bench.rows import FRESH, fill
    from bench.setup import configure, settle_database

    with tempfile.TemporaryDirectory() as place:
        configure(place, "postgres")
        fill(100_000, FRESH)
        settle_database()
        from django.db import connection, connections

        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname ~ '^catalog_[a-z]+$'")
            print(f"bytes of a track: {cursor.fetchone()[0] / 100_000:.0f}")
        for number in (1, 2, 4, 8):
            connections.close_all()
            with multiprocessing.get_context("fork").Pool(number) as pool:
                print(f"{number} connections: {sum(pool.map(claims_in, [5.0] * number, chunksize=1)):.0f} claims/s")


def claims_in(seconds: float) -> float:
    """Claims a second of this process alone, each track given back."""
    from catalog.db import database_clock
    from catalog.tracks import transitions

    now, count = database_clock.now(), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        transitions.claim(now)
        count += 1
    return count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", action="store_true", help="measure the claims, on PostgreSQL")
    if parser.parse_args().claims:
        measure_claims()
        return
    fetch, claim = calibrated({n: m / 60 for n, m in MEASURED_HOSTS.items()}, 2), calibrated(MEASURED_CLAIMS)
    print(
        f"a track: {fetch.seconds:.2f} s of a processor; a claim: {claim.seconds * 1000:.1f} ms of client and server\n"
    )
    say_errors(fetch, claim)
    say_sizes(fetch, claim)


if __name__ == "__main__":
    main()
