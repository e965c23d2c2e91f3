"""Exportify's files: every recorded one, every language, and what spreadsheet programs make of them."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.importers.reader import ReadFile, UnreadableFile
from catalog.importers.table_rows import artists_of
from catalog.music.records import EPISODE, FILE, LOCAL, UNREADABLE, WITHDRAWN, EntryRecord
from tests.catalog.importers.entries import read_one, track_of, tracks_of
from tests.shared import SHARED_DATA, needs_shared

EXPORTS = SHARED_DATA / "exports" / "exportify"
APP_HEADER = [
    "Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name", "Album Artist URI(s)",
    "Album Artist Name(s)", "Album Release Date", "Album Image URL", "Disc Number", "Track Number",
    "Track Duration (ms)", "Track Preview URL", "Explicit", "Popularity", "ISRC", "Added By", "Added At",
]  # fmt: skip
APP_ROW = [
    "spotify:track:3n3Ppam7vgaVa1iaRUc9Lp", "Gymnopédie No. 1", "spotify:artist:6sFIWsNpZYqfjUpaCgueju",
    "Erik Satie", "spotify:album:4aawyAB9vmqN3uQ7FjRGTy", "Trois Gymnopédies",
    "spotify:artist:6sFIWsNpZYqfjUpaCgueju", "Erik Satie", "1988-11-03", "https://i.scdn.co/image/ab67", "1", "2",
    "184000", "", "false", "61", "usrc11700001", "spotify:user:me", "2021-05-04T10:11:12Z",
]  # fmt: skip
NET_HEADER = (
    "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Explicit,Added By,Added At"
)
NET_ROW = (
    "spotify:track:3n3Ppam7vgaVa1iaRUc9Lp,Nana,Siete canciones,Manuel de Falla;Victoria,1914,150000,5,false,,"
    "2021-05-04T10:11:12Z"
)


def read(data: str | bytes, name: str = "my_list.csv") -> ReadFile:
    return read_one(data, name)


def as_csv(header: list[str], *rows: list[str], delimiter: str = ",") -> str:
    """The rows as Exportify writes them: every cell quoted."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def changed(**cells: str) -> list[str]:
    """`APP_ROW` with cells replaced; names are column numbers with a ``c`` before them."""
    row = list(APP_ROW)
    for name, cell in cells.items():
        row[int(name[1:])] = cell
    return row


def only_entry(file: ReadFile) -> EntryRecord:
    (collection,) = file.collections
    (entry,) = collection.entries
    return entry


def recorded() -> list[Path]:
    return sorted(EXPORTS.glob("*.csv"))


def counted(path: Path) -> tuple[int, int]:
    """Rows, and rows that can be tracks, by a count that knows nothing of the reader."""
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True)))[1:]
    return len(rows), sum(row[0].startswith("spotify:track:") and row[1] != "" for row in rows)


@needs_shared
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name)
def test_every_recorded_export_adds_up_to_an_independent_count(path):
    rows, tracks = counted(path)
    file = read(path.read_bytes(), path.name)
    (collection,) = file.collections
    assert (file.entries, file.tracks, collection.total) == (rows, tracks, rows)
    assert file.entries == file.tracks + sum(file.reasons.values())
    assert file.skipped == () and collection.complete
    assert all(entry.added_at for entry in collection.entries)
    for track in tracks_of(file):
        assert len(track.spotify_id) == 22 and track.artists and (track.duration_ms or 0) > 10_000


@needs_shared
def test_every_recorded_cell_arrives_as_a_dict_reader_sees_it():
    path = EXPORTS / "v2026-03_19cols_liked.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    entries = read(path.read_bytes()).collections[0].entries
    for row, entry in zip(rows, entries, strict=True):
        track = track_of(entry)
        assert track.title == row["Track Name"].strip() and track.album == row["Album Name"].strip()
        assert track.isrc == row["ISRC"].upper().replace("-", "") and track.duration_ms == int(
            row["Track Duration (ms)"]
        )
        assert (track.disc_number, track.track_number) == (int(row["Disc Number"]), int(row["Track Number"]))
        assert track.release_date == row["Album Release Date"] and track.cover_url == row["Album Image URL"]
        assert track.explicit == (row["Explicit"] == "true")
        assert len(track.artists) == len(row["Artist URI(s)"].split(", "))


