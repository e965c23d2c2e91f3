"""Health: every check of a sound installation is well, and each thing that breaks is found with its cure."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from catalog.models import Cluster, Library, Service
from downloads.health.check import FAIL, OK, WARN, Check, check
from downloads.health.report import attention, health_report
from tests.world import World, publish_by


@pytest.fixture
def sound(world: World, settings: LazySettings) -> World:
    """The sample world with running workers, a fresh scan, a tick and an admin."""
    now = timezone.now()
    world.now = now
    settings.DATA_DIR.chmod(0o700)
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
