"""The child process that fetches one recording: yt-dlp, fenced in. The only importer of yt_dlp.

``python -m downloads.fetch.child`` reads one JSON line on stdin, writes JSON lines on stdout (progress, then one
answer) and ends. It dies with its parent, and whatever it started dies with it. Everything that a server could
make yt-dlp do beside fetching that one file is shut: other hosts, other extractors, plugins, config files,
external downloaders, post-processors.

The archive part is exercised against real servers. The YouTube part is complete, its parameters are held by
golden tests and its format choice runs over recorded answers, but it has not been run against YouTube itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from downloads.audio.verify import (
    AS_DELIVERED,
    AudioError,
    find_ffmpeg,
    probe,
    require_bytes,
    require_quality,
    transcode,
    verify,
)
from downloads.failures.kinds import classify, plain, seconds_of
from downloads.fetch.process import ARCHIVE, HOME, MAX_BYTES, SEARCH, YOUTUBE
from downloads.fetch.url_allowlist import AddressRefused, Server, archive_address, server, youtube_address

NAME = "audio.%(ext)s"  # constant: a template with a server's words in it can leave the folder
HOPS = 5  # redirects that the server may send us through, on its own host
SILENT_SECONDS = 20  # without a byte, then the connection is given up
PROGRESS_SECONDS = 0.5  # at most so often
SPARE_BYTES = 16 * 2**20  # on top of the largest file: what a container adds when it is rewritten

# Hosts that yt-dlp's YouTube extractor needs, themselves and below; all else is refused.
YOUTUBE_DOMAINS = (
    "youtube.com",  # pages, player, search
    "googlevideo.com",  # the sound itself
    "youtube-nocookie.com",  # the embedded player, which some recordings need
    "youtubei.googleapis.com",  # the player's API
)
# What is fetched from YouTube: 140 is AAC in m4a as every player plays it, 251 is opus. A dubbed recording has
# its tracks under other numbers ("140-0"), so the kinds follow; never a picture with it.
YOUTUBE_FORMATS = {
    "m4a": "140/bestaudio[ext=m4a]/251/bestaudio",
    "opus": "251/bestaudio[acodec=opus]/140/bestaudio",
    AS_DELIVERED: "140/bestaudio[ext=m4a]/251/bestaudio",
    "mp3": "140/bestaudio[ext=m4a]/251/bestaudio",
}
NOT_RECORDINGS = frozenset({"is_live", "is_upcoming", "post_live"})


class Refused(Exception):
    """This fetch ends here: ``kind`` is a key of ERROR_KINDS, the text a sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# ---- The process: who it dies with, what it may touch --------------------------------------------------------


def die_with_parent() -> None:
    """Ask the system to kill this process when the thread that started it ends (Linux: prctl 1, PR_SET_PDEATHSIG).

    It outlives exec and is not inherited by children, so each process has to ask for itself.
    """
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def tie_family(parent: int) -> None:
    """Tie this process to ``parent``, and every process that it will start to itself."""
    if not sys.platform.startswith("linux"):
        threading.Thread(target=_die_at_end_of_stdin, daemon=True).start()
        return
    die_with_parent()
    if os.getppid() != parent:  # the parent was gone before we asked
        os._exit(1)
    start = subprocess.Popen.__init__

    def start_tied(self: Any, *args: Any, **options: Any) -> None:
        options.setdefault("preexec_fn", die_with_parent)
        start(self, *args, **options)

    subprocess.Popen.__init__ = start_tied  # type: ignore[assignment,method-assign]


