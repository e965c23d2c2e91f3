"""A health check: what was looked at, how it is, and what helps. Pure."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"
SEVERITY = (FAIL, WARN, OK)


@dataclass(frozen=True, slots=True)
class Check:
    """``state`` is "ok", "warn" or "fail"; ``text`` says what is so, ``cure`` what helps ("" where all is well)."""

    name: str
    title: str
    state: str
    text: str
    cure: str = ""


def check(name: str, title: str, text: str, warn: str = "", fail: str = "", cure: str = "") -> Check:
    """``fail`` or ``warn`` in place of ``text`` where they are not empty; the ``cure`` only then."""
    if fail:
        return Check(name, title, FAIL, fail, cure)
    if warn:
        return Check(name, title, WARN, warn, cure)
    return Check(name, title, OK, text)
