"""Tags follow the catalog: our fields only, only where the file still says what we wrote, the sound as it was."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import mutagen
import pytest
from django.core.management import call_command

from catalog.library.reconcile import reconcile
from catalog.models import Album, Artist, Credit, Event, JobRequest, Track
from catalog.system.file_locks import try_lock
from catalog.tags import audio_tags, tag_fields
from catalog.tags.audio_tags import TrackTags
from downloads.jobs import queue, tasks
from downloads.models import WrittenTags
from downloads.publishing import retag, tagging, written_tags
from downloads.worker import loop
from tests.audio import CODECS, ffmpeg, make_audio
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db

KINDS = list(CODECS)


def put_song(world: World, title: str, kind: str = ".mp3", album: str = "First Light", number: int = 9) -> Track:
    """A downloaded song with the tags that it would be given."""
    track = world.make_track(title, album=album, number=number, duration_ms=1000)
    draft = Path(make_audio(world.root.parent / f"draft{kind}", 1))
    audio_tags.write_tags(str(draft), tagging.tags_of(track), None)
    world.put_file(track, draft.read_bytes(), f"Maria Ruiz/{album}/{title}{kind}")
    written_tags.remember(track, tag_fields.fields_of(tagging.tags_of(track)))
    return track


def sound(track: Track) -> str:
    command = [ffmpeg(), "-v", "error", "-i", track.local_path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def said(track: Track) -> tag_fields.Fields:
    return tag_fields.read_fields(track.local_path) or {}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_what_is_read(world: World, kind: str) -> None:
    path = make_audio(world.root.parent / f"song{kind}", 1)
    tags = TrackTags(
        "T", ("A", "B; C"), "Al", "A", 3, 12, 1, 2, "2006-09-01", "USSM10603618", "4LRPiXqCikLlN15c3yImP7",
        compilation=True, track_key="1:a", album_artists=("A", "D"), explicit=True,
        release_type=("album",), label="L", copyright="C", artist_text="A & B; C",
    )  # fmt: skip
    audio_tags.write_tags(path, tags, None)
    assert tag_fields.read_fields(path) == tag_fields.fields_of(tags)
    other = tag_fields.fields_of(replace(tags, title="U", track_total=13, compilation=False, explicit=False))
    tag_fields.change_fields(path, {name: other[name] for name in ("title", "track_total", "compilation", "explicit")})
    assert tag_fields.read_fields(path) == other
    tag_fields.change_fields(path, {"date": [], "disc_total": [], "explicit": []})
    gone: dict[str, list[str]] = {name: [] for name in ("date", "disc_total", "explicit")}
    assert tag_fields.read_fields(path) == other | gone
    assert audio_tags.read_tags(path).track_key == "1:a"


@pytest.mark.long
def test_100_corrections_arrive_20_fields_of_a_person_stay_and_no_sound_changes(world: World) -> None:
    tracks = [
        put_song(world, f"Song {number}", KINDS[number % len(KINDS)], f"Album {number // 10}", number)
        for number in range(100)
    ]
    watched = tracks[:7] + tracks[50:57]
    before = [sound(track) for track in watched]
    for track in tracks[:20]:  # a person's own words
        tag_fields.change_fields(track.local_path, {"title": [f"My {track.title}"]})
    file = mutagen.File(tracks[0].local_path, easy=True)
    file["genre"] = ["Mine"]
    file.save()
    reconcile(world.later(hours=1), full=True, sizes=True)
    for track in tracks:
        Track.objects.filter(pk=track.pk).update(title=f"{track.title} (Corrected)")
    Album.objects.filter(title="Album 3").update(title="Album III", release_date="1999-05-01")
    guest = Artist.objects.create(name="Guest", key="guest")
    Credit.objects.bulk_create(Credit(track=track, artist=guest, position=1) for track in tracks[40:60])

    assert retag.plan().due == 100
    report = retag.apply(world.now)
    assert (report.files, report.due, report.kept, report.left) == (100, 100, 20, 0)
    for number, track in enumerate(tracks):
        track.refresh_from_db()
        fields = said(track)
        assert fields["title"] == [f"My Song {number}" if number < 20 else f"Song {number} (Corrected)"]
        assert fields["artists"] == (["Maria Ruiz", "Guest"] if 40 <= number < 60 else ["Maria Ruiz"])
        assert (fields["album"], fields["date"]) == (
            (["Album III"], ["1999-05-01"]) if number // 10 == 3 else ([f"Album {number // 10}"], [])
        )
        assert track.size == Path(track.local_path).stat().st_size
    assert mutagen.File(tracks[0].local_path, easy=True)["genre"] == ["Mine"]
    assert [sound(track) for track in watched] == before
    assert reconcile(world.later(hours=1), full=True, sizes=True).other_size == 0
    assert retag.apply(world.now).due == 0, "a person's words are not looked at again each day"
    assert Event.objects.filter(reason="tags follow the catalog: title").count() == 50


def test_an_event_says_what_stays_a_persons(world: World) -> None:
    track = put_song(world, "Nocturne")
    file = mutagen.File(track.local_path, easy=True)
    file["album"] = ["My Album"]
    file.save()
    Track.objects.filter(pk=track.pk).update(title="Nocturne No. 2")
    Album.objects.filter(tracks=track).update(title="First Light (Deluxe)")
    retag.apply(world.now)
    event = Event.objects.get(track=track, kind="change")
    assert event.reason == "tags follow the catalog: title; a person's own words stay: album"
    assert WrittenTags.objects.get(track=track).kept == ["album"]


def test_undo_writes_back_what_was_there_and_it_stays_so(world: World) -> None:
    track = put_song(world, "Nocturne", ".flac")
    Track.objects.filter(pk=track.pk).update(title="Other")
    retag.apply(world.now)
    assert said(track)["title"] == ["Other"]
    assert retag.undo(world.now).written == 1
    assert said(track)["title"] == ["Nocturne"]
    assert retag.apply(world.now).due == 0
    assert retag.undo(world.now).files == 0
    Track.objects.filter(pk=track.pk).update(title="Third")
    assert retag.apply(world.now).written == 1


def never() -> bool:
    return False


@pytest.mark.parametrize("kind", [".mp3", ".m4a", ".flac"])
def test_a_file_of_before_that_was_noted_follows_from_its_first_look_on(world: World, kind: str) -> None:
    track = put_song(world, "Nocturne", kind)
    Album.objects.filter(tracks=track).update(label="Nightsong")
    guest = Artist.objects.create(name="Guest", key="guest")
    Credit.objects.create(track=track, artist=guest, position=1)
    each = {"artist": ["Maria Ruiz", "Guest"], "artists": ["Maria Ruiz", "Guest"], "album_artists": []}
    tag_fields.change_fields(track.local_path, each | {"album": ["My Album"]})  # as an older version wrote them
    WrittenTags.objects.all().delete()
    others = len(world.tracks)
    assert (retag.plan().unknown, retag.apply(world.now).due) == (others + 1, 0)
    assert written_tags.learn(never, most=2) == 2
    assert written_tags.learn(never, 500) == others - 1
    plan = retag.plan()
    assert (plan.unknown, plan.foreign, plan.due) == (0, others, 1)
    assert retag.apply(world.now).written == 1
    fields = said(track)
    assert (fields["artist"], fields["label"], fields["album_artists"]) == (
        ["Maria Ruiz & Guest"], ["Nightsong"], ["Maria Ruiz"],
    )  # fmt: skip
    assert fields["album"] == ["My Album"] and WrittenTags.objects.get(track=track).kept == ["album"]
    Track.objects.filter(pk=track.pk).update(title="Nocturne No. 2")
    assert retag.apply(world.now).written == 1
    assert said(track)["title"] == ["Nocturne No. 2"]


def test_a_file_that_was_not_fetched_here_keeps_its_tags_and_is_read_once(world: World, monkeypatch) -> None:
    track = put_song(world, "Nocturne")
    tags = replace(tagging.tags_of(track), track_key="", title="Mine")
    audio_tags.write_tags(make_audio(track.local_path, 1), tags, None)
    WrittenTags.objects.all().delete()
    assert written_tags.learn(never, 500) > 0
    Track.objects.filter(pk=track.pk).update(title="Other")
    monkeypatch.setattr("catalog.tags.tag_process.read_tags", None)
    assert (written_tags.learn(never, 500), retag.apply(world.now).due) == (0, 0)
    assert said(track)["title"] == ["Mine"]


def test_a_file_that_cannot_be_looked_at_now_is_looked_at_another_time(world: World) -> None:
    track = put_song(world, "Nocturne")
    WrittenTags.objects.all().delete()
    away = Path(track.local_path).rename(world.root.parent / "away.mp3")
    written_tags.learn(never, 500)
    assert list(written_tags.unknown()) == [track]
    away.rename(track.local_path)
    assert written_tags.learn(never, 500) == 1
    assert not WrittenTags.objects.get(track=track).foreign


def test_the_job_reads_the_unknown_files_in_batches_and_then_writes(world: World, monkeypatch) -> None:
    track = put_song(world, "Nocturne")
    WrittenTags.objects.all().delete()
    tag_fields.change_fields(track.local_path, {"album_artist": []})
    monkeypatch.setattr(written_tags, "BATCH", 3)
    queue.request_retag()
    answers = []
    while JobRequest.objects.is_waiting("retag_files"):
        answers.append(tasks.retag_files())
    assert answers == ["3 files read", "3 files read", "1 tagged anew, 0 left"]


def test_what_another_program_writes_meanwhile_is_not_overwritten(world: World, monkeypatch) -> None:
    track = put_song(world, "Nocturne")
    Track.objects.filter(pk=track.pk).update(title="Other")

    def edited(point: str) -> None:
        if point == "retag_staged":
            Path(track.local_path).write_bytes(Path(track.local_path).read_bytes()[:-1] + b"x")

    monkeypatch.setattr(retag, "failpoint", edited)
    report = retag.apply(world.now)
    assert (report.written, report.left) == (0, 1)
    assert Path(track.local_path).read_bytes()[-1:] == b"x"


def test_another_time_alone_is_no_other_file(world: World, monkeypatch) -> None:
    track = put_song(world, "Nocturne")
    Track.objects.filter(pk=track.pk).update(title="Other")

    def read(point: str) -> None:
        if point == "retag_staged":
            os.utime(track.local_path, (0, 0))

    monkeypatch.setattr(retag, "failpoint", read)
    assert retag.apply(world.now).written == 1
    assert said(track)["title"] == ["Other"]


@pytest.mark.parametrize("point", ["retag_staged", "retag_replaced"])
def test_a_crash_leaves_the_old_file_or_the_new_one(world: World, monkeypatch, point: str) -> None:
    class Died(BaseException):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Died

    track = put_song(world, "Nocturne", ".m4a")
    Track.objects.filter(pk=track.pk).update(title="Other")
    with monkeypatch.context() as patch:
        patch.setattr(retag, "failpoint", die)
        with pytest.raises(Died):
            retag.apply(world.now)
    assert said(track)["title"] in (["Nocturne"], ["Other"])
    report = retag.apply(world.now)
    assert (said(track)["title"], report.left, report.kept) == (["Other"], 0, 0)
    reconcile(world.later(hours=1), full=True, sizes=True)
    track.refresh_from_db()
    assert (track.status, track.size) == ("downloaded", Path(track.local_path).stat().st_size)


def test_a_link_to_elsewhere_and_a_library_in_use_are_left_alone(world: World) -> None:
    track = put_song(world, "Nocturne")
    Track.objects.filter(pk=track.pk).update(title="Other")
    target = Path(track.local_path).rename(world.root.parent / "elsewhere.mp3")
    Path(track.local_path).symlink_to(target)
    assert retag.apply(world.now).left == 1
    assert Path(track.local_path).is_symlink()
    with try_lock("reconcile"), pytest.raises(retag.CannotRetag, match="The music folder is being scanned"):
        retag.apply(world.now)


def test_a_fetch_writes_down_its_tags(world: World, archive) -> None:
    track = missing_track(world, "Nocturne")
    serve(archive, track)
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    track.refresh_from_db()
    row = WrittenTags.objects.get(track=track)
    assert row.fields["title"] == ["Nocturne"]
    assert {name: said(track)[name] for name in row.fields} == row.fields
    assert retag.plan().due == 0


def test_the_command_plans_writes_and_undoes(world: World, capsys) -> None:
    track = put_song(world, "Nocturne")
    Track.objects.filter(pk=track.pk).update(title="Other")
    call_command("retag", "--plan")
    planned = capsys.readouterr().out
    assert "1 of 1 files would be looked at" in planned and "title: Other" in planned
    assert said(track)["title"] == ["Nocturne"]
    call_command("retag", "--apply")
    assert "1 of 1 files were tagged anew" in capsys.readouterr().out
    call_command("retag", "--undo")
    assert said(track)["title"] == ["Nocturne"]
