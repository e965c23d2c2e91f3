"""The desk: one question after the other, as forms; what a page may embed; decisions taken in as a file."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.models import Track
from catalog.web.keyset_pages import CountOnEachPage
from downloads.models import Candidate, Search
from downloads.review import questions
from downloads.views.todo import decision_upload
from tests.world import World

pytestmark = pytest.mark.django_db
ID = "dQw4w9WgXc"


@pytest.fixture
def tracks(world: World) -> list[Track]:
    """Three songs of one album, of each of which a live recording was found."""
    return [ask(world, number) for number in range(1, 4)]


def ask(world: World, number: int) -> Track:
    track = world.make_track(
        f"Song {number}", number=number, duration_ms=200_000, last_error="x", error_kind="needs_decision", attempts=1
    )
    Candidate.objects.create(
        track=track, source="youtube", source_id=f"{ID}{number}", url="", title=f"Song {number} (Live)", kind="song",
        artists=["Maria Ruiz"], album="On Stage", duration_ms=197_000, score=60, found_at=world.now,
    )  # fmt: skip
    return track


def test_more_questions_than_are_counted_are_told_with_a_plus_sign(
    keeper: Client, tracks: list[Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "count_open", CountOnEachPage(2, questions.open_questions))
    text = text_of(keeper)
    assert "2+ left" in text and '<b class="count">2+</b>' in text
    monkeypatch.setattr(questions, "count_open", CountOnEachPage(3, questions.open_questions))
    assert '<b class="count">3</b>' in text_of(keeper)


def text_of(client: Client, address: str = "/decide/desk") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def take(client: Client, track: Track, **more: object) -> str:
    fields = {"take": track.candidates.get().pk, **more}
    return client.post(f"/decide/desk/{track.pk}/answer", fields, follow=True).content.decode()


def test_the_first_question_shows_the_wish_and_what_differs(keeper, tracks):
    text = text_of(keeper)
    for said in ("<bdi>Song 1</bdi></h1>", "<mark><bdi>(Live)</bdi></mark>", "3 s shorter", "3 left"):
        assert said in text, said


def test_an_answer_leads_to_the_next_question_and_can_be_taken_back(keeper, tracks):
    text = take(keeper, tracks[0])
    assert "<bdi>Song 2</bdi></h1>" in text and "1 decided</span>" in text and ">2 left<" in text
    keeper.post(f"/decide/desk/{tracks[1].pk}/answer", {"none": "1"})
    assert not tracks[1].candidates.exclude(verdict="never").exists()
    back = keeper.post("/decide/desk/undo", follow=True).content.decode()
    assert "<bdi>Song 2</bdi></h1>" in back and tracks[1].candidates.get().verdict == ""
    assert "<bdi>Song 1</bdi></h1>" in keeper.post("/decide/desk/undo", follow=True).content.decode()
    assert not Candidate.objects.exclude(verdict="").exists()
    assert "no answer to undo" in keeper.post("/decide/desk/undo", follow=True).content.decode()


def test_the_last_answer_ends_the_round_and_the_number_in_the_navigation_falls(keeper, tracks):
    assert '<b class="count">3</b>' in text_of(keeper)
    for track in tracks:
        text = take(keeper, track)
    assert "Nothing to choose" in text and "Chosen for 3 songs" in text and '<b class="count">' not in text


def test_later_asks_about_the_next_one_and_comes_round_again(keeper, tracks):
    assert f'<h1 id="wish"><bdi>{tracks[1].title}' in text_of(keeper, f"/decide/desk?after={tracks[0].pk}")
    assert f'<h1 id="wish"><bdi>{tracks[0].title}' in text_of(keeper, f"/decide/desk?after={tracks[2].pk}")


@pytest.mark.parametrize("query", ["?after=999", "?after=x", "?song=x", "?after=" + "9" * 30])
def test_a_song_that_is_none_leads_to_the_first_question(keeper, tracks, query):
    assert f'<h1 id="wish"><bdi>{tracks[0].title}' in text_of(keeper, f"/decide/desk{query}")


def test_the_same_for_songs_like_it_is_shown_before_it_is_done(keeper, tracks):
    one = tracks[0].candidates.get()
    assert "2 other songs like it" in text_of(keeper)
    shown = text_of(keeper, f"/decide/desk/alike/{one.pk}")
    also = [track.candidates.get().pk for track in tracks[1:]]
    assert all(f'value="{pk}" checked' in shown for pk in also)
    assert "3 songs answered" in take(keeper, tracks[0], also=also)
    assert Candidate.objects.filter(verdict="chosen").count() == 3
    keeper.post("/decide/desk/undo")
    assert not Candidate.objects.exclude(verdict="").exists()


def test_songs_that_are_not_asked_about_cannot_be_answered_along_with_another(keeper, world, tracks):
    other = world.tracks["Maria Ruiz/First Light/Morning"]
    row = Candidate.objects.create(track=other, source="youtube", source_id="x" * 11, url="", found_at=world.now)
    take(keeper, tracks[0], also=[row.pk, 10**18, "x"])
    assert list(Candidate.objects.filter(verdict="chosen").values_list("track", flat=True)) == [tracks[0].pk]


def test_a_recording_of_another_song_is_no_answer(keeper, tracks):
    other = tracks[1].candidates.get()
    assert keeper.post(f"/decide/desk/{tracks[0].pk}/answer", {"take": other.pk}).status_code == 404


def test_an_answer_that_is_sent_twice_counts_once(keeper, tracks):
    take(keeper, tracks[0])
    assert "1 decided" in take(keeper, tracks[0])


def test_this_page_alone_may_embed_the_player_and_its_host_alone(keeper, tracks):
    policy = keeper.get("/decide/desk")["Content-Security-Policy"]
    assert policy.endswith("; frame-src https://www.youtube-nocookie.com") and policy.count("youtube") == 1
    for address in ("/decide", f"/decide/{tracks[0].pk}", "/", "/todo", "/nothing-here"):
        assert "frame-src" not in keeper.get(address)["Content-Security-Policy"], address


def test_other_words_are_searched_for_and_the_desk_stays_at_the_song(keeper, tracks):
    here = f"/decide/desk?song={tracks[1].pk}"
    answer = keeper.post(f"/decide/{tracks[1].pk}/search", {"words": "song two", "next": here})
    assert answer["Location"] == here and Search.objects.get(track=tracks[1]).words == "song two"


def test_decisions_of_a_friend_come_in_as_a_file_and_ask_nothing_twice(keeper, tracks):
    take(keeper, tracks[0])
    saved = keeper.get("/decide/decisions.json")
    assert saved["Content-Disposition"].startswith("attachment")
    keeper.post("/decide/desk/undo")
    assert "3 left" in text_of(keeper)
    for said in ("1 made, 0 stood already", "0 made, 1 stood already"):
        file = SimpleUploadedFile("theirs.json", saved.content)
        assert said in keeper.post("/decide/decisions", {"file": file}, follow=True).content.decode()
        assert "2 left" in text_of(keeper)


def test_a_file_that_holds_no_decisions_is_refused_in_a_sentence(keeper, monkeypatch):
    for content in (b"", b"\0\xff", b"[]", json.dumps({"format": "x"}).encode()):
        file = SimpleUploadedFile("x.json", content)
        assert b'class="note error"' in keeper.post("/decide/decisions", {"file": file}, follow=True).content
    monkeypatch.setattr(decision_upload, "LARGEST", 5)
    file = SimpleUploadedFile("x.json", b"too long")
    assert b"manage.py decisions import FILE`." in keeper.post("/decide/decisions", {"file": file}, follow=True).content
