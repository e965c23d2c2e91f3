"""A guest's cookies between two fetches."""

import os
import time
from pathlib import Path

from downloads.fetch import guest_cookies
from downloads.fetch.protocol import COOKIES, HOME, ConnectionOptions, FetchRequest
from downloads.search.youtube import ACCESS


def request(folder: Path) -> FetchRequest:
    (folder / HOME).mkdir(exist_ok=True)
    return FetchRequest(
        str(folder), ACCESS, connection=ConnectionOptions(guest_cookies=str(folder / "cache" / "guest"))
    )


def test_a_guest_is_kept_but_not_for_longer_than_half_a_day(tmp_path: Path) -> None:
    asked, in_stage = request(tmp_path), tmp_path / HOME / COOKIES
    in_stage.write_text("one")
    guest_cookies.keep(asked)
    kept = Path(asked.connection.guest_cookies)
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("one", 0o600)
    born = time.time() - guest_cookies.LONGEST + 600
    os.utime(kept, (born, born))
    in_stage.write_text("two")
    guest_cookies.keep(asked)
    assert abs(kept.stat().st_mtime - born) < 1, "its age counts from its first fetch"
    in_stage.unlink()
    guest_cookies.copy_to(asked)
    assert in_stage.read_text() == "two"
    in_stage.unlink()
    os.utime(kept, (born - 1200, born - 1200))
    guest_cookies.copy_to(asked)
    assert not in_stage.exists() and not kept.exists()


def test_what_a_child_wrote_is_not_followed_and_not_kept_without_a_limit(tmp_path: Path) -> None:
    asked, in_stage = request(tmp_path), tmp_path / HOME / COOKIES
    (tmp_path / "secret").write_text("secret")
    in_stage.symlink_to(tmp_path / "secret")
    guest_cookies.keep(asked)
    in_stage.unlink()
    in_stage.write_bytes(b"x" * (guest_cookies.LARGEST + 1))
    guest_cookies.keep(asked)
    assert not Path(asked.connection.guest_cookies).exists()
