"""The pages where a person decides, and the sound that they play: what is served, to whom, and what is refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from json import dumps, loads
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import OrmQ

from catalog.models import Service, Track
from catalog.tracks import transitions
from downloads.fetch.process import PROJECT
from downloads.fetch.protocol import FetchRequest
from downloads.fetch.url_allowlist import AddressRefused, youtube_id
from downloads.models import AudioFile, Candidate, Replaced, Search
from downloads.publishing import staging
from downloads.search.youtube import ACCESS
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def track(world: World) -> Track:
    """A song that waits for a decision, with one live recording that was found."""
    made = world.make_track(
        "Nocturne", duration_ms=200_000, last_error="Only live ones.", error_kind="needs_decision", attempts=1
    )
    offer(made, "live", title="Nocturne (Live)", artists=["Maria Ruiz"], duration_ms=260_000, score=30.0)
    return made


def offer(track: Track, name: str, **columns) -> Candidate:
    fields = {"source": "youtube", "source_id": name, "url": f"https://x/{name}", "found_at": track.added_at}
    return Candidate.objects.create(
        track=track, **(fields | {"reasons": ["live in this title, not in the song’s"]} | columns)
    )


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def waiting() -> list[str]:
    return [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()]


# --- The pages --------------------------------------------------------------------------------------------


def test_songs_that_wait_for_a_word_are_listed_with_the_nearest_recording_and_why_not(keeper, world, track):
    world.make_track("Only a network error", last_error="down", error_kind="network")
    text = text_of(keeper, "/decide")
    assert "Nocturne (Live)" in text and "live in this title, not in the song’s" in text
    assert "Only a network error" not in text


def test_the_list_can_be_paged_through(keeper, world):
    made = [world.make_track(f"S{n}", last_error="x", error_kind="needs_decision", number=n).pk for n in range(50)]
    first = text_of(keeper, "/decide")
    after = first.partition("?after=")[2].partition('"')[0]
    second = text_of(keeper, f"/decide?after={after}")
    for pk in made:
        assert (f'href="/decide/{pk}"' in first) != (f'href="/decide/{pk}"' in second)


def test_a_songs_page_shows_every_recording_with_score_reasons_and_how_far_off_its_length_is(keeper, track):
    offer(track, "dQw4w9WgXcQ", title="Nocturne <b>bold</b>", score=70.0, duration_ms=201_000)
    text = text_of(keeper, f"/decide/{track.pk}")
    for said in ("Nocturne (Live)", "(+60 s)", "live in this title", "Only live ones.", "&lt;b&gt;bold", "(+1 s)"):
        assert said in text, said
    assert 'href="https://www.youtube.com/watch?v=dQw4w9WgXcQ"' in text
    assert "https://x/" not in text, "an address that is not YouTube's is not linked to either"


def test_only_a_recording_that_nothing_forbids_is_suggested_and_none_beside_a_choice(keeper, track):
    def suggests() -> bool:
        return "small primary" in text_of(keeper, f"/decide/{track.pk}")

    assert suggests()
    ruled_out = offer(track, "dQw4w9WgXcQ", score=70.0, reasons=["length 9 s off", "ruled out"])
    assert not suggests()
    Candidate.objects.filter(pk=ruled_out.pk).update(reasons=["length 3 s off"])
    assert suggests()
    Candidate.objects.filter(pk=ruled_out.pk).update(verdict="chosen")
    assert not suggests()


def test_taking_one_on_the_page_makes_it_the_choice_and_wakes_a_worker(keeper, track):
    one = track.candidates.get()
    answer = keeper.post(f"/decide/candidates/{one.pk}/take", follow=True)
    assert "This recording it is" in answer.content.decode()
    one.refresh_from_db()
    assert one.verdict == "chosen" and "download" in waiting()


@pytest.mark.parametrize(("deed", "verdict"), [("never", "never"), ("take-back", "")])
def test_never_and_take_back_on_the_page(keeper, track, deed, verdict):
    Candidate.objects.update(verdict="disproved")
    one = track.candidates.get()
    keeper.post(f"/decide/candidates/{one.pk}/{deed}")
    one.refresh_from_db()
    assert one.verdict == verdict


def test_taking_another_one_for_a_file_that_is_here_is_said_on_the_page(keeper, world):
    here = world.tracks["Maria Ruiz/First Light/Morning"]
    other = offer(here, "dQw4w9WgXcQ", title="Morning")
    keeper.post(f"/decide/candidates/{other.pk}/take")
    assert Replaced.objects.get().path == here.local_path and os.path.exists(here.local_path)
    assert "stays where it is until the other recording is there" in text_of(keeper, f"/decide/{here.pk}")


def test_a_choice_that_is_not_the_file_that_is_here_can_be_asked_for_again(keeper, world):
    here = world.tracks["Maria Ruiz/First Light/Morning"]
    choice = offer(here, "dQw4w9WgXcQ", title="Morning", verdict="chosen")
    assert "Download it" in text_of(keeper, f"/decide/{here.pk}")
    keeper.post(f"/decide/candidates/{choice.pk}/take")
    assert world.status_of(here) == "missing" and "Download it" not in text_of(keeper, f"/decide/{here.pk}")


def test_words_are_searched_for_by_a_job_and_not_by_the_page(keeper, track):
    keeper.post(f"/decide/{track.pk}/search", {"words": "  Maria   Ruiz\tNocturne op. 9 "})
    asked = Search.objects.get(track=track)
    assert (asked.words, asked.answered_at) == ("Maria Ruiz Nocturne op. 9", None)
    assert "answer_searches" in waiting()
    assert "the answer appears here" in text_of(keeper, f"/decide/{track.pk}")


@pytest.mark.parametrize("words", ["", "  \x07 ", "x" * 201])
def test_words_that_are_none_are_refused_in_a_sentence(keeper, track, words):
    answer = keeper.post(f"/decide/{track.pk}/search", {"words": words}, follow=True)
    assert b'class="note error"' in answer.content
    assert not Search.objects.exists()


ADDRESSES = [
    "/decide",
    "/decide/{pk}",
    "/decide/{pk}/sound",
    "/decide/{pk}/search",
    "/decide/{pk}/address",
    "/decide/candidates/{candidate}/take",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_here_is_for_strangers_or_guests_even_where_the_status_is_public(
    client, world, track, settings, address
):
    settings.STATUS_PUBLIC = True
    address = address.format(pk=track.pk, candidate=track.candidates.get().pk)
    for method in (client.get, client.post):
        assert method(address).status_code in (302, 405)
    client.force_login(User.objects.create_user("guest", "", "secret"))
    assert {client.get(address).status_code, client.post(address).status_code} <= {403, 405}
    assert not Candidate.objects.exclude(verdict="").exists() and not Search.objects.exists()


@pytest.mark.parametrize("address", ADDRESSES[3:])
def test_a_button_wants_a_post_with_its_token(world, track, address):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("anna", "", "secret"))
    address = address.format(pk=track.pk, candidate=track.candidates.get().pk)
    assert (strict.post(address).status_code, strict.get(address).status_code) == (403, 405)


# --- Listening --------------------------------------------------------------------------------------------


def here(world: World, content: bytes = b"0123456789" * 100) -> tuple[Track, Path]:
    track = world.make_track("Heard", number=3)
    return track, world.put_file(track, content)


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_file_is_played_whole_and_in_ranges(keeper, world):
    track, path = here(world)
    whole = keeper.get(f"/decide/{track.pk}/sound")
    assert (whole.status_code, whole["Content-Type"], whole["Accept-Ranges"]) == (200, "audio/mpeg", "bytes")
    assert body(whole) == path.read_bytes()
    for asked, said, wanted in [
        ("bytes=0-9", "bytes 0-9/1000", b"0123456789"),
        ("bytes=995-", "bytes 995-999/1000", b"56789"),
        ("bytes=-3", "bytes 997-999/1000", b"789"),
        ("bytes=990-5000", "bytes 990-999/1000", b"0123456789"),
    ]:
        part = keeper.get(f"/decide/{track.pk}/sound", headers={"range": asked})
        assert (part.status_code, part["Content-Range"], int(part["Content-Length"])) == (206, said, len(wanted))
        assert body(part) == wanted


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(keeper, world, asked):
    track, _ = here(world)
    answer = keeper.get(f"/decide/{track.pk}/sound", headers={"range": asked})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1000")


@pytest.mark.parametrize("asked", ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "items=0-1", "bytes=a-b"])
def test_what_is_no_single_range_gets_the_whole_file(keeper, world, asked):
    track, path = here(world)
    answer = keeper.get(f"/decide/{track.pk}/sound", headers={"range": asked})
    assert answer.status_code == 200 and body(answer) == path.read_bytes()


def claimed(world: World) -> Track:
    track = transitions.claim_one(world.make_track("Staged").pk, world.now)
    assert track
    return track


def test_what_is_just_being_fetched_can_be_heard_too(keeper, world):
    track = claimed(world)
    stage = Path(staging.open_stage(track))
    assert keeper.get(f"/decide/{track.pk}/sound").status_code == 404
    (stage / ".home").mkdir()
    (stage / "audio.m4a").write_bytes(b"staged sound")
    answer = keeper.get(f"/decide/{track.pk}/sound")
    assert (answer["Content-Type"], body(answer)) == ("audio/mp4", b"staged sound")


def break_it(kind: str, path: Path, world: World) -> None:
    secret = world.root.parent / "secret.mp3"
    secret.write_bytes(b"secret")
    path.unlink()
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "folder is a link":
        path.parent.rename(path.parent.with_name("away"))
        path.parent.symlink_to(secret.parent)
        (secret.parent / path.name).write_bytes(b"secret")


@pytest.mark.parametrize("kind", ["gone", "link", "pipe", "folder", "folder is a link"])
def test_only_a_regular_file_inside_the_music_folder_is_served(keeper, world, kind):
    track, path = here(world)
    break_it(kind, path, world)
    answer = keeper.get(f"/decide/{track.pk}/sound")
    assert answer.status_code == 404 and b"secret" not in answer.content


def test_a_row_that_names_another_place_opens_nothing(keeper, world):
    track, _ = here(world)
    secret = world.root.parent / "passwd.mp3"
    secret.write_bytes(b"secret")
    Track.objects.filter(pk=track.pk).update(local_path=str(world.root / ".." / "passwd.mp3"))
    assert keeper.get(f"/decide/{track.pk}/sound").status_code == 404
    Track.objects.filter(pk=track.pk).update(local_path=str(world.root / ".tonekeep"))
    assert keeper.get(f"/decide/{track.pk}/sound").status_code == 404


def test_a_missing_song_has_no_sound_and_no_player(keeper, track):
    assert keeper.get(f"/decide/{track.pk}/sound").status_code == 404
    assert "<audio" not in text_of(keeper, f"/decide/{track.pk}")


def test_a_folder_that_is_not_there_is_not_asked_for_sound(keeper, world):
    track, _ = here(world)
    Service.objects.filter(name="storage").update(state="offline", reason="Unplugged.")
    assert keeper.get(f"/decide/{track.pk}/sound").status_code == 503


def test_both_ends_of_the_file_have_a_player(keeper, world):
    track, _ = here(world)
    AudioFile.objects.create(track=track, duration_ms=100_000, codec="mp3", bit_rate=192_000, proved_at=world.now)
    text = text_of(keeper, f"/decide/{track.pk}")
    assert f'src="/decide/{track.pk}/sound#t=0"' in text and f'src="/decide/{track.pk}/sound#t=85"' in text
    assert "192 kbit/s" in text


# --- Sixty addresses that lead to a server of ours --------------------------------------------------------


class Canary:
    """A server on loopback that counts who connects to it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