@needs_shared
def test_headers_of_every_language_give_the_same_tracks():
    languages = json.loads((EXPORTS / "HEADER_TRANSLATIONS_12_languages.json").read_text("utf-8"))
    fields = [key for key in languages["en"] if isinstance(languages["en"][key], str) and key != "is_playable"]
    path = EXPORTS / "dd_2023-07_not_english.csv"
    _, body = path.read_text("utf-8").split("\n", 1)
    expected = read(path.read_bytes()).collections[0].entries
    assert len(languages) == 12 and len(fields) == 19
    for language, words in languages.items():
        header = as_csv([words[field] for field in fields])
        assert read(header + body).collections[0].entries == expected, language


@needs_shared
@pytest.mark.parametrize("name", ["dd_2023-07_not_english.csv", "v2026-03_exportify_net_24cols_liked.csv"])
def test_cells_tell_the_columns_where_headers_say_nothing(name):
    text = (EXPORTS / name).read_text("utf-8-sig")
    header, body = text.split("\n", 1)
    nonsense = ",".join(f"c{number}" for number in range(header.count(",") + 1))
    assert read(f"{nonsense}\n{body}").collections[0].entries == read(text).collections[0].entries


def test_moved_columns_are_followed():
    two = "spotify:artist:6sFIWsNpZYqfjUpaCgueju, spotify:artist:0LyfQWJT6nXafLPZqxe9Of"
    row = changed(c2=two, c3="Erik Satie, Various, Hands", c5="Early, Works")
    expected = track_of(only_entry(read(as_csv(APP_HEADER, row))))
    order = list(reversed(range(len(APP_HEADER))))
    track = track_of(only_entry(read(as_csv([APP_HEADER[i] for i in order], [row[i] for i in order]))))
    assert (track.title, track.artists, track.album) == (expected.title, expected.artists, "Early, Works")
    assert track.album_artists == ("Erik Satie",) and track.spotify_id == expected.spotify_id


def test_a_row_of_the_app_is_read_whole():
    entry = only_entry(read(as_csv(APP_HEADER, APP_ROW)))
    track = track_of(entry)
    assert (track.title, track.artists, track.album) == ("Gymnopédie No. 1", ("Erik Satie",), "Trois Gymnopédies")
    assert (track.spotify_id, track.album_spotify_id) == ("3n3Ppam7vgaVa1iaRUc9Lp", "4aawyAB9vmqN3uQ7FjRGTy")
    assert (track.disc_number, track.track_number, track.duration_ms) == (1, 2, 184000)
    assert (track.isrc, track.release_date, track.explicit) == ("USRC11700001", "1988-11-03", False)
    assert (track.album_artists, track.cover_url) == (("Erik Satie",), "https://i.scdn.co/image/ab67")
    assert entry.added_at == datetime(2021, 5, 4, 10, 11, 12, tzinfo=UTC)


def test_a_title_that_looks_like_a_year_a_number_or_an_isrc_stays_a_title():
    nonsense = [f"c{number}" for number in range(len(APP_HEADER))]
    for title in ("1999", "7", "12:51", "2112-01-01", "184000", "True", "USRC17607839", "2112-01-01T10:00"):
        for header in (APP_HEADER, nonsense):
            track = track_of(only_entry(read(as_csv(header, changed(c1=title)))))
            assert (track.title, track.release_date, track.duration_ms) == (title, "1988-11-03", 184000)
            assert (track.isrc, track.explicit) == ("USRC11700001", False)


@pytest.mark.parametrize(
    ("uris", "names", "artists"),
    [
        (2, "Drake, The Weeknd", ("Drake", "The Weeknd")),
        (1, r"Tyler\, The Creator", ("Tyler, The Creator",)),
        (1, "Earth, Wind & Fire", ("Earth, Wind & Fire",)),  # before 2024 commas were not escaped
        (2, r"Tyler\, The Creator, Kali Uchis", ("Tyler, The Creator", "Kali Uchis")),
        (2, "Falla;Victoria", ("Falla", "Victoria")),
        (2, "Falla,Victoria", ("Falla", "Victoria")),
        (1, "Ant;Bee", ("Ant;Bee",)),
    ],
)
def test_addresses_tell_how_many_artists_there_are(uris, names, artists):
    addresses = ", ".join(["spotify:artist:6sFIWsNpZYqfjUpaCgueju"] * uris)
    assert track_of(only_entry(read(as_csv(APP_HEADER, changed(c2=addresses, c3=names))))).artists == artists


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Tyler, The Creator, Anna", ("Tyler, The Creator", "Anna")),
        ("Anna, Tyler, The Creator", ("Anna", "Tyler, The Creator")),
        ("Tyler, The Creator,Anna", ("Tyler, The Creator", "Anna")),
        ("Anna,Ben", ("Anna", "Ben")),
        ("10,000 Maniacs,Ben", ("10,000 Maniacs", "Ben")),
        ("10,000 Maniacs, Ben", ("10,000 Maniacs", "Ben")),
        ("Earth, Wind & Fire, The Emotions", ("Earth, Wind & Fire", "The Emotions")),
        ("Anna, Crosby, Stills, Nash & Young", ("Anna", "Crosby, Stills, Nash & Young")),
        ("Anna, Simon & Garfunkel, Tyler, The Creator", ("Anna", "Simon & Garfunkel", "Tyler, The Creator")),
        ("Hank Williams, Jr., Anna", ("Hank Williams, Jr.", "Anna")),
        ("Red, Green & Blue, Anna", ("Red, Green & Blue", "Anna")),
    ],
)
def test_a_comma_within_a_name_parts_nothing_where_the_ids_count_the_artists(text, names):
    assert artists_of(text, len(names), addressed=True) == names


