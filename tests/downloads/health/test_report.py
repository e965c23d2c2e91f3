"""Health: every check of a sound installation is well, and each thing that breaks is found with its cure."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.db import database_clock
from catalog.models import Account, ApiToken, Cluster, Host, Library, Run, Service, Setting
from catalog.storage import probe
from catalog.storage import state as storage
from downloads.health import system
from downloads.health.check import FAIL, OK, WARN, Check, check
from downloads.health.report import attention, health_report
from downloads.publishing import link_method
from tests.world import World, publish_by


@pytest.fixture
def sound(world: World, settings: LazySettings) -> World:
    """The sample world with running workers, a fresh scan, a tick and an admin."""
    now = timezone.now()
    world.now = now
    settings.DATA_DIR.chmod(0o700)
    settings.LOG_FILE = settings.DATA_DIR / "tonekeep.log"
    Cluster.objects.create(host="nas", queue="downloads", started_at=now, beat_at=now)
    Service.objects.filter(name="storage").update(checked_at=now)
    Library.objects.update(last_pass=now, last_full_pass=now, free_bytes=10**12)
    publish_by("link")
    schedule = apps.get_model("django_q", "Schedule")
    schedule.objects.create(func="downloads.jobs.tick", next_run=now)
    User.objects.create_superuser("anna", "", "secret")
    return world


def found(world: World, name: str) -> Check:
    return next(check for check in health_report(world.now).checks if check.name == name)


def test_a_sound_installation_has_no_failure(sound: World) -> None:
    report = health_report(sound.now)
    assert [check for check in report.checks if check.state == FAIL] == []
    assert len(report.checks) >= 18
    assert all(check.text for check in report.checks)


def test_whatever_is_not_well_has_a_cure(sound: World) -> None:
    Cluster.objects.all().delete()
    Service.objects.filter(name="storage").update(state="offline", reason="The drive is not there.")
    report = health_report(sound.now)
    assert all(check.cure for check in report.checks if check.state != OK)
    assert report.checks[0].state == FAIL and report.checks[-1].state == OK


@pytest.mark.parametrize(
    ("name", "state", "change"),
    [
        ("folder", FAIL, lambda: Service.objects.filter(name="storage").update(state="offline", reason="Away.")),
        ("space", WARN, lambda: Library.objects.update(free_bytes=2)),
        ("scan", WARN, lambda: Library.objects.update(last_pass=timezone.now() - timedelta(days=1))),
        ("full_scan", WARN, lambda: Library.objects.update(last_full_pass=None)),
        ("workers", FAIL, lambda: Cluster.objects.update(beat_at=timezone.now() - timedelta(hours=1))),
        ("schedule", WARN, lambda: apps.get_model("django_q", "Schedule").objects.all().delete()),
        ("audio", WARN, lambda: Service.objects.pause_by_person("audio")),
        ("admin", FAIL, lambda: User.objects.all().delete()),
    ],
)
def test_each_thing_that_breaks_is_found(
    sound: World, settings: LazySettings, name: str, state: str, change: object
) -> None:
    settings.MIN_FREE_BYTES = 1
    assert found(sound, name).state == OK
    assert callable(change)
    change()
    broken = found(sound, name)
    assert (broken.state, bool(broken.cure)) == (state, True)


def cookie(name: str, ends: int) -> str:
    return f"#HttpOnly_.youtube.com\tTRUE\t/\tTRUE\t{ends}\t{name}\tsecret"


@pytest.mark.parametrize(
    ("names", "days", "state", "words"),
    [
        (["LOGIN_INFO", "SAPISID"], 30, OK, "With a login, until 22 December 2026 (written 2 days ago)."),
        (["LOGIN_INFO", "SAPISID"], None, OK, "With a login (written 2 days ago)."),
        (["LOGIN_INFO", "SAPISID"], -1, WARN, "The login ended on 21 November 2026 (written 2 days ago)."),
        (["VISITOR_INFO1_LIVE"], 30, WARN, "Nobody is logged in there (written 2 days ago)"),
        (["LOGIN_INFO"], 30, WARN, "Nobody is logged in there (written 2 days ago)"),
        (None, 30, FAIL, "They cannot be read: No such file or directory."),
    ],
)
def test_the_login_in_the_cookies_and_their_age_are_told_and_no_value_of_one(
    sound: World, settings: LazySettings, tmp_path: Path, names: list[str] | None, days: int | None, state, words: str
) -> None:
    sound.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    path = tmp_path / "cookies.txt"
    settings.AUDIO_SOURCE, settings.YOUTUBE_COOKIES = "youtube", str(path)
    if names is not None:
        ends = int((sound.now + timedelta(days=days)).timestamp()) if days is not None else 0
        path.write_text("\n".join(["# Netscape HTTP Cookie File", *(cookie(name, ends) for name in names)]))
        two_days_ago = (sound.now - timedelta(days=2)).timestamp()
        os.utime(path, (two_days_ago, two_days_ago))
    told = found(sound, "cookies")
    assert (told.state, told.text.startswith(words)) == (state, True), told
    assert "secret" not in told.text and bool(told.cure) == (state != OK)


def test_a_data_folder_that_others_can_read_is_a_warning(sound: World, settings: LazySettings) -> None:
    settings.DATA_DIR.chmod(0o755)
    assert found(sound, "private").state == WARN


def test_songs_that_are_due_for_hours_without_a_try_are_a_warning(sound: World) -> None:
    assert found(sound, "queue").state == OK
    sound.make_track(retry_after=sound.now - timedelta(hours=3))
    assert found(sound, "queue").state == WARN


def test_a_check_says_the_worst_that_is_so() -> None:
    both = check("name", "Title", "well", warn="hm", fail="broken", cure="mend it")
    assert (both.state, both.text, both.cure) == (FAIL, "broken", "mend it")
    assert check("name", "Title", "well", cure="mend it").cure == ""


def test_the_page_shows_them_to_staff_alone_and_as_json(sound: World, client: Client) -> None:
    assert client.get("/health").status_code == 302
    client.force_login(User.objects.get())
    assert "Music folder" in client.get("/health").content.decode()
    answer = client.get("/health", headers={"accept": "application/json"}).json()
    assert answer["ok"] is True and len(answer["checks"]) >= 18


def test_the_command_prints_one_line_of_json_and_fails_where_a_check_does(sound: World) -> None:
    out = StringIO()
    call_command("health", "--json", stdout=out)
    assert json.loads(out.getvalue())["failures"] == 0
    Cluster.objects.all().delete()
    with pytest.raises(CommandError, match="1 check failed"):
        call_command("health", stdout=StringIO(), stderr=StringIO())


def test_the_number_in_the_navigation_is_the_reports_and_a_minute_old_at_most(sound: World) -> None:
    before = attention(sound.now)
    assert before == health_report(sound.now).attention
    Service.objects.filter(name="storage").update(state="offline", reason="Away.")
    assert attention(sound.later(minutes=2)) == health_report(sound.now).attention != before


# --- What the disk and each host's mount can do --------------------------------------------------------------


@pytest.mark.parametrize(("files", "known"), [(16_000_000, 4321), (0, None)])
def test_a_disk_with_room_for_few_files_is_found(
    sound: World, monkeypatch: pytest.MonkeyPatch, files: int, known: int | None
) -> None:
    disk = os.statvfs_result((4096, 4096, 10**9, 10**8, 10**8, files, 5000, 4321, 0, 255))
    monkeypatch.setattr(probe.os, "statvfs", lambda path: disk)
    Service.objects.filter(name="storage").update(checked_at=None)
    assert storage.check(sound.now).state == "online"
    monkeypatch.undo()
    assert Library.current().free_inodes == known
    for free, state in ((20_000, OK), (9_999, WARN), (99, FAIL), (None, OK)):
        Library.objects.update(free_inodes=free)
        assert found(sound, "inodes").state == state, free


@pytest.mark.parametrize(
    ("refused", "lack", "words"),
    [("中", "unicode", "letters outside its own alphabet"), ("a" * 200, "long_names", "names of 255 bytes")],
)
def test_names_that_a_hosts_mount_refuses_are_tried_and_said(
    sound: World, monkeypatch: pytest.MonkeyPatch, refused: str, lack: str, words: str
) -> None:
    publish_by("")
    real = os.open

    def picky(path: str, *args: int, **options: int) -> int:
        if refused in str(path):
            raise OSError(errno.EINVAL, "Invalid argument", path)
        return real(path, *args, **options)

    monkeypatch.setattr(link_method.os, "open", picky)
    link_method.method_in(".tonekeep-incoming")
    monkeypatch.undo()
    assert Host.own().lacks == [lack]
    assert found(sound, "names").state == WARN and words in found(sound, "names").text
    assert list((sound.root / ".tonekeep-incoming").glob(".probe*")) == []


def test_a_folder_that_takes_every_name_is_well(sound: World) -> None:
    publish_by("")
    link_method.method_in(".tonekeep-incoming")
    assert Host.own().lacks == [] and found(sound, "names").state == OK


def test_the_host_is_named_where_there_are_several(sound: World) -> None:
    Host.objects.create(
        name="attic", publish_method="link", lacks=["long_names"], storage="offline", storage_reason="-"
    )
    assert "On attic the folder takes no names" in found(sound, "names").text
    away = found(sound, "folder_of_host")
    assert (away.title, away.state, away.text) == ("Music folder on attic", WARN, "-")


def test_a_drive_within_the_music_folder_is_told(sound: World) -> None:
    assert found(sound, "file_system").state == OK
    Library.objects.update(mounts=["Archive", "Live"])
    assert found(sound, "file_system").text == (
        "Drives of their own in it: Archive, Live. Songs are copied there, and never moved between drives."
    )


# --- Programs and sources ------------------------------------------------------------------------------------


@pytest.mark.parametrize("audio_format", ["best", "m4a", "opus", "mp3"])
def test_the_machines_ffmpeg_writes_every_format(sound: World, settings: LazySettings, audio_format: str) -> None:
    settings.AUDIO_FORMAT = audio_format
    assert found(sound, "ffmpeg").state == OK


def test_an_ffmpeg_without_the_muxer_of_the_format_is_a_failure_until_it_is_another_one(
    sound: World, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDIO_FORMAT = "mp3"
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '  E ipod            iPod H.264 MP4'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    poor = found(sound, "ffmpeg")
    assert poor.state == FAIL and "cannot write libmp3lame, mp3" in poor.text
    program.write_text("#!/bin/sh\necho '  E mp3  MP3'; echo ' A....D libmp3lame  MP3'\n")
    os.utime(program, (1, 1))
    assert found(sound, "ffmpeg").state == OK


def test_the_questions_to_spotify_are_counted_and_a_rare_sync_is_not_late(sound: World) -> None:
    Run.objects.create(kind="sync", started_at=sound.now - timedelta(hours=9), ok=True, report={"calls": 12})
    Run.objects.create(kind="sync", started_at=sound.now - timedelta(days=2), ok=True, report={"calls": 500})
    assert found(sound, "spotify").text == "Working. It was asked 12 times in the last day."
    Account.objects.create(user_id="anna", name="Anna", token="x", state="connected", consent_at=sound.now)
    assert found(sound, "sync").state == WARN
    Setting.objects.create(name="SYNC_MINUTES", value="600")
    assert found(sound, "sync").state == OK


# --- The installation ------------------------------------------------------------------------------------------


def test_a_proxy_that_no_setting_names_is_found_until_it_is_named(
    sound: World, client: Client, settings: LazySettings
) -> None:
    client.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR="93.184.216.34")
    assert found(sound, "proxy").state == OK, "strangers write what they like"
    client.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR="172.18.0.2")
    assert "172.18.0.2" in found(sound, "proxy").text and "TRUSTED_PROXY=172.18.0.2" in found(sound, "proxy").cure
    settings.TRUSTED_PROXY = ["172.18.0.0/16"]
    assert found(sound, "proxy").state == OK


def test_a_named_proxy_is_known_where_ipv6_wraps_its_address(
    sound: World, client: Client, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXY = ["172.18.0.0/16"]
    client.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR="::ffff:172.18.0.4")
    assert found(sound, "proxy").state == OK


def test_what_a_proxy_said_is_forgotten_after_a_day(sound: World, client: Client) -> None:
    client.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR="172.18.0.3")
    assert found(sound, "proxy").state == WARN
    sound.later(days=1, minutes=5)
    assert found(sound, "proxy").state == OK


def test_https_in_front_must_be_set_and_must_be_said(sound: World, client: Client, settings: LazySettings) -> None:
    client.get("/login", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR="172.18.0.2")
    assert "Set HTTPS=true" in found(sound, "https").cure
    settings.HTTPS = True
    assert found(sound, "https").state == OK
    client.get("/healthz", REMOTE_ADDR="172.18.0.2")
    assert found(sound, "https").state == OK, "the container's own check"
    client.get("/login", REMOTE_ADDR="172.18.0.2")
    assert "X-Forwarded-Proto" in found(sound, "https").cure


def write_log(settings: LazySettings, *lines: tuple[datetime, str]) -> None:
    stamped = [f"{datetime.fromtimestamp(at.timestamp()):%Y-%m-%d %H:%M:%S},000 {text}\n" for at, text in lines]
    Path(settings.LOG_FILE).write_text("".join(stamped))


def test_errors_of_the_last_day_are_counted_and_older_ones_are_not(
    sound: World, settings: LazySettings, tmp_path: Path
) -> None:
    settings.LOG_FILE = tmp_path / "tonekeep.log"
    assert found(sound, "log").state == OK
    write_log(
        settings,
        (sound.now - timedelta(days=2), "ERROR downloads.jobs.tasks: The step of last week"),
        (sound.now - timedelta(hours=2), "WARNING catalog: A wrong password"),
        (
            sound.now - timedelta(hours=1),
            "ERROR django.security.DisallowedHost: Invalid HTTP_HOST header: 'x.example'.",
        ),
    )
    assert found(sound, "log").state == OK and found(sound, "hosts").state == OK
    write_log(settings, (sound.now, "ERROR downloads.jobs.tasks: The step prune ended in an error"))
    assert found(sound, "log").text == "1 error in the last day; the last one: The step prune ended in an error"


def test_an_address_of_the_own_network_that_was_refused_is_named(
    sound: World, settings: LazySettings, tmp_path: Path, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LOG_FILE = tmp_path / "tonekeep.log"
    client.get("/", headers={"Host": "nas.local:8000"})
    said = next(record for record in caplog.records if record.name.endswith("DisallowedHost"))
    write_log(settings, (sound.now, f"ERROR {said.name}: {said.getMessage()}"))
    refused = found(sound, "hosts")
    assert refused.state == WARN and "Add nas.local to ALLOWED_HOSTS" in refused.cure
    settings.ALLOWED_HOSTS = ["nas.local"]
    assert found(sound, "hosts").state == OK


def test_files_that_are_newer_than_what_runs_are_a_warning(sound: World) -> None:
    assert found(sound, "update").state == OK
    Cluster.objects.update(host=django_settings.HOST_NAME, started_at=sound.now - timedelta(days=9_000))
    assert found(sound, "update").state == WARN


def test_a_backup_is_missed_after_a_week_and_again_after_a_month(sound: World, tmp_path: Path) -> None:
    assert found(sound, "backup").state == OK
    Run.objects.create(kind="reconcile", started_at=sound.now - timedelta(days=8))
    assert found(sound, "backup").state == WARN
    if connection.vendor == "sqlite":  # the command of PostgreSQL has its own tests
        call_command("backup", str(tmp_path / "copy.sqlite3"), stdout=StringIO())
        assert found(sound, "backup").state == OK
    Run.objects.filter(kind="backup").delete()
    Run.objects.create(kind="backup", ok=True, started_at=sound.now - timedelta(days=29), ended_at=sound.now)
    assert found(sound, "backup").state == OK
    sound.later(days=2)
    assert found(sound, "backup").state == WARN
    Run.objects.create(kind="backup", ok=False, problem="Disk full.", started_at=sound.now, ended_at=sound.now)
    assert found(sound, "backup").text == "The last one failed: Disk full."


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL looks after its own files")
def test_a_damaged_database_is_a_failure_and_a_look_that_does_not_come_a_warning(sound: World) -> None:
    assert found(sound, "integrity").state == OK
    run = Run.objects.create(kind="database", ok=True, started_at=sound.now, ended_at=sound.now)
    assert found(sound, "integrity").state == OK
    Run.objects.filter(pk=run.pk).update(started_at=sound.now - timedelta(days=4))
    assert found(sound, "integrity").state == WARN
    Run.objects.filter(pk=run.pk).update(ok=False, problem="The database is damaged: row 1")
    assert found(sound, "integrity").state == FAIL


@pytest.mark.skipif(connection.vendor == "sqlite", reason="pg_stat_activity")
def test_a_transaction_that_stays_open_is_a_warning(sound: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(sound, "database").state == OK
    monkeypatch.setattr("downloads.health.system.QUERY_LONG", timedelta(0))  # the test's own transaction is open
    assert "A transaction has been open" in found(sound, "database").text


def test_page_command_and_api_tell_one_report(sound: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = User.objects.get()
    client.force_login(anna)
    now = database_clock.now()
    monkeypatch.setattr(database_clock, "now", lambda: now)
    monkeypatch.setattr(system, "size", lambda number: "some bytes")  # the database grows between the three
    out = StringIO()
    call_command("health", "--json", stdout=out)
    page = client.get("/health", headers={"accept": "application/json"}).json()
    token = {"authorization": f"Bearer {ApiToken.objects.issue(anna, 'x', 'read', now)}"}
    assert json.loads(out.getvalue()) == page == client.get("/api/v1/health", headers=token).json()
    listener = User.objects.create_user("listener")
    token = {"authorization": f"Bearer {ApiToken.objects.issue(listener, 'x', 'read', now)}"}
    assert client.get("/api/v1/health", headers=token).status_code == 403
