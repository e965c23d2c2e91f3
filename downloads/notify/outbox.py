"""Write down what each channel is to be told, once. Sending is `downloads.notify.deliver`'s.

Two processes may do this at once: a lasting event is told by who changes its incident's row first, and a message's
subject stands once in its channel.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from downloads.models import Channel, Incident, Message
from downloads.notify.events import TEST, Fact, how_long, lasting, passing

KEPT = timedelta(days=30)  # of the log


def write_due(now: datetime) -> int:
    """A message for each enabled channel and event that it has not heard of. How many were written."""
    written = 0
    channels = list(Channel.objects.filter(enabled=True))
    facts = lasting(now) if channels else []
    for channel in channels:
        written += sum(_tell(channel, incident, fact, now) for incident, fact in _begun(channel, facts, now))
        news = [fact for fact in passing(channel, now) if fact.kind in channel.events]
        written += sum(_add(channel, fact, now) for fact in news)
    Message.objects.exclude(state=Message.State.WAITING).filter(at__lt=now - KEPT).delete()
    return written


def write_test(channel: Channel, now: datetime) -> None:
    """A message that a person asked for, to see whether it arrives."""
    _add(channel, Fact(TEST, f"{TEST}:{secrets.token_hex(8)}", "Tonekeep: a test", "Messages arrive here."), now)


def has_due(now: datetime) -> bool:
    return Message.objects.filter(state=Message.State.WAITING, due_at__lte=now).exists()


def _begun(channel: Channel, facts: list[Fact], now: datetime) -> list[tuple[Incident, Fact]]:
    """Bring the channel's incidents in line with the facts; those that it has not heard of and should now."""
    known = set(channel.incidents.values_list("subject", flat=True))
    here = {fact.subject: fact for fact in facts if fact.concerns(channel, fact.subject in known)}
    channel.incidents.exclude(subject__in=here).delete()
    new = [Incident(channel=channel, subject=subject, since=now) for subject in here.keys() - known]
    Incident.objects.bulk_create(new, ignore_conflicts=True)
    untold = channel.incidents.filter(told=False, subject__in=here).order_by("pk")
    return [(row, here[row.subject]) for row in untold if now - row.since >= here[row.subject].wait(channel)]


def _tell(channel: Channel, incident: Incident, fact: Fact, now: datetime) -> bool:
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk, told=False).update(told=True):
            return False  # somebody else was first
        title = f"{fact.title} {how_long(incident.since, now)}".strip() if fact.kind == "paused" else fact.title
        return _add(channel, Fact(fact.kind, f"{fact.subject}@{incident.pk}", title, fact.text), now)


def _add(channel: Channel, fact: Fact, now: datetime) -> bool:
    columns = {"kind": fact.kind, "title": fact.title, "text": fact.text, "at": now, "due_at": now}
    return Message.objects.get_or_create(channel=channel, subject=fact.subject, defaults=columns)[1]
