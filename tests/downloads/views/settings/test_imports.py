"""The import page: a preview first, then the import; a bad file is one sentence and changes nothing."""

from __future__ import annotations

import json
import os
import stat
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from catalog.models import Account, Collection, Entry, Track
from catalog.system.programs import Limits
from downloads.jobs import uploads
from tests.shared import SHARED_DATA, needs_shared

LIST = "\n".join(["Ólöf - Bára", "山田 - 波", "Maria Ruiz - Morning <script>alert(1)</script>", "no separator here"])

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(client: Client, settings: LazySettings, tmp_path: Path) -> Client:
    settings.DATA_DIR = tmp_path
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def upload(client: Client, content: bytes | str = LIST, name: str = "my songs.txt"):  # type: ignore[no-untyped-def]
    data = content.encode() if isinstance(content, str) else content
    return client.post("/import", {"files": SimpleUploadedFile(name, data)})


def test_the_preview_shows_each_line_and_imports_nothing(keeper: Client) -> None:
    page = upload(keeper).content.decode()
    for said in ("3 songs understood", "Bára", "山田", "my songs", "no separator here"):
        assert said in page, said
    assert "<script>alert" not in page
    assert not Track.objects.exists() and not Collection.objects.exists()


def test_the_second_step_imports_what_was_shown(keeper: Client, tmp_path: Path) -> None:
    upload(keeper)
    answer = keeper.post("/import/now", follow=True)
    assert "3 songs" in answer.content.decode()
    assert set(Track.objects.wanted().values_list("title", flat=True)) >= {"Bára", "波"}
    assert Entry.objects.count() == 4
    assert [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()] == ["handle_backlog"]
    assert list((tmp_path / "uploads").iterdir()) == []


def test_the_preview_says_that_a_file_lists_nothing_any_more(keeper: Client) -> None:
    header = "Track URI,Track Name,Artist Name(s)\n"
    upload(keeper, f"{header}spotify:track:{1:022d},Noon,Bára\n", "mix.csv")
    keeper.post("/import/now")
    assert "what it brought before is kept" in upload(keeper, header, "mix.csv").content.decode()
    keeper.post("/import/now")
    assert Track.objects.get(title="Noon").wanted


def test_the_second_step_works_once_and_never_without_the_first(keeper: Client) -> None:
    assert keeper.post("/import/now")["Location"] == "/import"
    upload(keeper)
    keeper.post("/import/now")
    Collection.objects.all().delete()
    keeper.post("/import/now")
    assert not Collection.objects.exists()


def test_looking_at_the_second_steps_address_imports_nothing(keeper: Client) -> None:
    upload(keeper)
    keeper.get("/import/now")
    assert not Track.objects.exists()
    keeper.post("/import/now")
    assert Track.objects.count() == 3


def test_an_upload_is_readable_by_its_owner_only_and_its_name_is_no_path(keeper: Client, tmp_path: Path) -> None:
    upload(keeper, name="../../evil.txt")
    (kept,) = (tmp_path / "uploads").iterdir()
    assert len(kept.name) == 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_uploads_that_were_left_are_forgotten_after_a_day(keeper: Client, tmp_path: Path) -> None:
    upload(keeper)
    (kept,) = (tmp_path / "uploads").iterdir()
    os.utime(kept, (time.time() - 90_000,) * 2)
    upload(keeper)
    assert not kept.exists()
    kept.with_name("x").touch()
    assert "3 songs" in keeper.post("/import/now", follow=True).content.decode()


def test_a_second_upload_takes_the_place_of_the_first(keeper: Client, tmp_path: Path) -> None:
    upload(keeper)
    upload(keeper, "A - B\n", "other.txt")
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    keeper.post("/import/now")
    assert [row.name for row in Collection.objects.all()] == ["other"]


def test_a_file_that_its_reader_dies_of_is_one_sentence(
    keeper: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.importers.read_process.LIMITS", Limits(memory_bytes=40 * 2**20))
    page = upload(keeper)
    assert page.status_code == 400
    assert "needs more memory or time than any library export" in page.content.decode()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_upload_that_is_gone_says_so(keeper: Client, tmp_path: Path) -> None:
    upload(keeper)
    for kept in (tmp_path / "uploads").iterdir():
        kept.unlink()
    answer = keeper.post("/import/now")
    assert answer.status_code == 400 and "choose the file again" in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.csv"),
        (bytes(range(256)) * 40, "song.mp3"),
        (b"PK\x03\x04 no zip", "a.zip"),
        (b"\x89PNG\r\n", "a.png"),
    ],
)
def test_a_file_that_is_no_library_is_one_sentence(keeper: Client, tmp_path: Path, content: bytes, name: str) -> None:
    answer = upload(keeper, content, name)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not Track.objects.exists()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_upload_of_200_mb_is_refused_before_it_is_read(keeper: Client, tmp_path: Path) -> None:
    answer = keeper.generic(
        "POST", "/import", b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="200000000"
    )
    assert answer.status_code == 413
    assert "larger than" in answer.content.decode()
    assert not (tmp_path / "uploads").exists()


