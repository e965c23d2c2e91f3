"""Tags written into real audio, read back by mutagen and by beets' reader (and by MPD where it is installed)."""

import base64
import errno
import os
import shutil
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import mediafile
import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import Picture
from mutagen.id3 import APIC, COMM, TSRC, TXXX, WOAS
from mutagen.mp4 import MP4FreeForm

from catalog.tags import audio_tags as module
from catalog.tags.audio_tags import (
    FOREIGN_IDS,
    TEXTS,
    TagError,
    TrackTags,
    picture_type,
    read_picture,
    read_tags,
    write_tags,
)
from catalog.tags.picture_size import picture_size
from catalog.tags.tag_fields import change_fields
from tests.audio import CODECS, ffmpeg, make_audio, make_picture
from tests.catalog.tags.programs import Mpd

SPOTIFY, OTHER = "4LRPiXqCikLlN15c3yImP7", "7ouMYWpwJ422jRcDASZB7P"
TAGS = TrackTags(
    title="Déjà vu — 既視感",
    artists=("Beyoncé", "Jay-Z", "гость"),
    album="B’Day",
    album_artist="Beyoncé",
    album_artists=("Beyoncé", "Jay-Z"),
    track_number=3,
    track_total=12,
    disc_number=1,
    disc_total=2,
    date="2006-09-01",
    isrc="USSM10603618",
    spotify_id=SPOTIFY,
    compilation=True,
    track_key="tonekeep:42",
    release_type=("album", "compilation"),
    label="Parkwood",
    copyright="2006 Sony",
)
CODEC_NAMES = {
    ".mp3": "mp3", ".m4a": "aac", ".mp4": "aac", ".opus": "opus", ".ogg": "vorbis", ".flac": "flac", ".wav": "pcm"
}  # fmt: skip
ID3_KINDS, VORBIS_KINDS = (".mp3", ".wav"), (".opus", ".ogg", ".flac")
each_kind = pytest.mark.parametrize("kind", CODECS)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> dict[str, str]:
    """A second and a half of audio in every format, made once."""
    folder = tmp_path_factory.mktemp("audio")
    return {kind: make_audio(folder / f"plain{kind}", 1.5) for kind in CODECS}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("pictures")
    return {kind: make_picture(folder / f"cover.{kind}") for kind in ("jpg", "png", "webp")}


@pytest.fixture
def audio(recordings, tmp_path):
    """A fresh copy of the recording in one format."""

    def copy(kind: str) -> str:
        return str(shutil.copy(recordings[kind], tmp_path / f"song{kind}"))

    return copy


def raw_values(path: str, field: str) -> list[str]:
    """The values of one of ``TEXTS``' fields, as mutagen itself finds them under the documented name."""
    file = mutagen.File(path)
    in_id3, in_mp4, in_vorbis = TEXTS[field]
    if path.endswith(ID3_KINDS):
        return [str(text) for text in file.tags[in_id3].text]
    if path.endswith(VORBIS_KINDS):
        return list(file.tags[in_vorbis])
    return [value.decode() if isinstance(value, bytes) else value for value in file.tags[in_mp4]]


@each_kind
def test_every_text_is_in_the_field_that_players_read(kind, audio):
    path = audio(kind)
    write_tags(path, TAGS, None)
    assert {field: raw_values(path, field) for field in TEXTS} == {
        "title": ["Déjà vu — 既視感"],
        "artist": ["Beyoncé", "Jay-Z", "гость"],
        "artists": ["Beyoncé", "Jay-Z", "гость"],
        "album": ["B’Day"],
        "album_artist": ["Beyoncé"],
        "album_artists": ["Beyoncé", "Jay-Z"],
        "date": ["2006-09-01"],
        "release_date": ["2006-09-01"],
        "release_type": ["album", "compilation"],
        "label": ["Parkwood"],
        "copyright": ["2006 Sony"],
        "isrc": ["USSM10603618"],
        "spotify_id": [SPOTIFY],
        "track_key": ["tonekeep:42"],
    }


