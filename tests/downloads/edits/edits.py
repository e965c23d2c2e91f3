# ruff: noqa: E501  a line for each edit
"""What people and their programs do to a downloaded file, by the programs themselves where they are installed.

The table `EDITS`: each edit is done to songs of its kinds, and says what a pass is to make of them.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mutagen
from mutagen import id3

from tests.audio import CODECS, ffmpeg

SECONDS = 24  # a fingerprint needs some ten to say anything
ALL = tuple(kind[1:] for kind in CODECS if kind != ".mp4")
SOME = ("mp3", "m4a", "flac")  # where the container hardly matters
# What becomes of a song: its row has the file (perhaps under another name); a person is asked, and it is not fetched;
# it is fetched, since its file has gone; the same, and the wreck lies in the bin.
KNOWN, ASKED, FETCHED, WRECK = "known", "asked", "fetched", "wreck"


@dataclass(frozen=True)
class Song:
    """A downloaded song: its file, the library's root, a folder beside it, and the words of its tags."""

    path: Path
    root: Path
    outside: Path
    title: str
    artist: str
    isrc: str
    seed: int


@dataclass(frozen=True)
class Edit:
    """``change`` gets the song; ``program`` is what it needs. ``offered``: a better file is asked about, too.

    ``away``: the artist's folder leaves before the change and is back after it, with a pass in between.
    """

    name: str
    change: Callable[[Song], object]
    kinds: tuple[str, ...]
    then: str = KNOWN
    program: str = ""
    offered: bool = False
    away: bool = False

    def is_here(self) -> bool:
        return not self.program or shutil.which(self.program) is not None


def run(*command: str | Path, cwd: Path | None = None) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(cwd or "/nonexistent")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=cwd, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)


@cache
def tune(seed: int) -> str:
    """An expression of ffmpeg for music that only this seed has."""
    dice = random.Random(seed)
    return "+".join(
        f"0.2*sin(2*PI*t*({dice.randint(110, 880)}+{dice.randint(30, 200)}*mod(floor(t*{dice.uniform(1, 6):.3f}),"
        f"{dice.randint(3, 11)})))"
        for _ in range(4)
    )


def music(path: Path, seed: int, *options: str, seconds: float = SECONDS) -> Path:
    """Write that music to ``path``, the codec by its extension."""
    source = f"aevalsrc='{tune(seed)}':d={seconds}:s=16000"
    codec = [] if options else CODECS[path.suffix.lower()]
    run(ffmpeg(), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-ar", "48000", *codec, *options, path)
    return path


# --- Changes of a file's tags ---------------------------------------------------------------------------------


def tagged(path: Path, **tags: str) -> Path:
    """Write tags of these names as mutagen's "easy" ones; wav has none of them."""
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, id3.ID3):
        frames = {"title": id3.TIT2, "artist": id3.TPE1, "album": id3.TALB, "genre": id3.TCON, "isrc": id3.TSRC}
        for name, text in tags.items():
            file.tags.setall(frames[name].__name__, [frames[name](encoding=3, text=[text])])
    else:
        file.update({name: [value] for name, value in tags.items() if name != "isrc" or hasattr(file.tags, "vendor")})
        if "isrc" in tags and not hasattr(file.tags, "vendor"):
            file.save()
            file = mutagen.File(path)
            if isinstance(file.tags, id3.ID3):
                file.tags.setall("TSRC", [id3.TSRC(encoding=3, text=[tags["isrc"]])])
            else:
                file.tags["----:com.apple.iTunes:ISRC"] = [tags["isrc"].encode()]
    file.save()
    return path


def wiped(path: Path, **tags: str) -> Path:
    """No tags but these."""
    file = mutagen.File(path)
    file.delete()
    return tagged(path, **tags) if tags else path