def test_no_file_chosen_is_a_sentence(keeper: Client) -> None:
    answer = keeper.post("/import", {})
    assert answer.status_code == 400 and "Choose a file first." in answer.content.decode()


def test_only_staff_with_a_csrf_token_may_upload(client: Client, keeper: Client) -> None:
    stranger = Client()
    assert upload(stranger).status_code == 302
    guest = Client()
    guest.force_login(User.objects.create_user("guest", "", "secret"))
    assert upload(guest).status_code == 403
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(User.objects.get(username="anna"))
    assert upload(forged).status_code == 403
    assert forged.post("/import/now").status_code == 403


def test_a_zip_shows_each_of_its_files(keeper: Client) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", "Ólöf - Bára")
        archive.writestr("two.txt", "山田 - 波")
    page = upload(keeper, packed.getvalue(), "all.zip").content.decode()
    assert "2 songs understood" in page and "one.txt" in page and "two.txt" in page


@pytest.mark.long
@needs_shared
def test_every_recorded_exportify_file_can_be_previewed_and_imported(keeper: Client) -> None:
    files = sorted((SHARED_DATA / "exports" / "exportify").glob("*.csv"))
    assert files
    for file in files:
        answer = upload(keeper, file.read_bytes(), file.name)
        assert answer.status_code == 200 and "understood" in answer.content.decode(), file.name
        keeper.post("/import/now")
    assert Collection.objects.count() >= 1 and Track.objects.wanted().count() > 100


# --- Histories and many files -----------------------------------------------------------------------------


def history(*plays: str) -> SimpleUploadedFile:
    rows = [{"trackName": title, "artistName": "Falla", "msPlayed": 40_000, "endTime": "2026-01-01"} for title in plays]
    return SimpleUploadedFile("StreamingHistory_music_0.json", json.dumps(rows).encode())


def test_of_a_history_a_person_takes_the_most_played_songs(keeper: Client) -> None:
    page = keeper.post("/import", {"files": history("Nana", "Aria", "Nana", "Polo", "Nana", "Aria")})
    assert 'name="most"' in page.content.decode()
    keeper.post("/import/now", {"most": "2"})
    assert sorted(Track.objects.values_list("title", flat=True)) == ["Aria", "Nana"]


def test_the_files_of_an_upload_are_limited_together(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downloads.jobs.uploads.MAX_ENTRIES", 3)
    page = keeper.post("/import", {"files": [history("A", "B"), history("C", "D")]})
    assert page.status_code == 400 and "hold more than 3 songs together" in page.content.decode()


def test_a_list_is_named_in_the_preview_and_keeps_that_name_for_its_next_file(keeper: Client) -> None:
    assert 'value="my songs"' in upload(keeper).content.decode()
    keeper.post("/import/now", {"name_0": "  For <b>winter</b>\n"})
    assert Collection.objects.get().name == "For <b>winter</b>"

    assert 'value="For &lt;b&gt;winter&lt;/b&gt;"' in upload(keeper).content.decode()
    keeper.post("/import/now", {"name_0": ""})
    assert Collection.objects.get().key == "my songs"


def test_each_list_of_several_files_has_a_name_of_its_own(keeper: Client) -> None:
    files = [SimpleUploadedFile(f"{name}.txt", b"Falla - Nana\n") for name in ("one", "two", "three")]
    keeper.post("/import", {"files": files})
    keeper.post("/import/now", {"name_1": "Second"})
    assert sorted(Collection.objects.values_list("name", flat=True)) == ["Second", "one", "three"]


def test_a_large_import_takes_the_names_along(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MANY", 1)
    upload(keeper)
    keeper.post("/import/now", {"name_0": "Winter"})
    uploads.import_waiting(timezone.now())
    assert Collection.objects.get().name == "Winter"


def test_albums_are_offered_where_an_account_can_name_their_songs(
    keeper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (
        f"Track name,Artist name,Type,Spotify - id\nTides,Stella North,Album,2{'b' * 21}\nTides,Stella North,Song,\n"
    )
    page = upload(keeper, table, "all.csv").content.decode()
    assert "1 album cannot be imported yet" in page and 'name="albums"' not in page
    Account.objects.create(user_id="anna")
    assert "Also the 1 album that" in upload(keeper, table, "all.csv").content.decode()
    monkeypatch.setattr(uploads, "MANY", 0)  # by the job, as a large file
    keeper.post("/import/now", {"albums": "yes"})
    uploads.import_waiting(timezone.now())
    assert set(Collection.objects.values_list("kind", "name")) == {("album", "Tides"), ("file", "all")}


def test_links_alone_can_be_imported(keeper: Client) -> None:
    page = upload(keeper, "spotify:track:3n3Ppam7vgaVa1iaRUc9Lp\n").content.decode()
    assert "1 link without a title" in page and "once a Spotify account is connected" in page
    keeper.post("/import/now")
    assert Entry.objects.get().reason == "link"