def test_the_other_exportify_joins_artists_with_semicolons_only():
    track = track_of(only_entry(read(f"\ufeff{NET_HEADER}\n{NET_ROW}\n")))
    assert track.artists == ("Manuel de Falla", "Victoria") and track.release_date == "1914"
    row = NET_ROW.replace("Manuel de Falla;Victoria", '"Tyler, The Creator"')
    assert track_of(only_entry(read(f"{NET_HEADER}\n{row}\n"))).artists == ("Tyler, The Creator",)


def test_various_artists_make_a_compilation():
    row = changed(c6="spotify:artist:0LyfQWJT6nXafLPZqxe9Of", c7="Various Artists")
    assert track_of(only_entry(read(as_csv(APP_HEADER, row)))).compilation
    assert not track_of(only_entry(read(as_csv(APP_HEADER, APP_ROW)))).compilation


def test_what_can_be_no_track_keeps_its_place_with_a_reason():
    rows = [
        APP_ROW,
        changed(c0="spotify:local:Demo+Band::Kellerlied:184", c1="Kellerlied", c2="", c3="Demo Band"),
        changed(c0="spotify:episode:4NEdPaatvYyGUR4l9MTkNm", c1="Folge 1"),
        changed(c1="", c3=""),
        changed(c0="", c1="", c3="nobody"),
    ]
    file = read(as_csv(APP_HEADER, *rows))
    entries = file.collections[0].entries
    assert [entry.reason for entry in entries] == ["", LOCAL, EPISODE, WITHDRAWN, UNREADABLE]
    assert entries[1].label == "Demo Band - Kellerlied"
    assert (file.entries, file.tracks) == (5, 1)
    assert [(skip.line, skip.reason) for skip in file.skipped] == [(6, "there is no title")]
    assert not file.collections[0].complete and file.collections[0].problem


def test_a_withdrawn_track_leaves_the_read_complete():
    collection = read(as_csv(APP_HEADER, changed(c1="", c3=""))).collections[0]
    assert collection.complete and collection.entries[0].reason == WITHDRAWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_separators_of_spreadsheets_give_the_same_track(encoding, delimiter):
    text = as_csv(APP_HEADER, APP_ROW, delimiter=delimiter)
    assert only_entry(read(text.encode(encoding))) == only_entry(read(as_csv(APP_HEADER, APP_ROW)))


@needs_shared
def test_excel_round_trips_of_a_recorded_file_change_no_title():
    path = EXPORTS / "dd_2025-05_german_bibliothek.csv"
    rows = list(csv.reader(path.read_text("utf-8").splitlines(keepends=True)))
    expected = read(path.read_bytes()).collections[0].entries
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows([*rows, [""] * len(rows[0])])
    for raw in (out.getvalue().encode("utf-8-sig"), f"sep=;\r\n{out.getvalue()}".encode("utf-16")):
        assert read(raw).collections[0].entries == expected
    mangled = path.read_bytes().decode("cp1252").encode("utf-8-sig")
    file = read(mangled)
    assert file.collections[0].entries == expected and "garbled" in file.notes[0]


def test_lines_that_were_wrapped_in_one_more_pair_of_quotes_are_unwrapped():
    lines = as_csv(APP_HEADER, APP_ROW).splitlines()
    wrapped = "\n".join('"' + line.replace('"', '""') + '"' for line in lines)
    assert only_entry(read(wrapped)) == only_entry(read(as_csv(APP_HEADER, APP_ROW)))


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["6/25/2013", "1/2/2005"], ["2013-06-25", "2005-01-02"]),
        (["25/6/2013", "1/2/2005"], ["2013-06-25", "2005-02-01"]),
        (["01.02.2005", "03.04.2006"], ["2005-02-01", "2006-04-03"]),
        (["1/2/2005", "3/4/2006"], ["2005", "2006"]),
        (["1996", "1996-02"], ["1996", "1996-02"]),
        (["0000", "2001-02-31"], ["", ""]),
    ],
)
def test_dates_that_excel_turned_round_are_taken_as_far_as_they_are_sure(dates, expected):
    file = read(as_csv(APP_HEADER, *(changed(c8=date) for date in dates)))
    assert [track.release_date for track in tracks_of(file)] == expected


