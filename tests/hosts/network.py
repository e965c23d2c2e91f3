"""Hosts in network namespaces of their own: each reaches a database and an archive over two wires that can be cut.

A fifth namespace, the hub, holds both servers and a bridge for each wire. The addresses are those that RFC 2544 keeps
for tests (198.18.0.0/15); nothing of it is seen outside the namespaces. Needs root and iproute2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

DATABASE, ARCHIVE = "198.18.0.1", "198.18.1.1"
WIRES = {"db": "198.18.0", "ar": "198.18.1"}
PREFIX = "tkh"
TOOLS = ("ip", "nsenter", "mount")


def reason_for_none() -> str:
    """Why no namespaces can be made here, in a sentence; "" where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"network namespaces need {', '.join(missing)} (Debian: iproute2, util-linux)"
    probe = f"{PREFIX}{os.getpid()}probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return "" if made.returncode == 0 else f"no network namespace can be made: {made.stderr.strip()}"


class Network:
    """The hub and a namespace for each of ``hosts``. `close` removes them; so does the next `Network` after a kill."""

    def __init__(self, hosts: Sequence[str]) -> None:
        _remove_those_of_the_dead()
        self.hosts = list(hosts)
        self.hub = self._name("hub")
        for name in ("hub", *hosts):
            ip("netns", "add", self._name(name))
            ip("-n", self._name(name), "link", "set", "lo", "up")
        for wire, net in WIRES.items():
            ip("-n", self.hub, "link", "add", wire, "type", "bridge")
            ip("-n", self.hub, "addr", "add", f"{net}.1/24", "dev", wire)
            ip("-n", self.hub, "link", "set", wire, "up")
            for number, host in enumerate(hosts):
                there = self._name(host)
                ip(
                    "-n",
                    self.hub,
                    "link",
                    "add",
                    f"{wire}{number}",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    wire,
                    "netns",
                    there,
                )
                ip("-n", self.hub, "link", "set", f"{wire}{number}", "master", wire, "up")
                ip("-n", there, "addr", "add", f"{net}.{10 + number}/24", "dev", wire)
                ip("-n", there, "link", "set", wire, "up")

    def _name(self, host: str) -> str:
        return f"{PREFIX}{os.getpid()}{host}"

    def entering(self, host: str) -> list[str]:
        """What stands before a command that runs on this host, or in the hub."""
        return ["nsenter", f"--net=/run/netns/{self._name(host)}"]

    def cut(self, host: str) -> None:
        """Nothing arrives between the host and the database from here on, and nothing is refused."""
        ip("-n", self.hub, "link", "set", f"db{self.hosts.index(host)}", "nomaster")

    def mend(self, host: str) -> None:
        ip("-n", self.hub, "link", "set", f"db{self.hosts.index(host)}", "master", "db")

    def close(self) -> None:
        for name in ("hub", *self.hosts):
            with suppress(subprocess.CalledProcessError):
                ip("netns", "del", self._name(name))


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _remove_those_of_the_dead() -> None:
    """Namespaces of a test that was killed."""
    with suppress(FileNotFoundError):
        for path in Path("/run/netns").iterdir():
            digits = "".join(letter for letter in path.name.removeprefix(PREFIX) if letter.isdigit())
            if path.name.startswith(PREFIX) and digits and not Path(f"/proc/{digits}").exists():
                ip("netns", "del", path.name)