@each_kind
def test_artists_as_people_read_them_stand_in_one_value_and_one_each_beside_it(kind, audio):
    path = audio(kind)
    write_tags(path, replace(TAGS, artist_text="Beyoncé, Jay-Z & гость"), None)
    assert raw_values(path, "artist") == ["Beyoncé, Jay-Z & гость"]
    assert raw_values(path, "artists") == ["Beyoncé", "Jay-Z", "гость"]
    assert read_tags(path).artists == ("Beyoncé", "Jay-Z", "гость")


def test_an_mp3_for_old_players_has_the_old_tags_and_is_read_the_same(audio):
    path = audio(".mp3")
    write_tags(path, TAGS, None, id3_version=3)
    data = Path(path).read_bytes()
    assert data[:5] == b"ID3\x03\x00"
    assert data[-128:-125] == b"TAG"
    read = read_tags(path)
    assert (read.title, read.artists, read.isrc) == (TAGS.title, TAGS.artists, TAGS.isrc)
    change_fields(path, {"title": ["Other"]})
    assert Path(path).read_bytes()[:5] == b"ID3\x03\x00"
    assert read_tags(path).title == "Other"


@each_kind
def test_numbers_and_the_compilation_flag_are_in_their_fields(kind, audio):
    path = audio(kind)
    write_tags(path, TAGS, None)
    tags = mutagen.File(path).tags
    if kind in ID3_KINDS:
        assert [str(tags[name]) for name in ("TRCK", "TPOS", "TCMP")] == ["3/12", "1/2", "1"]
    elif kind in VORBIS_KINDS:
        names = ("TRACKNUMBER", "TRACKTOTAL", "DISCNUMBER", "DISCTOTAL", "COMPILATION")
        assert [tags[name] for name in names] == [["3"], ["12"], ["1"], ["2"], ["1"]]
    else:
        assert (tags["trkn"], tags["disk"], tags["cpil"]) == ([(3, 12)], [(1, 2)], True)


@each_kind
@pytest.mark.parametrize("explicit", [True, False, None])
def test_explicit_is_where_players_look_and_nothing_where_nobody_knows(kind, audio, explicit):
    path = audio(kind)
    write_tags(path, replace(TAGS, explicit=explicit), None)
    tags = mutagen.File(path).tags
    name = "TXXX:ITUNESADVISORY" if kind in ID3_KINDS else "rtng" if kind in (".m4a", ".mp4") else "ITUNESADVISORY"
    if explicit is None:
        assert name not in tags
    else:
        assert str(next(iter(tags[name]))) == str(int(explicit))


@each_kind
def test_white_space_of_all_kinds_is_one_space(kind, audio):
    path = audio(kind)
    write_tags(path, replace(TAGS, title=" A\tB\r\n C\u00a0\u2028D "), None)
    assert raw_values(path, "title") == ["A B C D"]


@pytest.mark.parametrize("kind", [".mp3", ".wav", ".opus", ".ogg", ".flac"])
def test_what_an_mp4_encoder_said_of_itself_does_not_stay_in_another_container(kind, audio):
    path = audio(kind)
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for name in ("iTunSMPB", "major_brand", "MOOD"):
        if kind in ID3_KINDS:
            file.tags.add(TXXX(encoding=3, desc=name, text=["x"]))
        else:
            file.tags[name] = ["x"]
    file.save()
    write_tags(path, TAGS, None)
    names = {key.rpartition(":")[2].lower() for key in mutagen.File(path).tags.keys()}  # noqa: SIM118  Vorbis lists pairs
    assert "mood" in names and not names & {"itunsmpb", "major_brand"}


def test_the_gapless_figures_of_an_m4a_stay_in_it(audio):
    path = audio(".m4a")
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    file.tags["----:com.apple.iTunes:iTunSMPB"] = [b" 00000000 00000840"]
    file.save()
    write_tags(path, TAGS, None)
    assert "----:com.apple.iTunes:iTunSMPB" in mutagen.File(path).tags


