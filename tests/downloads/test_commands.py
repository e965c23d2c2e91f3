"""import_library, work and retry, as commands."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from catalog.models import Collection, Service, Track
from catalog.storage import hold
from catalog.tracks import transitions
from tests.downloads.archive_world import missing_track, serve

pytestmark = pytest.mark.django_db

HEADER = "Track URI,Track Name,Artist Name(s),Album Name,Track Duration (ms),ISRC\n"


def line(number: int, title: str = "", isrc: str = "") -> str:
    return f"spotify:track:{number:022d},{title or f'Title {number}'},Somebody,Album,200000,{isrc}\n"


def run_json(capsys, *words: str) -> dict:
    call_command(*words, "--json")
    answer: dict = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return answer


def test_import_says_per_file_what_it_brought_and_the_sum_adds_up(world, tmp_path, capsys):
    local = "spotify:local:Me::My+tape:180,My tape,Me,,180000,\n"
    export = tmp_path / "liked.csv"
    other = line(3, "Title 1", "DEAAA2600001")
    export.write_text(HEADER + line(1, isrc="DEAAA2600001") + line(2) + line(1, isrc="DEAAA2600001") + other + local)
    said = run_json(capsys, "import_library", str(export))
    (row,) = said["files"]
    for numbers in (said, row):
        assert (numbers["entries"], numbers["tracks"], numbers["skipped"]) == (5, 4, {"local": 1})
        assert (numbers["new_tracks"], numbers["merged"], numbers["duplicates"]) == (2, 1, 2)
        assert numbers["entries"] == numbers["tracks"] + sum(numbers["skipped"].values())
        assert numbers["errors"] == []


def test_a_newer_file_updates_the_same_collection(world, tmp_path, capsys):
    export = tmp_path / "liked.csv"
    export.write_text(HEADER + line(1) + line(2))
    call_command("import_library", str(export))
    export.write_text(HEADER + line(2) + line(3))
    said = run_json(capsys, "import_library", str(export))
    assert (said["added"], said["gone"]) == (1, 1)
    assert Collection.objects.filter(kind="file").exclude(pk=world.collection.pk).count() == 1
    assert not Track.objects.get(title="Title 1").wanted


def test_a_file_that_lists_nothing_any_more_takes_nothing_away(world, tmp_path, capsys):
    export = tmp_path / "liked.csv"
    export.write_text(HEADER + line(1) + line(2))
    call_command("import_library", str(export))
    export.write_text(HEADER)
    said = run_json(capsys, "import_library", str(export))
    assert said["gone"] == 0 and "lists nothing now" in said["files"][0]["notes"][0]
    assert Track.objects.get(title="Title 1").wanted


def test_a_file_that_never_listed_anything_is_a_collection_like_any_other(world, tmp_path, capsys):
    (tmp_path / "new.csv").write_text(HEADER)
    assert run_json(capsys, "import_library", str(tmp_path / "new.csv"))["files"][0]["notes"] == []
    assert Collection.objects.get(name="new").problem == ""


def test_an_import_wakes_the_workers_and_names_adopt_before_the_first_fetch(db, tmp_path, capsys):
    export = tmp_path / "liked.csv"
    export.write_text(HEADER + line(1))
    call_command("import_library", str(export))
    assert "manage.py adopt" in capsys.readouterr().out
    assert OrmQ.objects.exists()


def test_a_file_that_cannot_be_read_stops_the_import_of_all(world, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(HEADER + line(1))
    bad.write_bytes(b"\0" * 100)
    with pytest.raises(CommandError, match=r"bad\.csv"):
        call_command("import_library", str(good), str(bad))
    assert Track.objects.count() == len(world.tracks)


@pytest.mark.django_db(transaction=True)
def test_work_ends_with_0_also_where_tracks_failed(world, archive, capsys):
    due = world.now - timedelta(hours=2)  # the world's clock is an hour ahead of the command's
    good, bad = missing_track(world, "Good", retry_after=due), missing_track(world, "Bad", number=2, retry_after=due)
    serve(archive, good)
    call_command("work", "--until-empty", "--json")
    said = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (said["results"], said["left"], said["paused"]) == ({"downloaded": 1, "failed": 1}, 0, "")
    assert world.status_of(bad) == "missing"


def offline(world) -> None:
    (world.root / ".tonekeep").unlink()


def paused(world) -> None:
    Service.objects.pause_by_person("audio")


def held(world) -> None:
    hold.begin(30, 60, world.now)


@pytest.mark.parametrize("harm", [offline, paused, held])
def test_work_ends_with_3_and_a_sentence_where_nothing_may_be_fetched(world, archive, capsys, harm):
    missing_track(world)
    harm(world)
    with pytest.raises(CommandError, match=r"^[^\n]+\.$") as refused:
        call_command("work", "--until-empty")
    assert refused.value.returncode == 3
    assert archive.requests == {}


def test_retry_puts_failed_tracks_back_by_kind_and_by_id(world, capsys):
    tracks = [missing_track(world, f"Song {number}", number=number) for number in range(3)]
    for track, kind in zip(tracks, ["no_match", "server", "server"], strict=True):
        claimed = transitions.claim_one(track.pk, world.now)
        transitions.fail(track.pk, claimed.claim, kind, "why", world.later(hours=1), world.now)
    call_command("retry", "--kind", "no_match")
    call_command("retry", str(tracks[1].pk))
    assert list(Track.objects.filter(attempts=0, status="missing").order_by("pk")) == tracks[:2]
    with pytest.raises(CommandError, match="Say which"):
        call_command("retry")


def test_retry_leaves_what_is_downloaded_alone(world):
    track = world.tracks["山田/海/波"]
    call_command("retry", str(track.pk))
    assert world.status_of(track) == "downloaded"
    assert Path(track.local_path).exists()


def test_resume_ends_a_pause_as_the_button_does(world, capsys):
    now = timezone.now()
    Service.objects.pause("audio", now + timedelta(hours=48), "The site suspects a robot.", now=now)
    call_command("resume")
    assert capsys.readouterr().out == "Downloads go on.\n"
    assert not Service.objects.get(name="audio").is_paused(now)
    call_command("resume")
    assert capsys.readouterr().out == "Downloads were not paused.\n"
