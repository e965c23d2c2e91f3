"""Reading one file, and the tracks of it where a test knows that there are some."""

import io

from catalog.importers.parsed_file import ReadFile
from catalog.importers.reader import read_library_stream
from catalog.music.records import EntryRecord, TrackRecord


def read_one(data: str | bytes, name: str) -> ReadFile:
    """The one file in these bytes."""
    (file,) = read_library_stream(io.BytesIO(data.encode() if isinstance(data, str) else data), name)
    return file


def track_of(entry: EntryRecord) -> TrackRecord:
    """The entry's track; an entry with a reason fails the test."""
    assert entry.track is not None, entry
    return entry.track


def tracks_of(file: ReadFile) -> list[TrackRecord]:
    """The tracks of all entries that have one, in order."""
    return [entry.track for collection in file.collections for entry in collection.entries if entry.track]
