"""Every page that links lead to, and every number on it: each is a link, and the list behind it counts to it.

In templates a number of rows is `<a data-count="5" href="…">5 songs</a>`, the list it leads to is marked with
`data-list` (its children are the rows), or with `data-sum` where its own numbers add up to it. A number that counts
no rows (a length, a year, a match) stands in an element with `data-fact`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.html import Element, parse_html
from django.utils import timezone

from catalog.models import AdoptionMatch, BinnedFile, Entry, Event, Run, Service, Track, TrackQuerySet
from catalog.tracks import transitions, wanted
from catalog.tracks.place import Place
from catalog.web import keyset_pages
from downloads.failures.kinds import ERROR_KINDS
from downloads.models import Candidate
from tests.world import World

LEFT_OUT = ("/admin/", "/logout", "/api/", "/static/", "/tracks.csv", "/decide/decisions.json", "/status", "/covers/")
EXPLAINED = ("path", "help")  # classes: places of files, and the text below a field
FACTS = ("time", "code", "button", "option", "svg", "textarea", "bdi", "title", "kbd")
LENGTH_OR_PART = re.compile(r"\d+:\d\d|\d+ ?%")
NARROWED = re.compile(r"/tracks\?.*(album|artist|collection|error)=")
MOST_PAGES = 50  # of one list


@pytest.fixture
def keeper(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Somebody with all rights, to whom a page has few rows: the longest list has several pages."""
    monkeypatch.setattr(keyset_pages.page_of, "__defaults__", ("", 9, ""))
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def varied(world: World) -> None:
    """Songs in each state, files in doubt and in the bin, runs and events: more than one page of the longest list."""
    now = world.now
    Service.objects.filter(name="storage").update(state="online", checked_at=now)
    for kind, number in (("needs_decision", 3), ("choice_failed", 1), ("no_match", 4), ("network", 2), ("private", 1)):
        for at in range(number):
            song = world.make_track(
                f"{kind.replace('_', ' ')} {'i' * (at + 1)}", album="Second Light",
                error_kind=kind, last_error="It failed.", attempts=2,
                retry_after=now + timedelta(hours=-3 if at == 1 else 5),
            )  # fmt: skip
            at_most = now - timedelta(days=at * 9)
            Event.objects.create(track=song, kind=Event.Kind.FAIL, at=at_most, reason="It failed.", error_kind=kind)
            if kind == "needs_decision":
                Candidate.objects.create(
                    track=song, source="youtube", source_id=f"{song.pk:011}", url="", title="Live one", found_at=now,
                    artists=["Somebody"], duration_ms=190_000, score=70, reasons=["live in the title"],
                )  # fmt: skip
    for at in range(9):
        world.make_track(f"Up next {'x' * at}", number=at)
    for at in range(3):
        song = world.make_track(f"Nobody {'x' * at}", wanted=False)
    BinnedFile.objects.create(track=song, origin="a/b.mp3", target=".bin/b.mp3", moved_at=now, state="binned")
    for path, track in zip(("one.mp3", "two.mp3"), Track.objects.missing(), strict=False):
        AdoptionMatch.objects.create(track=track, file=path, size=1, why="The file is longer.")
    for at, reason in enumerate(("episode", "local")):
        Entry.objects.create(collection=world.collection, position=at, reason=reason, label="Other", digest=at)
    Run.objects.create(kind=Run.Kind.SYNC, started_at=now, ended_at=now, ok=True, report={"calls": 3})
    for track in Track.objects.downloaded()[:3]:
        Event.objects.create(track=track, kind=Event.Kind.FINISH, at=now)


def walk(element: Element, inside: tuple[Element, ...] = ()) -> Iterator[tuple[Element | str, tuple[Element, ...]]]:
    for child in element.children:
        yield child, inside
        if isinstance(child, Element):
            yield from walk(child, (*inside, child))


def attribute(element: Element, name: str) -> str | None:
    return next((value or "" for key, value in element.attributes if key == name), None)


