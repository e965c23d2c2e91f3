"""Large imports: a job does them, the page says how far it is, and a killed job is simply done once more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_q.models import OrmQ

from catalog.models import Collection, Entry, Run, Track
from catalog.system.file_locks import try_lock
from downloads.jobs import tasks, uploads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def keeper(client: Client, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Somebody for whom more than three entries are many."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(uploads, "MANY", 3)
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def lines(*numbers: int) -> str:
    return "\n".join(f"The Tests - Song {number}" for number in numbers)


def ask(client: Client, content: bytes | str, name: str = "songs.txt") -> str:
    """Upload, look at the preview, say yes: the page that follows."""
    data = content.encode() if isinstance(content, str) else content
    client.post("/import", {"files": SimpleUploadedFile(name, data)})
    return client.post("/import/now", follow=True).content.decode()


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "uploads").iterdir())


def waiting_jobs() -> list[str]:
    return [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()]


def test_a_small_import_is_done_at_once_and_a_large_one_by_a_job(keeper: Client, tmp_path: Path) -> None:
    ask(keeper, lines(1, 2, 3))
    assert Track.objects.count() == 3 and not Run.objects.exists() and waiting_jobs() == ["handle_backlog"]
    page = ask(keeper, lines(1, 2, 3, 4, 5), "more.txt")
    assert "5 entries are being imported" in page and "being imported</span>" in page and "more.txt" in page
    assert Track.objects.count() == 3 and "import_uploads" in waiting_jobs()
    assert uploads.import_uploads() == "1 imported"
    assert Track.objects.wanted().count() == 5 and kept(tmp_path) == []
    page = keeper.get("/import").content.decode()
    assert "5 entries imported: 5 songs, 0 others. 2 are new." in page and 'http-equiv="refresh"' not in page


def test_a_lost_wake_up_is_asked_for_again_by_the_tick(keeper: Client) -> None:
    ask(keeper, lines(1, 2, 3, 4))
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "import_uploads" in waiting_jobs()
    uploads.import_uploads()
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "import_uploads" not in waiting_jobs()


def test_the_folder_is_looked_at_after_an_import_and_not_without_one(keeper: Client) -> None:
    uploads.import_uploads()
    assert waiting_jobs() == []
    ask(keeper, lines(1, 2, 3, 4))
    uploads.import_uploads()
    assert "handle_backlog" in waiting_jobs()


def test_two_jobs_never_import_together(keeper: Client) -> None:
    ask(keeper, lines(1, 2, 3, 4))
    with try_lock("import"):
        assert uploads.import_waiting(NOW) == 0
    assert uploads.import_waiting(NOW) == 1 and uploads.import_waiting(NOW) == 0


def test_imports_are_done_in_the_order_in_which_they_were_asked_for(keeper: Client) -> None:
    ask(keeper, lines(1, 2, 3, 4), "list.txt")
    ask(keeper, lines(3, 4, 5, 6), "list.txt")
    assert uploads.import_waiting(NOW) == 2
    assert set(Track.objects.wanted().values_list("title", flat=True)) == {f"Song {number}" for number in (3, 4, 5, 6)}


def test_a_job_that_died_in_the_middle_is_done_once_more(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(keeper, lines(1, 2, 3, 4))

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("catalog.ingest.replace.set_wanted", die)
    with pytest.raises(SystemExit):
        uploads.import_waiting(NOW)
    assert Run.objects.get().ended_at is None and not Track.objects.wanted().exists()
    monkeypatch.undo()
    assert uploads.import_waiting(NOW) == 1
    assert (Run.objects.get().ok, Entry.objects.count(), Track.objects.wanted().count()) == (True, 4, 4)


def test_a_file_that_kills_its_job_again_and_again_is_given_up_with_a_sentence(keeper: Client, tmp_path: Path) -> None:
    ask(keeper, lines(1, 2, 3, 4))
    run = Run.objects.get()
    run.report["tries"] = uploads.TRIES
    run.save()
    uploads.import_waiting(NOW)
    run.refresh_from_db()
    assert run.ok is False and "3 times" in run.problem and kept(tmp_path) == []
    assert "not imported</span>" in keeper.get("/import").content.decode()


def test_an_upload_that_is_gone_says_so_and_imports_nothing(keeper: Client, tmp_path: Path) -> None:
    ask(keeper, lines(1, 2, 3, 4))
    for path in kept(tmp_path):
        path.unlink()
    uploads.import_waiting(NOW)
    assert "Nothing was imported" in Run.objects.get().problem
    assert "choose the file again" in keeper.get("/import").content.decode()


def test_the_page_says_how_many_are_in(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", lines(1, 2, 3))
        archive.writestr("b.txt", lines(4, 5))
    ask(keeper, packed.getvalue(), "all.zip")
    monkeypatch.setattr("catalog.models.run_progress.WRITE_EVERY", -1.0)
    pages: list[str] = []
    replaced = uploads.import_files

    def look(files, now, on_entries):  # type: ignore[no-untyped-def]
        def told(entries: int) -> None:
            on_entries(entries)
            pages.append(keeper.get("/import").content.decode())

        return replaced(files, now, told)

    monkeypatch.setattr(uploads, "import_files", look)
    uploads.import_waiting(NOW)
    assert ["3 of them in" in page for page in pages] == [True, False]
    assert 'http-equiv="refresh"' in pages[0]
    assert Collection.objects.count() == 2


def test_a_report_holds_numbers_and_no_lines_and_the_last_fifty_are_kept(keeper: Client) -> None:
    for number in range(uploads.RUNS_KEPT + 2):
        old = NOW - timedelta(days=1, minutes=number)
        Run.objects.create(kind="import", started_at=old, ended_at=old, ok=True)
    ask(keeper, f"{lines(1, 2, 3, 4)}\nno separator here", "odd.txt")
    uploads.import_waiting(NOW)
    run = Run.objects.filter(kind="import").first()
    assert (
        run is not None
        and run.report["errors"] == 1
        and "1 line was not understood" in (keeper.get("/import").content.decode())
    )
    assert Run.objects.filter(kind="import").count() == uploads.RUNS_KEPT
