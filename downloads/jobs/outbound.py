"""The jobs that speak with others: messages to people, what is new to players, covers from Spotify's image host."""

from __future__ import annotations

from catalog.db import database_clock
from catalog.system.file_locks import try_lock
from downloads.jobs import cluster_state
from downloads.jobs.queue import job, request_covers, request_players
from downloads.notify.deliver import SendReport, send_due
from downloads.players.tell import tell_all
from downloads.publishing import album_covers


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


@job
def find_covers() -> str:
    """Look for covers of albums, some at a time; another job does the rest."""
    with try_lock("covers") as alone:
        looked = album_covers.find(database_clock.now(), cluster_state.should_stop) if alone else 0
    if looked and not cluster_state.should_stop() and album_covers.is_work(database_clock.now()):
        request_covers()
    return f"{looked} albums"
