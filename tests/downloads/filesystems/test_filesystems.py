"""The whole cycle on the file systems that people have: `make fs-test`. A line for each says what was seen.

Needs root, loop devices and FUSE; what cannot be mounted here is skipped with its reason.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.library.reconcile import reconcile
from catalog.models import BinnedFile, Collection, Host, Track
from catalog.storage import own_folders
from catalog.storage import state as storage
from catalog.tags.audio_tags import read_tags
from catalog.tags.tag_fields import fields_of
from catalog.tracks import wanted
from downloads.file_moves import trash
from downloads.jobs import backlog
from downloads.publishing import link_method, retag, tagging, written_tags
from downloads.worker import loop
from tests.crash.workspace import SERVER, Workspace
from tests.downloads.archive_world import missing_track, serve
from tests.downloads.filesystems.mounts import FILESYSTEMS, WRITE_ONLY, Mounted, NotHere, run
from tests.world import World, make_world

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

TITLES = [
    "Song",
    "SONG",
    'AC/DC: "Live"?',
    "CON",
    ".hidden",
    "日本語のとても長い題名" * 9,
    "Ünïcode e\u0301",
    "ends. ",
    "#1 in C#",
]


@pytest.fixture(params=list(FILESYSTEMS))
def mounted(request: pytest.FixtureRequest, tmp_path: Path, settings) -> Iterator[Mounted]:
    """Each file system, mounted; the music folder is a folder in it."""
    if os.geteuid():
        pytest.skip("needs root")
    source, path = tmp_path / "source", tmp_path / "mnt"
    source.mkdir()
    path.mkdir()
    disk = Mounted(request.param, source, path, (FILESYSTEMS | WRITE_ONLY)[request.param])
    try:
        disk.mount(disk)
    except NotHere as reason:
        pytest.skip(f"{request.param}: {reason}")
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.MUSIC_DIR, settings.MUSIC_DIR_NAMED = str(path / "music"), True
    settings.MIN_FREE_BYTES, settings.WATCH = 0, "off"
    yield disk
    disk.end()


def rows() -> set[tuple[str, str]]:
    return set(Track.objects.values_list("title", "status"))


def test_the_whole_cycle(mounted: Mounted, archive, capsys: pytest.CaptureFixture[str]) -> None:
    world = make_world(mounted.path / "music")
    songs = [missing_track(world, title, number=10 + number) for number, title in enumerate(TITLES)]
    for song in songs:
        serve(archive, song)
    results = [loop.work_one(now=lambda: world.now) for _ in songs]
    assert [result.result for result in results if result] == ["downloaded"] * len(songs)
    for song in songs:
        song.refresh_from_db()
        assert read_tags(song.local_path).title == " ".join(song.title.split())
    everything = rows()

    assert unchanged(world) == everything
    mounted.again()
    assert unchanged(world) == everything, "away and back"

    moved = Path(songs[0].local_path)
    moved.rename(moved.with_name("Renamed by a person.mp3"))
    backlog.reconcile_and_wake(world.later(hours=1), full=True)
    assert rows() == everything, "a renamed file is found"

    Track.objects.filter(pk=songs[1].pk).update(title="Corrected")
    assert retag.apply(world.now).problems == []
    assert read_tags(songs[1].local_path).title == "Corrected"
    Track.objects.filter(pk=songs[1].pk).update(title=songs[1].title)

    there_and_back(world, songs[2])
    readonly = read_only_spell(mounted, world)
    assert rows() == everything
    assert unchanged(world) == everything
    host = Host.own()
    lacks = f", without {' and '.join(host.lacks)}" if host.lacks else ""
    with capsys.disabled():
        print(f"\n  {mounted.kind}: the whole cycle, files by {host.publish_method}{lacks}{readonly}")


KILLED = -signal.SIGKILL
OF_FETCH = ("claimed", "fetched", "synced", "reserved", "linked", "folder_synced", "finished")


def test_kills_in_mid_cycle(mounted: Mounted, tmp_path: Path, settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.AUDIO_SOURCE, settings.ARCHIVE_URL, settings.AUDIO_FORMAT = "archive", SERVER, "best"
    workspace = Workspace(tmp_path, tmp_path / "recordings")
    world = workspace.world
    points = [*OF_FETCH]
    if link_method.method_in(own_folders.STAGING) == link_method.PLACEHOLDER:
        points.append("placeholder")
    for point in points:
        workspace.track()
        assert workspace.run(kill_at=point) == KILLED, point
        workspace.age_claims()
        if point == "linked":
            mounted.again()
    workspace.settle()
    # Whether a file has its inode still cannot be told: FUSE numbers files anew at each mount.
    assert [text for text in workspace.violations() if "was lost or overwritten" not in text] == []
    everything = rows()
    assert unchanged(world) == everything

    song = workspace.tracks[0]
    song.refresh_from_db()
    Path(song.local_path).with_suffix(".lrc").write_text("words")
    Collection.objects.update(removal="bin")
    entry = song.entries.get()
    song.entries.all().delete()
    wanted.set_wanted([song.pk])
    BinnedFile.objects.create(track=song)
    for point in ("bin_noted", "bin_moved", "bin_followed", "companion_linked"):
        assert workspace.run(lambda: trash.process_trash_requests(world.now), kill_at=point) == KILLED, point
    mounted.again()
    assert trash.recover(world.now).problem == ""
    assert BinnedFile.objects.get(track=song).state == "binned"
    song.refresh_from_db()
    assert Path(song.local_path).with_suffix(".lrc").read_text() == "words"
    entry.save(force_insert=True)
    wanted.set_wanted([song.pk])
    assert workspace.run(lambda: trash.process_trash_requests(world.now), kill_at="bin_moved") == KILLED
    assert trash.process_trash_requests(world.now).returned == 1

    for track in workspace.tracks:
        Track.objects.filter(pk=track.pk).update(title=f"{track.title} (Corrected)")
    for track in workspace.tracks[1:]:
        tags = tagging.tags_of(track)
        written_tags.remember(track, fields_of(tags))
    for point in ("retag_staged", "retag_replaced"):
        assert workspace.run(lambda: retag.apply(world.now), kill_at=point) == KILLED, point
    mounted.again()
    assert retag.apply(world.now).problems == []
    corrected = [read_tags(path).title for path in local_paths(workspace.tracks[1:])]
    assert all(title.endswith("(Corrected)") for title in corrected), corrected
    reconcile(world.later(hours=1), full=True, sizes=True)
    assert unchanged(world) == rows()
    with capsys.disabled():
        print(f"\n  {mounted.kind}: {len(points) + 7} kills in mid-cycle, nothing lost, stuck or fetched after publish")


@pytest.mark.parametrize("mounted", list(WRITE_ONLY), indirect=True)
def test_a_mount_that_refuses_links_and_renames_is_copied_into(
    mounted: Mounted, tmp_path: Path, settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.AUDIO_SOURCE, settings.ARCHIVE_URL, settings.AUDIO_FORMAT = "archive", SERVER, "best"
    workspace = Workspace(tmp_path, tmp_path / "recordings")
    world = workspace.world
    (mounted.path / "a").write_text("a")
    with pytest.raises(OSError):
        (mounted.path / "a").rename(mounted.path / "b")
    points = [*OF_FETCH, "placeholder", "copied"]
    for point in points:
        workspace.track()
        assert workspace.run(kill_at=point) == KILLED, point
        workspace.age_claims()
        if point in {"linked", "copied"}:
            mounted.again()
    workspace.settle()
    mounted.again()  # rclone 1.60 shows what it was uploading as an empty file for minutes
    host = Host.own()
    assert (host.publish_method, {"link", "rename", "placeholder"} <= set(host.lacks)) == (link_method.COPY, True)
    # As above: whether a file has its inode still cannot be told.
    assert [text for text in workspace.violations() if "was lost or overwritten" not in text] == []
    everything = rows()
    assert unchanged(world) == everything
    for track in workspace.tracks:
        track.refresh_from_db()
        assert read_tags(track.local_path).title == track.title
    with capsys.disabled():
        print(f"\n  {mounted.kind}: files by {host.publish_method}, {len(points)} kills, nothing lost or overwritten")


def local_paths(tracks: list[Track]) -> list[str]:
    return list(Track.objects.filter(pk__in=[track.pk for track in tracks]).values_list("local_path", flat=True))


def unchanged(world: World) -> set[tuple[str, str]]:
    report = reconcile(world.later(hours=1), full=True, sizes=True)
    assert (report.complete, report.vanished, report.unknown, report.other_size) == (True, 0, 0, 0), report.sentence()
    return rows()


def there_and_back(world: World, song: Track) -> None:
    """To the bin, since nothing wants the song, and back from it."""
    Collection.objects.update(removal="bin")
    place, entry = song.local_path, song.entries.get()
    song.entries.all().delete()
    wanted.set_wanted([song.pk])
    BinnedFile.objects.create(track=song)
    assert trash.process_trash_requests(world.now).binned == 1
    assert not Path(place).exists()
    entry.save(force_insert=True)
    wanted.set_wanted([song.pk])
    assert trash.process_trash_requests(world.now).returned == 1
    assert Path(place).exists()


def read_only_spell(mounted: Mounted, world: World) -> str:
    """Read-only for a while, where it can be remounted so: nothing is fetched and nothing is lost."""
    if run("mount", "-o", "remount,ro", str(mounted.path)).returncode:
        return "; no read-only spell (it cannot be remounted so)"
    try:
        assert not storage.check(world.later(minutes=5)).may_write
    finally:
        run("mount", "-o", "remount,rw", str(mounted.path))
    assert storage.check(world.later(minutes=5)).may_write
    assert link_method.link_method(str(world.root))
    return ""
