"""Which missing track an audio file belongs to, by its names: in its tags as far as they are filled, else in its path.

For files whose tags alone do not say it (`catalog.library.identify`): untagged "Artist - Title", "07 Title" in folders
of artist and album, a title without an artist, "… - Remastered 2011", "(feat. …)". Whether two names are one song,
``compare_names`` says (`catalog.library.audio_tools`). Changes nothing.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from catalog.db.batches import batched
from catalog.ingest.reference_rows import comparison_key
from catalog.library.audio_tools import AudioTools, Names
from catalog.library.identify import Match
from catalog.models import Credit, Track, TrackQuerySet
from catalog.music.file_names import DASH, names_of_path
from catalog.music.identity import identity_key, same_length
from catalog.music.same_recording import Description, Relation, relation
from catalog.tags.audio_tags import FileTags
from catalog.tags.tag_cache import TaggedFile

TAKEN = 1.0  # likeness from which a file may be taken unasked
ASKED = 0.75  # … from which a person is asked
ALIKE = 0.01  # two songs nearer to each other than this are told apart by their albums and lengths
QUERY = 500  # names in one query

# What rippers write where they know nothing.
_PLACEHOLDER = re.compile(
    r"[\[(]?(?:(?:audio ?)?(?:track|titel|piste|pista|traccia|spur)[\s_-]*[0-9]+"
    r"|(?:no|unknown|unbekannter?|inconnu|desconocid.)(?: (?:artist|title|titel|künstler|interpret|album))?)[\])]?\Z",
    re.IGNORECASE,
)
# What yt-dlp writes behind a title: "[dQw4w9WgXcQ]". A word in brackets has no digit, nor a capital inside.
_VIDEO_ID = re.compile(r"\[(?=[\w-]{0,10}(?:[0-9]|[a-z][A-Z]))[\w-]{11}\]\Z", re.ASCII)
# Around a name: what copies, downloaders and rippers add.
_ADDED_BEFORE = re.compile(
    r"(?:copy of |[A-H][1-9][0-9]?[.)\s-]\s?|[1-9]\.[0-9]{2}[.\s-]\s?|\([0-9]{1,3}\)\s?)(?=\S)", re.IGNORECASE
)
_ADDED_BEHIND = re.compile(
    r"(?:\s?[(\[](?:[0-9]{1,2}|[12369][0-9][0268](?: ?k(?:bps|bit/s)?)?|[\w-]{2,40}\.(?:com|net|org|cc|io|to))[)\]]"
    r"|(?: -)? copy(?: [0-9]{1,2})?|-(?=[\w-]{0,10}(?:[0-9]|[a-z][A-Z]))[\w-]{11})\Z",
    re.IGNORECASE | re.ASCII,
)
_OTHER_DASHES = re.compile(r"\s(?:--|~|\||:)\s|\s?[：｜]\s?")
_ARTIST_FIRST = re.compile(r"\[([^\[\]]{1,100})\]\s?(?=\S)")
MOST_WORDS = 4  # of an artist's name that nothing parts from the title
_BETWEEN_ARTISTS = re.compile(r"[,;/&+]|\b(?:feat|ft|featuring|and|und|et|y|x|vs)\b\.?", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")


@dataclass(slots=True)
class _FileNames:
    """What one file says: readings of its names, and every text in it that may be an artist."""

    file: TaggedFile
    readings: list[Names] = field(default_factory=list)
    artists: set[str] = field(default_factory=set)
    source: str = "title and artist"

    @property
    def length(self) -> int | None:
        return self.file.tags.duration_ms if self.file.tags else None


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: Track
    likeness: float
    same_album: bool
    off: int  # ms between the lengths; where one is unknown, more than any

    @property
    def order(self) -> tuple[float, bool, int]:
        return (round(self.likeness / ALIKE), self.same_album, -self.off)


class NameIndex:
    """The tracks of ``among`` that a batch of files may belong to by their names. Each query is for the whole batch."""

    def __init__(self, files: Iterable[TaggedFile], among: TrackQuerySet, tools: AudioTools, taken: set[int]) -> None:
        self.compare = tools.compare_names
        self.taken = taken
        self.asked: set[int] = set()  # tracks about which a person is asked: one question is enough
        self.file_names = {file.relative: _read_names(file, file.tags) for file in files if file.tags}
        self.by_artist: dict[str, list[tuple[int, str, int | None]]] = defaultdict(list)
        self.by_title: dict[str, list[tuple[int, str, int | None]]] = defaultdict(list)
        keys = {key for file_names in self.file_names.values() for key in file_names.artists}
        for batch in batched(sorted(keys), QUERY):
            credited = Credit.objects.filter(artist__key__in=batch, track__in=among.order_by().values("pk"))
            rows = credited.values_list("artist__key", "track_id", "track__title", "track__duration_ms")
            for key, pk, title, length in rows:
                self.by_artist[key].append((pk, title, length))
        titles = {names.title for file_names in self.file_names.values() for names in file_names.readings}
        for batch in batched(sorted(titles), QUERY):
            for pk, title, length in among.filter(title__in=batch).values_list("pk", "title", "duration_ms"):
                self.by_title[title].append((pk, title, length))
        near = {
            pk
            for file_names in self.file_names.values()
            for pk in (*self._near(file_names), *self._of_this_title(file_names))
        }
        full = Track.objects.select_related("album").prefetch_related("credits__artist")
        self.rows = {row.pk: row for part in batched(sorted(near), QUERY) for row in full.filter(pk__in=part)}

    def find(self, file: TaggedFile) -> Match | None:
        """The track that a file belongs to; None where it is none of them."""
        file_names = self.file_names.get(file.relative)
        if file_names is None:
            return None
        fitting = self._compared(file_names, self._near(file_names))
        others = () if fitting else self._compared(file_names, self._of_this_title(file_names))
        best = max(fitting or others, key=lambda each: each.order, default=None)
        if best is None:
            return None
        rivals = [
            each for each in fitting if each.row is not best.row and each.likeness >= TAKEN and _equal(each, best)
        ]
        doubt = _doubt(file_names, best, is_artist_known=bool(fitting), rivals=len(rivals))
        if not doubt:
            return Match(best.row, file_names.source, True)
        if best.row.pk in self.asked:
            return None
        self.asked.add(best.row.pk)
        return Match(best.row, f"{file_names.source}, {doubt}", False)

    def _near(self, file_names: _FileNames) -> Iterator[int]:
        """Tracks of an artist that the file names, of its length or of a title that begins as its own."""
        heads = {_head(names.title) for names in file_names.readings}
        for key in file_names.artists:
            for pk, title, length in self.by_artist.get(key, ()):
                known = None not in (length, file_names.length)
                if (known and same_length(length, file_names.length)) or _head(title) in heads:
                    yield pk

    def _of_this_title(self, file_names: _FileNames) -> Iterator[int]:
        """Tracks of just this title and length, by whomever."""
        for names in file_names.readings:
            for pk, _, length in self.by_title.get(names.title, ()):
                if None not in (length, file_names.length) and same_length(length, file_names.length):
                    yield pk

    def _compared(self, file_names: _FileNames, ids: Iterable[int]) -> list[_Candidate]:
        """The candidates that are worth a question at least."""
        found = []
        for pk in dict.fromkeys(ids):
            row = self.rows.get(pk)
            if row is None or pk in self.taken:
                continue
            likeness = max(self.compare(row, names) for names in file_names.readings)
            if likeness >= ASKED:
                off = abs(row.duration_ms - file_names.length) if row.duration_ms and file_names.length else 1 << 31
                found.append(_Candidate(row, likeness, _same_album(row, file_names), off))
        return found


def _equal(one: _Candidate, other: _Candidate) -> bool:
    """Whether nothing but a few seconds tells two songs apart."""
    return one.same_album == other.same_album and abs(one.likeness - other.likeness) < ALIKE


def _doubt(file_names: _FileNames, best: _Candidate, is_artist_known: bool, rivals: int) -> str:
    """Why only a person can say; "" where the names are enough."""
    row, length = best.row, file_names.length
    if row.duration_ms is None or length is None:
        return "but a length is unknown"
    if not same_length(row.duration_ms, length):
        return f"but its length is {length // 1000} s, not {row.duration_ms // 1000} s"
    if not is_artist_known:
        return "but it does not name the artist so"
    if rivals:
        return "which fit several songs"
    if best.likeness < TAKEN:
        return "which are written otherwise"
    tags = file_names.file.tags
    if tags and relation(_described(row), _described_by(tags)) == Relation.CONFLICT:
        return "but its tags are of another recording"
    return ""


def _described(row: Track) -> Description:
    return Description(row.spotify_id or "", row.isrc, row.duration_ms, row.album.title if row.album else "")


def _described_by(tags: FileTags) -> Description:
    return Description(next(iter(tags.spotify_ids), ""), tags.isrc, tags.duration_ms, tags.album)


def _same_album(row: Track, file_names: _FileNames) -> bool:
    albums = {names.album for names in file_names.readings} - {""}
    return bool(row.album and _head(row.album.title) in map(_head, albums))


def _read_names(file: TaggedFile, tags: FileTags | None) -> _FileNames:
    """The ways to read a file's names, the likelier first. What a ripper writes for "unknown" says nothing."""
    stem, extension = os.path.splitext(file.relative)
    stem = _VIDEO_ID.sub("", stem).replace("_", " ")
    path, base = names_of_path(stem + extension), stem.rpartition("/")[2].strip()
    title = tags.title if tags and not _PLACEHOLDER.match(tags.title) else ""
    artists = tuple(name for name in tags.artists if not _PLACEHOLDER.match(name)) if tags else ()
    album = (tags.album if tags else "") or path.album
    file_names = _FileNames(file, source="title and artist" if title and artists else "its file name")
    folders = [name for folder in path.folders[:2] for name in (folder, *_sides(folder)[:1])]
    names = [title] if title else [name for text in (path.title, base) if text for name in (text, _plain(text))]
    texts = list(dict.fromkeys(names))
    pairs: list[tuple[str, tuple[str, ...]]] = []
    unparted = [] if title or artists else _unparted(texts)
    for text in texts:
        sides = () if artists else _sides(text)
        pairs += [(text, artists)] if artists else [(text, (name,)) for name in (path.artist, *folders) if name]
        pairs += [(sides[-1], sides[:1]), (sides[0], sides[-1:])] if sides else []
        if not (artists or sides or path.artist):
            pairs.append((text, ()))
    pairs += unparted
    file_names.readings = [Names(text, billing, album, file_names.length) for text, billing in dict.fromkeys(pairs)]
    people = [*artists, path.artist, *folders, *(side for text in {base, title, *texts} for side in _sides(text))]
    people += [name for _, billing in unparted for name in billing]
    found = (name.strip() for text in people for name in (text, *_BETWEEN_ARTISTS.split(text)))
    file_names.artists = {comparison_key(name) for name in found if name}
    return file_names


