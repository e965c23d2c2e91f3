"""What real programs show of our tags: field x container x program. `python -m tests.catalog.tags.program_table` prints
the rows of docs/tag_programs.md that the test compares."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from catalog.tags.audio_tags import TrackTags, write_tags
from tests.audio import make_audio, make_picture
from tests.catalog.tags.programs import PROGRAMS, Files

KINDS = (".mp3", ".m4a", ".opus", ".ogg", ".flac", ".wav")
TAGS = TrackTags(
    title="Déjà vu — 既視感", artists=("Alpha Band", "Beta, The Singer", "Gamma & Delta"),
    artist_text="Alpha Band, Beta, The Singer & Gamma & Delta", album="B’Day",
    album_artist="Alpha Band, Beta, The Singer", album_artists=("Alpha Band", "Beta, The Singer"),
    track_number=3, track_total=12, disc_number=1, disc_total=2, date="2006-09-01",
    isrc="USSM10603618", compilation=True, release_type=("album",), label="Parkwood", copyright="2006 Sony",
    explicit=True, spotify_id="4LRPiXqCikLlN15c3yImP7", track_key="1:a",
)  # fmt: skip
EXPECTED = {
    "title": TAGS.title, "artist": TAGS.artist_text, "artists": "|".join(TAGS.artists), "album": TAGS.album,
    "album artist": TAGS.album_artist, "album artists": "|".join(TAGS.album_artists), "track": "3", "tracks": "12",
    "disc": "1", "discs": "2", "date": TAGS.date, "release date": TAGS.date, "release type": "album",
    "ISRC": TAGS.isrc, "compilation": "1", "explicit": "1", "label": TAGS.label, "copyright": TAGS.copyright,
    "cover": "yes",
}  # fmt: skip


def tagged_files(folder: Path) -> Files:
    """One song in each container, by its ending."""
    files, cover = {}, make_picture(folder / "cover.jpg")
    for kind in KINDS:
        files[kind] = make_audio(folder / f"song{kind}", 1)
        write_tags(files[kind], TAGS, cover)
    return files


def rows_of(name: str, files: Files) -> list[str]:
    """The lines of one program: a field each, in each container "ok", "other", "–" (does not show it) or "·" (does not
    read such files). A field that the program does not have has no line."""
    shown = PROGRAMS[name].read(files)
    lines = []
    for field, expected in EXPECTED.items():
        if not any(field in fields for fields in shown.values()):
            continue
        words = []
        for kind in KINDS:
            text = shown[kind].get(field) if kind in shown else None
            absent = "–" if kind in shown else "·"
            words.append("ok" if text == expected else absent if text in (None, "", "None") else "other")
        lines.append(f"| {name} | {field} | {' | '.join(words)} |")
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = tagged_files(Path(folder))
        for name, program in PROGRAMS.items():
            if program.is_here():
                print("\n".join(rows_of(name, files)))
            else:
                print(f"{name} is not installed ({program.needs}): its rows stay as they are.", file=sys.stderr)


if __name__ == "__main__":
    main()
