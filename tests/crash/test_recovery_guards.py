"""Recovery and adoption: every look and every condition, one test each, red when that one is left out."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from catalog.models import Host, Track
from catalog.system import atomic_files
from catalog.tracks import transitions
from downloads.publishing import existing_file, link_method, publish, staging, target_path
from downloads.worker import rescue
from tests.crash.test_publish_guards import LATE, MINUTE, Case, at, case, make_case
from tests.world import publish_by

__all__ = ["at", "case"]  # fixtures
pytestmark = pytest.mark.django_db


def die_after_link(case: Case, at) -> Track:
    """The worker ends when its file is in place; the row as a recovery would read it."""

    class Death(BaseException):
        pass

    def die() -> None:
        raise Death

    at("linked", die)
    with pytest.raises(Death):
        case.publish()
    return case.row


def reserve(case: Case) -> Track:
    place = target_path.target_place(case.track, "mp3")
    assert transitions.reserve(case.track.pk, case.track.claim, place, case.staged.size, case.world.now)
    os.makedirs(os.path.dirname(place.path), exist_ok=True)
    return case.row


# --- Recovery ---------------------------------------------------------------------------------------------


def test_what_was_published_is_kept_and_its_stage_goes(case, at):
    die_after_link(case, at)
    assert case.recover()
    assert (case.row.status, case.row.local_path) == ("downloaded", case.wished)
    assert not os.path.exists(staging.stage_folder(case.track))


def test_the_stage_goes_before_recovery_looks(case, at):
    row = reserve(case)
    seen = []
    at("fenced", lambda: seen.append(os.path.exists(staging.stage_folder(case.track))))
    assert case.recover(row)
    assert seen == [False]


def test_a_file_that_was_linked_in_before_the_stage_went_is_seen(case, at):
    read = case.row  # nothing is reserved as yet
    at("recovering", lambda: os.link(case.staged.path, reserve(case).local_path))
    assert case.recover(read)
    assert case.row.status == "downloaded"


def test_a_worker_that_renewed_keeps_its_stage(case):
    read = reserve(case)
    transitions.renew(case.track.pk, case.track.claim, case.world.now + LATE)
    assert not case.recover(read)
    assert os.path.exists(case.staged.path)


def test_a_recovery_that_another_has_done_meanwhile_changes_nothing(case, at):
    read = reserve(case)
    at("fenced", lambda: transitions.release(case.track.pk, case.track.claim, case.world.now))
    assert not case.recover(read)
    assert (case.row.status, case.row.attempts) == ("missing", 0)


def test_a_file_of_another_size_is_not_believed_though_it_carries_our_key(case, at):
    die_after_link(case, at)
    with open(case.wished, "ab") as file:
        file.write(b"\0" * 100)
    assert case.recover()
    assert (case.row.status, case.row.local_path) == ("missing", "")
    assert os.path.exists(case.wished)


def test_a_file_of_the_reserved_size_is_not_believed_without_our_key(case):
    reserve(case)
    Path(case.wished).write_bytes(b"x" * case.staged.size)
    assert case.recover()
    assert case.row.status == "missing"
    assert os.path.getsize(case.wished) == case.staged.size


def test_a_disk_that_does_not_answer_decides_nothing(case, at, monkeypatch):
    die_after_link(case, at)
    real = os.lstat

    def fail(path, *args, **options):
        if path == case.wished:
            raise OSError(errno.EIO, "Input/output error", path)
        return real(path, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "lstat", fail)
        with pytest.raises(OSError, match="Input/output"):
            case.recover()
        late = case.world.now + LATE
        assert rescue.recover(late) == 0
    assert case.row.status == "downloading"
    assert case.recover()
    assert case.row.status == "downloaded"


def test_an_offline_library_is_neither_recovered_nor_swept(case):
    (case.world.root / ".tonekeep").unlink()
    assert rescue.recover(case.world.now + LATE) == 0
    assert case.row.status == "downloading"
    assert os.path.exists(case.staged.path)


def test_the_stage_of_a_worker_that_died_after_its_end_is_swept_and_a_living_ones_is_not(case, recordings):
    other = make_case(case.world, recordings, number=10)
    assert case.publish()
    assert rescue.recover(case.world.now) == 0
    assert not os.path.exists(staging.stage_folder(case.track))
    assert os.path.exists(other.staged.path)


# --- Placeholders, where a disk knows no better way --------------------------------------------------------


def test_an_abandoned_placeholder_goes_and_a_strangers_file_of_its_size_stays(case):
    row = reserve(case)
    mark = link_method.placeholder_text(staging.stage_folder(case.track))
    Path(case.wished).write_bytes(b"x" * len(mark))
    assert case.recover(row)
    assert Path(case.wished).read_bytes() == b"x" * len(mark)


def test_an_abandoned_placeholder_is_removed(case):
    row = reserve(case)
    Path(case.wished).write_bytes(link_method.placeholder_text(staging.stage_folder(case.track)))
    assert case.recover(row)
    assert not os.path.exists(case.wished)


def test_a_half_filled_placeholder_goes_too(case):
    row = reserve(case)
    mark = link_method.placeholder_text(staging.stage_folder(case.track))
    Path(case.wished).write_bytes(mark + b"half of the sound")
    assert case.recover(row)
    assert not os.path.exists(case.wished)


def test_a_late_copy_whose_stage_recovery_took_away_never_becomes_the_file(case, at):
    publish_by(link_method.COPY)
    stage_locally(case)
    at("placeholder", lambda: staging.own_folders.remove_stage(staging.stage_name(case.track)))
    with pytest.raises(FileNotFoundError):
        case.publish()
    assert not os.path.exists(case.wished)


def test_a_copy_has_the_content_mode_and_time_of_what_was_staged(case):
    publish_by(link_method.COPY)
    stage_locally(case)
    content, before = Path(case.staged.path).read_bytes(), os.stat(case.staged.path)
    place = case.publish()
    after = os.stat(place.path)
    assert Path(place.path).read_bytes() == content
    assert (after.st_mtime_ns, after.st_mode & 0o777) == (before.st_mtime_ns, 0o644)


def stage_locally(case: Case) -> None:
    """As on a mount that cannot rename: the staged file lies on this host's own disk."""
    own = link_method.local_stage(staging.stage_name(case.track))
    os.makedirs(own)
    path = os.path.join(own, os.path.basename(case.staged.path))
    os.rename(case.staged.path, path)
    case.staged = case.staged._replace(path=path)