def test_a_wav_says_its_names_in_riff_too_once_and_its_sound_is_as_it_was(audio):
    path = audio(".wav")
    before = wave_frames(path)
    write_tags(path, replace(TAGS, title="Another"), None)
    write_tags(path, TAGS, None)
    data = Path(path).read_bytes()
    write_tags(path, TAGS, None)
    assert Path(path).read_bytes() == data and data.count(b"LIST") == 1
    assert b"INAM" in data and "Déjà vu — 既視感".encode() in data[data.index(b"LIST") :]
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert wave_frames(path) == before
    assert raw_values(path, "title") == [TAGS.title]


def wave_frames(path: str) -> bytes:
    with wave.open(path) as sound:
        return sound.readframes(sound.getnframes())


def test_a_flac_picture_has_its_measures(audio, pictures):
    path = audio(".flac")
    for kind in ("jpg", "png"):
        write_tags(path, TAGS, pictures[kind])
        (picture,) = mutagen.File(path).pictures
        assert picture.width == picture.height > 0 and picture.depth == 24


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"\xff\xd8" + b"\xff" * 9, b"\x89PNG\r\n\x1a\n123"]
)
def test_a_damaged_picture_has_no_measures(data):
    assert picture_size(data) == (0, 0, 0)


@each_kind
def test_what_was_written_is_read_back(kind, audio):
    path = audio(kind)
    write_tags(path, TAGS, None)
    told = read_tags(path)
    assert told is not None
    assert (told.spotify_ids, told.isrc, told.track_key) == ((SPOTIFY,), "USSM10603618", "tonekeep:42")
    assert (told.title, told.artists, told.album) == (TAGS.title, TAGS.artists, TAGS.album)
    assert told.codec == CODEC_NAMES[kind]
    assert told.duration_ms == pytest.approx(1_500, abs=100)
    assert told.bitrate > 5_000


@each_kind
def test_audio_without_tags_still_says_what_it_is(kind, audio):
    told = read_tags(audio(kind))
    assert told is not None
    assert (told.spotify_ids, told.isrc, told.track_key, told.title, told.artists) == ((), "", "", "", ())
    assert told.codec == CODEC_NAMES[kind]


def test_mp3_tags_are_the_fourth_version_in_utf_8(audio):
    path = audio(".mp3")
    write_tags(path, TAGS, None)
    tags = mutagen.File(path).tags
    assert tags.version == (2, 4, 0)
    assert {frame.encoding for frame in tags.values()} == {3}


def cover_of(path: str) -> tuple[str, bytes]:
    """(media type, bytes) of the one front cover of a file."""
    file = mutagen.File(path)
    if path.endswith(ID3_KINDS):
        (frame,) = file.tags.getall("APIC")
        assert frame.type == 3
        return frame.mime, frame.data
    if path.endswith(VORBIS_KINDS):
        if path.endswith(".flac"):
            (picture,) = file.pictures
        else:
            (text,) = file.tags["METADATA_BLOCK_PICTURE"]
            picture = Picture(base64.b64decode(text))
        assert picture.type == 3
        return picture.mime, picture.data
    (cover,) = file.tags["covr"]
    return {13: "image/jpeg", 14: "image/png"}[cover.imageformat], bytes(cover)


