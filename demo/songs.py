"""The demo's audio server has its own shelf: a recording of each track in `library.csv`, played by ffmpeg.

The music is in the public domain; the recordings are plain synthesised tunes, made on this machine.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).with_name("library.csv")

# Title in the library -> what the shelf has instead of it, and why.
OTHERWISE = {
    "Recuerdos de la Alhambra": "Recuerdos de la Alhambra (Live)",  # no candidate fits: not the recording asked for
}
# On the shelf beside the right one: what a careless program would take.
DISTRACTORS = {
    "Für Elise": "Für Elise (Karaoke Version)",
    "Clair de lune": "Clair de lune (Slowed + Reverb)",
    "Greensleeves": "Greensleeves - Live",
}
STUMBLES = "Maple Leaf Rag"  # the first try fails with "503 Service Unavailable", the second one succeeds
FORMATS = ("flac", "ogg", "m4a", "wav", "opus", "mp3")  # as an old archive has them; the demo wants mp3
SCALE = (0, 2, 4, 7, 9, 12, 14, 16)  # semitones of two pentatonic octaves


def make_shelf(folder: Path) -> list[str]:
    """Record what is not on the shelf yet and write its index; the ids of the songs that stumble."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, row in enumerate(_shelf()):
        name = f"{number:02}.{FORMATS[number % len(FORMATS)]}"
        if not (folder / name).exists():
            record(folder / name, str(row["title"]), int(str(row["duration_ms"])) / 1000)
        index.append({**row, "id": f"song-{number}", "file": name})
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8")
    return [str(song["id"]) for song in index if song["title"] == STUMBLES]


def _shelf() -> Iterator[dict[str, object]]:
    with LIBRARY.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            title = row["Track Name"]
            song = {
                "artists": [row["Artist Name(s)"].split(", ")[0]],
                "album": row["Album Name"],
                "duration_ms": int(row["Track Duration (ms)"]),
            }
            yield {**song, "title": OTHERWISE.get(title, title)}
            if title in DISTRACTORS:
                yield {**song, "title": DISTRACTORS[title]}


def record(path: Path, title: str, seconds: float) -> None:
    """A little tune that is the title's own: eight plucked notes, round and round."""
    digest = hashlib.sha256(title.encode()).digest()
    notes = [220 * 2 ** (SCALE[byte % len(SCALE)] / 12) for byte in digest[:8]]
    pitch = "+".join(f"{note:.2f}*eq(mod(floor(t*4),8),{place})" for place, note in enumerate(notes))
    tune = f"aevalsrc='0.4*sin(2*PI*t*({pitch}))*exp(-3*mod(t,0.25))':d={seconds}:s=44100"
    command = [ffmpeg(), "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", tune, str(path)]
    subprocess.run(command, check=True, timeout=120)


def ffmpeg() -> str:
    """The system's ffmpeg, or the one that came with the requirements."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())
