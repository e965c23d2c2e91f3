"""The result of one comparison. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """A factor, 0..1, by which the score is multiplied; sentences for a person; ``veto``: never taken unasked."""

    factor: float = 1.0
    reasons: tuple[str, ...] = ()
    veto: bool = False
