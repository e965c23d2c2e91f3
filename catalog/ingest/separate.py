"""Names that led to one track lead to two: their entries go with them, and files and decisions to the song they fit.

Told of by sources (`catalog.ingest.resolve`) or by a person (`separate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from catalog.ingest.songs import Song, copy_for, songs_of
from catalog.models import Alias, Collection, Credit, Entry, Event, Track
from catalog.music.identity import same_length
from catalog.tracks import transitions
from catalog.tracks.wanted import mark_wanted, set_wanted

# Sent in the transaction in which what belongs to rows goes to others: ``owners`` is {id of a row: id of its owner}, of
# all that was found and decided; ``files`` those of them whose file went along.
handed_over = Signal()

REREAD = -1  # a digest that no entry has: the next read of its collection resolves it anew


def move_names(moves: Iterable[tuple[Alias, int]], now: datetime) -> None:
    """Let these names, and the entries under them, lead to the tracks with these ids."""
    for name, new in moves:
        old = name.track_id
        Alias.objects.filter(pk=name.pk).update(track=new)
        Entry.objects.filter(track=old, alias=name.pk).update(track=new)
        # Which name an entry of an older release was read under is not known: its source says it once more.
        unnamed = Entry.objects.filter(track=old, alias=None)
        Collection.objects.filter(pk__in=unnamed.order_by().values("collection")).update(snapshot="")
        unnamed.update(digest=REREAD)
        name.track_id = new
        set_wanted({old, new})


def hand_over_files(lengths: Mapping[int, int], songs: Sequence[Song], now: datetime) -> None:
    """Let files and what was found for them go to the songs whose length they were fetched for.

    ``lengths`` are the rows' own before they were parted, in ms, by id; ``songs`` those of one title as they are now.
    """
    owners: dict[int, int] = {}
    for song in songs:
        length = lengths.get(song.row.pk)
        if length is not None and not (song.row.duration_ms and same_length(song.row.duration_ms, length)):
            owner = _owner(length, song, songs)
            if owner and owner.row.pk not in owners.values():
                owners[song.row.pk] = owner.row.pk
    if owners:
        files = dict(transitions.hand_over(owners, now, "its length is that of another song of this name"))
        handed_over.send(Track, owners=owners, files=files)


def _owner(length: int, song: Song, songs: Sequence[Song]) -> Song | None:
    """The other song of this length."""
    fitting = (each for each in songs if each is not song and each.names and each.row.duration_ms)
    return next((each for each in fitting if same_length(each.row.duration_ms, length)), None)


def separate(alias_id: int, now: datetime, by: str = "") -> Track | None:
    """A person says that this name is a song of its own. Its new row; None where it is alone on its track already."""
    with transaction.atomic():
        name = Alias.objects.select_related("track__album").select_for_update(of=("self",)).filter(pk=alias_id).first()
        if name is None:
            return None
        song = songs_of([name.track])[name.track_id]
        name = next(each for each in song.names if each.pk == alias_id)
        if len(song.names) < 2:
            return None
        if song.leads(name):
            return separate(next(each.pk for each in song.names if each.pk != alias_id), now, by)
        row = _own_row(song, name, now)
        Event.objects.record([song.row.pk, row.pk], Event.Kind.DECIDE, "these are two songs", now, by)
        return row


def _own_row(song: Song, name: Alias, now: datetime) -> Track:
    row = copy_for(song, name, now)
    row.save()
    credits = Credit.objects.filter(track=song.row).order_by("position")
    artists = list(credits.values_list("artist", "position"))
    Credit.objects.bulk_create([Credit(track=row, artist_id=pk, position=position) for pk, position in artists])
    song.names.remove(name)
    changes = song.restate()
    if changes:
        Track.objects.filter(pk=song.row.pk).update(**changes)
    Alias.objects.filter(pk=name.pk).update(apart=True)
    move_names([(name, row.pk)], now)
    mark_wanted([album for album in (row.album_id, song.row.album_id) if album], [pk for pk, _ in artists])
    return row
