"""How long a cluster may be silent: one limit for the pages, the workers and the process manager. Pure."""

from __future__ import annotations

from datetime import timedelta

SILENT_AFTER = timedelta(minutes=3)  # a heartbeat comes every minute; two may be lost
