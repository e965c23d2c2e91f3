"""The table of docs/access.md: each address, and by which methods each kind of visitor is let in.

``ACCESS_TABLE=write pytest -n 0 tests/test_access.py`` writes what is so; without it the tests compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "access.md"
PEOPLE = ("nobody", "listener", "keeper", "owner")
TOKENS = ("owner's read token", "owner's act token", "listener's read token", "listener's act token")
VISITORS = PEOPLE + TOKENS
METHODS = ("GET", "POST")
LOG_IN = ("/login", "/admin/login/")
HEAD = "| address | " + " | ".join(VISITORS) + " |\n" + "|-" * (len(VISITORS) + 1) + "|\n"
ARGUMENTS = {
    "pk": "1",
    "candidate": "1",
    "name": "audio",
    "job": "sync",
    "deed": "retry",
    "action": "take",
    "kind": "apply",
    "work": "check",
    "token": "x" * 43,
    # of the admin and of the API
    "object_id": "1",
    "content_type_id": "1",
    "app_label": "catalog",
    "track_id": "1",
    "candidate_id": "1",
    "answer": "take",
    "id": "1",
}
SPECIAL = {"change_person": {"pk": "1", "deed": "role"}, "api:change_song": {"track_id": "1", "action": "ignore"}}


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def addresses() -> Iterator[tuple[str, str]]:
    """Name and an example of every named pattern: pages, the admin, the API."""
    for name, arguments in _patterns(get_resolver().url_patterns, "", ()):
        wanted = SPECIAL.get(name) or {argument: ARGUMENTS[argument] for argument in arguments}
        yield name, reverse(name, kwargs=wanted)


def _patterns(
    entries: list[URLPattern | URLResolver], namespace: str, outer: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in entries:
        arguments = (*outer, *entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            inside = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _patterns(entry.url_patterns, inside, arguments)
        elif entry.name:
            yield f"{namespace}{entry.name}", arguments


def observed(client: Client, examples: dict[str, str]) -> dict[str, str]:
    """Address -> the methods by which it is let in, "–" for none. What a request changes is rolled back."""
    return {address: " ".join(_let_in(client, address)) or "–" for address in examples.values()}


def _let_in(client: Client, address: str) -> Iterator[str]:
    for method in METHODS:
        cookies = dict(client.cookies)
        with rolled_back():
            answer = client.generic(method, address)
        client.cookies = SimpleCookie(cookies)
        assert answer.status_code != 500, f"{method} {address}"
        to_login = answer.status_code == 302 and answer.headers["Location"].startswith(LOG_IN)
        if answer.status_code not in (401, 403, 405) and (not to_login or address.startswith(LOG_IN)):
            yield method


def documented() -> dict[str, dict[str, str]]:
    """Address -> visitor -> methods, as the document says."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): dict(zip(VISITORS, row[1:], strict=True)) for row in cells}


def write(visitor: str, found: dict[str, str]) -> None:
    """Put one column into the document; rows of addresses that are gone go."""
    rows = documented()
    new = {address: {**rows.get(address, {}), visitor: cell} for address, cell in found.items()}
    text = DOCUMENT.read_text().partition(HEAD)[0]
    body = [
        f"| `{address}` | " + " | ".join(cells.get(each, "–") for each in VISITORS) + " |\n"
        for address, cells in sorted(new.items())
    ]
    DOCUMENT.write_text(text + HEAD + "".join(body))