def gain(song: Song) -> None:
    file = mutagen.File(song.path)
    if isinstance(file.tags, id3.ID3):
        file.tags.add(id3.TXXX(encoding=3, desc="REPLAYGAIN_TRACK_GAIN", text=["-7.21 dB"]))
        file.tags.add(id3.RVA2(desc="track", channel=1, gain=-7.21, peak=0.9))
    elif hasattr(file.tags, "vendor"):
        file["REPLAYGAIN_TRACK_GAIN"] = "-7.21 dB"
    else:
        file["----:com.apple.iTunes:replaygain_track_gain"] = [b"-7.21 dB"]
    file.save()


def rating(song: Song) -> None:
    file = mutagen.File(song.path)
    if isinstance(file.tags, id3.ID3):
        file.tags.add(id3.POPM(email="Windows Media Player 9 Series", rating=196, count=12))
    elif hasattr(file.tags, "vendor"):
        file["FMPS_RATING"], file["RATING"] = "0.8", "80"
    else:
        file["rate"] = ["80"]
    file.save()


# --- Places ---------------------------------------------------------------------------------------------------


def moved(song: Song) -> Path:
    target = song.root / "Sorted" / f"{song.seed}" / song.path.name
    target.parent.mkdir(parents=True)
    return song.path.rename(target)


def renamed(song: Song) -> Path:
    return song.path.rename(song.path.with_name(f"{song.artist} - {song.title}{song.path.suffix}"))


def flattened(song: Song) -> Path:
    return song.path.rename(song.root / f"{song.seed}{song.path.suffix}")


def other_ending(song: Song, ending: str) -> Path:
    return song.path.rename(song.path.with_suffix(ending))


def decomposed(song: Song) -> Path:
    folder = song.path.parents[1]
    target = folder.with_name(unicodedata.normalize("NFD", folder.name))
    folder.rename(target)
    return target


def renumbered(song: Song) -> Path:
    return song.path.rename(song.path.with_name(f"01-{song.path.name}"))


def album_renamed(song: Song) -> Path:
    return song.path.parent.rename(song.path.parent.with_name("1999 - First Light (Deluxe)"))


def artist_renamed(song: Song) -> Path:
    return song.path.parents[1].rename(song.path.parents[1].with_name(f"{song.artist}, The"))


def copied(song: Song) -> None:
    target = song.root / f"copy of {song.seed}{song.path.suffix}"
    shutil.copyfile(song.path, target)
    song.path.unlink()


def linked(song: Song) -> None:
    target = song.outside / f"{song.seed}{song.path.suffix}"
    shutil.move(song.path, target)
    song.path.symlink_to(target)


# --- Other files ----------------------------------------------------------------------------------------------


def converted(song: Song, ending: str, *options: str, keep: bool = False, where: Path | None = None) -> Path:
    """By ffmpeg, the old file deleted."""
    target = (where or song.path).with_suffix(ending)
    run(ffmpeg(), "-v", "error", "-y", "-i", song.path, "-map", "0:a", *options, target)
    if not keep:
        song.path.unlink()
    return target


def remuxed(song: Song) -> None:
    draft = song.path.with_name(f"remux{song.path.suffix}")
    run(ffmpeg(), "-v", "error", "-i", song.path, "-map", "0:a", "-c", "copy", draft)
    draft.replace(song.path)


