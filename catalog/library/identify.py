"""Which missing track an audio file of the music folder belongs to, by what its tags say. Changes nothing.

In this order: a Spotify id, our own id beside the same spelling or ISRC, the ISRC, title and artists. The last two
count only with a length within three seconds; where the length differs a person has to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catalog.models import Alias, Track, TrackQuerySet
from catalog.music.identity import identity_key, same_length
from catalog.tags.audio_tags import FileTags
from catalog.tags.tag_cache import TaggedFile
from catalog.text.row_ids import id_from


class Match(NamedTuple):
    """``track`` is the file's, for ``reason``. ``certain`` False: only a person can say."""

    track: Track
    reason: str
    certain: bool


class MatchIndex:
    """The tracks of ``among`` that a batch of files may belong to. Each query is for the whole batch."""

    def __init__(self, files: Sequence[TaggedFile], among: TrackQuerySet) -> None:
        tags = [file.tags for file in files if file.tags]
        self.identities = {id(tag): identity_key(tag.title, tag.artists) for tag in tags if tag.title and tag.artists}
        keys = {f"spotify:{spotify_id}" for tag in tags for spotify_id in tag.spotify_ids}
        among = among.select_related("album")
        rows = {row.pk: row for row in among.with_isrc(tag.isrc for tag in tags)}
        for found in (
            among.filter(identity__in=set(self.identities.values())),
            among.filter(pk__in={pk for tag in tags if (pk := _row_id(tag))}),
        ):
            rows |= {row.pk: rows.get(row.pk, row) for row in found}
        aliases = Alias.objects.filter(key__in=keys, track__in=among.values("pk")).select_related("track")
        self.by_spotify_id = {
            alias.key.partition(":")[2]: rows.setdefault(alias.track_id, alias.track) for alias in aliases
        }
        self.by_row = rows
        self.by_isrc: dict[str, list[Track]] = defaultdict(list)
        self.by_identity: dict[str, list[Track]] = defaultdict(list)
        for row in rows.values():
            self.by_isrc[row.isrc].append(row)
            self.by_identity[row.identity].append(row)
        self.taken: set[int] = set()  # tracks that have found their file: a second one is nobody's

    def find(self, file: TaggedFile) -> Match | None:
        """The track that a file belongs to; None where it is none of them."""
        tags = file.tags
        if tags is None:
            return None
        row = next((row for key in tags.spotify_ids if self._is_free(row := self.by_spotify_id.get(key))), None)
        if row:
            return Match(row, "the Spotify id in its tags", True)
        row = self.by_row.get(_row_id(tags))
        # The row's number alone proves nothing: in another database it was another track's.
        if row and self._is_free(row) and self._is_alike(row, tags):
            return Match(row, "our id in its tags", True)
        alike = [(row, reason) for row, reason in self._alike(tags) if self._is_free(row)]
        alike.sort(key=lambda pair: _distance(pair[0], tags))  # of songs of one name, its album's first
        for row, reason in alike:
            if same_length(row.duration_ms, tags.duration_ms):
                return Match(row, reason, True)
        for row, reason in alike:
            lengths = f"{(tags.duration_ms or 0) // 1000} s, not {(row.duration_ms or 0) // 1000} s"
            return Match(row, f"{reason}, but its length is {lengths}", False)
        return None

    def _is_free(self, row: Track | None) -> bool:
        return row is not None and row.pk not in self.taken

    def _is_alike(self, row: Track, tags: FileTags) -> bool:
        return row.identity == self.identities.get(id(tags), "") or bool(row.isrc and row.isrc == tags.isrc)

    def _alike(self, tags: FileTags) -> Iterator[tuple[Track, str]]:
        if tags.isrc:
            yield from ((row, "its ISRC") for row in self.by_isrc.get(tags.isrc, []))
        identity = self.identities.get(id(tags), "")
        yield from ((row, "title and artist") for row in self.by_identity.get(identity, []))


def _distance(row: Track, tags: FileTags) -> tuple[bool, int]:
    """How far a track is from a file of its name: another album, then the difference of the lengths in ms."""
    album = row.album.title if row.album else ""
    off = abs(row.duration_ms - tags.duration_ms) if row.duration_ms and tags.duration_ms else 0
    return not (album and identity_key(album, ()) == identity_key(tags.album, ())), off


def _row_id(tags: FileTags) -> int:
    """The row that our own id in a file's tags names ("12:token"); 0 for none."""
    return id_from(tags.track_key.partition(":")[0])


def names_a_track(file: TaggedFile) -> bool:
    """Whether a Spotify id in the file is one that the catalog knows: then it is that track's or nobody's."""
    keys = [f"spotify:{spotify_id}" for spotify_id in file.tags.spotify_ids] if file.tags else []
    return bool(keys) and Alias.objects.filter(key__in=keys).exists()
