"""MPD's line protocol, as far as `update` needs it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from downloads.players.web_api import PlayerError

PORT = 6600
TIMEOUT = 10.0  # seconds


def update(address: str, password: str, folders: Sequence[str]) -> str:
    """Let MPD at host:port look through folders below its music folder, "" for all of it. Its answer in words.

    Raises PlayerError.
    """
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(PORT))
    commands = [f"password {_quoted(password)}"] if password else []
    commands += [f"update {_quoted(folder)}" if folder else "update" for folder in folders]
    lines = ["command_list_begin", *commands, "command_list_end"]
    try:
        with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT) as connection:
            connection.settimeout(TIMEOUT)
            with connection.makefile("rw", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
                greeting = stream.readline(200)
                if not greeting.startswith("OK MPD "):
                    raise PlayerError("What answered there is not MPD.")
                stream.write("\n".join(lines) + "\n")
                stream.flush()
                return f"MPD {greeting[7:].strip()} took it." if _is_taken(stream.readline) else ""
    except TimeoutError:
        raise PlayerError("It did not answer in time.") from None
    except (OSError, ValueError):
        raise PlayerError("It could not be reached.") from None


def _is_taken(readline: object) -> bool:
    """Read up to OK; raises PlayerError with MPD's own reason."""
    while True:
        line: str = readline(1000)  # type: ignore[operator]
        if line == "OK\n":
            return True
        if line.startswith("ACK"):
            wrong = "password" in line or "permission" in line
            reason = line.rpartition("}")[2].strip()
            raise PlayerError("It refused the password." if wrong else f"MPD says: {reason[:200]}.")
        if not line:
            raise PlayerError("It closed the connection.")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
