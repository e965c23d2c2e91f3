"""The door: what is refused, with which sentence, and what of hostile files comes through unharmed."""

import csv
import errno
import io
import json
import os
import random
import re
import struct
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.importers import reader, zip_archive
from catalog.importers.parsed_file import MAX_TEXT, clean
from catalog.importers.reader import ReadFile, UnreadableFile, read_library_file, read_library_stream
from tests.catalog.importers.entries import tracks_of
from tests.shared import SHARED_DATA, needs_shared

GOOD = "title,artist\nNana,Falla\n"
ID = "3n3Ppam7vgaVa1iaRUc9Lp"


def read(data: bytes, name: str = "list.csv") -> list[ReadFile]:
    return read_library_stream(io.BytesIO(data), name)


def refusal(data: bytes, name: str = "list.csv") -> str:
    """The sentence with which these bytes are refused: one line, ended, naming the file."""
    with pytest.raises(UnreadableFile) as caught:
        read(data, name)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 500
    assert sentence.isprintable()
    return sentence


def zipped(*members: tuple[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b" \r\n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x00" * 5000, "is empty|not a text file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
        (bytes(range(256)) * 40, "not a text file"),
        (b"ID3\x04\x00\x00" + b"\xff\xfb\x90\x00" * 900, "not a text file|cannot be told"),
        (b"\x01\x02\x03\x04" * 400, "not a text file"),
        (b"title,artist\nNa\x00na,Falla\n", "not a text file"),
        (b"%PDF-1.7 ...", "is a PDF: export the list as CSV"),
        (b"\x1f\x8b\x08\x00rest", "gzip archive: unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook: save it as"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"just words without any separator\n", "no list of tracks"),
        (b"name;year\nNana;1914\n", "no column with the artists"),
        (b"artist;year\nFalla;1914\n", "no column with the titles"),
        (b"a,b,c\n1,2,3\n", "no list of tracks: its first line"),
        (b"title,artist\n" + b"x" * 10_001 + b",Falla\n", "a line of more than 10,000"),
        (b"title,artist" + b",x" * 600 + b"\nNana,Falla\n", "more than 500 columns"),
        (b'title,artist\n"Nana,Falla\n', "ends inside a quotation"),
        (GOOD.encode("utf-8") + "Träumerei,Schümann\nÄ,Ö\n".encode() + b"\xff\xfe,x\n", "is damaged: line 5"),
        ("歌名,歌手\n青花瓷,周杰倫\n".encode("big5"), "encoding that cannot be told"),
        ("title,artist\n夜に駆ける,アーティスト\n".encode("shift_jis"), "encoding that cannot be told"),
        (GOOD.encode("utf-16") + b"\x00", "is damaged"),
        (b"PK\x03\x04 and then nothing", "damaged zip"),
    ],
)
def test_what_is_no_library_is_refused_with_a_sentence(data, said):
    assert re.search(said, refusal(data))


