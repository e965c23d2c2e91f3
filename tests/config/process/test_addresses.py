"""The start says how other machines reach the page, or which setting opens it to them."""

from __future__ import annotations

import ipaddress

from config.process.addresses import own_addresses, ways_in

LOCAL = ["127.0.0.1", "localhost", "[::1]"]


def test_a_link_for_each_name_that_is_allowed() -> None:
    lines = list(ways_in("0.0.0.0", 8000, [*LOCAL, "nas.local", "192.168.1.5"], ["192.168.1.5"], "/setup/x"))
    assert lines == [
        "  From another machine: http://nas.local:8000/setup/x",
        "  From another machine: http://192.168.1.5:8000/setup/x",
    ]


def test_where_no_address_of_the_machine_is_allowed_the_setting_is_named() -> None:
    (line,) = ways_in("0.0.0.0", 8000, LOCAL, ["192.168.1.5"])
    assert "ALLOWED_HOSTS=192.168.1.5,127.0.0.1,localhost,[::1]" in line


def test_bound_to_this_machine_alone_it_says_what_opens_it() -> None:
    (line,) = ways_in("127.0.0.1", 8000, LOCAL, ["10.0.0.2"])
    assert "BIND=0.0.0.0 and ALLOWED_HOSTS=10.0.0.2" in line


def test_without_a_network_nothing_is_said() -> None:
    assert list(ways_in("127.0.0.1", 8000, LOCAL, [])) == []


def test_the_addresses_of_this_machine_are_addresses() -> None:
    for address in own_addresses():
        assert not ipaddress.ip_address(address).is_loopback
