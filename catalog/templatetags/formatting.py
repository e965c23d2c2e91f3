"""`catalog.text.humanize` for templates: ``{{ track.retry_after|ahead:now }}``."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.text import humanize

register = template.Library()

register.filter("length_of", humanize.length)
register.filter("size", humanize.size)


@register.filter
def count(number: int, nouns: str) -> str:
    """``{{ n|count:"try,tries" }}``; the second noun may be left out where it only takes an s."""
    return humanize.count(number, *nouns.split(","))


@register.filter
def number(value: int) -> str:
    """1204567 -> "1,204,567"."""
    return f"{value:,}"


@register.filter
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    """``<time>`` with the words of `humanize.ago`; the exact time stands in its title."""
    return _time(moment, humanize.ago(moment, now))


@register.filter
def ahead(moment: datetime | None, now: datetime) -> SafeString | str:
    """``<time>`` with the words of `humanize.ahead`."""
    return _time(moment, humanize.ahead(moment, now))


def _time(moment: datetime | None, words: str) -> SafeString | str:
    if moment is None:
        return words
    local = timezone.localtime(moment)
    title = f"{local:%Y-%m-%d %H:%M %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), title, words)


@register.filter
def clock(moment: datetime) -> SafeString | str:
    """The time of day, with the date where it is not today's: "14:05", "2026-03-01 14:05"."""
    local = timezone.localtime(moment)
    today = timezone.localtime().date() == local.date()
    return _time(moment, f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}")