def _die_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def limit_files(max_bytes: int) -> None:
    """No file of this process or its children may grow beyond ``max_bytes`` and a container's overhead."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes + SPARE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class NetworkSandbox:
    """Refuses, as an audit hook below every library, each look-up and program that was not agreed on.

    An audit hook cannot be taken away again, and sees redirects, manifests and embeds alike. ``refused`` tells
    afterwards what was tried: libraries wrap the error that they get here.
    """

    def __init__(self, allows: Callable[[str, int], bool], programs: frozenset[str]) -> None:
        self._allows = allows
        self._programs = programs
        self.refused: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            self._look_up(args[0], args[1])
        elif event == "socket.connect" and not isinstance(args[1], tuple):
            self._refuse("a local socket")
        elif event == "subprocess.Popen" and os.fsdecode(args[0]) not in self._programs:
            # Not in `refused`: a library that looks for a tool does no harm and may go on without it.
            raise PermissionError(f"{args[0]} is not started here")
        elif event in {"os.system", "os.exec", "os.posix_spawn"}:
            raise PermissionError("no program is started here")

    def _look_up(self, host: Any, port: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if not str(port).isdecimal() or not self._allows(name, int(port)):
            self._refuse(f"{name}:{port}")

    def _refuse(self, place: str) -> None:
        self.refused.append(place)
        raise PermissionError(f"{place} is not connected to")


def allows_youtube(host: str, port: int) -> bool:
    """Whether yt-dlp's YouTube extractor may connect to ``host`` and ``port``."""
    name = host.lower().rstrip(".")
    return port == 443 and any(name == domain or name.endswith("." + domain) for domain in YOUTUBE_DOMAINS)


# ---- yt-dlp ---------------------------------------------------------------------------------------------------


class WarningLog:
    """yt-dlp's logger: keeps what it warned of, which often names the cause that the error does not."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Progress and chatter are not kept."""

    def warning(self, message: str) -> None:
        """Keep the last few."""
        self.warnings = [*self.warnings[-19:], message]

    def error(self, message: str) -> None:
        """The same text comes as an exception."""


def parameters(spec: Mapping[str, Any], ffmpeg: str, deno: str) -> dict[str, Any]:
    """yt-dlp's parameters for one fetch or search; everything not named here is at its default."""
    common: dict[str, Any] = {
        "outtmpl": {"default": NAME},
        "paths": {"home": spec["stage_dir"]},
        "format": "bestaudio/best",
        "ffmpeg_location": ffmpeg,
        "fixup": "never",  # `transcode` rewrites what needs it
        "postprocessors": [],
        "noplaylist": True,
        "continuedl": False,
        "overwrites": True,
        "updatetime": False,
        "cachedir": False,
        "enable_file_urls": False,
        "proxy": "",  # straight, whatever a system has set
        "socket_timeout": SILENT_SECONDS,
        "retries": 0,  # the catalog tries again, with its own patience
        "extractor_retries": 0,
        "fragment_retries": 0,
        "file_access_retries": 0,
        "ratelimit": spec.get("rate_bytes") or None,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "allowed_extractors": ["generic"],
        "js_runtimes": {},
        "remote_components": [],  # no code from elsewhere: the solver comes with yt-dlp-ejs
    }
    if spec["kind"] == ARCHIVE:
        return common | {"force_generic_extractor": True}
    runtime = {"deno": {"path": deno}} if deno else {}
    youtube = {"allowed_extractors": ["youtube", "youtube:search"], "js_runtimes": runtime}
    if spec["kind"] == SEARCH:
        return common | youtube | {"extract_flat": True}
    # YouTube slows down a connection that takes a whole file at once, and drops some: small pieces, a few tries.
    patience = {"retries": 3, "extractor_retries": 1, "http_chunk_size": 10 * 2**20}
    return common | youtube | patience | {"format": YOUTUBE_FORMATS[spec["audio_format"]]}


def find_deno() -> str:
    """The path of the deno wheel's JavaScript runtime, or "" where it is not installed."""
    try:
        from deno import find_deno_bin  # type: ignore[import-untyped]

        return str(find_deno_bin())
    except (ImportError, OSError):
        return ""


def _downloader(spec: Mapping[str, Any], words: WarningLog, ffmpeg: str, deno: str, keys: tuple[str, ...]) -> Any:
    """yt-dlp with the extractors ``keys`` and no other: what is not loaded cannot be led to."""
    import yt_dlp
    from yt_dlp.extractor import get_info_extractor
    from yt_dlp.globals import plugin_dirs

    plugin_dirs.value = []
    downloader = yt_dlp.YoutubeDL(parameters(spec, ffmpeg, deno) | {"logger": words}, auto_init=False)
    for key in keys:
        downloader.add_info_extractor(get_info_extractor(key)())
    return downloader