def own_copy(song: Song, path: Path, **tags: str) -> Path:
    """The same music as a person has it from elsewhere: another encoding, and their tags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return tagged(music(path, song.seed), **tags)


def own_in_its_stead(song: Song, ending: str = "") -> Path:
    song.path.unlink()
    target = song.path.with_suffix(ending or song.path.suffix)
    return own_copy(song, target, title=song.title, artist=song.artist)


def own_elsewhere(song: Song, ending: str, **tags: str) -> Path:
    song.path.unlink()
    return own_copy(song, song.root / "Mine" / f"{song.seed} x{ending}", **tags)


def same_name_and_size(song: Song) -> None:
    size = song.path.stat().st_size
    path = own_in_its_stead(song)
    while (more := size - path.stat().st_size) > 0:
        with path.open("ab") as file:
            file.write(b"\0" * more)
    with path.open("r+b") as file:
        file.truncate(size)


def other_music(song: Song) -> None:
    song.path.unlink()
    music(song.path, song.seed + 1000, seconds=SECONDS * 2)


def live_in_its_stead(song: Song) -> None:
    song.path.unlink()
    live = music(song.path.with_name("Live.mp3"), song.seed + 1000, seconds=SECONDS * 2)
    tagged(live, title=song.title, artist=song.artist)


def halved(song: Song) -> None:
    with song.path.open("r+b") as file:
        file.truncate(song.path.stat().st_size // 2)


# --- Programs -------------------------------------------------------------------------------------------------


def by_kid3(path: Path, title: str) -> None:
    run("kid3-cli", "-c", f"set title '{title}'", "-c", "set genre 'Piano'", "-c", "save", path)


def by_opustags(path: Path) -> None:
    run("opustags", "-i", "-s", "TITLE=Other title", "-s", "GENRE=Piano", path)


def by_metaflac(path: Path) -> None:
    run("metaflac", "--remove-tag=TITLE", "--set-tag=TITLE=Other title", "--set-tag=GENRE=Piano", path)


def by_vorbiscomment(path: Path) -> None:
    run("vorbiscomment", "-a", "-t", "GENRE=Piano", path)


def by_beets(song: Song) -> None:
    """`beet import` with move and write, into the same library, as beets names files there."""
    home = song.outside / f"beets-{song.seed}"
    home.mkdir()
    (home / "config.yaml").write_text(
        f"directory: {song.root}\nlibrary: {home}/beets.db\nimport: {{move: yes, write: yes, autotag: no}}\n"
        "paths: {default: 'Beets/$albumartist/$title', singleton: 'Beets/$artist/$title', comp: 'Beets/C/$title'}\n"
    )
    run("beet", "-c", home / "config.yaml", "import", "-q", "-A", "-s", song.path, cwd=home)
    run("beet", "-c", home / "config.yaml", "modify", "-y", "genre=Piano", "comments=mine", cwd=home)


EDITS: list[Edit] = [
    # In place
    Edit("other tags in place, by kid3", lambda s: by_kid3(s.path, "Other title"), ALL, program="kid3-cli"),
    Edit("other tags in place, by eyeD3", lambda s: run("eyeD3", "--title", "Other", s.path), ("mp3",), program="eyeD3"),
    Edit("other tags in place, by metaflac", lambda s: by_metaflac(s.path), ("flac",), program="metaflac"),
    Edit("other tags in place, by opustags", lambda s: by_opustags(s.path), ("opus",), program="opustags"),
    Edit("other tags in place, by vorbiscomment", lambda s: by_vorbiscomment(s.path), ("ogg",), program="vorbiscomment"),
    Edit("other tags in place, by mutagen", lambda s: tagged(s.path, title="Other", genre="Piano"), ALL),
    Edit("ReplayGain written", gain, SOME),
    Edit("ReplayGain written by metaflac", lambda s: run("metaflac", "--add-replay-gain", s.path), ("flac",), program="metaflac"),
    Edit("rating written", rating, SOME),
    Edit("all tags wiped in place", lambda s: wiped(s.path), ALL),
    Edit("all ids wiped in place", lambda s: wiped(s.path, title=s.title, artist=s.artist), SOME),
    Edit("all ID3 wiped by id3v2 in place", lambda s: run("id3v2", "--delete-all", s.path), ("mp3",), program="id3v2"),
    Edit("remuxed in place by ffmpeg", remuxed, ALL),
    Edit("the user's own file under the same name", own_in_its_stead, ALL),
    Edit("the user's own file, same name and size by chance", same_name_and_size, ("flac", "mp3")),
    # Renamed or moved, ids in the tags
    Edit("renamed", renamed, SOME),
    Edit("another number before its name", renumbered, SOME),
    Edit("moved to another folder", moved, ALL),
    Edit("moved into the root, named by a number", flattened, SOME),
    Edit("artist's folder renamed", artist_renamed, SOME),
    Edit("album's folder renamed", album_renamed, ("mp3", "m4a")),
    Edit("name in another case", lambda s: s.path.rename(s.path.with_name(s.path.name.upper())), SOME),
    Edit("folder's name decomposed (NFD)", decomposed, ("mp3", "flac")),
    Edit("artist's folder in lower case", lambda s: s.path.parents[1].rename(s.path.parents[1].with_name(s.artist.lower())), SOME),
    Edit("all folders in capitals", lambda s: (s.path.parent.rename(s.path.parent.with_name(s.path.parent.name.upper())), s.path.parents[1].rename(s.path.parents[1].with_name(s.artist.upper()))), ("mp3",)),
    Edit("ending in capitals", lambda s: other_ending(s, s.path.suffix.upper()), SOME),
    Edit("m4a named mp4", lambda s: other_ending(s, ".mp4"), ("m4a",)),
    Edit("ogg named oga", lambda s: other_ending(s, ".oga"), ("ogg",)),
    Edit("copied elsewhere, first one deleted", copied, SOME),
    Edit("link to another disk", linked, ("mp3", "flac")),
    # Moved and tagged anew
    Edit("moved and tagged anew by beets", by_beets, ("mp3", "m4a", "opus", "ogg", "flac"), program="beet"),
    Edit("moved and tagged anew by kid3", lambda s: by_kid3(moved(s), "Other title"), ALL, program="kid3-cli"),
    Edit("moved, to ID3v2.3 by eyeD3", lambda s: run("eyeD3", "--to-v2.3", "--title", "Other", moved(s)), ("mp3",), program="eyeD3"),
    Edit("moved and tagged anew by opustags", lambda s: by_opustags(moved(s)), ("opus",), program="opustags"),
    Edit("moved and tagged anew by metaflac", lambda s: by_metaflac(moved(s)), ("flac",), program="metaflac"),
    Edit("moved and tagged anew by vorbiscomment", lambda s: by_vorbiscomment(moved(s)), ("ogg",), program="vorbiscomment"),
    Edit("moved, title by id3v2", lambda s: run("id3v2", "--TIT2", "Other", moved(s)), ("mp3",), program="id3v2"),
    Edit("moved and tagged anew by exiftool", lambda s: run("exiftool", "-overwrite_original", "-Title=Other", moved(s)), ("m4a",), program="exiftool"),
    Edit("moved and tagged anew by AtomicParsley", lambda s: run("AtomicParsley", moved(s), "--title", "Other", "--overWrite"), ("m4a",), program="AtomicParsley"),
    Edit("moved, all tags deleted by id3v2", lambda s: run("id3v2", "--delete-all", moved(s)), ("mp3",), program="id3v2"),
    Edit("moved, all tags deleted by metaflac", lambda s: run("metaflac", "--remove-all-tags", moved(s)), ("flac",), program="metaflac"),
    Edit("moved, all tags wiped", lambda s: wiped(moved(s)), ALL),
    Edit("moved into the root by number, all tags wiped", lambda s: wiped(flattened(s)), SOME),
    Edit("moved, ids wiped, title and artist right", lambda s: wiped(moved(s), title=s.title, artist=s.artist), SOME),
    Edit("moved, ids wiped, ISRC right, other title", lambda s: wiped(moved(s), title="Other", artist="Other", isrc=s.isrc), ALL),
    Edit("moved, ids wiped, … (2011 Remaster)", lambda s: wiped(moved(s), title=f"{s.title} (2011 Remaster)", artist=s.artist), SOME),
    # Converted
    Edit("converted to opus beside", lambda s: converted(s, ".opus", "-c:a", "libopus"), ("mp3", "flac", "m4a", "wav")),
    Edit("converted to mp3 beside", lambda s: converted(s, ".mp3", "-b:a", "128k"), ("flac", "m4a", "opus", "ogg", "wav")),
    Edit("converted to m4a beside", lambda s: converted(s, ".m4a"), ("flac", "mp3", "opus", "wav")),
    Edit("converted to flac beside", lambda s: converted(s, ".flac"), ("mp3", "m4a", "wav", "ogg")),
    Edit("converted to wav beside", lambda s: converted(s, ".wav"), ("mp3", "flac")),
    Edit("m4a to mp4 by ffmpeg", lambda s: converted(s, ".mp4", "-c", "copy"), ("m4a",)),
    Edit("flac to oga", lambda s: converted(s, ".oga", "-c:a", "flac"), ("flac",)),
    Edit("m4a to mka", lambda s: converted(s, ".mka", "-c", "copy"), ("m4a",)),
    Edit("opus to webm", lambda s: converted(s, ".webm", "-c", "copy"), ("opus",)),
    Edit("converted to aiff beside", lambda s: converted(s, ".aiff"), ("flac", "mp3")),
    Edit("converted to WavPack beside", lambda s: converted(s, ".wv"), ("flac",)),
    Edit("converted and moved, all tags wiped", lambda s: wiped(converted(s, ".mp3", "-b:a", "96k", where=s.root / f"{s.seed}.x")), ("flac", "m4a", "opus")),
    # A better copy
    Edit("the user's FLAC in its stead, same stem", lambda s: own_in_its_stead(s, ".flac"), ("mp3", "m4a", "opus")),
    Edit("the user's FLAC elsewhere, with ISRC", lambda s: own_elsewhere(s, ".flac", title="Other", artist="Other", isrc=s.isrc), ("mp3", "m4a")),
    Edit("the user's FLAC elsewhere, “(Album Version)”, no ids", lambda s: own_elsewhere(s, ".flac", title=f"{s.title} (Album Version)", artist=s.artist), ("mp3", "m4a")),
    Edit("the user's FLAC elsewhere, untagged", lambda s: own_elsewhere(s, ".flac"), ("mp3", "m4a")),
    Edit("the user's FLAC beside the file, which stays", lambda s: own_copy(s, s.path.with_suffix(".flac"), title=s.title, artist=s.artist), ("mp3", "m4a"), offered=True),
    # Gone
    Edit("deleted", lambda s: s.path.unlink(), ("mp3", "flac"), then=FETCHED),
    Edit("moved out of the library", lambda s: shutil.move(s.path, s.outside / f"out{s.path.name}"), ("mp3",), then=FETCHED),
    Edit("emptied to 0 bytes", lambda s: s.path.write_bytes(b""), ("mp3", "flac"), then=WRECK),
    Edit("cut in half", halved, ALL, then=WRECK),
    Edit("other music under its name, other length", other_music, ("mp3",)),
    Edit("a live recording in its stead, twice as long", live_in_its_stead, ("mp3",), then=ASKED),
    # Away and back
    Edit("away, ReplayGain written, and back", gain, SOME, away=True),
    Edit("away, ids wiped, and back", lambda s: wiped(s.path, title=s.title, artist=s.artist), SOME, away=True),
    Edit("away, all tags wiped, and back", lambda s: wiped(s.path), SOME, away=True),
]  # fmt: skip


def rows() -> list[str]:
    """The lines of docs/edits.md: `python -m tests.downloads.edits.edits` prints them."""
    words = {KNOWN: "known again", ASKED: "a question", FETCHED: "fetched", WRECK: "fetched, the wreck to the bin"}
    asked = {True: "; the better file is offered", False: ""}
    return [f"| {edit.name} | {', '.join(edit.kinds)} | {words[edit.then]}{asked[edit.offered]} |" for edit in EDITS]


if __name__ == "__main__":
    print("\n".join(rows()))
