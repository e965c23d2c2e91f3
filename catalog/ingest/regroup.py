"""Give names without an id or ISRC to the songs of their title that they fit best.

What a list without ids says ("Intro", 100 s) is settled only by what else is in the catalog: whenever something new is
learnt of the songs of one title, these names are placed anew, those that say most first. The result depends on what is
known, not on the order in which it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.ingest.songs import Song
from catalog.models import Alias
from catalog.music.same_recording import Description, Relation, fit

MAX_COMPARISONS = 250_000  # of one title, about a second; what lies beyond stays as it is

NewSong = Callable[[Song, Alias], Song]


def regroup(songs: Sequence[Song], new_song: NewSong) -> list[tuple[Alias, Song, Song]]:
    """Place the names without an id of these songs (of one title) where they fit best.

    Answers (name, song before, song now) of those that moved; ``names`` of the songs are brought in line.
    ``new_song`` makes one, without names, for a name that fits none.
    """
    weak = [(song.describe(name), name, song) for song in songs for name in song.names if not name.description.is_firm]
    if len(weak) * len(songs) > MAX_COMPARISONS:
        return []
    weak.sort(key=lambda each: (-each[0].specificity, each[1].key))
    moving = {id(name) for _, name, _ in weak}
    members = {id(song): [song.describe(name) for name in song.names if id(name) not in moving] for song in songs}
    homes = list(songs)
    moves = []
    for description, name, old in weak:
        home = _best_home(description, old, homes, members)
        if home is None:
            home = new_song(old, name)
            homes.append(home)
            members[id(home)] = []
        members[id(home)].append(description)
        if home is not old:
            old.names.remove(name)
            home.names.append(name)
            moves.append((name, old, home))
    return moves


def _best_home(
    description: Description, old: Song, homes: Sequence[Song], members: dict[int, list[Description]]
) -> Song | None:
    """The song that a description fits best, where it is already if that is as good; an empty one if it fits none."""
    fitting = [
        (fit(description, members[id(song)]), song is old, -place, song)
        for place, song in enumerate(homes)
        if members[id(song)]
    ]
    best = max(fitting, key=lambda each: each[:3], default=None)
    if best and best[0] >= Relation.POSSIBLE:
        return best[3]
    empty = [song for song in homes if not members[id(song)]]
    return old if old in empty else next(iter(empty), None)