def fetch_archive(downloader: Any, url: str, allowed: Server) -> dict[str, Any]:
    """Fetch the direct file at ``url``; yt-dlp's info of it. Refused for anything but one file on ``allowed``."""
    for _ in range(HOPS):
        info = downloader.extract_info(archive_address(url, allowed), download=False, process=False)
        if info.get("_type", "video") != "url":
            break
        url = str(info["url"])  # it was redirected, so far within the server
    formats = info.get("formats") or [info]
    if info.get("_type", "video") != "video" or info.get("direct") is not True or len(formats) != 1:
        raise Refused("not_a_file", "The address leads to a page or a playlist, not to an audio file.")
    archive_address(str(formats[0]["url"]), allowed)
    for part in (info, *formats):
        # The ending is the address's, and says nothing: yt-dlp would refuse ".php". The content decides later.
        part["ext"] = "unknown_video"
    return downloader.process_ie_result(info, download=True)


def fetch_youtube(downloader: Any, url: str) -> dict[str, Any]:
    """Fetch the sound of one YouTube recording; yt-dlp's info of it. Refused for what is no recording."""
    info = downloader.extract_info(url, download=False, process=False)
    if info.get("_type", "video") != "video":
        raise Refused("not_a_file", "The address leads to a playlist, not to a recording.")
    if info.get("live_status") in NOT_RECORDINGS:
        raise Refused("live", "It is a live broadcast, not a recording.")
    return downloader.process_ie_result(info, download=True)


def search_youtube(downloader: Any, query: str, limit: int) -> list[dict[str, Any]]:
    """What YouTube's own search lists for ``query``: id, title, duration in seconds, channel, view_count."""
    found = downloader.extract_info(f"ytsearch{limit}:{query}", download=False)
    names = ("id", "title", "duration", "channel", "view_count", "live_status")
    return [{name: entry.get(name) for name in names} for entry in found.get("entries") or () if entry]


def announced_bytes(info: Mapping[str, Any], total: int) -> int | None:
    """How many bytes were to come: what the server's header said (``total``, 0: nothing), or the site's own listing.

    Never yt-dlp's ``filesize_approx``, which is the bit rate times the length.
    """
    listed = [part.get("filesize") for part in (info, *(info.get("requested_downloads") or ()))]
    return max([total, *(size for size in listed if isinstance(size, int))]) or None


# ---- One run --------------------------------------------------------------------------------------------------


