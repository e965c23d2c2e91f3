"""Memory of `manage.py run` by process: ``python -m bench.memory [--songs 12] [--json]``.

PSS (proportional set size: shared pages are divided by who shares them) of each process, at rest and after songs of
four minutes were fetched from an audio server on loopback and an owner looked at pages. What is aimed at is 160 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from demo.archive import ArchiveServer, Song
from tests.audio import make_audio
from tests.e2e.installation import Installation, all_processes, eventually, parent

AIM = 160.0  # MB
SETTLED = 20.0  # seconds until what was started or fetched has come to rest
PAGES = (
    *("/", "/status", "/queue", "/plan", "/tracks", "/tracks/1", "/collections", "/todo", "/failures", "/decide"),
    *("/activity", "/settings", "/settings/downloads", "/log", "/health", "/connect", "/import", "/tags", "/players"),
    *("/messages", "/admin/", "/admin/catalog/track/", "/metrics"),
)


def pss_mb(pid: int) -> float:
    """Proportional set size of a process in MB; 0.0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def name_of(line: str) -> str:
    """A process's command line in a few words."""
    words = [Path(word).name for word in line.split() if not word.startswith("-") and "/data/" not in word]
    return " ".join(word for word in words if not word.startswith("python"))[:60]


def descendants(root: int) -> dict[int, str]:
    """Pid -> command line of a process and of everything that it started, whatever its environment."""
    lines = dict(all_processes())
    parents: dict[int, int] = {}
    for pid in lines:
        with suppress(OSError):
            parents[pid] = parent(pid)
    found = {root}
    while more := {pid for pid, above in parents.items() if above in found} - found:
        found |= more
    return {pid: lines[pid] for pid in found if pid in lines}


def measured(processes: dict[int, str]) -> dict[str, list[float]]:
    """The PSS of each process, by its name."""
    found: dict[str, list[float]] = defaultdict(list)
    for pid, line in sorted(processes.items()):
        found[name_of(line)].append(round(pss_mb(pid), 1))
    return dict(found)


def total(found: dict[str, list[float]]) -> float:
    return round(sum(map(sum, found.values())), 1)


def show(title: str, found: dict[str, list[float]]) -> None:
    """Print one measurement as a table."""
    print(f"{title}: {total(found)} MB in {sum(map(len, found.values()))} processes (aim {AIM:.0f})")
    for name, sizes in sorted(found.items(), key=lambda item: -sum(item[1])):
        print(f"  {sum(sizes):7.1f}  {name}  {'' if len(sizes) == 1 else sizes}")


def owner(installation: Installation) -> requests.Session:
    """A browser in which the first person has logged in."""
    words = ["manage.py", "add_person", "anna", "--role", "owner", "--password-stdin"]
    secret = secrets.token_urlsafe()
    subprocess.run(
        [sys.executable, *words], env=installation.environment, input=secret, text=True, check=True, capture_output=True
    )
    browser = requests.Session()
    login = f"http://127.0.0.1:{installation.port}/login"
    browser.get(login)
    token = next(cookie.value for cookie in browser.cookies if "csrf" in cookie.name)
    form = {"username": "anna", "password": secret, "csrfmiddlewaretoken": token}
    browser.post(login, form, headers={"Referer": login}).raise_for_status()
    return browser


def main() -> None:
    """Start an installation of its own, measure, let it fetch, measure again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        songs = [
            Song(f"s{number:02}", f"Song {number}", ("Test Choir",), f"s{number:02}.mp3", "First", 240_000)
            for number in range(options.songs)
        ]
        (folder / "archive").mkdir()
        for number, song in enumerate(songs):
            make_audio(folder / "archive" / song.file, 240, frequency=200 + number)
        with (
            ArchiveServer(folder / "archive", songs=songs) as archive,
            Installation(folder / "home", archive, WATCH="auto") as installation,
        ):
            installation.start()
            assert installation.run
            pid = installation.run.pid
            eventually(installation.status, "it answers")
            time.sleep(SETTLED)
            at_rest = measured(descendants(pid))
            installation.import_songs(*songs)
            eventually(lambda: installation.counts() == (0, 0, len(songs)), "all songs on disk")
            browser = owner(installation)
            for page in PAGES * 2:
                answer = browser.get(f"http://127.0.0.1:{installation.port}{page}")
                assert answer.ok and "/login" not in answer.url, (page, answer.status_code)
            time.sleep(SETTLED)
            after_work = measured(descendants(pid))
    if options.json:
        print(json.dumps({"at_rest": at_rest, "after_work": after_work}))
    else:
        show("At rest", at_rest)
        show(f"After {options.songs} songs and {2 * len(PAGES)} pages", after_work)


if __name__ == "__main__":
    main()
