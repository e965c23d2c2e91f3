"""`make wedge`: kill -9 of each kind of cluster process, in real time, and how long until the work goes on.

An idle worker of django-q2 that is killed takes the lock of the task queue with it: the cluster looks alive and does
nothing. Nothing but a heartbeat through a worker notices that. Takes about 10 minutes; the last line is JSON.

    make wedge [ARGS="idle sentinel main"]
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually, make_archive, parent

PATIENCE = 300.0  # seconds; the listener's 180 and 20, a tick, and a start
CLUSTER = r"manage\.py qcluster --name downloads $"


def tree(installation: Installation) -> tuple[int, int, list[int]]:
    """Main process, sentinel, and the sentinel's children: worker, monitor, pusher, in the order of their forks."""
    pids = installation.named(CLUSTER)
    above = {pid: parent(pid) for pid in pids}
    main = next(pid for pid in pids if above[pid] not in pids)
    sentinel = next(pid for pid in pids if above[pid] == main)
    return main, sentinel, sorted(pid for pid in pids if above[pid] == sentinel)


def victim(kind: str, installation: Installation) -> int:
    main, sentinel, below = tree(installation)
    return {"main": main, "sentinel": sentinel, "idle": below[0]}[kind]


def measure(kind: str, home: Path, archive: HeldArchive) -> dict[str, object]:
    """Kill one process of an idle cluster, then ask for a song; seconds until it is there."""
    with Installation(home, archive, DOWNLOAD_WORKERS="1") as installation:  # one worker: it is the one with the lock
        installation.import_songs(SONGS[0])
        installation.start()
        eventually(lambda: installation.counts() == (0, 0, 1) and len(installation.named(CLUSTER)) == 5, "idle")
        old = set(installation.named(CLUSTER))
        time.sleep(5)  # back in the task queue, waiting
        os.kill(victim(kind, installation), signal.SIGKILL)
        began = time.monotonic()
        installation.import_songs(*SONGS[:2])
        silent: list[float] = []

        def back() -> bool:
            status = installation.status()
            if not silent and status.get("workers", {}).get("state") == "silent":
                silent.append(time.monotonic() - began)
            return installation.counts() == (0, 0, 2)

        eventually(back, f"work goes on after kill -9 of {kind}", PATIENCE)
        seconds = round(time.monotonic() - began, 1)
        left = sorted(old & set(installation.named(CLUSTER)))
        installation.interrupt()
        return {
            "killed": kind,
            "seconds_until_fetched": seconds,
            "shown_on_page_after": round(silent[0], 1) if silent else None,
            "old_processes_left": len(left),
            "left_after_stop": len(installation.processes()),
        }


def main() -> int:
    kinds = sys.argv[1:] or ["idle", "sentinel", "main"]
    results = []
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder, make_archive(Path(folder) / "archive") as archive:
            assert isinstance(archive, HeldArchive)
            results.append(measure(kind, Path(folder) / "home", archive))
            print(results[-1], flush=True)
    good = all(not row["left_after_stop"] for row in results)
    print(json.dumps({"wedge": results, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
