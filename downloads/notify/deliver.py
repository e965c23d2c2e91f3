"""Send the messages that are due, again and again with growing pauses until the receiver takes them.

A message is claimed by moving its ``due_at`` ahead in one conditional UPDATE, so that two hosts do not send it twice. A
process that dies between the receiver's yes and ours leaves it due again: a webhook's receiver knows it by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from catalog.system.encryption import Unsealable, unseal
from catalog.text import setting_values
from downloads.models import Channel, Message
from downloads.notify import apprise_process, webhook
from downloads.notify.events import KINDS, TEST

LEASE = timedelta(minutes=5)  # while a try is under way; far longer than one may take
PAUSES = (1, 2, 5, 10, 15)  # minutes after the first, second … failed try; the last one from then on
GIVEN_UP_AFTER = timedelta(days=3)
KIND_EVERY = timedelta(hours=1)
NEWS_FOR = timedelta(minutes=10)
WAITING, SENT, FAILED = Message.State.WAITING, Message.State.SENT, Message.State.FAILED


@dataclass(slots=True)
class SendReport:
    """How many messages were taken by a receiver, and how many were not."""

    sent: int = 0
    failed: int = 0


def send_due(now: datetime, should_stop: Callable[[], bool] = lambda: False) -> SendReport:
    """Send what is due. A channel whose receiver fails is left alone until the next call."""
    report = SendReport()
    for channel in Channel.objects.order_by("pk"):
        for messages in _bundles(channel, now):
            if should_stop():
                return report
            claimed = [message for message in messages if _claim(message, now)]
            if not claimed:
                continue
            if problem := _send(channel, claimed, now):
                _postpone(claimed, problem, now)
                report.failed += len(claimed)
                break
            Message.objects.filter(pk__in=[message.pk for message in claimed]).update(
                state=SENT, sent_at=now, problem=""
            )
            report.sent += len(claimed)
    return report


def _bundles(channel: Channel, now: datetime) -> Iterator[list[Message]]:
    """The messages that may go now, as they go: to a webhook one by one, to people those of one kind together."""
    # A time far ahead was written before the clock was set back.
    due = channel.messages.filter(Q(due_at__lte=now) | Q(due_at__gt=now + LEASE * 4), state=WAITING).order_by(
        "at", "pk"
    )
    tests = due.filter(kind=TEST)
    yield from ([message] for message in tests)
    if not channel.enabled or _is_quiet(channel, now):
        return
    others = due.exclude(kind=TEST)
    if channel.kind == Channel.Kind.WEBHOOK:
        yield from ([message] for message in others)
        return
    lately = channel.messages.filter(state=SENT, sent_at__gt=now - KIND_EVERY, sent_at__lte=now)
    told = set(lately.values_list("kind", flat=True))
    kinds = dict.fromkeys(message.kind for message in others)
    yield from ([message for message in others if message.kind == kind] for kind in kinds if kind not in told)


def _is_quiet(channel: Channel, now: datetime) -> bool:
    windows = setting_values.hours("Quiet hours", channel.quiet)
    return bool(windows) and setting_values.is_within(windows, timezone.localtime(now).time())


def _claim(message: Message, now: datetime) -> bool:
    ours = Message.objects.filter(pk=message.pk, state=WAITING, due_at=message.due_at, attempts=message.attempts)
    message.attempts += 1
    return bool(ours.update(due_at=now + LEASE, attempts=F("attempts") + 1))


def _postpone(messages: list[Message], problem: str, now: datetime) -> None:
    for message in messages:
        pause = timedelta(minutes=PAUSES[min(message.attempts, len(PAUSES)) - 1])
        over = message.kind == TEST or now - message.at > GIVEN_UP_AFTER
        Message.objects.filter(pk=message.pk).update(
            state=FAILED if over else WAITING, due_at=now + pause, problem=problem
        )


def _send(channel: Channel, messages: list[Message], now: datetime) -> str:
    """Try it. "" where the receiver took it, else why not, without any part of the address."""
    try:
        address = unseal(channel.address)
        if channel.kind == Channel.Kind.WEBHOOK:
            return webhook.post(address, unseal(channel.secret), messages[0], now)
        return apprise_process.send(address, *_letter(messages, now))
    except Unsealable:
        return "The stored address cannot be read any more; enter it again."


def _letter(messages: list[Message], now: datetime) -> tuple[str, str]:
    """Title and text of one letter about all of them; with the time where they are no news any more."""
    first = messages[0]
    if len(messages) == 1 and now - first.at < NEWS_FOR:
        return first.title, first.text
    lines = [f"{timezone.localtime(each.at):%a %H:%M} {each.title}. {each.text}".strip() for each in messages]
    title = first.title if len(messages) == 1 else f"{len(messages)} × {KINDS.get(first.kind, first.kind)}"
    return title, "\n".join(lines)
