"""Lists that no Spotify tool wrote: CSV with title and artist, m3u, and plain lines."""

import json

import pytest

from catalog.importers.reader import ReadFile, UnreadableFile
from catalog.music.records import LOCAL, UNREADABLE, TrackRecord
from tests.catalog.importers.entries import read_one, track_of, tracks_of

TUNEMYMUSIC = """Track name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id
Nana,Manuel de Falla,Siete canciones,Abend,Playlist,ESA010400010,3n3Ppam7vgaVa1iaRUc9Lp
Clair de lune,Claude Debussy,Suite bergamasque,Favorite Songs,Favorite,,4aawyAB9vmqN3uQ7FjRGTy
Asturias,Isaac Albéniz,,Abend,Playlist,,
"""
M3U = """#EXTM3U
#PLAYLIST:Für Elise
#EXTINF:213,Manuel de Falla - Nana
/music/x/track1.mp3
#EXTINF:-1 tvg-logo="a,b - c",Claude Debussy – Clair de lune
http://radio.example/2
#EXTART:Bach
#EXTALB:Goldberg
#EXTINF:61,Bach - Aria - Live
C:\\Musik\\x.mp3
Erik Satie - Gymnopédie.ogg
Robert Schumann/Kinderszenen/07 Träumerei.flac
song.mp3
"""


def tracks(file: ReadFile) -> list[TrackRecord | None]:
    return [entry.track for collection in file.collections for entry in collection.entries]


def test_a_table_of_several_playlists_gives_each_of_them_in_order():
    file = read_one(TUNEMYMUSIC, "My Library.csv")
    abend, favorites = file.collections
    assert [(c.name, c.key, c.total) for c in (abend, favorites)] == [
        ("Abend", "my library/abend", 2),
        ("Favorite Songs", "my library/favorite songs", 1),
    ]
    assert abend.entries[0].track == TrackRecord(
        "Nana", ("Manuel de Falla",), "Siete canciones", isrc="ESA010400010", spotify_id="3n3Ppam7vgaVa1iaRUc9Lp"
    )
    assert track_of(favorites.entries[0]).spotify_id == "4aawyAB9vmqN3uQ7FjRGTy"


@pytest.mark.parametrize(
    ("header", "row", "duration_ms"),
    [
        ("title,artist,album,isrc", "Nana,Falla,Canciones,ESA010400010", None),
        ("Künstler;Titel;Album;Code", "Falla;Nana;Canciones;ES-A01-04-00010", None),
        ("isrc\tAlbum\tArtist Name(s)\tSong\tLength", "ESA010400010\tCanciones\tFalla\tNana\t2:30", 150_000),
        ("Titre,Artiste,Album,ISRC,Duration (ms)", "Nana,Falla,Canciones,ESA010400010,150000", 150_000),
        ("Title,Artist,Album,ISRC,Duration", "Nana,Falla,Canciones,ESA010400010,150", 150_000),
        ("Title,Artist,Album,ISRC,Plays", "Nana,Falla,Canciones,ESA010400010,150000", None),
    ],
)
def test_tables_are_understood_by_their_words_and_their_cells(header, row, duration_ms):
    (track,) = tracks(read_one(f"{header}\n{row}\n", "songs.csv"))
    assert track == TrackRecord("Nana", ("Falla",), "Canciones", isrc="ESA010400010", duration_ms=duration_ms)


def test_a_row_without_a_title_is_told_and_keeps_its_place():
    file = read_one("title,artist\nNana,Falla\n,Debussy\nAsturias,\n", "songs.csv")
    assert [track.title if track else None for track in tracks(file)] == ["Nana", None, None]
    assert [(skip.line, skip.reason) for skip in file.skipped] == [(3, "there is no title"), (4, "there is no artist")]
    assert (file.entries, file.tracks, file.reasons) == (3, 1, {UNREADABLE: 2})


def test_an_m3u_tells_its_tracks_by_its_notes_and_its_paths():
    file = read_one(M3U, "elise.m3u8")
    assert tracks(file) == [
        TrackRecord("Nana", ("Manuel de Falla",), duration_ms=213_000),
        TrackRecord("Clair de lune", ("Claude Debussy",)),
        TrackRecord("Aria - Live", ("Bach",), "Goldberg", duration_ms=61_000),
        TrackRecord("Gymnopédie", ("Erik Satie",)),
        TrackRecord("Träumerei", ("Robert Schumann",), "Kinderszenen", track_number=7),
        None,
    ]
    assert (file.collections[0].key, file.collections[0].name) == ("elise", "Für Elise")
    assert [(skip.line, skip.text) for skip in file.skipped] == [(13, "song.mp3")]


def test_the_parts_of_a_stream_are_no_playlist():
    with pytest.raises(UnreadableFile, match=r"stream's parts.*export"):
        read_one("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\npart1.ts\n", "radio.m3u8")


