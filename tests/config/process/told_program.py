"""A program for `test_forked_program`: tells what it finds, or ends as it is told."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from pathlib import Path


def main(deed: str, word: str = "") -> None:
    if deed == "tell":
        handlers = [getattr(signal.getsignal(number), "name", "ours") for number in (signal.SIGTERM, signal.SIGHUP)]
        try:
            title = Path("/proc/self/cmdline").read_text().rstrip("\0")
        except OSError:
            title = ""
        told = {"words": sys.argv, "environment": dict(os.environ), "handlers": handlers, "title": title}
        print(json.dumps(told), end="")
    elif deed == "fail":
        print(1 // 0)
    else:
        atexit.register(print, "the last words")
        if word != "return":
            sys.exit(int(word) if word.isdigit() else word)
