"""The jobs that tell others: messages to people, and what is new to players."""

from __future__ import annotations

from catalog.db import database_clock
from catalog.system.file_locks import try_lock
from downloads.jobs import cluster_state
from downloads.jobs.queue import job, request_players
from downloads.notify.deliver import SendReport, send_due
from downloads.players.tell import tell_all


@job
def send_messages() -> str:
    """Send what is due. The tick asks again for what is left."""
    with try_lock("messages") as alone:
        report = send_due(database_clock.now(), cluster_state.should_stop) if alone else SendReport()
    return f"{report.sent} sent, {report.failed} failed"


@job
def tell_players() -> str:
    """Tell the players what is new, and come again when one of them may be told more."""
    with try_lock("players") as alone:
        again = tell_all(database_clock.now(), cluster_state.should_stop) if alone else None
    if again and not cluster_state.should_stop():
        request_players(at=again)
    return f"again at {again:%H:%M:%S}" if again else "done"