def test_lines_are_split_at_the_first_dash_with_space_around_it():
    file = read_one(
        "Jean-Michel Jarre - Oxygène\nArvo Pärt – Fratres - Live\n\nA-ha — Take On Me\nonly words\n", "list.txt"
    )
    assert [(t.artists, t.title) for t in tracks_of(file)] == [
        (("Jean-Michel Jarre",), "Oxygène"),
        (("Arvo Pärt",), "Fratres - Live"),
        (("A-ha",), "Take On Me"),
    ]
    assert [(skip.line, skip.text) for skip in file.skipped] == [(5, "only words")]
    assert (file.entries, file.tracks) == (4, 3)


def test_numbers_are_dropped_only_where_the_whole_list_is_numbered():
    assert [t.artists for t in tracks_of(read_one("1. Falla - Nana\n2) Satie - Vexations\n", "a.txt"))] == [
        ("Falla",),
        ("Satie",),
    ]
    assert [t.artists for t in tracks_of(read_one("10. Liga - Nana\nSatie - Vexations\n", "a.txt"))] == [
        ("10. Liga",),
        ("Satie",),
    ]


@pytest.mark.parametrize("lines", ["01 - {}\n02 - {}\n", "1 {}\n2 {}\n", '"{}"\n"{}"\n'])
def test_bare_numbers_that_count_the_lines_and_quotation_marks_around_each_belong_to_no_name(lines):
    wished = ["50 Cent - In da Club", "2Pac - Changes"]
    file = read_one(lines.format(*wished).encode(), "songs.txt")
    assert [f"{track.artists[0]} - {track.title}" for track in tracks_of(file)] == wished


def test_lines_with_commas_and_quotes_are_no_table():
    file = read_one('"Heroes", Live - Bowie\nCrosby, Stills - Ohio, "Part"\n', "a.txt")
    assert [t.artists for t in tracks_of(file)] == [('"Heroes", Live',), ("Crosby, Stills",)]


def test_a_local_file_among_lines_has_its_reason():
    file = read_one("Falla - Nana\nspotify:local:Demo+Band::Kellerlied:184\n", "a.txt")
    assert [e.reason for e in file.collections[0].entries] == ["", LOCAL] and file.skipped == ()


LINK_ID = "3n3Ppam7vgaVa1iaRUc9Lp"


@pytest.mark.parametrize(
    "line",
    [
        f"https://open.spotify.com/track/{LINK_ID}",
        f"https://open.spotify.com/intl-de/track/{LINK_ID}?si=abc",
        f"open.spotify.com/track/{LINK_ID}",
        f"spotify:track:{LINK_ID}",
        f"1. spotify:track:{LINK_ID}",
        LINK_ID,
    ],
)
def test_links_and_ids_alone_are_kept_until_spotify_names_them(line):
    file = read_one(f"{line}\n" * 3, "a.txt")
    entries = file.collections[0].entries
    assert [(entry.reason, entry.label) for entry in entries] == [("link", f"spotify:track:{LINK_ID}")] * 3
    assert file.notes == (
        "3 lines are links without a title: named and downloaded once a Spotify account is connected",
    )
    assert file.collections[0].complete


def test_a_table_of_ids_alone_is_kept_too():
    file = read_one(
        f"Track URI,Album URI\nspotify:track:{LINK_ID},spotify:album:{LINK_ID}\nspotify:episode:{LINK_ID},\n", "a.csv"
    )
    assert [entry.reason for entry in file.collections[0].entries] == ["link", "episode"]


def test_a_link_behind_its_title_is_no_part_of_it():
    (track,) = tracks_of(read_one(f"Falla - Nana https://open.spotify.com/track/{LINK_ID}?si=1\n", "a.txt"))
    assert (track.title, track.artists, track.spotify_id) == ("Nana", ("Falla",), LINK_ID)


def test_links_to_other_places_are_refused():
    with pytest.raises(UnreadableFile, match="no list of tracks"):
        read_one("https://www.youtube.com/watch?v=dQw4w9WgXcQ\nhttps://open.spotify.com/playlist/x\n", "a.txt")


