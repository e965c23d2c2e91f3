"""Named points through the life of one fetch, at which a test can stop or kill a worker. No cost when unused.

The order is the order of the work. A harness sets `on_failpoint`; the product never does.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "claimed",  # the row is ours, nothing else has happened
    "adopting",  # looking for a file that is already there
    "adopted",  # one is there, the row names it, and still says downloading
    "staged",  # the stage folder exists, nothing is fetched
    "fetched",  # the child has ended, its file lies in the stage
    "verified",  # the content was proven
    "tagged",  # tags are written, not yet synced to disk
    "synced",  # the staged file is safe on the disk
    "reserved",  # the row names the final place, nothing is there
    "placeholder",  # the place is ours, the file is not yet in it; only where a disk knows no better way
    "copied",  # all of the file is in its place but its first bytes; only where a mount cannot rename
    "linked",  # the file is in its place, the row still says downloading
    "folder_synced",  # the link is safe on the disk
    "finished",  # the row says downloaded, the stage is still there
    "cleaned",  # the stage is gone
    "recovering",  # an expired claim was read, nothing is decided
    "fenced",  # its stage is gone: a worker that is only late can put nothing in place any more
    "recovered",  # the row was decided
)

MOVE_POINTS = (  # of a file that goes to another place in the library
    "move_written",  # the journal names both places, nothing has happened
    "move_linked",  # the file is at its new place (and, on most disks, at its old one)
    "move_named",  # the track's row names the new place, the old name may still be there
)

on_failpoint: Callable[[str], None] | None = None


def failpoint(point: str) -> None:
    """Say that ``point`` was reached."""
    if on_failpoint is not None:
        on_failpoint(point)
