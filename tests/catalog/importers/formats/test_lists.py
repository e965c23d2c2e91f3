"""Lists that no Spotify tool wrote: CSV with title and artist, m3u, and plain lines."""

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
    assert file.notes == ("3 lines are links without a title: named and fetched once a Spotify account is connected",)
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
