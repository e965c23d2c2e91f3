"""A name is one machine's alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import Cluster, Host
from catalog.storage import machine
from catalog.text.user_error import UserError
from downloads.jobs import cluster_state
from tests.world import World


@pytest.fixture
def nas(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A cluster of the machine ``nas``, which was heard of just now."""
    monkeypatch.setattr(machine, "is_shared", lambda: True)
    monkeypatch.setattr(cluster_state, "_ours", None)
    settings.HOST_NAME = "nas"
    cluster_state.register("tonekeep", world.now)
    return world


def on_another_machine(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "elsewhere"
    settings.DATA_DIR.mkdir()


def test_a_second_machine_of_the_same_name_is_refused(nas: World, settings: Any, tmp_path: Path) -> None:
    on_another_machine(settings, tmp_path)
    with pytest.raises(UserError, match="under the name nas"):
        machine.require_own_name(nas.now)
    with pytest.raises(UserError):
        cluster_state.register("tonekeep", nas.now)
    assert Cluster.objects.get().started_at == nas.now


def test_the_same_machine_starts_again_at_once(nas: World) -> None:
    cluster_state.register("tonekeep", nas.later(seconds=5))


def test_a_machine_takes_the_place_of_one_that_has_been_silent(nas: World, settings: Any, tmp_path: Path) -> None:
    on_another_machine(settings, tmp_path)
    cluster_state.register("tonekeep", nas.later(minutes=4))
    assert Host.objects.get().machine == machine.machine_id()


def test_a_copied_data_folder_on_another_machine_is_another_machine(
    nas: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "system").write_text("another machine\n")
    monkeypatch.setattr(machine, "SYSTEM_ID", tmp_path / "system")
    with pytest.raises(UserError):
        machine.require_own_name(nas.now)
