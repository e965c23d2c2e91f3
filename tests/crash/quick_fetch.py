"""A fetching process that is fast enough to be killed a thousand times: it copies a real recording into the stage.

Speaks as `downloads.fetch.child` does, without yt-dlp and its 1.2 s. Every fetch is a line in a log that is only ever
appended to: "<track>-<claim> <recording>". Arguments: the folder with the recordings, the log.
"""

import json
import os
import sys


def main(recordings: str, log: str) -> None:
    """Read the request from stdin, log it, copy, answer on stdout."""
    wanted = json.loads(sys.stdin.readline())
    stage = wanted["stage_dir"]
    recording = wanted["url"].rpartition("/")[2]
    line = f"{os.path.basename(stage)} {recording}\n".encode()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, line)
    os.close(descriptor)
    if os.getppid() != wanted["parent"]:  # as the real one: it dies with its worker
        sys.exit(1)
    with open(os.path.join(recordings, recording), "rb") as source:
        sound = source.read()
    path = os.path.join(stage, "audio.mp3")
    with open(path, "wb") as target:
        target.write(sound)
    print(json.dumps({"ok": True, "path": path, "codec": "mp3"}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
