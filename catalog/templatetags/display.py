"""`catalog.text.humanize` for templates: ``{{ track.retry_after|ahead:now }}``."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.reports.coverage import Part
from catalog.system.command_line import command
from catalog.text import humanize

register = template.Library()

DATED_AFTER = timedelta(weeks=8)

register.filter("length_of", humanize.length)
register.filter("size", humanize.size)


register.simple_tag(command, name="command")  # {% command "setup_link" %}


@register.filter
def count(number: int, nouns: str) -> str:
    """``{{ n|count:"try,tries" }}``; the second noun may be left out where it only takes an s."""
    return humanize.count(number, *nouns.split(","))


@register.filter
def number(value: int) -> str:
    """1204567 -> "1,204,567"; 999 that were counted no further -> "999+"."""
    return humanize.number(value)


@register.filter
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    """``<time>`` with the words of `humanize.ago`, or the date where that is long ago; the exact time in its title."""
    if moment is not None and now - moment > DATED_AFTER:
        return _time(moment, f"{timezone.localtime(moment):%-d %B %Y}")
    return _time(moment, humanize.ago(moment, now))


@register.filter
def ahead(moment: datetime | None, now: datetime) -> SafeString | str:
    """``<time>`` with the words of `humanize.ahead`, or the date where that is far ahead."""
    if moment is not None and moment - now > DATED_AFTER:
        return _time(moment, f"on {timezone.localtime(moment):%-d %B %Y}")
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
    words = f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"
    return format_html('<time datetime="{}" data-clock="true">{}</time>', local.isoformat(), words)


@register.filter
def when(moment: datetime, now: datetime) -> SafeString | str:
    """Both: how long ago, and the time; where it is long ago the time alone."""
    return clock(moment) if now - moment > DATED_AFTER else format_html("{}, {}", ago(moment, now), clock(moment))


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """An icon of the sprite ``static/icons.svg``, for the eye alone: the word beside it says what it means."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name)


@register.filter
def by_line(names: list[str]) -> SafeString:
    """Artists in one line, each in its own direction of writing: a right-to-left name must not turn the rest."""
    return format_html_join(", ", "<bdi>{}</bdi>", ((name,) for name in names))


@register.filter
def path_parts(path: str) -> SafeString:
    """A path, each folder in its own direction of writing."""
    return format_html_join("/", "<bdi>{}</bdi>", ((part,) for part in path.split("/")))


@register.inclusion_tag("parts/coverage.html")
def coverage(parts: list[Part]) -> dict[str, Any]:
    """The bar of coverage with its legend. The bar is drawn in thousandths; no part that is there is invisible."""
    total = sum(part.count for part in parts)
    bars, at = [], 0.0
    for part in parts:
        width = 1000 * part.count / total if total else 0
        bars.append({"mood": part.mood, "x": round(at, 1), "width": max(2.0, round(width - 1.5, 1)) if width else 0})
        at += width
    return {"parts": [part for part in parts if part.count], "bars": [bar for bar in bars if bar["width"]]}
