"""What workers are killed on: a small library, tracks to fetch, strangers' files in the way, and the rules.

`Workspace.violations` is the list of everything that may never be, whatever was killed when. Empty is good.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.models import Event, Host, Track
from catalog.system import programs
from catalog.tags import audio_tags
from downloads.fetch import process
from downloads.models import Candidate
from downloads.publishing import target_path
from downloads.worker import loop, rescue
from tests.audio import make_audio
from tests.crash import processes
from tests.downloads.changed_fork_server import start_with
from tests.world import World, make_world, publish_by

SERVER = "http://127.0.0.1:9"  # nothing listens there and nothing is asked of it: the candidates are known
RECORDINGS = 8
SECONDS = 1.0
QUICK_FETCH = Path(__file__).with_name("quick_fetch.py")
# A fork server as it is, but for what its children do: nothing of yt-dlp is imported for them.
QUICK_CHILD = """
import sys, types
sys.path.insert(0, {0!r})
import quick_fetch
from downloads.fetch import fork_server
def main(stdin, answers):
    sys.stdout = answers
    quick_fetch.main({1!r}, {2!r})
    return 0
child = types.ModuleType("downloads.fetch.child")
child.main = main
sys.modules[child.__name__] = child
fork_server.PRELOADED = ()
"""
Status = Track.Status
real_fetch = process.fetch


def configure(settings: Any, folder: Path) -> None:
    """Point the settings at a library of one's own below ``folder``."""
    settings.DATA_DIR = folder / "data"
    settings.DATA_DIR.mkdir()
    settings.MUSIC_DIR = str(folder / "music")
    settings.MUSIC_DIR_NAMED = True
    settings.MIN_FREE_BYTES = 0
    settings.WATCH = "off"
    settings.AUDIO_SOURCE = "archive"
    settings.ARCHIVE_URL = SERVER
    settings.AUDIO_FORMAT = "best"


def make_recordings(folder: Path) -> list[bytes]:
    """Real mp3 files, each of another pitch; what they sound like, without the tag that ffmpeg puts in front."""
    folder.mkdir(exist_ok=True)
    sounds = []
    for number in range(RECORDINGS):
        path = folder / f"{number}.mp3"
        if not path.exists():
            make_audio(path, SECONDS, 300 + 50 * number)
        sounds.append(without_tag(path.read_bytes()))
    return sounds


def without_tag(mp3: bytes) -> bytes:
    """The bytes after an ID3v2 tag: its size stands in four bytes of seven bits (ID3v2.4, section 3.1)."""
    if mp3[:3] != b"ID3":
        return mp3
    size = mp3[6] << 21 | mp3[7] << 14 | mp3[8] << 7 | mp3[9]
    return mp3[10 + size :]