@pytest.mark.parametrize("text", ["Dear diary,\ntoday - as always - it rained.\nThen it stopped.\nGood.\n", "x\n"])
def test_prose_is_no_list(text):
    with pytest.raises(UnreadableFile, match="is no list of tracks"):
        read_one(text, "diary.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("declared", ["UTF-8", "UTF-16", "windows-1252", "no-such-encoding"])
def test_what_encoding_an_xml_file_names_does_not_matter_once_it_is_read(encoding, declared):
    song = "<dict><key>Name</key><string>Bára</string><key>Artist</key><string>Ólöf</string></dict>"
    songs = f"<dict><key>1</key>{song}</dict>"
    text = (
        f'<?xml version="1.0" encoding="{declared}"?><plist version="1.0"><dict><key>Tracks</key>{songs}</dict></plist>'
    )
    (track,) = tracks_of(read_one(text.encode(encoding), "Library.xml"))
    assert (track.title, track.artists) == ("Bára", ("Ólöf",))


def plain_text_of_itunes(*headers: str, classical: bool = True) -> str:
    """Two songs as Music's "Plain Text" has them, lines ended by CR alone."""
    details = ["", "", "", ""] if classical else []
    rest = ["2001", "x", "x", "256", "44100", "", "AAC", "", "", "3", "", "", "", "", ""]
    songs = [
        ["Nana", "Falla", "", "Songs", "", *details, "Pop", "5123456", "213", "2", "2", "5", "10", *rest],
        ["Aria", "Bach", "", "Airs", "", *details, "Pop", "4123456", "187", "1", "2", "6", "10", *rest],
    ]
    return "\r".join("\t".join(row) for row in [[*headers, *"?" * (len(songs[0]) - len(headers))], *songs]) + "\r"


@pytest.mark.parametrize("classical", [True, False])
@pytest.mark.parametrize(
    "headers", [("Titel", "Interpret"), ("Nom", "Artiste"), ("名前", "アーティスト"), ("Название", "?")]
)
def test_the_plain_text_of_itunes_is_read_in_any_language(headers: tuple[str, ...], classical: bool) -> None:
    file = read_one(plain_text_of_itunes(*headers, classical=classical), "Road.txt")
    assert [
        (song.title, song.artists, song.album, song.duration_ms, song.disc_number, song.track_number)
        for song in tracks_of(file)
    ] == [("Nana", ("Falla",), "Songs", 213_000, 2, 5), ("Aria", ("Bach",), "Airs", 187_000, 1, 6)]


def test_a_table_as_wide_as_that_of_itunes_is_read_by_its_names() -> None:
    rows = [["Artist", "Title", *(f"n{n}" for n in range(29))], ["Falla", "Nana", *["7"] * 29]]
    (track,) = tracks_of(read_one("\n".join("\t".join(row) for row in rows) + "\n", "list.txt"))
    assert (track.title, track.artists) == ("Nana", ("Falla",))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (  # Apple's privacy export
            [
                {
                    "Content Type": "Song",
                    "Track Identifier": 12,
                    "Title": "Nana",
                    "Sort Name": "nana",
                    "Artist": "Falla",
                    "Is Part of Compilation": False,
                    "Album": "Songs",
                    "Track Duration": 213000,
                    "Track Number On Album": 5,
                    "Disc Number Of Album": 2,
                }
            ],
            {"list": [("Nana", ("Falla",), "Songs", 213_000, 2, 5)]},
        ),
        (  # SongShift
            [
                {
                    "service": "spotify",
                    "name": "One",
                    "tracks": [{"artist": "Falla", "track": "Nana", "album": "Songs"}],
                },
                {"service": "x", "name": "Two", "tracks": [{"artist": "Bach", "track": "Aria"}]},
            ],
            {
                "One": [("Nana", ("Falla",), "Songs", None, None, None)],
                "Two": [("Aria", ("Bach",), "", None, None, None)],
            },
        ),
        (  # what programs for Deezer and YouTube Music save
            [{"id": 1, "title": "Nana", "duration": 213, "artist": {"name": "Falla"}, "album": {"title": "Songs"}}],
            {"list": [("Nana", ("Falla",), "Songs", 213_000, None, None)]},
        ),
        (
            [{"title": "Aria", "duration": "3:07", "artists": [{"name": "Bach"}, {"name": "Gould"}], "x": [[1]]}],
            {"list": [("Aria", ("Bach", "Gould"), "", 187_000, None, None)]},
        ),
    ],
)
def test_a_list_of_songs_in_json_is_read_by_the_names_of_its_fields(data, expected) -> None:
    file = read_one(json.dumps(data), "list.json")
    assert {
        each.name: [
            (t.title, t.artists, t.album, t.duration_ms, t.disc_number, t.track_number)
            for entry in each.entries
            if (t := entry.track)
        ]
        for each in file.collections
    } == expected


@pytest.mark.parametrize("data", [[], [1, 2], [[]], [{"title": "Nana"}], [{"tracks": [3]}], [{"tracks": []}]])
def test_json_that_names_no_songs_is_refused_in_a_sentence(data) -> None:
    with pytest.raises(UnreadableFile, match="holds neither liked songs nor playlists"):
        read_one(json.dumps(data), "list.json")


def test_a_place_in_a_playlist_is_no_playlist() -> None:
    (collection,) = read_one("Title,Artist,Playlist Index\nNana,Falla,0\nAria,Bach,1\n", "list.csv").collections
    assert len(collection.entries) == 2


def test_foobars_lines_name_album_and_numbers() -> None:
    file = read_one("Falla - [Songs CD2 #05] Nana\nBach - [Airs #06] Aria\nSatie - [Live] Vexations\n", "list.txt")
    assert [(t.title, t.album, t.disc_number, t.track_number) for t in tracks_of(file)] == [
        ("Nana", "Songs", 2, 5),
        ("Aria", "Airs", None, 6),
        ("[Live] Vexations", "", None, None),
    ]
