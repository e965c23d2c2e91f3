"""How much of a set of songs is here: parts that add up to the number of its wanted songs, each with its list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Part:
    """``count`` songs in one of five states. ``link`` leads to exactly these; ``mood`` names the colour."""

    name: str
    mood: str
    label: str
    count: int
    link: str


# List, colour, words. In the order in which the bar shows them.
STATES = (
    ("downloaded", "ok", "here"),
    ("downloading", "busy", "downloading"),
    ("up_next", "wait", "up next"),
    ("waiting", "later", "waiting to retry"),
    ("review", "ask", "to choose for"),
)


def parts(counts: Mapping[str, int], narrowed_to: Mapping[str, int] | None = None) -> list[Part]:
    """The five parts of ``counts`` (by list name); ``narrowed_to`` goes into the links, e.g. ``{"album": 7}``."""
    return [
        Part(name, mood, label, counts[name], "/tracks?" + urlencode({"status": name, **(narrowed_to or {})}))
        for name, mood, label in STATES
    ]
