"""A name is taken once, on filesystems with hard links and without."""

from __future__ import annotations

import errno
import os

import pytest

from catalog.system.atomic_files import take_name


@pytest.fixture(params=["hard links", "none"])
def draft(request, tmp_path, monkeypatch):
    if request.param == "none":

        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "draft").write_bytes(b"whole")
    return tmp_path / "draft"


def test_a_finished_file_gets_its_name(draft):
    take_name(str(draft), str(draft.with_name("name")))
    assert draft.with_name("name").read_bytes() == b"whole"


def test_a_name_that_is_taken_stays_what_it_is(draft):
    draft.with_name("name").write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        take_name(str(draft), str(draft.with_name("name")))
    assert draft.with_name("name").read_bytes() == b"somebody's"
