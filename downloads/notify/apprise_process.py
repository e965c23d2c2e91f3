"""Send one message by Apprise, in a process of its own: it takes 55 MB, knows only this address, and may fail.

The process runs this file, without Django, database or environment. It gets and answers a JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from typing import Any

if __name__ == "__main__":  # run as a file, without the project on its path
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from catalog.system import programs

LIMITS = programs.Limits(memory_bytes=2**30, cpu_seconds=30)
ANSWER_WITHIN = 60.0  # seconds
FAILED = "The service could not be reached, or did not take it."


def send(address: str, title: str, text: str) -> str:
    """ "" where the service took it, else why not, without any part of the address."""
    return str(_ask({"address": address, "title": title, "text": text or title}).get("problem", FAILED))


def masked(address: str) -> str:
    """The address as Apprise understands it, its tokens left out; "" where it understands nothing."""
    return str(_ask({"address": address}).get("shown", ""))


def _ask(question: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-I", "-X", "utf8", os.path.abspath(__file__)]
    try:
        ended = programs.run(command, stdin=json.dumps(question).encode(), timeout=ANSWER_WITHIN, limits=LIMITS)
        return dict(json.loads(ended.stdout)) if ended.code == 0 else {}
    except (TimeoutError, ValueError):
        return {}


def _answer(question: dict[str, str]) -> dict[str, str]:
    import apprise  # only in the process that sends

    heard: list[str] = []
    logger = logging.getLogger("apprise")

    def hear(record: logging.LogRecord) -> bool:
        heard.append(record.getMessage())
        return False

    logger.addFilter(hear)
    # One address: `Apprise.add` would take several with commas between, each of any scheme.
    service = apprise.Apprise.instantiate(question["address"], asset=apprise.AppriseAsset(async_mode=False))
    if service is None:
        return {"shown": "", "problem": "The address cannot be read any more; enter it again."}
    if "title" not in question:
        return {"shown": service.url(privacy=True).partition("?")[0]}
    if service.notify(body=question["text"], title=question["title"]):
        return {"problem": ""}
    codes = re.findall(r"error=(\d{3})", " ".join(heard))
    return {"problem": f"The service answered with status {codes[-1]}." if codes else FAILED}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(json.loads(sys.stdin.read()))))
