"""The tracks of a file that was read, where a test knows that there are some."""

from catalog.records import EntryRecord, TrackRecord
from catalog.sources.reading import ReadFile


def track_of(entry: EntryRecord) -> TrackRecord:
    """The entry's track; an entry with a reason fails the test."""
    assert entry.track is not None, entry
    return entry.track


def tracks_of(file: ReadFile) -> list[TrackRecord]:
    """The tracks of all entries that have one, in order."""
    return [entry.track for collection in file.collections for entry in collection.entries if entry.track]
