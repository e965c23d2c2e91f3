"""`make demo`: the whole cycle on sample music, without an account and without a network.

A script over what everybody has: it sets environment variables, runs `manage.py` commands, starts `manage.py run` and
reads `/status`. It keeps everything in `.demo/`; a second run finds the files of the first and fetches nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tqdm import tqdm

from demo.archive import ArchiveServer
from demo.songs import LIBRARY, STUMBLES, make_shelf

PROJECT = Path(__file__).resolve().parent.parent
HOME = Path.cwd() / ".demo"
LOG = HOME / "log"
PATIENCE = 300.0  # seconds without any progress after which the demo gives up

Status = dict[str, Any]


class GaveUp(Exception):
    """The demo cannot go on: one sentence."""


def main() -> int:
    """Run the demo; the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description="The whole cycle on sample music.")
    parser.add_argument("--exit", action="store_true", help="end after the job, with the /status JSON as last line")
    options = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was started here ends with us
        signal.signal(ending, signal.default_int_handler)
    try:
        HOME.mkdir(exist_ok=True)
        say("Recording a small shelf of public-domain music for an audio server on this machine …")
        stumbling = make_shelf(HOME / "archive")
        with ArchiveServer(HOME / "archive", failures=dict.fromkeys(stumbling, 1)) as archive:
            return run(archive, options.exit)
    except KeyboardInterrupt:
        return 130
    except GaveUp as error:
        problem = f"{error} The log is in {LOG}." if LOG.exists() else str(error)
    except OSError as error:
        problem = f"The demo cannot use {error.filename or HOME}: {error.strerror}. Run it in a folder of your own."
    except (subprocess.SubprocessError, RuntimeError):
        problem = "ffmpeg could not record the sample music: install ffmpeg, or reinstall requirements.txt."
    print(problem, file=sys.stderr)
    return 1


def run(archive: ArchiveServer, and_exit: bool) -> int:
    """Import, start, watch, try again, show."""
    port = free_port()
    environment = settings(archive.url, port)
    manage(environment, "migrate", "--verbosity", "0")
    say(f"Importing {LIBRARY.name}, an export as Exportify writes it:")
    tell(manage(environment, "import_library", str(LIBRARY)))
    with LOG.open("wb") as log:
        manager = subprocess.Popen(
            [sys.executable, "manage.py", "run"], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
    try:
        page = f"http://127.0.0.1:{port}"
        status = the_cycle(environment, page, manager)
        asked = sum(count for path, count in archive.requests.items() if path.startswith("/audio/"))
        say(
            f"{status['headline']}. The audio server was asked for {asked} files."
            if asked
            else f"{status['headline']}. Nothing was downloaded: every file was there already."
        )
        if not and_exit:
            say(f"The pages are at {page}/ until you press Ctrl-C.")
            show_link()
            manager.wait()
    except KeyboardInterrupt:
        say("Stopping …")
    finally:
        stop(manager)
    if and_exit:
        print(json.dumps(status))
    return 0


def the_cycle(environment: dict[str, str], page: str, manager: subprocess.Popen[bytes]) -> Status:
    """Wait until the cluster has done what is due; ask for the second try of what failed; the last status."""
    say("Starting the web page and the workers. They reconcile first, then fetch what is missing.")
    say("(Yours shows you a plan first, and downloads nothing before you press Start; here CONFIRM_PLANS=false does.)")
    started = time.time()
    status = follow(page, manager, lambda seen: reconciled(seen, started) and idle(seen))
    failed = [song for song in status["failures"]["items"] if song["title"] == STUMBLES]
    for song in failed:
        say(f"“{song['title']}” failed: {song['error_kind'].replace('_', ' ')}.")
        say("By itself it would be tried again in about 5 minutes. We ask for “try again now”:")
        tell(manage(environment, "retry", str(song["id"])))
        status = follow(page, manager, lambda seen: idle(seen))
    for song in status["failures"]["items"]:
        say(f"“{song['title']}” is not here: {song['error_kind'].replace('_', ' ')}.")
    return status


def reconciled(status: Status, since: float) -> bool:
    """Whether a reconcile has ended since then: before it no worker claims anything."""
    from datetime import datetime

    last = status["runs"]["reconcile"]
    return bool(last and last["ended_at"] and datetime.fromisoformat(last["ended_at"]).timestamp() >= since)


def idle(status: Status) -> bool:
    """Nothing is due and nothing is being fetched."""
    return not status["queue"]["ready"] and not status["counters"]["downloading"]


def follow(page: str, manager: subprocess.Popen[bytes], done: Callable[[Status], bool]) -> Status:
    """Draw a bar of the songs on disk until ``done``. Raises GaveUp if the program ends or nothing moves."""
    bar, before, moved = None, None, time.monotonic()
    while True:
        if manager.poll() is not None:
            raise GaveUp("The program has ended by itself.")
        status = read(page)
        if status is None:
            if time.monotonic() - moved > PATIENCE:
                raise GaveUp("The page does not answer.")
        else:
            bar = bar or tqdm(total=status["counters"]["songs"], unit="song", disable=None)
            bar.n = status["counters"]["downloaded"]
            bar.refresh()
            if done(status):
                bar.close()
                return status
            now = (status["counters"], status["queue"]["ready"], [song["percent"] for song in status["downloading"]])
            moved, before = (moved, before) if now == before else (time.monotonic(), now)
            if time.monotonic() - moved > PATIENCE:
                raise GaveUp(f"Nothing has moved for {PATIENCE:.0f} seconds: {status['headline']}.")
        time.sleep(0.3)


def read(page: str) -> Status | None:
    """`/status`, or None while the page is not up yet."""
    with suppress(URLError, OSError, ValueError), closing(urlopen(f"{page}/status", timeout=10)) as answer:
        seen: Status = json.load(answer)
        return seen
    return None


def settings(archive: str, port: int) -> dict[str, str]:
    """The program's environment: its own database, folders and settings, whatever is set around us."""
    ours = re.findall(r"^#?\s*([A-Z_]+)=", (PROJECT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    music = HOME / "music"
    music.mkdir(exist_ok=True)
    return kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(HOME / "data"),
        "MUSIC_DIR": str(music),
        "AUDIO_SOURCE": "archive",
        "ARCHIVE_URL": archive,
        "AUDIO_FORMAT": "mp3",
        "MIN_FREE_GB": "0",
        "PORT": str(port),
        "STATUS_PUBLIC": "true",
        "CONFIRM_PLANS": "false",
    }


def free_port() -> int:
    """PORT, else 8000; any other port where that one is taken."""
    wanted = os.environ.get("PORT", "")
    for port in (int(wanted) if wanted.isdecimal() else 8000, 0):
        with suppress(OSError, OverflowError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise GaveUp("No port is free.")


def manage(environment: dict[str, str], *words: str) -> str:
    """Run a command of the program; what it said. GaveUp with its own sentence where it failed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise GaveUp(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{words[0]} failed.")
    return done.stdout


def stop(manager: subprocess.Popen[bytes]) -> None:
    """Stop the program as Ctrl-C would, and wait for its end."""
    with suppress(KeyboardInterrupt):
        if manager.poll() is None:
            manager.send_signal(signal.SIGTERM)
        manager.wait(timeout=60)


def show_link() -> None:
    """The one-time link for the first admin, as the program printed it."""
    link = re.search(r"http://\S+/\S{40,}", LOG.read_text(encoding="utf-8", errors="replace"))
    if link:
        say(f"Make yourself its admin: {link[0]}")


def say(text: str) -> None:
    print(text, flush=True)


def tell(output: str) -> None:
    for line in output.strip().splitlines():
        say(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
