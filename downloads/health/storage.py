"""Health of the music folder, from the rows that the last look at it left: no page touches the folder itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from catalog.models import Folder, Host, Library
from catalog.models.settings import value
from catalog.text.humanize import ago, count, size
from downloads.health.check import Check, check

QUICK_PASS_LATE = timedelta(hours=2)  # one comes every quarter of an hour
FULL_PASS_LATE = timedelta(days=3)  # one comes every day
NEARLY_FULL = 5  # times the floor
FEW_INODES = 10_000  # a song takes one, an album's folder and cover two more
NO_INODES = 100
WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
# What the folder's filesystem lacks, by trying -> what that means.
LACKING = {
    "link": "It has no hard links.",
    "rename": "It cannot refuse a name that is taken: a file's name stands there empty for a moment.",
    "placeholder": "It cannot rename: songs are downloaded to the machine's own disk, then copied in.",
    "fsync": "It does not write through when asked: a power cut may cost the last files.",
}
REFUSED_NAMES = {
    "unicode": ("letters outside its own alphabet", "Mount it with the option utf8, or in a UTF-8 locale (NTFS-3G)."),
    "long_names": ("names of 255 bytes", "Shorten the names under Settings, File names; encrypted folders allow less."),
}
METHODS = {
    "link": "hard links",
    "rename": "renames that never overwrite",
    "placeholder": "placeholders",
    "copy": "copies that never overwrite",
}


def storage_checks(conditions: dict[str, Any], now: datetime) -> Iterator[Check]:
    """Marker, free space, how files are put in place, which names it takes, the last passes, the watcher's limit."""
    library, hosts = Library.current(), list(Host.objects.order_by("name"))
    tried = [host for host in hosts if host.publish_method]
    yield _folder(conditions["storage"])
    yield from _hosts(hosts)
    yield _space(library)
    yield _inodes(library)
    yield _publish(tried)
    yield _names(tried)
    yield _file_systems(library)
    yield _passes("scan", "Folder scan", library.last_pass, QUICK_PASS_LATE, now)
    yield _passes("full_scan", "Full folder scan", library.last_full_pass, FULL_PASS_LATE, now)
    yield _watches()


def _folder(storage: dict[str, Any]) -> Check:
    state, reason = storage["state"], storage["reason"]
    cure = "Mount the drive, or see what the banner says; everything goes on by itself then."
    fail = reason if state in ("offline", "readonly", "full") else ""
    warn = reason if state == "held" else ""
    if storage["checked_at"] is None:
        warn, fail, cure = "It was not looked at yet.", "", "Start the workers: they look at it first."
    return check("folder", "Music folder", f"Online at {storage['root']}.", warn, fail, cure)


def _hosts(hosts: list[Host]) -> Iterator[Check]:
    """Hosts for which the folder is not what it is for the others; the state above is the acting host's."""
    for host in (host for host in hosts if host.storage not in ("", "online")):
        cure = f"Mount the drive on {host.name}; until then it downloads nothing, and the others go on."
        yield check("folder_of_host", f"Music folder on {host.name}", "", warn=host.storage_reason, cure=cure)


def _publish(hosts: list[Host]) -> Check:
    """How files get their names, and what the folder cannot do, by what each host tried in it."""
    words = [f"By {METHODS[host.publish_method]}. {_lacking(host)}".strip() for host in hosts]
    if len(set(words)) > 1:
        words = [f"{host.name}: {text}" for host, text in zip(hosts, words, strict=True)]
    warn = " ".join(_lacking(host) for host in hosts if "fsync" in host.lacks)
    said = " ".join(dict.fromkeys(words)) or "Found out at the first download."
    cure = "Use a disk or a mount that writes through, or shut this machine down before its power goes."
    return check("publish", "Putting files in place", said, warn=warn, cure=cure)


def _lacking(host: Host) -> str:
    return " ".join(LACKING[lack] for lack in host.lacks if lack in LACKING)


def _space(library: Library) -> Check:
    free, floor = library.free_bytes, value("MIN_FREE_GB")
    if free is None:
        words = "Unknown: the disk does not tell. Downloads go on until it is full."
        return check("space", "Free space", words if library.last_pass else "Not known yet.")
    words = f"{size(free)} free; downloads stop below {size(floor)}."
    return check(
        "space",
        "Free space",
        words,
        warn=words if free < floor * NEARLY_FULL else "",
        fail=words if free < floor else "",
        cure="Make room on the disk of the music folder.",
    )


def _inodes(library: Library) -> Check:
    free = library.free_inodes
    if free is None:
        words = "Only free space limits it." if library.last_pass else "Not known yet."
        return check("inodes", "Room for files", words)
    words = f"The disk has room for {count(free, 'more file')}, whatever their size."
    return check(
        "inodes",
        "Room for files",
        words,
        warn=words if free < FEW_INODES else "",
        fail=words if free < NO_INODES else "",
        cure="Remove small files that you do not need (inodes), or make the file system anew with more of them.",
    )


def _names(hosts: list[Host]) -> Check:
    """Which names each host's mount refused when it was tried."""
    warns, cures = [], []
    for host in hosts:
        refused = [REFUSED_NAMES[lack] for lack in host.lacks if lack in REFUSED_NAMES]
        whose = f"On {host.name} the" if len(hosts) > 1 else "The"
        warns += [f"{whose} folder takes no {what}: songs that need them fail." for what, _ in refused]
        cures += [cure for _, cure in refused]
    said = "It takes every name that songs have." if hosts else "Tried at the first download."
    return check("names", "File names", said, warn=" ".join(warns), cure=" ".join(dict.fromkeys(cures)))


def _file_systems(library: Library) -> Check:
    """Mounts below the root that hold songs. Nobody can do anything about them but know what they cost."""
    mounts = library.mounts
    named = f"{', '.join(mounts[:3])}{' and others' if len(mounts) > 3 else ''}"
    words = f"Drives of their own in it: {named}. Songs are copied there, and never moved between drives."
    return check("file_system", "One file system", words if mounts else "The whole folder.")


def _passes(name: str, title: str, last: datetime | None, late: timedelta, now: datetime) -> Check:
    words = f"Last completed {ago(last, now)}."
    overdue = last is None or now - last > late
    cure = "Press Rescan folder; where that ends with a problem, Activity says which."
    return check(name, title, words, warn=words if overdue else "", cure=cure)


def _watches() -> Check:
    folders = Folder.objects.order_by()[:1_000_000].count()
    if value("WATCH") != "auto" or not WATCHES.exists():
        return check("watch", "Watching for changes", "By looking at the folder from time to time.")
    limit = int(WATCHES.read_text())
    words = f"{count(folders, 'folder')}; this machine allows {limit:,}."
    cure = f"Raise fs.inotify.max_user_watches above {folders:,}; until then changes are found by the next scan."
    return check("watch", "Watching for changes", words, warn=words if folders > limit else "", cure=cure)
