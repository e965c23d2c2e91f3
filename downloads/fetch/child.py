"""The process that fetches one recording: reads one request, runs yt-dlp in its sandbox, answers, ends.

``python -m downloads.fetch.child``; what is said on stdin and stdout stands in `downloads.fetch.protocol`. It dies with
its parent, and whatever it started dies with it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from downloads.audio.convert import transcode
from downloads.audio.ffmpeg import find_ffmpeg
from downloads.audio.probe import probe
from downloads.audio.verify import require_bytes, require_quality, verify
from downloads.failures.classify import Evidence, diagnose
from downloads.failures.kinds import DownloadError
from downloads.fetch import ytdlp
from downloads.fetch.protocol import HOME, FetchRequest, failure
from downloads.fetch.sandbox import NetworkSandbox, end_with_parent, limit_files
from downloads.fetch.url_allowlist import AddressRefused

PROGRESS_SECONDS = 0.5  # at most so often
SLOWEST = 8_000  # bytes per second over a minute: a song would take ten minutes and hold its worker
SLOW_SECONDS = 60.0


class FetchContext:
    """One request to one answer; ``send`` writes a JSON line to the parent, ``clock`` counts seconds."""

    def __init__(
        self,
        request: FetchRequest,
        send: Callable[[dict[str, Any]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._send = send
        self._clock = clock
        self._log = ytdlp.WarningLog()
        self._sandbox: NetworkSandbox | None = None
        self._last_sent = 0.0
        self._total = 0
        self._minute: tuple[float, int] | None = None  # when the last minute of the transfer began, and at which byte

    def answer(self) -> dict[str, Any]:
        """The last line for the parent; never raises for anything a server or a disk can do."""
        try:
            return self._search() if self._request.query else self._fetch()
        except DownloadError as error:
            return failure(error.kind, error.message, error.retry_after)
        except AddressRefused as error:
            return failure("foreign_host", str(error))
        except Exception as error:  # yt-dlp raises all sorts on what servers send
            return self._explain(error)

    def _search(self) -> dict[str, Any]:
        return {"ok": True, "results": ytdlp.search(self._sandboxed(find_ffmpeg()), self._request)}

    def _sandboxed(self, ffmpeg: str) -> Any:
        """yt-dlp, after everything that it may need was loaded and all else was shut."""
        deno = ytdlp.find_deno()
        downloader = ytdlp.make_downloader(self._request, self._log, ffmpeg, deno)
        self._sandbox = NetworkSandbox(self._request.allows, frozenset({ffmpeg, deno} - {""}))
        self._sandbox.install()
        if self._request.connection.proxy:
            self._sandbox.limit_destinations(self._request.access.allows, *ytdlp.socks_sockets())
        return downloader

    def _fetch(self) -> dict[str, Any]:
        request, ffmpeg = self._request, find_ffmpeg()
        downloader = self._sandboxed(ffmpeg)
        downloader.add_progress_hook(self._progress)
        info = ytdlp.download(downloader, request)
        ytdlp.save_guest(downloader, request)
        original, expected = self._one_file(info), ytdlp.announced_bytes(info, self._total)
        require_bytes(original, expected)
        if request.length_unknown:  # now: what is rewritten looks whole, whatever it was made from
            verify(original, None, expected, ffmpeg=ffmpeg)
        headers = probe(original, ffmpeg=ffmpeg)
        if not request.any_quality:
            require_quality(headers, request.least_bit_rate)
        before = os.stat(original)
        path, codec = transcode(original, request.audio_format, headers=headers, ffmpeg=ffmpeg)
        if not os.path.samestat(before, os.stat(path)):
            expected = None  # it was rewritten, and is as long as it is
        return {"ok": True, "path": path, "codec": codec, "expected_bytes": expected}

    def _one_file(self, info: Mapping[str, Any]) -> str:
        """The path of the file that yt-dlp says it wrote, where that is the only one in the stage."""
        stage = self._request.stage_dir
        parts = info.get("requested_downloads") or ()
        paths = [os.path.normpath(os.path.join(stage, str(part.get("filepath", "")))) for part in parts]
        files = [os.path.join(stage, name) for name in os.listdir(stage) if name != HOME]
        if not files:
            raise DownloadError("not_a_file", "Nothing arrived.")
        if files != paths:
            raise DownloadError("tool_crashed", f"{len(files)} files arrived instead of the one that was asked for.")
        return files[0]

    def _progress(self, state: Mapping[str, Any]) -> None:
        done, total = state.get("downloaded_bytes") or 0, state.get("total_bytes") or 0
        self._total = max(self._total, total)
        most = self._request.max_bytes
        if max(done, total) > most:
            raise DownloadError("too_large", f"The file is larger than {most // 2**20} MB.")
        now = self._clock()
        self._require_speed(now, done)
        if state.get("status") == "finished" or now - self._last_sent >= PROGRESS_SECONDS:
            self._last_sent = now
            self._send({"progress": min(done / total, 1.0) if total else 0.0, "bytes": done})

    def _require_speed(self, now: float, done: int) -> None:
        """DownloadError "network" for a transfer that trickles: it would hold its worker for an hour."""
        began, start = self._minute = self._minute or (now, done)
        if now - began < SLOW_SECONDS:
            return
        rate = (done - start) / (now - began)
        if rate < SLOWEST:
            raise DownloadError("network", f"Only {rate / 1000:.1f} kB arrived per second.")
        self._minute = now, done

    def _explain(self, error: Exception) -> dict[str, Any]:
        http = ytdlp.http_error(error)
        refused = self._sandbox.refused if self._sandbox else ()
        evidence = Evidence(self._log.warnings, self._log.statuses, refused)
        kind, message = diagnose(str(error), getattr(http, "status", None), evidence)
        return failure(kind, message or type(error).__name__, ytdlp.retry_after(http) or self._log.retry_after)


def main(stdin: IO[str], stdout: IO[str]) -> int:
    """Read the request, fetch, answer. 0 whenever an answer was given."""
    request = FetchRequest.from_json(stdin.readline())
    end_with_parent(request.parent)
    limit_files(request.max_bytes)

    def send(line: dict[str, Any]) -> None:
        stdout.write(json.dumps(line) + "\n")
        stdout.flush()

    send(FetchContext(request, send).answer())
    return 0


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to stderr, never among the answers
    sys.exit(main(sys.stdin, answers))
