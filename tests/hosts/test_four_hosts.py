"""Four hosts in network namespaces on one PostgreSQL and one folder, and all that may go wrong. `make hosts-test`."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import eventually
from tests.hosts import network, servers
from tests.hosts.cluster import Fleet, Watch

NAMES = ["nas", "attic", "garage", "shed"]
NO_SERVER = "" if servers.server_program("initdb") else "PostgreSQL's server is not installed"
pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(NO_SERVER), reason=NO_SERVER)]
TAKEN_OVER_WITHIN = 120.0  # seconds
LONGER_THAN_A_CLAIM = 130.0
OLD_CLAIMS = 30.0  # until none of a host that is dead looks alive
STRANGERS = 10


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    if reason := network.reason_for_none():
        pytest.skip(reason)


@pytest.fixture
def tracks(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--tracks", default=300))


@pytest.fixture
def fleet(tmp_path: Path, tracks: int) -> Iterator[Fleet]:
    """Slow enough an archive that all of the disruptions fall into the work of eight workers: some 15 minutes."""
    with Fleet(tmp_path, NAMES, tracks, seconds=max(0.5, 900 * 8 / tracks / 2 / 2)) as made:
        yield made


class Disruptions:
    """What happens to the hosts, one thing after the other, and what was seen of it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.said = fleet, list[str]()

    def say(self, text: str) -> None:
        self.said.append(text)
        print(f"  {text}; {self.fleet.here()} songs are here", flush=True)

    def others(self) -> list[str]:
        """Those that do not act, whoever fetches most first."""
        acting = self.fleet.acting()
        return sorted((name for name in NAMES if name != acting), key=self.fleet.fetching, reverse=True)

    def busy(self, name: str) -> None:
        eventually(lambda: self.fleet.fetching(name) > 0, f"{name} fetches: {self.fleet.state()}", 300)

    def kill_the_acting_host(self) -> None:
        first = eventually(self.fleet.acting, "somebody acts", 240)
        self.busy(first)
        self.fleet.hosts[first].kill()
        began = time.monotonic()
        second = eventually(lambda: (now := self.fleet.acting()) != first and now, "another acts", TAKEN_OVER_WITHIN)
        self.say(f"{first}, which acted, was killed; {second} acts after {time.monotonic() - began:.0f} s")
        self.start(first)

    def kill_another(self) -> None:
        name = self.others()[0]
        self.busy(name)
        self.fleet.hosts[name].kill()
        self.say(f"{name} was killed")
        self.start(name)

    def start(self, name: str) -> None:
        self.fleet.hosts[name].start()
        time.sleep(OLD_CLAIMS)
        self.busy(name)

    def cut_one_off_and_unmount_another(self) -> None:
        cut, bare = self.others()[:2]
        self.busy(cut)
        self.busy(bare)
        self.fleet.network.cut(cut)
        self.fleet.hosts[bare].unmount()
        began = time.monotonic()
        offline = f"SELECT COUNT(*) FROM catalog_host WHERE name = '{bare}' AND storage = 'offline'"
        eventually(
            lambda: self.fleet.number(offline) and not self.fleet.claims(bare),
            f"{bare} is offline, without a claim",
            120,
        )
        self.say(f"{bare} lost its mount: offline and without a claim after {time.monotonic() - began:.0f} s")
        before = self.fleet.here()
        time.sleep(max(0.0, LONGER_THAN_A_CLAIM - (time.monotonic() - began)))
        assert self.fleet.here() > before, "the others went on"
        assert self.fleet.claims(bare) == 0
        self.fleet.network.mend(cut)
        self.fleet.hosts[bare].mount()
        self.say(f"{cut} was cut off from the database for {time.monotonic() - began:.0f} s")
        self.fleet.end_cooldowns()
        time.sleep(OLD_CLAIMS)
        for name in (cut, bare):
            self.busy(name)
        self.say(f"{cut} and {bare} fetch again")

    def restart_the_database(self) -> None:
        began = time.monotonic()
        self.fleet.postgres.restart()
        self.say(f"PostgreSQL was restarted in {time.monotonic() - began:.0f} s")


def put_strangers(fleet: Fleet) -> dict[Path, bytes]:
    """Files of nobody's where songs will want to be."""
    found = {}
    for song in fleet.songs[:STRANGERS]:
        path = fleet.shared / song.artists[0] / song.album / f"{song.title}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"a stranger's {song.id}".encode())
        found[path] = path.read_bytes()
    return found


