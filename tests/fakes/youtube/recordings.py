"""The recordings that the stand-in has, with their sound: AAC in DASH fragments (140, 139) and opus in webm (251)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.audio import ffmpeg

CODECS = {
    140: ["-c:a", "aac", "-b:a", "128k", "-f", "mp4", "-movflags", "+dash+empty_moov+default_base_moof+frag_keyframe"],
    251: ["-c:a", "libopus", "-b:a", "128k", "-f", "webm"],
}
TYPES = {140: 'audio/mp4; codecs="mp4a.40.2"', 251: 'audio/webm; codecs="opus"'}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording; ``kind`` "song" is a release, "video" anybody's upload. ``tone`` in Hz makes its sound its own."""

    id: str
    title: str
    artists: tuple[str, ...]
    album: str = ""
    seconds: float = 8.0
    kind: str = "song"
    tone: int = 440
    isrc: str = ""

    def sound(self, folder: Path, itag: int) -> Path:
        """The file of one format, made when it is first asked for."""
        path = folder / f"{self.id}.{itag}"
        if not path.exists():
            noise = f"anoisesrc=d={self.seconds}:a=0.2:c=pink:seed={self.tone}"
            tone = f"sine=frequency={self.tone}:duration={self.seconds}"
            mixed = ["-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", tone, "-filter_complex", "amix", "-ac", "2"]
            unfinished = path.with_suffix(f".{itag}.part")
            command = [ffmpeg(), "-nostdin", "-v", "error", "-y", *mixed, *CODECS[itag], str(unfinished)]
            subprocess.run(command, check=True, capture_output=True, timeout=600)
            unfinished.rename(path)
        return path
