"""CSV as it is written in the world: our own files of each kind."""

from __future__ import annotations

import pytest

from catalog.importers.csv_table import undoubled
from catalog.importers.parsed_file import UnreadableFile
from tests.catalog.importers.entries import read_one, tracks_of


def names(text: str, name: str = "list.csv") -> list[tuple[str, str]]:
    return [(" + ".join(track.artists), track.title) for track in tracks_of(read_one(text, name))]


@pytest.mark.parametrize(
    "text",
    [
        "title,artist\nNana,Falla\n",
        'title, artist\n"Nana", "Falla"\n',
        "sep=;\ntitle;artist\nNana;Falla\n",
        '"sep=|"\ntitle|artist\nNana|Falla\n',
        "title\tartist\r\nNana\tFalla\r\n",
        "title\tartist\rNana\tFalla\r",
        "My songs\n\ntitle,artist\nNana,Falla\n",
        "Playlist: Rock, Pop; more\nexported 2026\ntitle,artist\nNana,Falla\n",
        "Track Name,Name,Artist\nNana,My list,Falla\n",
        "Name,Song title,Artist\nMy list,Nana,Falla\n",
    ],
)
def test_the_same_song_is_read_out_of_each_dialect(text: str) -> None:
    assert names(text) == [("Falla", "Nana")]


def test_line_numbers_count_the_lines_above_the_names() -> None:
    file = read_one("My list\n\ntitle,artist\nNana,Falla\n,Satie\nVexations,Satie\n", "list.csv")
    assert [(line.line, line.reason) for line in file.skipped] == [(5, "there is no title")]


def test_html_entities_are_read_where_the_whole_file_is_escaped() -> None:
    file = 'title,artist\nDon&#39;t &amp;quot;Go&amp;quot;,Simon &amp; Garfunkel\n"S&oacute;, 1",Jos&eacute;\n'
    assert names(file) == [("Simon & Garfunkel", 'Don\'t "Go"'), ("José", "Só, 1")]
    assert names("title,artist\nB &amp; W,R & B\n") == [("R & B", "B &amp; W")]


def test_numbered_columns_of_artists_are_an_artist_each() -> None:
    text = "Song Title,Album Title,Artist Name 1,Artist Name 2\nNana,Songs,Falla,Lorca\nAria,,Bach,\n"
    assert names(text) == [("Falla + Lorca", "Nana"), ("Bach", "Aria")]


@pytest.mark.parametrize("joined", ["A,B", "A, B", "A;B", "A & B", "A/B", "A|B"])
def test_a_cell_of_artists_is_parted_where_that_gives_as_many_names_as_ids(joined: str) -> None:
    ids = ",".join(letter * 22 for letter in "xy")
    assert names(f'Artist IDs,Title,Artist\n"{ids}",Nana,"{joined}"\n') == [("A + B", "Nana")]
    assert names(f'Artist IDs,Title,Artist\n"{"x" * 22}",Nana,"{joined}"\n') == [(joined, "Nana")]


def test_an_album_s_own_type_is_no_kind_of_row() -> None:
    assert names("title,artist,type\nNana,Falla,album\nAria,Bach,single\n") == [("Falla", "Nana"), ("Bach", "Aria")]


def test_a_file_of_albums_alone_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="lists albums and no songs"):
        read_one("title,artist,type\nTides,Falla,Album\n", "list.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Catalog#,Artist,Title,Format,Released,release_id\nA1,Falla,Songs,LP,2001,12\n", "lists albums"),
        ("Artist,Album,Tracks\nFalla,Songs,7\n", "no column with the titles"),
    ],
)
def test_a_collection_of_albums_is_no_list_of_songs(text: str, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read_one(text, "list.csv")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02 10:00:00 INFO start - ok\n2026-01-02 10:00:01 INFO end - ok\n",
        "This is a long text - it has dashes in some of its lines.\nAnd here - as one sees - is one more of them.\n",
    ],
)
def test_prose_and_logs_are_no_songs_though_they_have_dashes(text: str) -> None:
    with pytest.raises(UnreadableFile, match="most lines are not"):
        read_one(text, "list.txt")


