"""What `manage.py check` says of the programs that fetching needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import registry, run_checks


def warnings() -> set[str]:
    return {
        str(message.id) for message in run_checks(tags=["installation"]) if str(message.id).startswith("downloads.")
    }


def test_the_settings_we_ship_fit_together() -> None:
    assert warnings() == set()


def test_each_check_of_ours_is_on_the_page_health() -> None:
    modules = {"catalog.checks", "config.checks", "downloads.checks"}
    ours = [check for check in registry.registry.registered_checks if check.__module__ in modules]
    assert len(ours) >= 8 and all("installation" in check.tags for check in ours)


def test_a_missing_ffmpeg_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert warnings() == {"downloads.W001"}


def test_many_workers_on_sqlite_are_said(settings: LazySettings) -> None:
    settings.DOWNLOAD_WORKERS, settings.SQLITE = 5, True
    assert warnings() == {"downloads.W002"}
    settings.SQLITE = False
    assert warnings() == set()


def test_what_mp3_costs_is_said_where_it_costs_something(settings: LazySettings) -> None:
    settings.AUDIO_SOURCE, settings.AUDIO_FORMAT = "youtube", "mp3"
    assert warnings() == {"downloads.I004"}
    settings.AUDIO_FORMAT = "m4a"
    assert warnings() == set()
    settings.AUDIO_SOURCE, settings.AUDIO_FORMAT = "archive", "mp3"
    assert warnings() == set()
