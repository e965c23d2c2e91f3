"""What 1,000 polls of an unchanged status cost: processor time and bytes of each, through the whole program.

    python bench/polls.py [--tracks N] [--polls N] [--db sqlite|postgres] [--json]

Exit status 1 where a poll costs 1 KB or 3 ms of a processor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.rows import KEPT, fill
from bench.setup import configure

MOST_BYTES, MOST_MILLISECONDS = 1_000, 3.0


def measure(polls: int) -> dict[str, float]:
    """Milliseconds and bytes of the first answer, and of a poll that is answered with 304."""
    from django.contrib.auth.models import User
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory
    from django.utils import timezone

    from catalog.models import ApiToken

    text = ApiToken.objects.issue(User.objects.create_superuser("anna"), "phone", "read", timezone.now())
    application = get_wsgi_application()  # which closes its connection to the database after each request
    factory = RequestFactory(headers={"authorization": f"Bearer {text}", "host": "127.0.0.1"})
    told: list[tuple[str, dict[str, str]]] = []

    def ask(**headers: str) -> bytes:
        told.clear()
        environ = factory.get("/api/v1/status", headers=headers).environ

        def start_response(status: str, fields: list[tuple[str, str]], *_: Any) -> Any:
            told.append((status, dict(fields)))

        answer = application(environ, start_response)
        body = b"".join(answer)
        answer.close()
        return body

    started = time.process_time()
    ask()
    first_ms = (time.process_time() - started) * 1000
    tag = told[0][1]["ETag"]
    ask(**{"if-none-match": tag})  # the token's first use is written down
    ask(**{"if-none-match": tag})
    most = 0
    started = time.process_time()
    for _ in range(polls):
        body = ask(**{"if-none-match": tag})
        status, fields = told[0]
        assert status.startswith("304"), status
        most = max(most, sum(len(name) + len(value) + 4 for name, value in fields.items()) + len(body))
    each = (time.process_time() - started) * 1000 / polls
    return {"first_ms": round(first_ms, 2), "poll_ms": round(each, 2), "poll_bytes": most}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--polls", type=int, default=1_000)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        configure(place, arguments.db)
        fill(arguments.tracks, KEPT)
        took: dict[str, Any] = measure(arguments.polls)
    if arguments.json:
        print(json.dumps(took))
    else:
        print(f"first {took['first_ms']} ms, then each poll {took['poll_ms']} ms and {took['poll_bytes']} bytes")
    return int(took["poll_ms"] >= MOST_MILLISECONDS or took["poll_bytes"] >= MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