def test_a_table_of_mostly_nonsense_is_refused_and_a_few_bad_lines_are_told() -> None:
    with pytest.raises(UnreadableFile, match=r"most lines name no song \(line 2: there is no title"):
        read_one("title,artist\n" + ",x\n" * 9 + "Nana,Falla\n", "list.csv")
    file = read_one("title,artist\n" + ",x\n" * 2 + "Nana,Falla\n", "list.csv")
    assert len(file.skipped) == 2 and file.tracks == 1


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('"a "b" c","d"', ['a "b" c', "d"]),
        ('"a "b"","d"', ['a "b"', "d"]),
        ('"a ""b"" c",d', ['a "b" c', "d"]),
        ('plain,"x" ,y', ["plain", "x", "y"]),
        ('"never closed,d', ['"never closed', "d"]),
        ("a,,", ["a", "", ""]),
    ],
)
def test_quotation_marks_that_nobody_doubled(line: str, cells: list[str]) -> None:
    assert undoubled(line, ",") == cells


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('"One, "two", three","d","e"', ['One, "two", three', "d", "e"]),
        ('"7" mix","d","12" version"', ['7" mix', "d", '12" version']),
        (r'"a \"b\"","d","e"', ['a "b"', "d", "e"]),
        (r'"a\", b","d","e"', ['a", b', "d", "e"]),
        ('"one","cell", "more", too', ["one", "cell", "more", " too"]),
    ],
)
def test_quotation_marks_are_read_so_that_the_line_has_its_cells(line: str, cells: list[str]) -> None:
    assert undoubled(line, ",", 3) == cells


@pytest.mark.parametrize("blank", ["\t", "\u00a0", " \u3000", "  "])
def test_any_blank_may_stand_before_a_quotation_mark(blank: str) -> None:
    file = read_one(f'title,{blank}"artist"\n"Nana, one",{blank}"Falla, M."\n"Aria",{blank}"Bach"\n', "list.csv")
    assert [track.title for track in tracks_of(file)] == ["Nana, one", "Aria"]
    assert not file.skipped


def test_a_mark_that_a_backslash_keeps_open_is_text_and_its_line_is_whole() -> None:
    file = read_one('title,artist\n"The \\"Fish\\"","Falla"\n"Fish\\", chips","Bach"\n', "list.csv")
    assert [track.title for track in tracks_of(file)] == ['The "Fish"', 'Fish", chips']


def test_one_unclosed_quotation_mark_spoils_its_line_alone() -> None:
    file = read_one('title,artist\n"Nana,Falla\nAria,Bach\nVexations,Satie\n', "list.csv")
    assert [track.title for track in tracks_of(file)] == ["Aria", "Vexations"]
    assert [(line.line, line.reason) for line in file.skipped] == [(2, "a quotation mark is missing")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Falla - Nana 3:45\nBach - Aria (1:02)\n", [("Falla", "Nana", 225_000), ("Bach", "Aria", 62_000)]),
        ("00:00 Falla - Nana\n03:45 Bach - Aria\n", [("Falla", "Nana", None), ("Bach", "Aria", None)]),
        ("1. [0:00] Falla - Nana\n2. [3:45] Bach - Aria\n", [("Falla", "Nana", None), ("Bach", "Aria", None)]),
        ("Falla - 4:33\nBach - Aria\n", [("Bach", "Aria", None)]),
    ],
)
def test_times_in_lines_are_no_part_of_names(text: str, expected: list[tuple[str, str, int | None]]) -> None:
    found = [(track.artists[0], track.title, track.duration_ms) for track in tracks_of(read_one(text, "a.txt"))]
    assert found[-len(expected) :] == expected
