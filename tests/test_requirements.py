"""What is installed is pinned and hashed, and the locks follow the lists that people edit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)
LISTS = ("requirements.txt", "requirements-dev.txt")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(name: str) -> dict[str, str]:
    """Package (as the index normalises its name, PEP 503) -> version."""
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in PIN.findall(text(name))}


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_to_one_version(name: str) -> None:
    lines = [line for line in text(name).splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not PIN.match(line)] == []


@pytest.mark.parametrize(("listed", "lock"), [*zip(LISTS, LOCKS, strict=True)])
def test_the_lock_has_the_versions_of_the_list(listed: str, lock: str) -> None:
    locked = pins(lock)
    differing = {name: locked.get(name) for name, version in pins(listed).items() if locked.get(name) != version}
    assert differing == {}, f"{lock} is older than {listed}: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"(?m)^(?=[a-z0-9])", text(lock))[1:]
    assert len(entries) > 20
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_two_locks_agree() -> None:
    product, development = (pins(lock) for lock in LOCKS)
    assert {name for name in product.keys() & development.keys() if product[name] != development[name]} == set()


def test_no_tool_of_the_tests_is_installed_with_the_product() -> None:
    assert pins("requirements.lock").keys() & {"pytest", "hypothesis", "ruff", "mypy", "django-stubs", "uv"} == set()


@pytest.mark.parametrize("name", ["deno", "imageio-ffmpeg", "psycopg-binary"])
@pytest.mark.parametrize(
    ("machine", "installed"), [("armv7l", False), ("armv6l", False), ("x86_64", True), ("aarch64", True)]
)
def test_what_has_no_wheel_for_32_bit_arm_is_left_out_there(name: str, machine: str, installed: bool) -> None:
    [line] = re.findall(rf"(?m)^{name}==.*$", text("requirements.lock"))
    marker = Marker(line.partition(";")[2].strip(" \\"))
    assert marker.evaluate({"platform_machine": machine, "implementation_name": "cpython"}) is installed


def test_make_installs_by_hash_only() -> None:
    installs = [line for line in text("Makefile").splitlines() if "pip install" in line]
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []
