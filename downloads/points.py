"""Named points through the life of one fetch, at which a test can stop or kill a worker. No cost when unused.

The order is the order of the work. A harness sets `on_reach`; the product never does.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "claimed",  # the row is ours, nothing else has happened
    "adopting",  # looking for a file that is already there
    "staged",  # the stage folder exists, nothing is fetched
    "fetched",  # the child has ended, its file lies in the stage
    "verified",  # the content was proven
    "tagged",  # tags are written, not yet synced to disk
    "synced",  # the staged file is safe on the disk
    "reserved",  # the row names the final place, nothing is there
    "linked",  # the file is in its place, the row still says downloading
    "folder_synced",  # the link is safe on the disk
    "finished",  # the row says downloaded, the stage is still there
    "cleaned",  # the stage is gone
    "recovering",  # an expired claim was read, nothing is decided
    "recovered",  # the row was decided, the stage is still there
)

on_reach: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that ``point`` was reached."""
    if on_reach is not None:
        on_reach(point)