ID = "dQw4w9WgXcQ"
# Every way to write an address of the canary, {C} being its host and port, that somebody may take for YouTube's.
HOSTILE = [
    template.format(C=place, ID=ID)
    for place in ("127.0.0.1:PORT", "localhost:PORT", "[::ffff:127.0.0.1]:PORT", "2130706433:PORT", "0x7f.1:PORT")
    for template in (
        "http://{C}/watch?v={ID}",
        "https://{C}/watch?v={ID}",
        "http://www.youtube.com@{C}/watch?v={ID}",
        "http://www.youtube.com:443@{C}/watch?v={ID}",
        "http://{C}/www.youtube.com/watch?v={ID}",
        "http://{C}#@www.youtube.com/watch?v={ID}",
        "http://{C}?@youtu.be/{ID}",
        "http://{C}\\@www.youtube.com/watch?v={ID}",
        "http://www.youtube.com\\@{C}/watch?v={ID}",
        "//{C}/watch?v={ID}",
        "https://www.youtube.com/redirect?q=http://{C}/{ID}",
        "ytdl://{C}/{ID}",
    )
]


def test_there_are_sixty_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) == 60


def test_sixty_hostile_addresses_are_refused_by_the_form_and_by_the_child_and_nobody_is_connected_to(
    keeper, world, track, canary, tmp_path
):
    hostile = [text.replace("PORT", str(canary.port)) for text in HOSTILE]
    for text in hostile:
        answer = keeper.post(f"/decide/{track.pk}/address", {"address": text}, follow=True)
        assert b'class="note error"' in answer.content, text
        with pytest.raises(AddressRefused):
            youtube_id(text)
    assert Candidate.objects.count() == 1, "only the one that was there before"
    assert refusals_of_the_child(hostile, tmp_path) == ["foreign_host"] * 60
    assert canary.connections == 0
    socket.create_connection(("127.0.0.1", canary.port)).close()  # the canary does hear who comes


def refusals_of_the_child(hostile: list[str], stage: Path) -> list[str]:
    """What the child says to each, in a process that believes a parent which has checked nothing."""
    program = (
        "import json, sys\n"
        "from downloads.fetch.child import FetchContext\n"
        "from downloads.fetch.protocol import FetchRequest\n"
        "for line in json.load(sys.stdin):\n"
        "    print(json.dumps(FetchContext(FetchRequest.from_json(line), print).answer()))"
    )
    requests = dumps([FetchRequest(str(stage), ACCESS, text).to_json() for text in hostile])
    done = subprocess.run(
        [sys.executable, "-c", program], input=requests, capture_output=True, text=True, cwd=PROJECT, timeout=600
    )
    return [loads(line)["kind"] for line in done.stdout.splitlines()]


def test_an_address_of_youtubes_own_becomes_the_choice(keeper, track):
    keeper.post(f"/decide/{track.pk}/address", {"address": f"https://music.youtube.com/watch?v={ID}&list=RD"})
    assert track.candidates.get(verdict="chosen").source_id == ID
