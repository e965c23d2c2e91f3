"""Which machine this is: a name (`HOST_NAME`) is one machine's alone, else two take each other's work for their own."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings

from catalog.models import Cluster, Host
from catalog.models.hosts import is_shared
from catalog.system.atomic_files import write_new
from catalog.text.user_error import UserError

ID_FILE = "machine-id"  # in DATA_DIR: a container that is made anew is the same machine
SYSTEM_ID = Path("/etc/machine-id")  # another where DATA_DIR was copied to another machine


def machine_id() -> str:
    """What tells this machine, with this DATA_DIR, from others. Made at the first call."""
    path = settings.DATA_DIR / ID_FILE
    with suppress(FileExistsError):
        write_new(str(path), uuid.uuid4().hex.encode())
    system = ""
    with suppress(OSError):
        system = SYSTEM_ID.read_text().strip()
    return hashlib.sha256(f"{path.read_text().strip()} {system}".encode()).hexdigest()


def require_own_name(now: datetime) -> None:
    """Raises UserError where another machine that was heard of within 3 minutes has this one's name."""
    name = settings.HOST_NAME
    if not is_shared() or not Cluster.objects.live(now).filter(host=name).exists():
        return
    if Host.objects.filter(name=name).exclude(machine__in=["", machine_id()]).exists():
        raise UserError(
            f"Another machine works on this library under the name {name}. Set HOST_NAME to another name here; "
            f"or if this one is to replace it, stop it and wait for 3 minutes."
        )


def take_name() -> None:
    """The name is this machine's from here on."""
    Host.objects.update_or_create(name=settings.HOST_NAME, defaults={"machine": machine_id()})
