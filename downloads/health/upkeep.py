"""Health of what is easily forgotten: backups, the database's soundness, updates, the log, refused addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from django.conf import settings
from django.db import connection

from catalog.models import Cluster, Run
from catalog.models.hosts import own_name
from catalog.text.humanize import ago, count
from downloads.health.check import Check, check
from downloads.health.log_tail import LogEntry, errors_since

BACKUP_AFTER = timedelta(days=30)
FIRST_BACKUP_AFTER = timedelta(days=7)
CHECK_LATE = timedelta(days=3)  # one comes every day
DAY = timedelta(days=1)
SECURITY = "django.security."  # what strangers do; refused already
REFUSED = re.compile(r"HTTP_HOST header: '([^']*?)(?::\d+)?'\.")
HOME_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box")
PROGRAM = ("catalog", "config", "downloads")
STARTED_WITH = timedelta(minutes=1)


def upkeep_checks(now: datetime) -> Iterator[Check]:
    yield _backup(now)
    if connection.vendor == "sqlite":
        yield _integrity(now)
    yield _update(now)
    entries = list(errors_since(Path(settings.LOG_FILE), now, DAY))
    yield _log([entry for entry in entries if not entry.logger.startswith(SECURITY)])
    yield _refused_hosts([entry for entry in entries if entry.logger == "django.security.DisallowedHost"])


def _backup(now: datetime) -> Check:
    """Of those made on a page or by the command; what copies DATA_DIR as a whole is not known here."""
    last = Run.objects.filter(kind=Run.Kind.BACKUP, ended_at__isnull=False).first()
    good = Run.objects.filter(kind=Run.Kind.BACKUP, ok=True).first()
    cure = "Settings, Maintenance, Make a backup now."
    if last and not last.ok:
        return check("backup", "Backup", "", warn=f"The last one failed: {last.problem}", cure=cure)
    if good:
        host = good.report.get("host") if own_name() else ""
        words = f"The last one was made {ago(good.started_at, now)}{f' on {host}' if host else ''}."
        late = now - good.started_at > BACKUP_AFTER
    else:
        first = Run.objects.order_by("started_at").values_list("started_at", flat=True).first()
        words, late = "None was made yet.", bool(first and now - first > FIRST_BACKUP_AFTER)
    return check("backup", "Backup", words, warn=words if late else "", cure=cure)


def _integrity(now: datetime) -> Check:
    last = Run.objects.filter(kind=Run.Kind.DATABASE, ended_at__isnull=False).first()
    if last is None:
        return check("integrity", "Database soundness", "Looked through once a day; not yet.")
    words = f"Looked through {ago(last.ended_at, now)}: sound."
    late = f"Last looked through {ago(last.ended_at, now)}." if now - last.started_at > CHECK_LATE else ""
    cure = "Start Tonekeep again: it is done once a day by its workers."
    if not last.ok:
        cure = "Make a backup of what is there, then put the last good one back; Settings, Maintenance says how."
    return check("integrity", "Database soundness", words, warn=late, fail="" if last.ok else last.problem, cure=cure)


def _update(now: datetime) -> Check:
    """Whether the program's files are those that were started; which version is the newest is not known offline."""
    started = Cluster.objects.filter(host=settings.HOST_NAME).order_by("started_at").first()
    changed = _newest_file()
    pending = started is not None and changed > started.started_at + STARTED_WITH
    warn = f"Tonekeep's files were changed {ago(changed, now)}, after it was started." if pending else ""
    cure = "Start Tonekeep again, so that all of it is the new version."
    return check("update", "Update", "The version that is installed is the one that runs.", warn=warn, cure=cure)


def _newest_file() -> datetime:
    """When a module of ours was changed last."""
    newest = 0.0
    folders = [str(settings.BASE_DIR / name) for name in PROGRAM]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    newest = max(newest, entry.stat().st_mtime)
    return datetime.fromtimestamp(newest, UTC)


def _log(entries: list[LogEntry]) -> Check:
    words = "No error in the last day."
    warn = f"{count(len(entries), 'error')} in the last day; the last one: {entries[-1].text[:200]}" if entries else ""
    host = f" of {own_name()}" if own_name() else ""
    return check("log", f"Log{host}", words, warn=warn, cure="Owners read the log below this list; it says which.")


def _refused_hosts(entries: list[LogEntry]) -> Check:
    """Names of this network under which somebody came in vain; scanners of the internet use others."""
    hosts = dict.fromkeys(found[1] for entry in entries if (found := REFUSED.search(entry.text)))
    ours = [host for host in hosts if _is_of_home(host)]
    said = f"Answers at {', '.join(settings.ALLOWED_HOSTS)}."
    warn = f"Somebody came to {ours[-1]} in the last day and was refused." if ours else ""
    cure = f"Add {ours[-1]} to ALLOWED_HOSTS, then start Tonekeep again." if ours else ""
    return check("hosts", "Addresses", said, warn=warn, cure=cure)


def _is_of_home(host: str) -> bool:
    if host in settings.ALLOWED_HOSTS:
        return False
    try:
        return ip_address(host.strip("[]")).is_private
    except ValueError:
        return "." not in host or host.lower().endswith(HOME_NAMES)
