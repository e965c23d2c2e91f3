"""One host acts for the library, never two, and another takes over once it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from catalog.db import database_clock
from catalog.library.reconcile import reconcile
from catalog.models import Cluster, Host, Lease, Service
from catalog.models.hosts import MAIN_QUEUE
from catalog.spotify import sync
from catalog.storage import acting_host
from catalog.storage import state as storage
from catalog.system.file_locks import try_lock
from downloads.worker import loop
from tests.world import World

SECOND = timedelta(seconds=1)


class Hosts:
    """Two hosts on one database: what each process knows, and a time that the test moves."""

    def __init__(self, patch: pytest.MonkeyPatch, settings: Any, now: datetime) -> None:
        self.patch, self.settings, self.start, self.seconds = patch, settings, now, 0.0
        self.known = {"nas": acting_host._Held(), "attic": acting_host._Held()}
        patch.setattr(acting_host, "is_shared", lambda: True)
        patch.setattr(database_clock, "elapsed", lambda: self.seconds)
        patch.setattr(database_clock, "now", lambda: self.now)
        self.on("nas")

    @property
    def now(self) -> datetime:
        return self.start + self.seconds * SECOND

    def on(self, name: str) -> None:
        self.settings.HOST_NAME = name
        self.patch.setattr(acting_host, "_held", self.known[name])

    def acts(self, name: str) -> bool:
        """Whether the host's tick, now, makes it the one that acts."""
        self.on(name)
        return acting_host.take(self.now)

    def goes_on(self, name: str) -> bool:
        """Whether a long pass of the host may take its next step now."""
        self.on(name)
        return acting_host.still_acts()