@dataclass
class Workspace:
    """One library under fire. ``recordings`` is the folder with the recordings, shared by many workspaces."""

    folder: Path
    recordings: Path
    world: World = field(init=False)
    log: Path = field(init=False)
    sounds: list[bytes] = field(init=False)
    tracks: list[Track] = field(default_factory=list)
    strangers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    published: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    started: int = 0
    hosts: dict[str, str] = field(default_factory=dict)
    preloader: bool = False  # fetches come from a fork server, as in the product

    def __post_init__(self) -> None:
        self.sounds = make_recordings(self.recordings)
        self.world = make_world(Path(settings.MUSIC_DIR))
        self.root = self.world.root
        self.log = self.folder / "fetches.log"
        self.log.touch()
        self.note_published()

    # --- What there is to fetch ---------------------------------------------------------------------------

    def track(self, **columns: Any) -> Track:
        """A missing track, due now, whose recording is known: no search is needed."""
        number = len(self.tracks) + 1
        track = self.world.make_track(
            f"Song {number}", album=f"Album {number // 10}", number=number, duration_ms=int(SECONDS * 1000), **columns
        )
        Candidate.objects.create(
            track=track,
            source="archive",
            source_id=str(number),
            url=f"{SERVER}/audio/{number % RECORDINGS}.mp3",
            title=track.title,
            artists=track.artist_names,
            album=track.album.title if track.album else "",
            duration_ms=track.duration_ms,
            score=1.0,
            found_at=self.world.now,
        )
        self.tracks.append(track)
        return track

    def put_stranger(self, path: str, content: bytes = b"a stranger's file") -> None:
        """Somebody else's file, which nobody may touch."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(content)
        self.strangers[path] = (os.stat(path).st_ino, content)

    def put_stranger_in_the_way(self, track: Track) -> None:
        self.put_stranger(target_path.target_place(track, "mp3").path)

    def publish_by(self, method: str) -> None:
        """As if this were the best that the filesystem knows."""
        publish_by(method)

    def forget_place(self, track: Track) -> None:
        """As if an older catalog came back: the file is there, its row says missing and knows no place."""
        Track.objects.filter(pk=track.pk).update(
            status=Status.MISSING, local_path="", folder=None, file_name="", name_key="", size=None
        )

    def on_hosts(self, methods: dict[str, str]) -> None:
        """From now on the workers run on these hosts by turns: each its name, its path to the one folder, its way to
        put files in place (name -> method)."""
        for name, method in methods.items():
            path = self.folder / name
            path.symlink_to(self.root)
            self.hosts[name] = str(path)
            Host.objects.create(name=name, publish_method=method)

    def _on_its_host(self, body: Callable[[], object], number: int) -> Callable[[], object]:
        """``body`` as it runs on the host whose turn it is."""
        if not self.hosts:
            return body
        name = list(self.hosts)[number % len(self.hosts)]

        def run() -> None:
            settings.HOST_NAME, settings.MUSIC_DIR = name, self.hosts[name]
            body()

        return run

    # --- Processes ----------------------------------------------------------------------------------------

    def start(self, body: Any = None, **plan: Any) -> processes.Process:
        """Fork a worker (or ``body``); ``plan`` as in `processes.start`."""
        self.started += 1
        return processes.start(self._on_its_host(body or self.work, self.started), f"{self.started:06x}", **plan)

    def run(self, body: Any = None, **plan: Any) -> int:
        """Start a process and wait for its end: its exit status, or minus the signal that killed it."""
        return self.start(body, **plan).end()

    def work(self) -> None:
        """What a worker does: recover, then fetch until nothing is due. Cooldowns are over at once."""
        self.recover()
        self.work_on()

    def work_on(self) -> None:
        """Fetch until nothing is due, and respect cooldowns."""
        self.take_quick_fetches()
        while loop.work_one(now=lambda: self.world.now) is not None:
            pass

    def recover(self) -> None:
        rescue.recover(self.world.now)
        self.end_cooldowns()

    def take_quick_fetches(self) -> None:
        if self.preloader:
            places = map(str, (QUICK_FETCH.parent, self.recordings, self.log))
            programs.start = start_with(QUICK_CHILD.format(*places))
            process.fetch = partial(real_fetch, poll_seconds=0.05)  # type: ignore[assignment]
            return
        command = (sys.executable, "-I", "-S", str(QUICK_FETCH), str(self.recordings), str(self.log))
        process.fetch = partial(real_fetch, command=command, poll_seconds=0.05)  # type: ignore[assignment]

    # --- Time, as the rows know it ------------------------------------------------------------------------

    def age_claims(self, of: str = "") -> int:
        """The deadline of these claims (those of a process, or all) has passed. How many there were."""
        claimed = Track.objects.filter(status=Status.DOWNLOADING, claim__contains=f"-{of}")
        return claimed.update(claim_until=self.world.now - timedelta(seconds=1))

    def end_cooldowns(self) -> None:
        Track.objects.filter(status=Status.MISSING, retry_after__gt=self.world.now).update(
            retry_after=self.world.now - timedelta(minutes=1)
        )

    def settle(self) -> None:
        """Everybody is dead, all deadlines have passed, one more worker comes: then all must be well."""
        self.age_claims()
        status = self.run()
        assert status == processes.ORDINARY_END, f"the last worker ended with {status}"

    # --- What was done ------------------------------------------------------------------------------------

    def fetches(self) -> list[tuple[int, str]]:
        """(track, claim) of every fetch, in order."""
        names = [line.split(" ", 1)[0] for line in self.log.read_text().splitlines()]
        return [(int(pk), claim) for pk, _, claim in (name.partition("-") for name in names)]

    def fetched(self, track: Track) -> int:
        """How often the track was fetched."""
        return sum(pk == track.pk for pk, _ in self.fetches())

    def recovered(self) -> int:
        """How often a track was taken from a dead worker."""
        return Event.objects.filter(kind=Event.Kind.RECOVER).count()

    def note_published(self) -> None:
        """From now on these files may not change: the same inode, size and time."""
        for path in Track.objects.filter(status=Status.DOWNLOADED).values_list("local_path", flat=True):
            if path not in self.published:
                seen = os.stat(path)
                self.published[path] = (seen.st_ino, seen.st_size, seen.st_mtime_ns)

    # --- What may never be --------------------------------------------------------------------------------

    def violations(self, late: bool = False) -> list[str]:
        """Every broken promise in a sentence, once all is settled: all tracks are downloaded, nothing else is there.

        ``late``: living workers have passed their deadlines, so the last fetch need not be the one that counted.
        """
        return [
            *self.changed(),
            *(f"track {row.pk} is {row.status}" for row in Track.objects.exclude(status=Status.DOWNLOADED)),
            *self._wrong_files(),
            *self._orphans(),
            *(f"the stage {name} is left" for name in self.stages()),
            *self._fetched_again(late),
            *self._counters(),
        ]

    def changed(self) -> list[str]:
        """Files of strangers, and of tracks that were downloaded before, that are not as they were. Holds always."""
        found = []
        for path, (inode, content) in self.strangers.items():
            if not os.path.exists(path) or Path(path).read_bytes() != content or os.stat(path).st_ino != inode:
                found.append(f"a stranger's file was touched: {path}")
        for path, before in self.published.items():
            seen = os.stat(path) if os.path.exists(path) else None
            if seen is None or (seen.st_ino, seen.st_size, seen.st_mtime_ns) != before:
                found.append(f"a published file was lost or overwritten: {path}")
        return found

    def stages(self) -> list[str]:
        incoming = self.root / ".tonekeep-incoming"
        return [name for name in os.listdir(incoming) if name[0] != "."] if incoming.exists() else []

    def _wrong_files(self) -> list[str]:
        found = []
        for number, track in enumerate(self.tracks, 1):
            row = Track.objects.get(pk=track.pk)
            path = Path(row.local_path or "/nowhere")
            if row.status != Status.DOWNLOADED or not path.is_file() or path.is_symlink():
                found.append(f"track {row.pk} ({row.status}) has no file at {row.local_path or 'all'}")
                continue
            said = audio_tags.read_tags(str(path))
            if path.stat().st_size != row.size:
                found.append(f"the row of track {row.pk} tells another size")
            if without_tag(path.read_bytes()) != self.sounds[number % RECORDINGS]:
                found.append(f"the file of track {row.pk} is not its recording")
            if said is None or said.title != row.title or said.track_key.partition(":")[0] != str(row.pk):
                found.append(f"the file of track {row.pk} carries another track's tags")
        return found

    def _orphans(self) -> list[str]:
        known = {*Track.objects.values_list("local_path", flat=True), *self.strangers, str(self.root / ".tonekeep")}
        there = {
            os.path.join(folder, name)
            for folder, _, names in os.walk(self.root)
            for name in names
            if not folder.startswith(str(self.root / ".tonekeep-incoming"))
        }
        return [f"nobody knows of {path}" for path in sorted(there - known)]

    def _fetched_again(self, late: bool) -> list[str]:
        """A claim fetches once, and nobody fetches what is published: the last fetch of a track is its file."""
        fetches = self.fetches()
        found = [f"claim {claim} fetched {count} times" for (_, claim), count in Counter(fetches).items() if count > 1]
        last = dict(fetches)
        for track in [] if late else self.tracks:
            said = audio_tags.read_tags(Track.objects.get(pk=track.pk).local_path)
            if said and track.pk in last and said.track_key != f"{track.pk}:{last[track.pk]}":
                found.append(f"track {track.pk} was fetched again after it was published")
        return found

    def _counters(self) -> list[str]:
        counts = Track.objects.counts()
        recount = Counter(Track.objects.filter(wanted=True).values_list("status", flat=True))
        wrong = [name for name in Status.values if counts[name] != recount[name]]
        if counts["songs"] != sum(recount.values()) or counts["songs"] != len(self.tracks) + len(self.world.tracks):
            wrong.append("songs")
        reserved = Track.objects.filter(reserved=True).count()
        return [f"the counter “{name}” lies" for name in wrong] + ["a reservation is left"] * bool(reserved)