@each_kind
@pytest.mark.parametrize(("picture", "mime"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_the_cover_is_in_the_file_with_the_type_of_its_bytes(kind, picture, mime, audio, pictures):
    path = audio(kind)
    write_tags(path, TAGS, pictures["png"])
    write_tags(path, TAGS, pictures[picture])
    if (kind, picture) in {(".m4a", "webp"), (".mp4", "webp")}:
        picture, mime = "png", "image/png"  # MP4 has no WebP: the cover that was there stays
    assert cover_of(path) == (mime, pictures[picture])
    assert read_picture(path) == pictures[picture]


@each_kind
def test_a_file_without_a_picture_has_none(kind, audio):
    assert read_picture(audio(kind)) is None


def test_the_front_cover_is_read_before_other_pictures(audio, pictures):
    path = audio(".mp3")
    write_tags(path, TAGS, pictures["png"])
    file = mutagen.File(path)
    file.tags.add(APIC(encoding=3, mime="image/jpeg", type=4, desc="back", data=pictures["jpg"]))
    file.save()
    assert read_picture(path) == pictures["png"]
    file.tags.delall("APIC:")
    file.save()
    assert read_picture(path) == pictures["jpg"]


def test_a_picture_that_is_too_large_is_left_alone(audio, pictures, monkeypatch):
    path = audio(".flac")
    write_tags(path, TAGS, pictures["jpg"])
    monkeypatch.setattr(module, "MAX_PICTURE", len(pictures["jpg"]) - 1)
    assert read_picture(path) is None


@each_kind
def test_a_page_instead_of_a_picture_is_left_out(kind, audio):
    path = audio(kind)
    write_tags(path, TAGS, b"<html>429 Too Many Requests</html>")
    with pytest.raises((KeyError, ValueError)):
        cover_of(path)


def test_pictures_are_known_by_their_first_bytes(pictures):
    assert [picture_type(pictures[kind]) for kind in ("jpg", "png", "webp")] == [
        "image/jpeg", "image/png", "image/webp",
    ]  # fmt: skip
    assert picture_type(b"") == picture_type(b"GIF89a") == picture_type(b"RIFF\x00\x00\x00\x00WAVE") == ""


@each_kind
def test_the_sound_is_not_touched(kind, audio, pictures):
    path = audio(kind)
    before = decoded(path)
    write_tags(path, TAGS, pictures["jpg"])
    assert decoded(path) == before


def decoded(path: str) -> str:
    """A checksum of the decoded samples."""
    command = [ffmpeg(), "-v", "error", "-i", path, "-map", "0:a", "-f", "md5", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout


@each_kind
def test_what_the_catalog_does_not_know_stays_as_the_file_had_it(kind, audio, pictures):
    path = audio(kind)
    write_tags(path, TAGS, pictures["jpg"])
    write_tags(path, TrackTags("New title", ()), None)
    told = read_tags(path)
    assert told is not None
    assert (told.title, told.album, told.artists) == ("New title", TAGS.album, TAGS.artists)
    assert cover_of(path)[1] == pictures["jpg"]


@each_kind
def test_ids_that_came_with_a_file_are_taken_out(kind, audio):
    path = audio(kind)
    write_tags(path, TAGS, None)
    add_foreign(path, "comment", f"https://open.spotify.com/track/{OTHER}")
    add_foreign(path, "WOAS", f"https://open.spotify.com/track/{OTHER}")
    write_tags(path, TrackTags("Song", ("A",)), None)
    told = read_tags(path)
    assert told is not None
    assert (told.spotify_ids, told.isrc, told.track_key) == ((), "", "")


def add_foreign(path: str, name: str, text: str) -> None:
    """A field as another program writes it."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if path.endswith(ID3_KINDS):
        frames = {
            "WOAS": WOAS(url=text),
            "comment": COMM(encoding=3, text=[text]),
            "ISRC": TSRC(encoding=3, text=[text]),
        }
        file.tags.add(frames.get(name) or TXXX(encoding=3, desc=name, text=[text]))
    elif path.endswith(VORBIS_KINDS):
        file.tags[name] = text
    elif name == "comment":
        file.tags["©cmt"] = [text]
    else:
        file.tags[f"----:spotdl:{name}"] = [MP4FreeForm(text.encode())]
    file.save()


@each_kind
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WOAS", f"https://open.spotify.com/track/{SPOTIFY}"),  # spotDL
        ("comment", f"got it from https://open.spotify.com/intl-de/track/{SPOTIFY}?si=abc, thanks"),
        ("comment", f"spotify:track:{SPOTIFY}"),
        ("SPOTIFY_TRACK_ID", SPOTIFY),
        ("spotifyTrackID", f" {SPOTIFY} "),
        ("SPOTIFY_URI", f"spotify:track:{SPOTIFY}"),
    ],
)
def test_ids_written_by_other_programs_are_recognised(kind, name, text, audio):
    path = audio(kind)
    add_foreign(path, name, text)
    told = read_tags(path)
    assert told is not None
    assert told.spotify_ids == (SPOTIFY,)


@each_kind
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("comment", SPOTIFY),  # 22 letters in a comment may be anything
        ("comment", f"https://open.spotify.com/album/{SPOTIFY}"),
        ("comment", f"https://open.spotify.com/track/{SPOTIFY}x"),
        ("WOAS", f"https://www.youtube.com/watch?v={SPOTIFY}"),
        ("SPOTIFY_TRACK_ID", "not an id"),
        ("SPOTIFY_URI", f"spotify:album:{SPOTIFY}"),
    ],
)
def test_what_only_looks_like_a_track_id_is_not_taken_for_one(kind, name, text, audio):
    path = audio(kind)
    add_foreign(path, name, text)
    told = read_tags(path)
    assert told is not None
    assert told.spotify_ids == ()


@each_kind
def test_an_isrc_is_read_in_its_canonical_form(kind, audio):
    path = audio(kind)
    add_foreign(path, "ISRC", "us-sm1-06-03618")
    told = read_tags(path)
    assert told is not None
    assert told.isrc == "USSM10603618"


def test_an_isrc_of_a_bought_file_is_read(audio):
    path = audio(".m4a")
    file = mutagen.File(path)
    file.tags["xid "] = ["SonyBMG:isrc:USSM10603618"]
    file.save()
    told = read_tags(path)
    assert told is not None
    assert told.isrc == "USSM10603618"


@each_kind
def test_hostile_values_are_written_as_far_as_a_file_can_hold_them(kind, audio):
    path = audio(kind)
    hostile = TrackTags(
        "a\x00b\udc80", ("\x00", "A"), "\x00", "", -1, 99_999, 70_000, 0, "yesterday", "no isrc", "no id", True, "\x00k"
    )  # fmt: skip
    write_tags(path, hostile, b"\xff")
    told = read_tags(path)
    assert told is not None
    assert (told.title, told.artists, told.album) == ("ab?", ("A",), "")
    assert (told.isrc, told.spotify_ids, told.track_key) == ("", (), "k")


def test_a_file_that_is_no_audio_is_refused_in_one_sentence(tmp_path):
    for name, content in (("page.mp3", b"<html>no</html>"), ("empty.opus", b""), ("half.m4a", b"\0\0\0\x18ftypM4A ")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TagError) as refusal:
            write_tags(str(path), TAGS, None)
        assert str(refusal.value).endswith(".")
        assert path.read_bytes() == content
        assert read_tags(str(path)) is None


def test_a_format_whose_tags_we_do_not_write_is_refused(tmp_path):
    path = tmp_path / "song.wma"
    command = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "wmav2"]
    subprocess.run([ffmpeg(), "-v", "error", *command, str(path)], check=True, timeout=600)
    with pytest.raises(TagError, match="ASF"):
        write_tags(str(path), TAGS, None)


def test_what_is_no_regular_file_tells_nothing(tmp_path, audio):
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "loop.mp3").symlink_to(tmp_path / "loop.mp3")
    for name in ("pipe.mp3", "folder.mp3", "loop.mp3", "missing.mp3", "nul\x00.mp3", "x" * 300):
        assert read_tags(str(tmp_path / name)) is None
    assert read_tags(f"{audio('.mp3')}/below.mp3") is None


def test_a_disk_error_is_not_taken_for_a_bad_file(audio, monkeypatch):
    path = audio(".mp3")

    def failing(*args, **kwargs):
        raise mutagen.MutagenError(OSError(errno.EIO, "Input/output error"))

    monkeypatch.setattr(module.mutagen, "File", failing)
    for attempt in (lambda: read_tags(path), lambda: write_tags(path, TAGS, None)):
        with pytest.raises(OSError, match="Input/output error") as error:
            attempt()
        assert error.value.errno == errno.EIO


def test_a_full_disk_while_writing_is_told_as_such(recordings, pictures):
    """/dev/full cannot be a tagged file, so a file size limit stands in for the full disk (EFBIG, as ENOSPC)."""
    script = (
        "import resource, signal, shutil, sys, os\n"
        "from catalog.tags.audio_tags import TrackTags, write_tags\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "size = os.path.getsize(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "try:\n    write_tags(sys.argv[1], TrackTags('Song', ('A',)), b'\\xff\\xd8\\xff' + bytes(100_000))\n"
        "except OSError as error:\n    print('errno', error.errno)\n"
    )
    root = Path(module.__file__).parents[2]
    copy = shutil.copy(recordings[".mp3"], Path(recordings[".mp3"]).with_name("full.mp3"))
    command = [sys.executable, "-c", script, str(copy)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)
    assert done.stdout == f"errno {errno.EFBIG}\n", done.stderr


@given(cut=st.integers(0, 4_000), place=st.integers(0, 4_000), noise=st.binary(min_size=1, max_size=40))
@pytest.mark.parametrize("kind", CODECS)
def test_no_damage_to_a_file_makes_reading_it_raise(kind, cut, place, noise, recordings):
    source = Path(recordings[kind])
    whole = source.read_bytes()
    damaged = (whole[:place] + noise + whole[place + len(noise) :])[: max(cut, 1) if cut < 3_000 else None]
    path = source.with_name(f"damaged{kind}")
    path.write_bytes(damaged)
    told = read_tags(str(path))
    assert told is None or told.codec


def test_the_documented_table_names_every_field():
    table = (Path(module.__file__).parents[2] / "docs" / "tags.md").read_text("utf-8")
    for name in {name for names in TEXTS.values() for name in names}:
        assert f"`{name}`" in table
    for name in FOREIGN_IDS:
        assert f"`{name.upper()}`" in table


# --- what players make of it


@pytest.mark.skipif(not shutil.which("mpd"), reason="mpd is not installed")
def test_mpd_shows_what_was_written(recordings, tmp_path):
    music, state = tmp_path / "music", tmp_path / "state"
    music.mkdir()
    state.mkdir()
    for kind in CODECS:
        write_tags(str(shutil.copy(recordings[kind], music / f"song{kind}")), TAGS, None)
    mpd = Mpd(music, state)
    try:
        songs = mpd.songs()
    finally:
        mpd.stop()
    assert songs.keys() == {f"song{kind}" for kind in CODECS}
    for name, song in songs.items():
        expected: dict[str, list[str] | None] = {
            "Title": [TAGS.title],
            "Album": [TAGS.album],
            "AlbumArtist": [TAGS.album_artist],
            "Track": ["3"],
            "Disc": ["1"],
            "Artist": list(TAGS.artists),
        }
        if name.endswith((".m4a", ".mp4")):
            expected["Artist"] = ["Beyoncé"]  # through ffmpeg, which takes the first ©ART only
        if name.endswith(".wav"):  # through libsndfile: where INFO says anything MPD asks for no ID3, in any order
            expected |= {"Artist": ["Beyoncé, Jay-Z, гость"], "AlbumArtist": None, "Disc": None}
        assert (name, {tag: song.get(tag) for tag in expected}) == (name, expected)
        assert song["Date"][0].startswith("2006")


@each_kind
def test_the_reader_of_beets_finds_what_was_written(kind, audio, pictures):
    path = audio(kind)
    write_tags(path, TAGS, pictures["jpg"])
    read = mediafile.MediaFile(path)
    assert (read.title, read.album, read.albumartist) == (TAGS.title, TAGS.album, TAGS.album_artist)
    assert (read.artist, read.artists) == ("Beyoncé", list(TAGS.artists))
    assert (read.track, read.tracktotal, read.disc, read.disctotal) == (3, 12, 1, 2)
    assert (read.date.isoformat(), read.isrc, read.comp) == (TAGS.date, TAGS.isrc, True)
    assert read.images[0].data == pictures["jpg"]
