"""What workers and process manager agree on: how long a cluster may be silent, and the name of a file. Pure."""

from __future__ import annotations

from datetime import timedelta

SILENT_AFTER = timedelta(minutes=3)  # a heartbeat comes every minute; two may be lost
RESTART = "restart"  # a file in DATA_DIR/run that asks the manager to stop everything and start it anew
