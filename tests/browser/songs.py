"""Libraries of any size for the browser tests, made in bulk: every state, several scripts, names too long for a row."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from catalog.models import (
    AdoptionMatch,
    Album,
    Artist,
    Cluster,
    Collection,
    Credit,
    Entry,
    Event,
    Library,
    Run,
    Service,
    Track,
)
from catalog.music.identity import identity_key
from catalog.tracks.place import Place
from catalog.tracks.wanted import refresh_wanted_flags
from downloads.models import Candidate
from tests.world import ROOT_UUID, spotify_id

ROOT = "/music"
NAMES = [
    ("Erik Satie", "Piano Works", "Gymnopédie"),
    ("日本古謡", "さくらさくら", "荒城の月"),
    ("שיר עם", "שירי עם", "הבה נגילה (חי)"),
    ("فيروز", "أغاني", "نسم علينا الهوى"),
    ("Everybody who ever played in any of the orchestras of this town", "A title that is long " * 4, "Donaudampf" * 9),
]
FAILURES = {
    7: ("needs_decision", "No recording fits well enough to take it unasked."),
    8: ("no_match", "No recording was found that fits this track."),
    9: ("network", "The connection failed."),
}
STATES = 11  # a song's number modulo this is its state: 0 to 6 here, 7 to 9 failed, 10 up next


def make_library(songs: int) -> None:
    """A registered folder, running workers, ``songs`` songs in all states and what happened to them."""
    now = timezone.now()
    Library.objects.create(pk=1, root_uuid=ROOT_UUID, root_path=ROOT, free_bytes=10**12, last_pass=now)
    Service.objects.create(name="storage", state="online", checked_at=now)
    Cluster.objects.create(host="nas", queue="tonekeep", started_at=now, beat_at=now)
    if not songs:
        return
    liked = Collection.objects.create(kind=Collection.Kind.LIKED, key="liked", name="Liked songs")
    Run.objects.create(kind=Run.Kind.SYNC, started_at=now, ended_at=now, ok=True, report={"calls": 3})
    albums, artists = _albums(songs)
    tracks = Track.objects.bulk_create([_track(number, albums) for number in range(songs)], batch_size=500)
    pairs = list(enumerate(tracks))
    Credit.objects.bulk_create(
        [Credit(track=track, artist=artists[number % len(artists)], position=0) for number, track in pairs], 500
    )
    Entry.objects.bulk_create(
        [Entry(collection=liked, track=track, position=number, digest=number) for number, track in pairs], 500
    )
    Event.objects.bulk_create([_event(number, track) for number, track in pairs if number % STATES < 10], 500)
    waiting = next(track for number, track in pairs if number % STATES == 7)
    Candidate.objects.create(
        track=waiting, source="youtube", source_id="a" * 11, url="", title=f"{waiting.title} (Live)", found_at=now,
        artists=["Somebody"], duration_ms=190_000, score=70, reasons=["live in the title"],
    )  # fmt: skip
    next_up = next(track for number, track in pairs if number % STATES == 10)
    AdoptionMatch.objects.create(track=next_up, file="שירים/one.mp3", size=1, why="The file is 12 s longer.")
    refresh_wanted_flags(Track.objects.all())


def _albums(songs: int) -> tuple[list[Album], list[Artist]]:
    several = range(max(1, songs // 10))
    albums = Album.objects.bulk_create(
        [
            Album(
                title=f"{NAMES[n % 5][1]} {n}", artist=f"{NAMES[n % 5][0]} {n}", key=f"album {n}", release_date="1980"
            )
            for n in several
        ],
        500,
    )
    artists = Artist.objects.bulk_create(
        [Artist(name=f"{NAMES[n % 5][0]} {n}", key=f"artist {n}") for n in several], 500
    )
    return albums, artists


def _track(number: int, albums: list[Album]) -> Track:
    artist, _, title = NAMES[number % 5]
    track = Track(
        title=f"{title} {number}", album=albums[number % len(albums)], track_number=number // len(albums) + 1,
        duration_ms=180_000, identity=identity_key(f"{title} {number}", [artist]), wanted=True,
        spotify_id=spotify_id(f"browser {number}"), retry_after=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip
    state = number % STATES
    if state < 7:
        track.status, track.size = Track.Status.DOWNLOADED, 3_000_000
        for name, value in Place.of(ROOT, f"{number // 500}/{number}.opus").columns().items():
            setattr(track, name, value)
    elif state in FAILURES:
        track.error_kind, track.last_error = FAILURES[state]
        track.attempts, track.retry_after = 2, timezone.now() + timedelta(hours=5)
        track.failed_at = timezone.now() - timedelta(minutes=number)
    return track


def _event(number: int, track: Track) -> Event:
    kind = Event.Kind.FINISH if track.status == Track.Status.DOWNLOADED else Event.Kind.FAIL
    at = timezone.now() - timedelta(minutes=number)
    return Event(track=track, kind=kind, at=at, reason=track.last_error, error_kind=track.error_kind)