class FetchContext:
    """One spec to one answer; ``say`` writes a JSON line to the parent."""

    def __init__(self, spec: Mapping[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
        self._spec = spec
        self._say = say
        self._words = WarningLog()
        self._fence: NetworkSandbox | None = None
        self._last_said = 0.0
        self._total = 0

    def answer(self) -> dict[str, Any]:
        """What the parent is told at the end; never raises for anything a server or a disk can do."""
        try:
            return self._do()
        except (AudioError, Refused) as error:
            return self._no(error.kind, str(error))
        except AddressRefused as error:
            return self._no("foreign_host", str(error))
        except Exception as error:  # yt-dlp raises all sorts on what servers send
            return self._explain(error)

    def _do(self) -> dict[str, Any]:
        spec, ffmpeg, deno = self._spec, find_ffmpeg(), find_deno()
        kind = spec["kind"]
        allowed = server(spec["allowed_host"]) if kind == ARCHIVE else None
        keys = {ARCHIVE: ("Generic",), YOUTUBE: ("Youtube",), SEARCH: ("YoutubeSearch",)}[kind]
        downloader = _downloader(spec, self._words, ffmpeg, deno, keys)
        self._fence = NetworkSandbox(allowed.allows if allowed else allows_youtube, frozenset({ffmpeg, deno} - {""}))
        sys.addaudithook(self._fence)
        if kind == SEARCH:
            return {"ok": True, "results": search_youtube(downloader, spec["query"], spec["limit"])}
        downloader.add_progress_hook(self._progress)
        if allowed:
            info = fetch_archive(downloader, spec["url"], allowed)
        else:
            info = fetch_youtube(downloader, youtube_address(spec["url"]))
        arrived, expected = self._one_file(info), announced_bytes(info, self._total)
        require_bytes(arrived, expected)
        if spec.get("length_unknown"):  # now: what is rewritten looks whole, whatever it was made from
            verify(arrived, None, expected, ffmpeg=ffmpeg)
        if not spec.get("any_quality"):
            require_quality(probe(arrived, ffmpeg=ffmpeg))
        before = os.stat(arrived)
        path, codec = transcode(arrived, spec["audio_format"], ffmpeg=ffmpeg)
        if not os.path.samestat(before, os.stat(path)):
            expected = None  # it was rewritten, and is as long as it is
        return {"ok": True, "path": path, "codec": codec, "expected_bytes": expected}

    def _one_file(self, info: Mapping[str, Any]) -> str:
        """The path of the file that yt-dlp says it wrote, where that is the only one in the stage."""
        stage = self._spec["stage_dir"]
        written = [str(part.get("filepath", "")) for part in info.get("requested_downloads") or ()]
        found = [os.path.join(stage, name) for name in os.listdir(stage) if name != HOME]
        if not found:
            raise Refused("not_a_file", "Nothing arrived.")
        if found != written:
            raise Refused("tool_crashed", f"{len(found)} files arrived instead of the one that was asked for.")
        return found[0]

    def _progress(self, state: Mapping[str, Any]) -> None:
        done, total = state.get("downloaded_bytes") or 0, state.get("total_bytes") or 0
        self._total = max(self._total, total)
        if max(done, total) > self._spec.get("max_bytes", MAX_BYTES):
            raise Refused("too_large", f"The file is larger than {self._spec['max_bytes'] // 2**20} MB.")
        now = time.monotonic()
        if state.get("status") == "finished" or now - self._last_said >= PROGRESS_SECONDS:
            self._last_said = now
            self._say({"progress": min(done / total, 1.0) if total else 0.0, "bytes": done})

    def _explain(self, error: Exception) -> dict[str, Any]:
        if self._fence and self._fence.refused:
            place = self._fence.refused[0][:100]
            return self._no("foreign_host", f"It leads away from the server, to {place}, and was not followed.")
        http = next((part for part in causes(error) if hasattr(part, "status") and hasattr(part, "response")), None)
        kind = classify(f"{error}", getattr(http, "status", None))
        if kind in {"no_audio", "unknown", "unavailable"}:
            # "Requested format is not available" is the end of a story that a warning began.
            kind = next((found for found in map(classify, self._words.warnings) if found == "no_js_runtime"), kind)
        return self._no(kind, plain(str(error)) or type(error).__name__, retry_after(http))

    @staticmethod
    def _no(kind: str, message: str, wait: float | None = None) -> dict[str, Any]:
        return {"ok": False, "kind": kind, "message": message, "retry_after": wait}


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and everything that led to it, in yt-dlp's three ways of keeping that."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, BaseException) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__cause__, part.__context__, getattr(part, "cause", None)]
        waiting += list(getattr(part, "exc_info", None) or ())


def retry_after(http: Any) -> float | None:
    """The seconds in an HTTP error's Retry-After, None where it names none (a date counts as none)."""
    headers = getattr(getattr(http, "response", None), "headers", None) or {}
    return seconds_of(headers.get("Retry-After"))


def main(stdin: IO[str], stdout: IO[str]) -> int:
    """Read the spec, do it, say how it went. 0 whenever an answer was given."""
    spec = json.loads(stdin.readline())
    tie_family(spec["parent"])
    limit_files(spec.get("max_bytes", MAX_BYTES))

    def say(line: dict[str, Any]) -> None:
        stdout.write(json.dumps(line) + "\n")
        stdout.flush()

    say(FetchContext(spec, say).answer())
    return 0


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to stderr, never among the answers
    sys.exit(main(sys.stdin, answers))
