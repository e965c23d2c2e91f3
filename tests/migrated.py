"""An SQLite database with every migration applied: made once for a state of the code, then copied (5 s of CPU each)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NAME = "tonekeep.sqlite3"


def copy_migrated_database(data: Path, name: str = NAME) -> Path:
    """Put it into a data folder, which is made where it is not there; ``migrate`` has nothing to do in it then."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(shutil.copyfile(_migrated_database(), data / name))


def _migrated_database() -> Path:
    """The first process that asks makes it, the others wait for it; a later run of the same code finds it."""
    folder = Path(tempfile.gettempdir()) / f"tonekeep-migrated-{os.getuid()}-{_version_of_code()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / NAME).exists():
            _forget_old_ones(folder)
            _migrate(folder / "data")
            (folder / "data" / NAME).rename(folder / NAME)
    return folder / NAME


def _forget_old_ones(folder: Path) -> None:
    """Remove what other states of the code have left for longer than a day."""
    for other in folder.parent.glob(f"tonekeep-migrated-{os.getuid()}-*"):
        if other.stat().st_mtime < time.time() - 86_400:
            shutil.rmtree(other, ignore_errors=True)


def _version_of_code() -> str:
    """Of all that a migration may run: the apps, the settings, the libraries' versions."""
    digest = hashlib.sha256((PROJECT / "requirements.lock").read_bytes())
    for path in sorted(path for app in ("catalog", "config", "downloads") for path in (PROJECT / app).rglob("*.py")):
        digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)  # of a run that was killed
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATA_DIR": str(data)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