def test_moments_that_excel_rewrote_are_still_moments():
    file = read(as_csv(APP_HEADER, changed(c18="29.07.2024 17:58"), changed(c18="1970-01-01T00:00:00Z")))
    assert [entry.added_at for entry in file.collections[0].entries] == [
        datetime(2024, 7, 29, 17, 58, tzinfo=UTC),
        None,
    ]


def test_a_title_that_excel_replaced_by_its_error_is_not_believed():
    file = read(as_csv(APP_HEADER, APP_ROW, changed(c1="#NAME?")))
    assert [entry.reason for entry in file.collections[0].entries] == ["", UNREADABLE]
    assert "spreadsheet" in file.skipped[0].reason


def test_a_row_that_does_not_fit_is_told_by_its_line_and_the_rest_is_read():
    text = as_csv(APP_HEADER, APP_ROW) + "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u\n" + as_csv(APP_ROW)
    file = read(text)
    assert (file.entries, file.tracks) == (3, 2)
    assert [(skip.line, skip.reason) for skip in file.skipped] == [(3, "the line has 21 cells instead of 19")]


def test_a_last_line_that_was_cut_off_is_no_track():
    text = as_csv(APP_HEADER, APP_ROW) + '"spotify:track:3n3Ppam7vgaVa1iaRUc9Lq","Gymnop"'
    file = read(text)
    assert (file.entries, file.tracks) == (2, 1) and "cut off" in file.skipped[0].reason


def test_a_file_that_ends_inside_a_quotation_is_refused_whole():
    with pytest.raises(UnreadableFile, match="ends inside a quotation"):
        read(as_csv(APP_HEADER, APP_ROW) + '"spotify:track:3n3Ppam7vgaVa1iaRUc9Lq","Gymnop')


def test_an_empty_playlist_is_an_empty_collection_in_any_language():
    for header in (APP_HEADER, ["トラックURI", "トラック名", "アーティスト名"], ["URI du titre", "Nom du titre"]):
        (collection,) = read(as_csv(header), "rock.csv").collections
        assert (collection.entries, collection.total, collection.complete, collection.name) == ((), 0, True, "rock")


def test_a_missing_column_is_named():
    header, row = APP_HEADER[:3] + APP_HEADER[4:], APP_ROW[:3] + APP_ROW[4:]
    with pytest.raises(UnreadableFile, match=re.compile("no column with the artist name.*export", re.DOTALL)):
        read(
            as_csv(
                [h for h in header if "Artist" not in h],
                [c for h, c in zip(header, row, strict=True) if "Artist" not in h],
            )
        )


def test_saved_albums_are_refused_with_what_to_do():
    with pytest.raises(UnreadableFile, match="lists albums without their tracks: export playlists"):
        read(as_csv(["Album URI", "Album Name"], ["spotify:album:4aawyAB9vmqN3uQ7FjRGTy", "Images"]))


@pytest.mark.parametrize(
    ("file_name", "key", "name"),
    [
        ("liked.csv", "liked", "Liked songs"),
        ("Liked_Songs (1).csv", "liked", "Liked songs"),
        ("irish_like.csv", "irish like", "irish like"),
        ("Irish_Like (12).csv", "irish like", "Irish Like"),
        ("exports/mix_(2).csv", "mix (2)", "mix (2)"),
        ("Cafe\u0301_de_paris.csv", "café de paris", "Café de paris"),
        (".csv", "unnamed", "Unnamed"),
    ],
)
def test_a_newer_export_of_a_playlist_has_the_same_key(file_name, key, name):
    (collection,) = read(as_csv(APP_HEADER, APP_ROW), file_name).collections
    assert (collection.kind, collection.key, collection.name, collection.account) == (FILE, key, name, "")


@needs_shared
def test_every_file_name_that_exportify_wrote_gives_a_legal_key():
    names = json.loads((SHARED_DATA / "nasty" / "exportify_file_names.json").read_text("utf-8"))
    keys = {name: read(as_csv(APP_HEADER, APP_ROW), name).collections[0].key for name in names}
    assert all(keys.values()) and len(set(keys.values())) == len(names) > 20