def _plain(name: str) -> str:
    """A file's name without what was added to it, with a dash for other marks between artist and title."""
    if " " not in name:
        name = name.replace(".", " ") if "." in name else name.replace("-", " ")
    while found := _ADDED_BEHIND.search(name):
        name = name[: found.start()]
    name = _ARTIST_FIRST.sub(r"\1 - ", _ADDED_BEFORE.sub("", name, count=1), count=1)
    return _OTHER_DASHES.sub(" - ", name).strip()


def _unparted(texts: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Title and artist of "Title (Artist)", "Title by Artist", and "Artist Title" where no dash parts them."""
    pairs: list[tuple[str, tuple[str, ...]]] = []
    for text in texts:
        if not _sides(text):
            words = text.split()
            said = (
                text.rpartition(" by "),
                text.removesuffix(")").rpartition("(") if text.endswith(")") else ("", "", ""),
            )
            pairs += [(title.strip(), (artist,)) for title, _, artist in said if title.strip() and artist]
            pairs += [
                (" ".join(words[n:]), (" ".join(words[:n]),)) for n in range(1, min(MOST_WORDS, len(words) - 1) + 1)
            ]
    return pairs


def _sides(text: str) -> tuple[str, ...]:
    """What stands before and behind each dash; nothing where there is none."""
    pieces = tuple(filter(None, (piece.strip() for piece in DASH.split(text))))
    return pieces if len(pieces) > 1 else ()


@lru_cache(maxsize=16384)
def _head(title: str) -> str:
    """A title without brackets and what follows a dash, as a key."""
    return identity_key(DASH.split(_BRACKETS.sub(" ", title))[0].strip() or title, ())