@pytest.mark.parametrize("still_ours", [True, False])
def test_a_disk_that_refuses_the_file_gets_its_placeholder_back_from_its_holder_only(case, monkeypatch, still_ours):
    publish_by(link_method.PLACEHOLDER)

    def refuse(source: str, target: str, **options: object) -> None:
        if not still_ours:
            case.lose()
        raise OSError(errno.EIO, "Input/output error", target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"):
        case.publish()
    assert os.path.exists(case.wished) is not still_ours


def test_a_full_disk_leaves_no_empty_placeholder(tmp_path, monkeypatch):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"sound")

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        link_method.put_in_place(str(source), str(target), link_method.PLACEHOLDER)
    assert not target.exists()


# --- How a disk puts files in place -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "learnt"),
    [
        (errno.EPERM, link_method.RENAME),
        (errno.EOPNOTSUPP, link_method.RENAME),
        (errno.ENOSPC, ""),
        (errno.EIO, link_method.RENAME),
        (errno.EDQUOT, ""),
    ],
)
def test_a_worse_way_is_learnt_only_from_a_disk_that_knows_no_better(tmp_path, monkeypatch, world, code, learnt):
    def refuse(source: str, target: str, **options: bool) -> None:
        raise OSError(code, os.strerror(code), target)

    monkeypatch.setattr(os, "link", refuse)
    stage = tmp_path / "stage"
    stage.mkdir()
    if learnt:
        assert link_method.link_method(str(stage)) == learnt
    else:
        with pytest.raises(OSError):
            link_method.link_method(str(stage))
    assert Host.own().publish_method == learnt
    assert list(stage.iterdir()) == []