@pytest.mark.parametrize("make", ["missing", "folder", "pipe", "nul", "through_a_file"])
def test_a_path_that_cannot_be_read_is_refused_with_a_sentence(tmp_path, make):
    path = str(tmp_path / "list.csv")
    said = {"missing": "no file", "folder": "is a folder", "pipe": "no regular file"}
    if make == "folder":
        os.mkdir(path)
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "nul":
        path += "\x00.csv"
    elif make == "through_a_file":
        (tmp_path / "list.csv").write_text(GOOD)
    with pytest.raises(UnreadableFile, match=said.get(make, "cannot be read|no file")):
        read_library_file(path + "/x" if make == "through_a_file" else path)


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.EACCES, "may not be read by this user"), (errno.EIO, "cannot be read.*check the path and the disk")],
)
def test_a_file_that_the_system_withholds_is_refused_with_a_sentence(monkeypatch, code, said):
    class Withheld(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(reader, "_opened", lambda path: Withheld())
    with pytest.raises(UnreadableFile, match=said):
        read_library_file("/music/list.csv")


def test_a_file_is_read_from_its_path_under_the_name_it_was_given(tmp_path):
    path = tmp_path / "upload-1234"
    path.write_text(GOOD)
    (file,) = read_library_file(str(path), "Evening_Mix (1).csv")
    assert (file.name, file.collections[0].key, file.tracks) == ("Evening_Mix (1).csv", "evening mix", 1)


def test_a_file_of_200_mb_is_refused_without_being_read(tmp_path):
    path = tmp_path / "big.csv"
    path.write_text(GOOD)
    os.truncate(path, 200_000_000)

    class Counting(io.FileIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            Counting.taken += len(data or b"")
            return data or b""

    with Counting(path) as stream, pytest.raises(UnreadableFile, match="larger than 50 MB"):
        read_library_stream(stream, "big.csv")
    assert Counting.taken == reader.MAX_FILE + 1
    with pytest.raises(UnreadableFile, match="larger than 50 MB"):
        read_library_file(str(path))


def test_more_rows_than_any_library_has_are_refused(monkeypatch):
    for module in ("csv_table", "library_text", "parsed_file", "zip_archive"):
        monkeypatch.setattr(f"catalog.importers.{module}.MAX_ENTRIES", 3)
    assert "more than 3 rows" in refusal((GOOD + "A,B\n" * 3).encode())
    assert "more than 3 lines" in refusal(b"A - B\n" * 4, "list.txt")
    tracks = [{"track": "Nana", "artist": "Falla"}] * 2
    assert "more than 3 tracks" in refusal(json.dumps({"tracks": tracks * 2}).encode(), "YourLibrary.json")
    playlists = {"playlists": [{"name": "a", "items": tracks}, {"name": "b", "items": tracks}]}
    assert "more than 3 tracks" in refusal(json.dumps(playlists).encode(), "Playlist1.json")
    assert "more than 3 tracks" in refusal(zipped(("a.csv", GOOD + "A,B\n"), ("b.csv", GOOD + "A,B\n")), "all.zip")


def test_western_european_bytes_are_read_and_said():
    (file,) = read("title,artist\nDéjà vu,Björk\nNoël,Zoë\n".encode("cp1252"))
    assert [track.artists for track in tracks_of(file)] == [("Björk",), ("Zoë",)]
    assert "Windows-1252" in file.notes[0]


def test_a_garbled_letter_between_two_slices_of_a_long_file_is_put_right(monkeypatch):
    garbled = "title,artist\nDéjà vu,Björk\nNoël,Zoë\n".encode().decode("cp1252").encode()
    for slice_length in range(1, 12):
        monkeypatch.setattr("catalog.importers.encoding.SLICE", slice_length)
        (file,) = read(garbled)
        assert [track.artists for track in tracks_of(file)] == [("Björk",), ("Zoë",)]


def test_real_accents_are_not_mistaken_for_garbled_ones():
    (file,) = read("title,artist\nÃ©té,Â\nCafé Ãrea,Ï»\n".encode())
    assert [track.title for track in tracks_of(file)] == ["Ã©té", "Café Ãrea"]
    assert file.notes == ()


def test_a_zip_gives_each_list_in_it_in_the_order_of_names():
    data = zipped(
        ("b/two.csv", GOOD), ("a/one.m3u", "#EXTINF:5,A - B\nx.mp3\n"), ("cover.jpg", b"\xff\xd8"), ("c/", "")
    )
    first, second = read(data, "spotify_playlists.zip")
    assert [(f.name, f.kind, f.tracks) for f in (first, second)] == [
        ("a/one.m3u", "m3u playlist", 1),
        ("b/two.csv", "CSV with title and artist", 1),
    ]
    assert first.notes == ("not opened: other files in the zip, 1",)


def test_what_describes_a_zip_is_no_list():
    data = zipped(("README.txt", "Made by Anna - with love\n"), ("a.csv", GOOD), ("Read me first.csv", GOOD))
    assert [f.name for f in read(data, "all.zip")] == ["a.csv"]


def test_json_and_xml_in_a_zip_are_opened_where_there_are_no_other_lists():
    songs = '[{"Title": "Nana", "Artist": "Falla"}]'
    assert [f.tracks for f in read(zipped(("Apple Music Library Tracks.json", songs)), "apple.zip")] == [1]
    assert [f.name for f in read(zipped(("settings.json", "{}"), ("a.csv", GOOD)), "all.zip")] == ["a.csv"]


@pytest.mark.parametrize("inside", ["[Content_Types].xml", "mimetype", "Index/Document.iwa"])
def test_a_spreadsheet_is_told_to_be_saved_as_csv(inside):
    assert "save it as “CSV UTF-8”" in refusal(zipped((inside, "x"), ("content.xml", "<x/>")), "list.ods")


def test_a_bad_file_in_a_zip_is_told_beside_the_good_ones():
    good, bad = read(zipped(("a.csv", GOOD), ("b.csv", b"\x00\x01\x02")), "all.zip")
    assert (good.tracks, good.error, bad.entries, bad.collections) == (1, "", 0, ())
    assert "b.csv is not a text file" in bad.error
    assert "b.csv" in refusal(zipped(("b.csv", b"\x00\x01\x02")), "all.zip")


def test_two_lists_of_one_name_in_a_zip_stay_two():
    data = zipped(("x/mix.csv", GOOD), ("y/Mix (1).csv", GOOD))
    assert [f.collections[0].key for f in read(data, "all.zip")] == ["mix", "mix (2)"]


def with_sizes(data: bytes, name: str, declared: int) -> bytes:
    """The zip with another unpacked size written in both places that say one."""
    raw = bytearray(data)
    local, central = raw.index(b"PK\x03\x04"), raw.index(b"PK\x01\x02")
    struct.pack_into("<I", raw, local + 22, declared)
    struct.pack_into("<I", raw, central + 24, declared)
    return bytes(raw)


def link_to(target: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("list.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("../list.csv", GOOD)), "points outside"),
        (zipped(("a/../../list.csv", GOOD)), "points outside"),
        (zipped(("/etc/list.csv", GOOD)), "points outside"),
        (zipped(("..\\list.csv", GOOD)), "points outside"),
        (zipped(("C:\\list.csv", GOOD)), "points outside"),
        (link_to("/etc/passwd"), "is a link"),
        (zipped(("list.csv", b"a" * 30_000_000)), "packed like a bomb"),
        (with_sizes(zipped(("list.csv", GOOD + "A,B\n" * 400_000)), "list.csv", 900_000), "damaged zip"),
        (zipped(("inner.zip", zipped(("list.csv", GOOD)))), "holds another zip: unpack it once"),
        (zipped(("[Content_Types].xml", "<x/>"), ("xl/a.xml", "<x/>")), "spreadsheet or document: save it"),
        (zipped(("a.jpg", b"x")), "holds no library file"),
        (zipped(), "holds no library file"),
        (zipped(("list.csv", GOOD))[:-30], "damaged zip"),
        (zipped(("list.csv", GOOD), method=zipfile.ZIP_STORED).replace(b"Nana", b"Nene"), "damaged zip"),
    ],
)
def test_a_zip_that_plays_tricks_is_refused_whole(data, said):
    assert re.search(said, refusal(data, "all.zip"))


def test_a_zip_that_unpacks_to_too_much_in_all_is_refused(monkeypatch):
    monkeypatch.setattr(zip_archive, "MAX_UNPACKED", 1000)
    rows = "".join(f"{random.Random(n).getrandbits(64):x},Falla\n" for n in range(30))
    assert "unpacks to more than" in refusal(zipped(("a.csv", GOOD + rows), ("b.csv", GOOD + rows)), "all.zip")
    assert len(read(zipped(("a.csv", GOOD + rows)), "all.zip")) == 1


def test_a_locked_zip_says_so():
    raw = bytearray(zipped(("list.csv", GOOD)))
    raw[raw.index(b"PK\x03\x04") + 6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert "locked with a password" in refusal(bytes(raw), "all.zip")


def test_a_hostile_file_name_stays_one_line_in_the_sentence():
    sentence = refusal(b"", "a\nb\x1b[31m\u2028" + "x" * 500 + ".csv")
    assert "\x1b" not in sentence and len(sentence) < 200


@needs_shared
def test_hostile_and_odd_names_come_through_a_csv_as_they_are():
    nasty = json.loads((SHARED_DATA / "nasty" / "blns.json").read_text("utf-8"))
    odd = [row["text"] for row in json.loads((SHARED_DATA / "nasty" / "real_music_names.json").read_text("utf-8"))]
    names = [name for name in [*nasty, *odd] if clean(name)]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(
        [["Track URI", "Track Name", "Album Name", "Artist Name(s)", "Release Date", "Duration (ms)"]]
        + [[f"spotify:track:{ID}", name, name, name.replace(";", ""), "2001", "184000"] for name in names]
    )
    (file,) = read(out.getvalue().encode("utf-8", "replace"))
    entries = file.collections[0].entries
    assert len(entries) == len(names) > 1000
    for name, entry in zip(names, entries, strict=True):
        if entry.track is None:
            assert name in ("#NAME?", "#VALUE!", "#REF!", "#DIV/0!"), name
            continue
        kept = unicodedata.normalize("NFC", "".join(" " if c in "\t\n\v\f\r\x85\u2028\u2029" else c for c in name))
        kept = "".join(c for c in kept if unicodedata.category(c) != "Cc").strip()
        assert entry.track.title == entry.track.album == kept[:MAX_TEXT].strip(), ascii(name)


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.txt", "a.json", "a.m3u", "a.zip", ""]))
def test_any_bytes_give_a_file_that_adds_up_or_a_sentence(data, name):
    try:
        found = read(data, name)
    except UnreadableFile as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert all(f.entries == f.tracks + sum(f.reasons.values()) for f in found)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=8))
def test_any_table_of_titles_and_artists_keeps_a_place_for_every_row(rows):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("title", "artist"), *rows])
    data = out.getvalue().encode("utf-8", "replace")
    kept = [row for row in rows if "".join(row).strip()]
    try:
        (file,) = read(data)
    except UnreadableFile as error:
        assert re.search("not a text file|no list|no column", str(error))
    else:
        assert file.entries == len(kept)
