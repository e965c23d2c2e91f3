"""How a song is shown: the one mark of its state, and why it is not here."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Track
from catalog.templatetags.display import ahead, by_line, icon
from downloads.failures.kinds import ERROR_KINDS, NEEDS_PERSON

register = template.Library()


@register.simple_tag(takes_context=True)
def state(context: Context, song: dict[str, Any]) -> SafeString:
    """Icon and word for a row of `catalog.reports.status.described`. It agrees with the banner of the page."""
    name, mood, word = _mark(song)
    shown: str | SafeString = word
    if word == "next":
        shown = _next_try(context, song)
    elif word == "downloading" and song["percent"]:
        shown = f"{song['percent']} %"
    return format_html('<span class="state {}">{}<span>{}</span></span>', mood, icon(name), shown)


def _next_try(context: Context, song: dict[str, Any]) -> str | SafeString:
    if not due(song, context["now"]):
        return format_html("next try {}", ahead(song["retry_after"], context["now"]))
    return "as soon as downloads resume" if context["frame"].blocked else "up next"


@register.simple_tag(takes_context=True)
def song_row(context: Context, song: dict[str, Any], told_above: bool = False) -> SafeString:
    """The one row of a song: cover, title, artist and album, why it is not here, its state.

    In Python: a list has a hundred of them, and as templates within a template they took 25 of a page's 40 ms.
    ``told_above``: the reason stands above all of them.
    """
    title = song["title"] or "(no title)"
    album = format_html(
        ' · <a class="name" href="{}"><bdi>{}</bdi></a>', _address("album", song["album_id"]), song["album"]
    )
    reason = "" if told_above else why(context, song)
    return format_html(
        '{}<div class="text"><a class="song" href="{}"><bdi>{}</bdi></a><small>{}{}</small>{}</div>'
        '<div class="end">{}</div>',
        cover(song["album_id"], 44),
        _address("track", song["id"]),
        title,
        by_line(song["artists"]),
        album if song["album"] else "",
        format_html('<span class="why" data-fact>{}</span>', reason) if reason else "",
        state(context, song),
    )


@register.simple_tag
def cover(album_id: int | None, pixels: int, size: str = "") -> SafeString:
    """The cover of an album; without one, a quiet placeholder."""
    return format_html(
        '<img class="cover {}" src="{}" alt="" loading="lazy" width="{}" height="{}">',
        size, _address("cover", album_id or 0), pixels, pixels,
    )  # fmt: skip


@cache
def _pattern(name: str) -> str:
    return reverse(name, args=[0])


def _address(name: str, pk: int | None) -> str:
    """`reverse` for an address that ends in an id."""
    return f"{_pattern(name)[:-1]}{pk or 0}"


def _mark(song: dict[str, Any]) -> tuple[str, str, str]:
    if song["status"] == Track.Status.DOWNLOADED:
        return "check", "ok", "here"
    if song["status"] == Track.Status.DOWNLOADING:
        return "download", "busy", "downloading"
    if not song["wanted"]:
        return ("ban", "", "stopped") if song["ignored"] else ("eye-off", "", "not wanted")
    if song["error_kind"] in NEEDS_PERSON:
        return "hand", "warn", "needs you"
    return "clock", "warn" if song["error_kind"] or song.get("last_error") else "", "next"


@register.filter
def due(song: dict[str, Any], now: datetime) -> bool:
    """Whether its next try may come at once."""
    return bool(song["retry_after"] <= now)


@register.simple_tag(takes_context=True)
def why(context: Context, song: dict[str, Any]) -> str:
    """Why a missing song is not here: the sentence of its kind of error, else the stored words; "" where none.

    The stored words may name paths: strangers do not see them.
    """
    if song["status"] != Track.Status.MISSING or not (song["error_kind"] or song.get("last_error")):
        return ""
    kind = ERROR_KINDS.get(song["error_kind"] or "unknown", ERROR_KINDS["unknown"])
    may_know = context["frame"].insider and kind is ERROR_KINDS["unknown"]
    return str(song["last_error"]) if may_know else kind.sentence
