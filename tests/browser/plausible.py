"""A library as somebody has it after a year: for pictures in the documentation, and to look at pages with.

Composers and folk songs are in the public domain, in scripts that any machine has letters of; albums, times and
failures are made up, covers are drawn. The same dice each time: a picture changes where its page has changed.
"""

from __future__ import annotations

import colorsys
import io
import math
import random
from datetime import datetime, timedelta

from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image, ImageDraw

from catalog.models import (
    Account,
    AdoptionMatch,
    Album,
    Artist,
    BinnedFile,
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
from downloads.models import AlbumCover, AudioFile, Candidate
from downloads.publishing.album_covers import kept_at
from downloads.publishing.cover_thumbnail import write_small
from tests.world import ROOT_UUID, spotify_id

ROOT = "/music"
ALBUMS = [
    ("Erik Satie", "Piano Works", ["Gymnopédie No. {n}", "Gnossienne No. {n}"]),
    ("Johann Sebastian Bach", "Cello Suites", ["Suite No. {n}: Prélude", "Suite No. {n}: Gigue"]),
    ("Johann Sebastian Bach", "Orgelwerke", ["Toccata und Fuge", "Passacaglia", "Fantasia No. {n}"]),
    ("Claude Debussy", "Orchestral Works", ["Prélude à l'après-midi d'un faune", "Nocturne No. {n}", "La mer {n}"]),
    ("Claude Debussy", "Suite bergamasque", ["Clair de lune", "Passepied", "Menuet", "Prélude"]),
    ("Scott Joplin", "Piano Rolls", ["Maple Leaf Rag", "Pine Apple Rag", "The Entertainer", "Solace"]),
    ("Scott Joplin", "Rags & Waltzes", ["Elite Syncopations", "Bethena", "Magnetic Rag", "Euphonic Sounds"]),
    ("Frédéric Chopin", "Nocturnes", ["Nocturne No. {n}"]),
    ("Frédéric Chopin", "Preludes", ["Prelude No. {n}"]),
    ("Franz Schubert", "Lieder", ["Erlkönig", "Die Forelle", "Gretchen am Spinnrade", "Lied No. {n}"]),
    ("Francisco Tárrega", "Guitarra", ["Recuerdos de la Alhambra", "Lágrima", "Capricho árabe", "Estudio {n}"]),
    ("Enrique Granados", "Danzas", ["Danza No. {n}"]),
    ("Íslenskt þjóðlag", "Songs of the North", ["Ólafur Liljurós", "Krummavísur", "Vísur {n}"]),
    ("Народные песни", "Калинка", ["Калинка", "Катюша", "Песня {n}"]),
    ("Δημοτικά τραγούδια", "Τραγούδια", ["Γιαλό γιαλό", "Μήλο μου κόκκινο", "Τραγούδι {n}"]),
    ("שיר עם", "שירי עם", ["הבה נגילה", "ירושלים", "שיר {n}"]),
    ("Edvard Grieg", "Lyric Pieces", ["Arietta", "Wedding Day at Troldhaugen", "Lyric Piece No. {n}"]),
    ("Clara Schumann", "Soirées musicales", ["Toccatina", "Notturno", "Mazurka {n}"]),
    ("Fanny Hensel", "Das Jahr", ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August"]),
    ("Antonio Vivaldi", "Le quattro stagioni", ["La primavera {n}", "L'estate {n}", "L'autunno {n}", "L'inverno {n}"]),
]
VOLUMES = 3  # of each album
SONGS = 10  # on each
REASONS = {
    "needs_decision": "The nearest was recorded at a concert.",
    "no_match": "No recording was found that fits this track.",
    "network": "The connection failed.",
    "geo": "The recording is not offered in this country.",
}


def make_plausible_library() -> User:
    """Rows, covers, a year of history; the person who may see everything."""
    dice, now = random.Random(16), timezone.now()
    _surroundings(now)
    person = User.objects.create_superuser("anna", "", "secret")
    tracks = _songs(dice, now)
    _collections(tracks, now)
    _history(tracks, dice, now)
    _questions(tracks, now)
    refresh_wanted_flags(Track.objects.all())
    return person


def _surroundings(now: datetime) -> None:
    Library.objects.update_or_create(
        pk=1,
        defaults={
            "root_uuid": ROOT_UUID, "root_path": ROOT, "free_bytes": 1_400 * 10**9, "last_pass": now,
            "last_full_pass": now, "accepted_up_to": 1_000_000,
        },
    )  # fmt: skip
    for name, state in (("storage", "online"), ("spotify", "ok"), ("audio", "ok")):
        Service.objects.update_or_create(name=name, defaults={"state": state, "checked_at": now})
    apps.get_model("django_q", "Schedule").objects.create(func="downloads.jobs.tick", next_run=now)
    for queue in ("tonekeep", "downloads"):
        Cluster.objects.create(host="nas", queue=queue, started_at=now - timedelta(days=9), beat_at=now, workers=2)
    Account.objects.create(user_id="anna", name="Anna", product="premium", state="connected", consent_at=now)
    for hours in range(4):
        at = now - timedelta(hours=hours, minutes=4)
        Run.objects.create(kind="sync", started_at=at, ended_at=at, ok=True, report={"calls": 3})
        Run.objects.create(kind="reconcile", started_at=at, ended_at=at, ok=True)


def _songs(dice: random.Random, now: datetime) -> list[Track]:
    made: list[Track] = []
    for number in range(len(ALBUMS) * VOLUMES):
        artist, name, titles = ALBUMS[number % len(ALBUMS)]
        volume = number // len(ALBUMS)
        title = f"{name}, Vol. {volume + 1}" if volume else name
        album = Album.objects.create(
            title=title, artist=artist, key=f"plausible {number}", release_date=str(dice.randint(1958, 2025))
        )
        _draw_cover(album, dice)
        performer, _ = Artist.objects.get_or_create(key=artist.casefold(), defaults={"name": artist})
        songs = [titles[at % len(titles)].format(n=at + 1 + volume * SONGS) for at in range(SONGS)]
        rows = [_song(title, artist, album, at, dice, now) for at, title in enumerate(songs)]
        tracks = Track.objects.bulk_create(rows)
        Credit.objects.bulk_create([Credit(track=track, artist=performer, position=0) for track in tracks])
        made += tracks
    return made


def _song(title: str, artist: str, album: Album, at: int, dice: random.Random, now: datetime) -> Track:
    known = now - timedelta(days=dice.triangular(1, 420, 20))
    track = Track(
        title=title, album=album, track_number=at + 1, duration_ms=dice.randint(95, 420) * 1000, added_at=known,
        identity=identity_key(f"{title} {album.title}", [artist]), spotify_id=spotify_id(f"{album.key} {at}"),
        retry_after=now - timedelta(minutes=dice.randint(1, 90)), wanted=True,
    )  # fmt: skip
    luck = dice.random()
    if luck < 0.93:
        track.status, track.size, track.last_seen = Track.Status.DOWNLOADED, dice.randint(3, 9) * 10**6, now
        for name, value in Place.of(ROOT, f"{artist}/{album.title}/{at + 1:02} {title}.mp3").columns().items():
            setattr(track, name, value)
    elif luck < 0.98:
        kind = dice.choices(list(REASONS), weights=(3, 4, 2, 1))[0]
        track.error_kind, track.last_error, track.attempts = kind, REASONS[kind], dice.randint(1, 6)
        track.failed_at = now - timedelta(hours=dice.randint(1, 90))
        track.retry_after = now + timedelta(hours=dice.randint(2, 150))
    return track


def _collections(tracks: list[Track], now: datetime) -> None:
    lists = [
        ("liked", "liked", "Liked songs", tracks[::2]),
        ("playlist", "p1", "Sunday morning", tracks[1::6]),
        ("playlist", "p2", "Piano, mostly", tracks[3::5]),
        ("playlist", "p3", "Songs of the world", tracks[120:170]),
        ("album", "a1", "Le quattro stagioni", tracks[190:200]),
        ("file", "old.csv", "Old shelf", tracks),
    ]
    for kind, key, name, songs in lists:
        row = Collection.objects.create(
            kind=kind, key=key, name=name, account="" if kind == "file" else "anna", owner="Anna", total=len(songs),
            synced_at=now,
        )  # fmt: skip
        entries = [
            Entry(collection=row, track=track, position=at * 1000, digest=at, added_at=track.added_at)
            for at, track in enumerate(songs)
        ]
        if key == "p1":
            entries.append(Entry(collection=row, reason="episode", label="A podcast", position=10**6, digest=1))
        Entry.objects.bulk_create(entries)


def _history(tracks: list[Track], dice: random.Random, now: datetime) -> None:
    events: list[Event] = []
    for track in tracks:
        at = track.added_at + timedelta(hours=dice.randint(1, 60))
        for _ in range(dice.choice((0, 0, 0, 0, 1, 2)) + track.attempts):
            kind = track.error_kind or dice.choice(list(REASONS))
            events.append(Event(track=track, kind="fail", at=min(at, now), reason=REASONS[kind], error_kind=kind))
            at += timedelta(hours=dice.randint(2, 90))
        if track.status == Track.Status.DOWNLOADED:
            events.append(Event(track=track, kind="finish", at=min(at, now - timedelta(minutes=dice.randint(1, 900)))))
    latest = dice.sample([track for track in tracks if track.status == Track.Status.DOWNLOADED], 9)
    events += [Event(track=track, kind="finish", at=now - timedelta(minutes=n + 2)) for n, track in enumerate(latest)]
    events += [
        Event(track=track, kind="adopt", at=now - timedelta(days=2, seconds=n), reason="title and artist")
        for n, track in enumerate(tracks[:15])
    ]
    events.append(Event(track=tracks[7], kind="decide", at=now - timedelta(hours=3), by="anna"))
    Event.objects.bulk_create(events)
    due = Track.objects.missing().filter(last_error="").order_by("pk")
    for n, track in enumerate(due[:2]):
        Track.objects.filter(pk=track.pk).update(
            status="downloading", claim=f"nas-{n:010x}", claim_until=now + timedelta(minutes=2), progress=38 + 41 * n
        )


def _questions(tracks: list[Track], now: datetime) -> None:
    for track in Track.objects.filter(error_kind="needs_decision"):
        for at, (suffix, score, why) in enumerate(
            (
                (" (Live in Oslo)", 71, "live in this title, not in the song’s"),
                (" - Remastered", 66, "4 s longer"),
                ("", 41, "8 s longer"),
            )
        ):
            length = (track.duration_ms or 0) + 4000 * at
            Candidate.objects.create(
                track=track, source="youtube", source_id=f"{track.pk:06}{at:05}", kind="video" if at else "song",
                title=f"{track.title}{suffix}", artists=track.artist_names, duration_ms=length, score=score,
                reasons=[why], found_at=now, url="",
            )  # fmt: skip
    missing = list(Track.objects.missing().filter(error_kind="no_match")[:3])
    for track in missing:
        AdoptionMatch.objects.create(
            track=track, file=f"old shelf/{track.title}.mp3", size=4_000_000, why="The file is 9 s longer."
        )
    here = list(Track.objects.filter(status="downloaded").order_by("pk"))
    for track in here[:40]:
        AudioFile.objects.create(
            track=track, duration_ms=track.duration_ms or 0, codec="mp3", bit_rate=256_000, loudness=-14.2,
            heard_at=now, proved_at=now,
        )  # fmt: skip
    BinnedFile.objects.create(
        track=here[50], state="binned", origin=here[50].local_path[7:], target=".bin/2026-11-20/one.mp3", moved_at=now
    )


# --- Covers -----------------------------------------------------------------------------------------------


def _draw_cover(album: Album, dice: random.Random) -> None:
    hue = dice.random()
    ground, ink, third = (_colour(hue + shift, light) for shift, light in ((0, 0.42), (0.12, 0.66), (0.55, 0.3)))
    picture = Image.new("RGB", (300, 300), ground)
    draw = ImageDraw.Draw(picture)
    shape = dice.randrange(4)
    if shape == 0:
        for ring in range(140, 10, -24):
            draw.ellipse((150 - ring, 150 - ring, 150 + ring, 150 + ring), outline=ink, width=9)
    elif shape == 1:
        for bar in range(8):
            draw.rectangle((bar * 38 + 6, dice.randint(20, 220), bar * 38 + 30, 300), fill=ink)
    elif shape == 2:
        x, y = dice.randint(90, 210), dice.randint(60, 140)
        draw.ellipse((x - 90, y - 60, x + 90, y + 120), fill=ink)
        draw.ellipse((x - 20, y + 60, x + 170, y + 250), fill=third)
    else:
        hills = [(x, 190 - 60 * math.sin(x / 60 + hue * 6)) for x in range(0, 301, 5)]
        draw.polygon([(0, 300), *hills, (300, 300)], fill=third)
        draw.ellipse((200, 40, 250, 90), fill=ink)
    written = io.BytesIO()
    picture.save(written, "PNG")
    size = write_small(written.getvalue(), kept_at(album.pk))
    AlbumCover.objects.create(album=album, kept=True, size=size)


def _colour(hue: float, light: float) -> tuple[int, int, int]:
    """A quiet colour: HLS with half the saturation."""
    red, green, blue = colorsys.hls_to_rgb(hue % 1, light, 0.42)
    return round(red * 255), round(green * 255), round(blue * 255)