class Site:
    """The pages of somebody who is logged in, each asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pages: dict[str, Element] = {}

    def body(self, address: str) -> Element:
        if address not in self._pages:
            answer = self._client.get(address)
            assert answer.status_code == 200, f"{address}: {answer.status_code}"
            text = answer.content.decode().partition("<body>")[2].partition("</body>")[0]
            self._pages[address] = parse_html(text)
        return self._pages[address]


def links(body: Element, at: str) -> Iterator[tuple[str, Element]]:
    for element, _ in walk(body):
        href = attribute(element, "href") if isinstance(element, Element) and element.name == "a" else None
        if isinstance(element, Element) and href and not urlsplit(href).netloc:
            yield urljoin(at, href).partition("#")[0], element


def loose_numbers(body: Element) -> Iterator[str]:
    """Digits on the page that no link explains and that are not marked as a fact."""
    for text, inside in walk(body):
        if not isinstance(text, str) or not re.search(r"\d", LENGTH_OR_PART.sub("", text)):
            continue
        explained = [
            element
            for element in inside
            if element.name in FACTS
            or attribute(element, "data-fact") is not None
            or set((attribute(element, "class") or "").split()) & set(EXPLAINED)
            or (element.name in ("a", "details") and attribute(element, "data-count") is not None)
        ]
        if not explained:
            yield " ".join(text.split())


def short_details(body: Element) -> Iterator[str]:
    """Numbers that open in place and show another number of rows."""
    for element, _ in walk(body):
        if isinstance(element, Element) and element.name == "details" and _has(element, "data-count"):
            rows = sum(_has(row, "data-row") for row, _ in walk(element))
            if rows != _number(element):
                yield f"says {_number(element)} and opens {rows}"


def listed(site: Site, address: str) -> int:
    """The rows of the list at an address, on all its pages."""
    total = 0
    for _ in range(MOST_PAGES):
        body = site.body(address)
        lists = [element for element, _ in walk(body) if isinstance(element, Element) and _has(element, "data-list")]
        sums = [element for element, _ in walk(body) if isinstance(element, Element) and _has(element, "data-sum")]
        total += sum(isinstance(child, Element) for each in lists for child in each.children)
        total += sum(_has(element, "data-row") for element, _ in walk(body))
        total += sum(_number(element) for each in sums for element, _ in walk(each) if _has(element, "data-count"))
        onward = [at for at, link in links(body, address) if attribute(link, "rel") == "next"]
        if not onward:
            return total
        address = onward[0]
    raise AssertionError(f"{address} has no end")


def _has(element: Element | str, name: str) -> bool:
    return isinstance(element, Element) and attribute(element, name) is not None


def _number(element: Element | str) -> int:
    return int(attribute(element, "data-count") or 0) if isinstance(element, Element) else 0


def crawl(site: Site) -> tuple[int, list[str]]:
    """Follow every link from the start page. How many numbers were followed, and what is wrong."""
    wrong: set[str] = set()
    counted: dict[str, tuple[int, str]] = {}
    seen, todo = {"/"}, ["/"]
    while todo:
        address = todo.pop()
        body = site.body(address)
        wrong.update(f"{address}: {text}" for text in loose_numbers(body))
        wrong.update(f"{address}: {text}" for text in short_details(body))
        for target, link in links(body, address):
            if _has(link, "data-count"):
                shown = re.sub(r"\D", "", str(link).partition(">")[2].partition("</a>")[0])
                assert str(_number(link)) in shown, f"{address}: {link}"
                if counted.setdefault(target, (_number(link), address))[0] != _number(link):
                    wrong.add(f"{address}: {target} is {_number(link)} here, {counted[target]} there")
            if NARROWED.search(address) and NARROWED.search(target) and not _has(link, "data-count"):
                continue  # the same list under each other chip
            if target not in seen and not target.startswith(LEFT_OUT):
                seen.add(target)
                todo.append(target)
    for target, (number, address) in counted.items():
        rows = listed(site, target)
        if rows != number:
            wrong.add(f"{address}: {target} says {number} and lists {rows}")
    return len(counted), sorted(wrong)


def test_every_number_is_a_link_and_the_list_behind_it_counts_to_it(keeper: Client, world: World) -> None:
    varied(world)
    numbers, wrong = crawl(Site(keeper))
    assert wrong == []
    assert numbers > 40


# --- Every row tells why ----------------------------------------------------------------------------------------


class Year:
    """What may happen to one song, in any order; each change of its state with the word that its page must say."""

    def __init__(self, world: World, track: Track, dice: random.Random) -> None:
        self.world, self.track, self.dice = world, track, dice
        self.told: list[tuple[datetime, str]] = []
        self.place = Place.of(str(world.root), f"{track.pk}.mp3")

    def live(self, steps: int) -> None:
        for _ in range(steps):
            before = self._state()
            now = self.world.later(days=self.dice.randint(1, 20))
            word = self.dice.choice(self._possible(before))(now)
            if self._state() != before:
                self.told.append((now, word))

    def _state(self) -> tuple[object, ...]:
        return Track.objects.values_list("status", "wanted", "last_error", "attempts").get(pk=self.track.pk)

    def _possible(self, state: tuple[object, ...]) -> list[Callable[[datetime], str]]:
        status, is_wanted, *_ = state
        if not is_wanted:
            return [self._want]
        if status == Track.Status.DOWNLOADED:
            return [self._vanish, self._vanish, self._ignore]
        back = [self._restore] if Track.objects.filter(pk=self.track.pk).exclude(local_path="").exists() else []
        return [self._finish, self._fail, self._fail, self._retry, self._ignore, *back]

    def _rows(self) -> TrackQuerySet:
        return Track.objects.filter(pk=self.track.pk)

    def _claim(self, now: datetime) -> str:
        self._rows().update(retry_after=now)
        held = transitions.claim_one(self.track.pk, now)
        assert held and held.claim
        return held.claim

    def _finish(self, now: datetime) -> str:
        token = self._claim(now)
        assert transitions.reserve(self.track.pk, token, self.place, 1234, now)
        assert transitions.finish(self.track.pk, token, now)
        return "Downloaded"

    def _fail(self, now: datetime) -> str:
        kind = self.dice.choice(list(ERROR_KINDS))
        reason = f"It failed with {kind} on {now:%d}."
        assert transitions.fail(self.track.pk, self._claim(now), kind, reason, now + timedelta(days=1), now)
        return reason

    def _vanish(self, now: datetime) -> str:
        transitions.vanish({self.track.pk: self.place.columns()["file_name"]}, now, now)
        return "File gone"

    def _restore(self, now: datetime) -> str:
        transitions.restore({self.track.pk: self.place.columns()["file_name"]}, now)
        return "File is back"

    def _retry(self, now: datetime) -> str:
        transitions.retry(self._rows(), now, by="anna")
        return "Asked to try again"

    def _ignore(self, now: datetime) -> str:
        wanted.ignore(self._rows(), now, by="anna")
        return "Not tried any more"

    def _want(self, now: datetime) -> str:
        wanted.want_again(self._rows(), now, by="anna")
        return "Wanted again"


def test_a_songs_page_explains_each_change_of_its_state(keeper: Client, world: World) -> None:
    dice = random.Random(16)
    years = [Year(world, world.make_track(f"Song {at}", number=at), dice) for at in range(40)]
    for year in years:
        year.live(12)
    assert len({word for year in years for _, word in year.told if not word.startswith("It failed")}) == 6
    for year in years:
        life = keeper.get(f"/tracks/{year.track.pk}").content.decode().partition('id="life"')[2].partition("</ol>")[0]
        steps = life.split("<li>")
        for at, word in year.told:
            moment = f'datetime="{timezone.localtime(at).isoformat()}"'
            assert any(moment in step and word in step for step in steps), f"{year.track.title}: {word} at {at}"