def fetched_after_a_publish(fleet: Fleet) -> list[str]:
    """Songs whose audio was asked for after their file had been published."""
    last: dict[str, float] = defaultdict(float)
    for line in fleet.fetched.read_text().splitlines():
        moment, name = line.split()
        last[name] = max(last[name], float(moment))
    published = dict(
        fleet.sql(
            "SELECT t.title, extract(epoch FROM min(e.at)) "
            "FROM catalog_event e JOIN catalog_track t ON t.id = e.track_id "
            "WHERE e.kind IN ('finish', 'adopt') OR (e.kind = 'recover' AND e.reason LIKE '%published%') "
            "GROUP BY t.title"
        )
    )
    return [song.title for song in fleet.songs if last[song.file] > float(published[song.title])]


def two_acted(fleet: Fleet) -> list[tuple[Any, ...]]:
    """Changes of the lease from one host to another before it had run out or was given up; and passes that overlap."""
    early = fleet.sql("SELECT * FROM lease_audit WHERE old <> new AND at < until")
    return early + fleet.sql(
        "SELECT a.id, b.id FROM catalog_run a JOIN catalog_run b ON a.id < b.id AND a.kind = 'reconcile' "
        "AND b.kind = 'reconcile' AND b.started_at < a.ended_at"
    )


def test_four_hosts_lose_and_overwrite_nothing_whatever_happens_to_them(fleet: Fleet) -> None:
    strangers = put_strangers(fleet)
    watch = Watch(fleet.shared)
    watch.start()
    for name in NAMES:
        fleet.hosts[name].start()
    eventually(lambda: fleet.here() > 0, "the first song", 240)
    happens = Disruptions(fleet)
    happens.kill_the_acting_host()
    happens.kill_another()
    happens.cut_one_off_and_unmount_another()
    happens.kill_the_acting_host()
    happens.restart_the_database()
    happens.kill_the_acting_host()
    fleet.finish(patience=900 + len(fleet.songs))
    eventually(lambda: not list((fleet.shared / ".tonekeep-incoming").glob("[0-9]*")), "no stage is left", 240)
    watch.end()

    assert watch.changed == [], "overwritten or lost"
    assert {path: path.read_bytes() for path in strangers} == strangers
    assert fetched_after_a_publish(fleet) == []
    assert two_acted(fleet) == []
    assert fleet.number("SELECT COUNT(*) FROM catalog_track WHERE claim IS NOT NULL") == 0
    paths = [str(fleet.shared / path) for (path,) in fleet.sql("SELECT local_path FROM catalog_track")]
    ours = [path for path in watch.seen if Path(path) not in strangers]
    assert sorted(paths) == sorted(ours), "each song has its file, and no file is without one"
    assert_counters(fleet)


def assert_counters(fleet: Fleet) -> None:
    host = fleet.hosts[NAMES[0]]
    said = json.loads(host.command("status", "--json").stdout.splitlines()[-1])["counters"]
    rows = dict(fleet.sql("SELECT status, COUNT(*) FROM catalog_track WHERE wanted GROUP BY 1"))
    assert (said["missing"], said["downloading"], said["downloaded"]) == (0, 0, rows["downloaded"])
    assert said["songs"] == len(fleet.songs)


def test_tracks_per_minute_with_one_to_four_hosts(tmp_path: Path, tracks: int, request: pytest.FixtureRequest) -> None:
    """No promise but a measurement, of `make hosts-test` alone."""
    if not request.config.getoption("--tracks", default=0):
        pytest.skip("a measurement: make hosts-test")
    with Fleet(tmp_path, NAMES, tracks) as fleet:
        for count in (1, 2, 3, 4):
            fleet.use(f"hosts{count}", NAMES[:count])
            for host in fleet.hosts.values():
                host.start()
            fleet.finish(patience=600 + 2 * tracks)
            minutes = fleet.sql(
                "SELECT extract(epoch FROM max(at) - min(at)) / 60 FROM catalog_event WHERE kind = 'finish'"
            )[0][0]
            each = fleet.sql("SELECT host, COUNT(*) FROM catalog_event WHERE kind = 'finish' GROUP BY 1 ORDER BY 1")
            share = ", ".join(f"{name} {number}" for name, number in each)
            print(f"  {count} hosts: {tracks / float(minutes):.0f} tracks/min ({share})", flush=True)
            assert len(each) == count, "every host fetched"
