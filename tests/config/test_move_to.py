"""manage.py move_to: refused while the program runs, and one line of JSON at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.db.copy_database import CopyReport
from config.management.commands import move_to
from config.process import supervisor


def test_nothing_is_copied_while_the_program_runs(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(move_to, "copy_database", lambda *given: pytest.fail("copied"))
    assert supervisor.hold_folder(tmp_path / supervisor.RUN)
    with pytest.raises(CommandError, match="Stop it first"):
        call_command("move_to", "sqlite:////nowhere/copy.sqlite3")


def test_the_report_is_one_line_of_json(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(move_to, "copy_database", lambda url, show: CopyReport(3, 12, 5, 0.5))
    call_command("move_to", "sqlite:////nowhere/copy.sqlite3", json=True)
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {"tables": 3, "rows": 12, "resumed": 5, "seconds": 0.5}
