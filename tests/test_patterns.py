"""No pattern takes long over a hostile text: 20,000 characters of its own alphabet, in processor time."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LENGTH = 20_000  # characters
SECONDS = 1.0  # of a processor; a linear pattern takes milliseconds, a quadratic one tens of seconds
# Modules whose texts are short before they come to a pattern, the longest in characters.
BOUNDED = {
    "catalog/scanning/ignored.py": 255,  # names of files
    "downloads/matching/title_text.py": 1_000,  # titles and names, as sources and records cut them
}
NO_IMPORT = {"config/wsgi.py", "config/process/event_listener.py", "config/process/supervisor.py"}


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern of text that stands in a module, alone or in a list, tuple or dict."""
    for room in ("catalog", "downloads", "config"):
        for path in sorted((ROOT / room).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if {"migrations", "commands"} & set(relative.parts) or str(relative) in NO_IMPORT:
                continue
            module = importlib.import_module(".".join(relative.with_suffix("").parts).removesuffix(".__init__"))
            for name, value in sorted(vars(module).items()):
                for number, pattern in enumerate(_found(value)):
                    yield f"{relative}:{name}:{number}", pattern


def _found(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        yield from _found(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _found(each)
    elif (owner := getattr(value, "__self__", None)) is not None and isinstance(owner, re.Pattern):
        yield from _found(owner)  # a bound `match`


def alphabet(pattern: re.Pattern[str]) -> list[str]:
    """Pieces that the pattern may repeat: its own words and marks, and one of each kind of character."""
    words = re.findall(r"[A-Za-z]{2,20}", re.sub(r"\\[A-Za-z]", " ", pattern.pattern))[:12]
    marks = sorted(set(re.findall(r"[^\w\s\\]", pattern.pattern)))[:20]
    return [*words, *(f"{word} " for word in words), *marks, " ", "\t", "a", "A", "1", "_", "é", "1:", "a ", " -", "a-"]


ALL: dict[tuple[str, int], tuple[str, re.Pattern[str]]] = {}
for label, compiled in patterns():
    ALL.setdefault((compiled.pattern, compiled.flags), (label, compiled))


@pytest.mark.parametrize(("label", "compiled"), ALL.values(), ids=[label for label, _ in ALL.values()])
def test_a_pattern_is_linear_in_hostile_text(label: str, compiled: re.Pattern[str]) -> None:
    length = BOUNDED.get(label.split(":")[0], LENGTH)
    for piece in alphabet(compiled):
        text = (piece * (length // len(piece)))[:length]
        started = time.process_time()
        compiled.search(text)
        compiled.search(f"{text}\x00")
        assert time.process_time() - started < SECONDS, piece


def test_the_patterns_of_the_program_are_found() -> None:
    assert len(ALL) > 60
