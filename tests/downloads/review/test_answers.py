"""One question after the other: who is asked about, in which order, what an answer does and how it goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from catalog.models import Track
from downloads.models import Candidate
from downloads.review import answers, decisions, questions
from downloads.search.candidates import is_still_selected
from tests.world import World

pytestmark = pytest.mark.django_db


def ask(world: World, title: str = "Nocturne", kind: str = "needs_decision", **columns: Any) -> Track:
    track = world.make_track(title, last_error="Nothing fits.", error_kind=kind, attempts=1, **columns)
    offer(track, f"{title}-live"[-11:], title=f"{title} (Live)")
    return track


def offer(track: Track, name: str, **columns: Any) -> Candidate:
    fields = {"source": "youtube", "source_id": name, "url": "", "found_at": track.added_at, "kind": "song"}
    fields |= {"artists": ["Maria Ruiz"], "album": "On Stage", "duration_ms": 181_000}
    return Candidate.objects.create(track=track, **(fields | columns))


def asked() -> list[str]:
    return list(questions.open_questions().order_by("pk").values_list("title", flat=True))


def test_a_song_is_asked_about_until_it_is_answered(world):
    track = ask(world)
    ask(world, "Not found", kind="no_match")
    ask(world, "Down", kind="network")
    assert asked() == ["Nocturne"]
    answers.take([track.candidates.get()], world.now, "anna")
    assert asked() == []


def test_none_refuses_all_that_were_found_and_has_others_searched_for(world):
    track = ask(world)
    offer(track, "another")
    answers.take_none(track, world.now, "anna")
    assert set(track.candidates.values_list("verdict", flat=True)) == {"never"}
    assert asked() == [] and track in Track.objects.queue(world.now)


def test_a_new_recording_after_none_is_a_new_question(world):
    track = ask(world)
    answers.take_none(track, world.now, "anna")
    offer(track, "new")
    assert asked() == ["Nocturne"]


def test_a_choice_whose_sound_failed_is_asked_about_again(world):
    track = ask(world, kind="choice_failed")
    track.candidates.update(verdict="chosen", why="Its length is not the song's.")
    assert asked() == ["Nocturne"]
    answers.take([track.candidates.get()], world.now, "anna")
    assert asked() == []


@pytest.mark.parametrize("answer", ["take", "none"])
def test_undo_brings_the_question_back_as_it_was(world, answer):
    track = ask(world, kind="choice_failed")
    offer(track, "failed", verdict="chosen", why="It was silent.")
    offer(track, "never", verdict="never")
    before = list(track.candidates.values_list("source_id", "verdict", "why"))
    one = track.candidates.get(verdict="")
    changes = (
        answers.take([one], world.now, "anna") if answer == "take" else answers.take_none(track, world.now, "anna")
    )
    assert answers.undo(changes, world.now, "anna") == 2
    assert list(track.candidates.values_list("source_id", "verdict", "why")) == before
    assert asked() == ["Nocturne"]


def test_undo_leaves_alone_what_somebody_else_said_since(world):
    track = ask(world)
    other = offer(track, "other")
    changes = answers.take([track.candidates.exclude(pk=other.pk).get()], world.now, "anna")
    decisions.choose(other, world.now, "bert")
    assert answers.undo(changes, world.now, "anna") == 0
    assert track.candidates.get(verdict="chosen") == other


def test_a_choice_that_is_taken_back_while_it_is_fetched_is_not_kept(world):
    one = ask(world).candidates.get()
    changes = answers.take([one], world.now, "anna")
    fetched = Candidate.objects.get(pk=one.pk)
    assert is_still_selected(fetched)
    answers.undo(changes, world.now, "anna")
    assert not is_still_selected(fetched)


def test_after_a_song_come_those_of_its_album_and_those_put_off_come_again(world):
    first = ask(world, "First", number=1)
    elsewhere = ask(world, "Elsewhere", album="Another", number=2)
    second = ask(world, "Second", number=3)
    assert questions.next_question() == first
    assert questions.next_question(first) == second
    assert questions.next_question(elsewhere) == second
    assert questions.next_question(second) == first


def alike_to(track: Track) -> list[str]:
    found = questions.alike(track, questions.offers(track)[0], questions.asked_alike(track))
    return [f"{other.title}: {each.candidate.source_id}" for other, each in found]


def test_songs_of_an_album_that_differ_from_one_release_in_the_same_words_ask_the_same(world):
    track = ask(world, "First", number=1)
    ask(world, "Second", number=2)
    ask(world, "Third", number=3).candidates.update(title="Third (Demo)")
    ask(world, "Fourth", number=4).candidates.update(album="Another Stage")
    ask(world, "Fifth", number=5).candidates.update(duration_ms=260_000)
    offer(ask(world, "Sixth", number=6), "twice", title="Sixth (Live)")
    ask(world, "Elsewhere", album="Another", number=7)
    assert alike_to(track) == ["Second: Second-live"]


def test_the_same_wish_on_another_album_asks_the_same_where_the_same_recording_is_offered(world):
    track = ask(world, number=1)
    ask(world, number=2, album="Collected")
    assert alike_to(track) == ["Nocturne: cturne-live"]


def test_an_answer_to_many_goes_back_at_once(world):
    tracks = [ask(world, f"S{number}", number=number) for number in range(3)]
    changes = answers.take([track.candidates.get() for track in tracks], world.now, "anna")
    assert asked() == []
    answers.undo(changes, world.now + timedelta(minutes=1), "anna")
    assert asked() == ["S0", "S1", "S2"]
