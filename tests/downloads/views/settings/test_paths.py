"""The page of the path template: a preview on real songs, saving, and moving what is here."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import OrmQ

from catalog.models import Album, Library, Track
from downloads.jobs import tasks
from downloads.models import MoveBatch
from tests.world import World

pytestmark = pytest.mark.django_db
YES = {"confirmed": "yes"}
FLAT = "{artist} - {title}"


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def text_of(client: Client, address: str = "/paths") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def template_in_use() -> str:
    return Library.objects.get().path_template


def test_a_template_is_tried_out_on_real_songs_without_being_used(keeper, world):
    text = text_of(keeper, "/paths?template={album}/{title}")
    assert "海/波.mp3" in text and "now at" in text and "山田/海/01 波.mp3" in text
    assert '<strong class="num">6</strong> would move' in text
    assert template_in_use() == ""


def test_awkward_songs_are_among_those_shown(keeper, world):
    for number in range(30):
        world.make_track(f"Plain {number}", number=number)
    various = world.make_track("Various", album="Best of")
    Album.objects.filter(pk=various.album_id).update(compilation=True, artist="")
    for number in range(30, 60):
        world.make_track(f"Plain {number}", number=number)
    text = text_of(keeper, "/paths?template={shelf}/{title}")
    assert "Compilations/Various.mp3" in text


@pytest.mark.parametrize("template", ["{nothing}", "/{title}", "../{title}", "{title}/", "<b>{title}", "x" * 600])
def test_a_template_that_cannot_be_used_is_refused_in_a_sentence_and_not_saved(keeper, world, template):
    keeper.get("/paths", {"template": template})
    answer = keeper.post("/paths/save", {"template": template}, follow=True)
    assert b'class="note error"' in answer.content
    assert "<b>{title}" not in answer.content.decode()
    assert template_in_use() == ""


def test_a_problem_stands_beside_the_field(keeper, world):
    text = text_of(keeper, "/paths?template={nothing}")
    assert "is no field" in text and "would move" not in text


def test_a_saved_template_is_in_use_and_moves_nothing(keeper, world):
    before = list(Track.objects.values_list("local_path", flat=True))
    keeper.post("/paths/save", {"template": f" {FLAT} "})
    assert template_in_use() == FLAT
    assert list(Track.objects.values_list("local_path", flat=True)) == before
    text = text_of(keeper)
    assert "This is the template in use." in text and "Rename them" in text


def test_files_are_moved_and_moved_back_by_a_job_that_the_page_asks_for(keeper, world):
    before = dict(Track.objects.values_list("pk", "local_path"))
    keeper.post("/paths/save", {"template": FLAT})
    question = keeper.post("/paths/move/apply", {"files": "6"}).content.decode()
    assert "Move 6 files to their new names?" in question and not OrmQ.objects.exists()
    keeper.post("/paths/move/apply", YES)
    assert "move_files" in [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()]
    assert dict(Track.objects.values_list("pk", "local_path")) == before, "no page touches the folder"
    assert "being moved" in text_of(keeper)
    assert tasks.move_files() == "6 moved, 0 left"
    assert Track.objects.filter(local_path=str(world.root / "山田 - 波.mp3")).exists()
    assert "Undo the last move" in text_of(keeper)
    assert "Move 6 files back?" in keeper.post("/paths/move/undo", {"files": "6"}).content.decode()
    keeper.post("/paths/move/undo", YES)
    assert tasks.move_files() == "6 moved, 0 left"
    assert dict(Track.objects.values_list("pk", "local_path")) == before


def test_moving_twice_at_once_is_refused(keeper, world):
    keeper.post("/paths/save", {"template": FLAT})
    keeper.post("/paths/move/apply", YES)
    answer = keeper.post("/paths/move/apply", YES, follow=True)
    assert b"moved already" in answer.content
    assert MoveBatch.objects.count() == 1


def test_the_tick_asks_for_a_move_whose_message_was_lost(keeper, world):
    keeper.post("/paths/save", {"template": FLAT})
    keeper.post("/paths/move/apply", YES)
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "move_files" in [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()]


@pytest.mark.parametrize("address", ["/paths", "/paths/save", "/paths/move/apply", "/paths/move/undo"])
def test_it_is_only_for_who_runs_the_installation(client, world, settings, address):
    settings.STATUS_PUBLIC = True
    for _ in range(2):
        assert {client.get(address).status_code, client.post(address).status_code} <= {302, 403, 405}
        client.force_login(User.objects.get_or_create(username="guest")[0])
    assert not MoveBatch.objects.exists() and template_in_use() == ""
