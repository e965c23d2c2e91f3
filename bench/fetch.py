"""Processor time of a fetch, beside yt-dlp in one process for all songs and one decode each: ``python -m bench.fetch``.

Songs of four minutes come from an audio server on loopback. Ours is everything between a request and a proven file in
the stage: fork, sandbox, yt-dlp, headers, one decode.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from demo.archive import ArchiveServer
from downloads.audio.ffmpeg import find_ffmpeg, input_arguments, run_ffmpeg
from downloads.audio.verify import verify
from downloads.fetch.fork_server import ForkServer
from downloads.fetch.process import fetch
from downloads.fetch.url_allowlist import direct_files

SECONDS = 240.0
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(server: ForkServer) -> float:
    """Used so far by this process, what it waited for, the fork server and what that waited for."""
    used = sum(os.times()[:4])
    if server.pid:
        fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
        used += sum(int(field) for field in fields[11:15]) / TICKS  # utime, stime, cutime, cstime
    return used


def memory_mb(pid: int) -> float:
    """Proportional set size of a process in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def ours(archive: ArchiveServer, folder: Path, server: ForkServer, songs: int) -> Iterator[None]:
    """Fetch and prove each song as a worker does."""
    for number in range(songs):
        stage = folder / f"ours-{number}"
        stage.mkdir()
        fetched = fetch(f"{archive.url}/audio/song.m4a", stage, access=direct_files(archive.url), server=server)
        verify(fetched.path, int(SECONDS * 1000), fetched.expected_bytes)
        yield


def bare(archive: ArchiveServer, folder: Path, songs: int) -> None:
    """yt-dlp in this process for all songs, and one decode each."""
    from yt_dlp import YoutubeDL  # here: its import is not part of what ours is compared with

    for number in range(songs):
        options = {"quiet": True, "noprogress": True, "outtmpl": str(folder / f"bare-{number}.%(ext)s")}
        with YoutubeDL(options) as downloader:  # type: ignore[arg-type]
            downloader.extract_info(f"{archive.url}/audio/song.m4a")
        run_ffmpeg([*input_arguments(str(folder / f"bare-{number}.m4a")), "-f", "null", "-"])


def main() -> None:
    """Print both, their ratio, and the fork server's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=20)
    songs = parser.parse_args().songs
    server = ForkServer()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = ["-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:a=0.3:c=pink", "-b:a", "128k"]
        run_ffmpeg([*source, str(folder / "song.m4a")])
        with ArchiveServer(folder) as archive:
            list(ours(archive, folder, server, 1))  # starts the server
            (folder / "ours-0").rename(folder / "warm")
            started, wall = processor_seconds(server), time.monotonic()
            list(ours(archive, folder, server, songs))
            our_cpu, our_wall = processor_seconds(server) - started, time.monotonic() - wall
            bare(archive, folder / "", 1)
            (folder / "bare-0.m4a").unlink()
            started, wall = processor_seconds(server), time.monotonic()
            bare(archive, folder, songs)
            bare_cpu, bare_wall = processor_seconds(server) - started, time.monotonic() - wall
    print(f"{songs} songs, ffmpeg {find_ffmpeg()}")
    print(f"ours: {our_cpu / songs:.3f} s of processor a song, {our_wall / songs:.2f} s")
    print(f"yt-dlp in one process and one decode: {bare_cpu / songs:.3f} s, {bare_wall / songs:.2f} s")
    print(f"ratio {our_cpu / bare_cpu:.1f}; the fork server holds {memory_mb(server.pid):.0f} MB (PSS)")


if __name__ == "__main__":
    main()