def test_a_library_that_moved_to_a_disk_without_links_learns_anew(case, monkeypatch):
    publish_by(link_method.LINK)

    def refuse(source: str, target: str, **options: bool) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", target)

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(PermissionError):
        case.publish()
    assert case.publish().path == case.wished
    assert Host.own().publish_method == link_method.RENAME


@pytest.mark.parametrize(("code", "fine"), [(errno.EPERM, True), (errno.EIO, False)])
def test_a_disk_without_modes_is_good_enough_and_a_failing_one_is_not(case, monkeypatch, code, fine):
    def refuse(path: str, mode: int) -> None:
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr(os, "chmod", refuse)
    if fine:
        assert case.publish().path == case.wished
    else:
        with pytest.raises(OSError):
            case.publish()


def test_nothing_is_made_under_the_mount_point_of_a_drive_that_has_just_gone(case, at):
    gone = case.world.root.with_name("gone")
    at("reserved", lambda: case.world.root.rename(gone))
    with pytest.raises(FileNotFoundError):
        case.publish()
    assert not case.world.root.exists()
    gone.rename(case.world.root)


def test_nothing_is_made_there_even_if_it_goes_between_two_calls(case, monkeypatch):
    gone, look = case.world.root.with_name("gone"), atomic_files.is_folder

    def look_and_unplug(path: str) -> bool:
        there = look(path)
        if path == str(case.world.root):
            case.world.root.rename(gone)
        return there

    monkeypatch.setattr(atomic_files, "is_folder", look_and_unplug)
    with pytest.raises(FileNotFoundError):
        case.publish()
    assert not case.world.root.exists()
    gone.rename(case.world.root)


# --- Adoption ---------------------------------------------------------------------------------------------


def old_file(case: Case) -> publish.Place:
    """The track's own file is at its wished place already."""
    place = target_path.target_place(case.track, "mp3")
    os.makedirs(os.path.dirname(place.path), exist_ok=True)
    shutil.copy(case.staged.path, place.path)
    return place


def test_a_file_that_goes_while_it_is_adopted_is_not_claimed_to_be_there(case, at):
    place = old_file(case)
    at("adopted", lambda: os.unlink(place.path))
    assert not existing_file.adopt_own_file(case.track, place, case.staged.size, case.world.now)
    assert case.row.status == "downloading"


@pytest.mark.parametrize("point", ["before", "adopted"])
def test_whoever_lost_the_track_adopts_nothing(case, at, point):
    place = old_file(case)
    if point == "before":
        case.lose()
    at(point, case.lose)
    with pytest.raises(publish.LeaseLost):
        existing_file.adopt_own_file(case.track, place, case.staged.size, case.world.now)
    assert (case.row.status, case.row.reserved) == ("downloading", False)


def test_an_adopted_file_is_recovered_though_it_carries_another_claims_key(case):
    place = old_file(case)
    Track.objects.filter(pk=case.track.pk).update(claim="f" * 32, spotify_id=None)
    track = case.row
    assert transitions.reserve(track.pk, track.claim, place, case.staged.size, case.world.now)
    assert case.recover()
    assert (case.row.status, case.row.local_path) == ("downloaded", place.path)


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({}, True),
        ({"spotify_id": None}, True),  # our number and its words
        ({"spotify_id": None, "identity": "another song"}, False),
        ({"spotify_id": None, "pk": 10**9}, False),  # its words alone could be another recording
    ],
)
def test_a_file_is_known_by_its_id_or_by_our_number_and_its_words(case, changes, ours):
    place = old_file(case)
    track = case.row
    for name, value in changes.items():
        setattr(track, name, value)
    assert existing_file.is_of(track, place.path) is ours


def test_a_retry_of_recovery_waits_as_long_as_a_failure(case):
    late = case.world.now + LATE
    assert rescue.recover_one(case.row, late + MINUTE, late)
    assert (case.row.retry_after, case.row.attempts) == (late + MINUTE, 1)