@pytest.fixture
def hosts(world: World, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Hosts:
    return Hosts(monkeypatch, settings, world.now)


def test_the_second_host_waits_for_as_long_as_the_first_renews(hosts: Hosts) -> None:
    for hosts.seconds in (0.0, 60.0, 149.0, 238.0):
        assert hosts.acts("nas") and not hosts.acts("attic")
    assert acting_host.holder(hosts.now) == "nas"


def test_a_host_that_is_gone_is_taken_over_within_two_minutes_and_stays_out(hosts: Hosts) -> None:
    assert hosts.acts("nas")
    hosts.seconds = 89.0
    assert not hosts.acts("attic") and not acting_host.needs_tick(hosts.now)
    hosts.seconds += acting_host.WATCH_EVERY
    hosts.on("attic")
    assert acting_host.needs_tick(hosts.now) and hosts.acts("attic")
    assert not hosts.goes_on("nas") and not hosts.acts("nas")
    hosts.seconds += 91.0
    assert hosts.acts("nas"), "it is the turn of whoever comes first"
    assert not hosts.goes_on("attic")


def test_a_pass_ends_before_anybody_else_can_have_begun(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off from the database: no step is taken from the moment on in which another host may take over."""
    hosts.acts("nas")

    def cut_off(*args: Any) -> bool:
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(type(Lease.objects), "renew", cut_off)
        for hosts.seconds, expected in ((14.0, True), (89.9, True), (90.0, False)):
            assert hosts.goes_on("nas") is expected
    assert not hosts.goes_on("nas"), "also once it answers again: another may have acted in between"
    assert hosts.acts("attic")


def test_a_pass_renews_while_it_goes_on(hosts: Hosts) -> None:
    hosts.acts("nas")
    for hosts.seconds in (15.0, 100.0, 185.0):
        assert hosts.goes_on("nas") and not hosts.acts("attic")


def test_a_process_whose_host_lost_and_regained_the_lease_does_not_go_on(hosts: Hosts) -> None:
    hosts.acts("nas")
    hosts.known["a pass"] = acting_host._Held(hosts.known["nas"].token, 0.0)
    for hosts.seconds, name in ((91.0, "attic"), (182.0, "nas")):
        assert hosts.acts(name)
    cut_off = hosts.known["a pass"]
    cut_off.renewed = hosts.seconds - 20  # as if it had just come back from a long step
    hosts.patch.setattr(acting_host, "_held", cut_off)
    assert not acting_host.still_acts()


def test_a_good_stop_hands_over_at_once_but_not_under_a_running_pass(hosts: Hosts) -> None:
    hosts.acts("nas")
    with try_lock("reconcile"):
        acting_host.release(hosts.now)
        assert not hosts.acts("attic")
    hosts.on("nas")
    acting_host.release(hosts.now)
    assert hosts.acts("attic")


def test_who_does_not_act_changes_nothing_and_says_who_does(hosts: Hosts) -> None:
    hosts.acts("attic")
    hosts.on("nas")
    report = reconcile(hosts.now)
    assert report.busy and report.problem.startswith("The host attic acts for the whole library now")
    assert sync.sync(hosts.now).sentence() == report.problem


def test_a_pass_that_loses_the_lease_is_cut_short(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting_host, "still_acts", lambda: False)
    assert not reconcile(hosts.now, full=True).complete


def test_one_machine_needs_no_lease(db: None, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(acting_host, "is_shared", lambda: False)
    assert acting_host.take(world.now) and acting_host.still_acts() and not acting_host.needs_tick(world.now)
    assert not Lease.objects.exists()


# --- A host without its music folder ------------------------------------------------------------------------


def two_that_run(hosts: Hosts) -> None:
    """Both clusters live, both have looked at the folder; ``nas`` acts."""
    for name in ("attic", "nas"):
        hosts.on(name)
        Cluster.objects.update_or_create(host=name, queue=MAIN_QUEUE, defaults={"started_at": hosts.now})
        Host.own()
        assert storage.check(hosts.now).state == "online"
    assert hosts.acts("nas")


def test_a_host_whose_folder_is_away_is_offline_alone(hosts: Hosts, world: World, settings: Any) -> None:
    two_that_run(hosts)
    hosts.on("attic")
    settings.MUSIC_DIR = str(world.root.with_name("not mounted"))
    assert storage.check(hosts.now).state == "offline"
    assert loop.reason_not_to_work(hosts.now)
    assert storage.current().state == "online", "the library is there: the acting host sees it"
    assert dict(Host.objects.values_list("name", "storage")) == {"attic": "offline", "nas": "online"}


def test_the_acting_host_gives_way_to_one_that_sees_the_folder(hosts: Hosts, world: World, settings: Any) -> None:
    two_that_run(hosts)
    hosts.on("nas")
    here, settings.MUSIC_DIR = settings.MUSIC_DIR, str(world.root.with_name("not mounted"))
    storage.check(hosts.now)
    assert not hosts.acts("nas") and acting_host.holder(hosts.now) == ""
    storage.check(hosts.now)
    assert Service.objects.get(name="storage").state == "online", "nobody acts, but another sees it"
    hosts.on("attic")
    settings.MUSIC_DIR = here
    assert acting_host.needs_tick(hosts.now) and hosts.acts("attic")


def test_where_no_host_sees_the_folder_the_library_is_offline(hosts: Hosts, world: World, settings: Any) -> None:
    two_that_run(hosts)
    settings.MUSIC_DIR = str(world.root.with_name("not mounted"))
    for name in ("attic", "nas"):
        hosts.on(name)
        storage.check(hosts.now)
    assert hosts.acts("nas"), "somebody has to say so"
    storage.check(hosts.now)
    assert storage.current().state == "offline"


def test_a_silent_host_is_nobody_to_give_way_to(hosts: Hosts, world: World, settings: Any) -> None:
    two_that_run(hosts)
    Cluster.objects.filter(host="attic").update(started_at=hosts.now - timedelta(minutes=4))
    hosts.on("nas")
    settings.MUSIC_DIR = str(world.root.with_name("not mounted"))
    storage.check(hosts.now)
    assert hosts.acts("nas")
