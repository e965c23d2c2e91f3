"""Where files belong: hostile names, templates, collisions."""

import json
import re
import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.music.path_template import (
    DEFAULT_TEMPLATE,
    MAX_NAME,
    MAX_PLACE,
    PRESETS,
    RESERVED,
    Naming,
    TemplateError,
    check_template,
    next_place,
    relative_place,
)
from catalog.text.path_key import path_key
from tests.shared import SHARED_DATA, needs_shared

SONG = Naming("Song", ("Main", "Guest"), "Album", "Main", 3, 1, 1, "2011-03-01")

# (what the tags say, the template, the place)
PLACES = [
    (SONG, "navidrome", "Main/Album (2011)/03 Song.mp3"),
    (SONG, "beets", "Main/Album/03 Song.mp3"),
    (SONG, "flat", "Main - Song.mp3"),
    (Naming("Song", ("A",)), "navidrome", "A/Song.mp3"),
    (Naming("Song", ("A",), year="2011"), "navidrome", "A/Song.mp3"),
    (Naming("Song", ("A",), "B", track_number=7, disc_number=2, disc_total=2), "navidrome", "A/B/2-07 Song.mp3"),
    (Naming("Song", ("A",), "B", track_number=7, disc_number=1, disc_total=1), "navidrome", "A/B/07 Song.mp3"),
    (Naming("Song", ("A",), "Hits", compilation=True), "navidrome", "Various Artists/Hits/Song.mp3"),
    (Naming("Song", ("A",), "Hits", "Verschiedene", compilation=True), "navidrome", "Verschiedene/Hits/Song.mp3"),
    (Naming("Song", ("A",), "Hits", compilation=True), "beets", "Compilations/Hits/Song.mp3"),
    (Naming("", ()), "navidrome", "Unknown Artist/Untitled.mp3"),
    (Naming("Song", ("A",), year="0000"), "{artist}[ {year}]/{title}", "A/Song.mp3"),
    (SONG, "{artists} - {title}", "Main, Guest - Song.mp3"),
]  # fmt: skip

# What a title becomes as the name of a file.
TITLES = [
    ("Rocky Road / Down The River", "Rocky Road - Down The River"),
    ("Codename: Dustsucker", "Codename - Dustsucker"),
    ("10:35", "10-35"),
    ("Ist das noch Punkrock?", "Ist das noch Punkrock"),
    ("???", "___"),
    ("...", "___"),
    ("..", "__"),
    (".", "_"),
    ("\u200b\u202e", "__"),
    ("When The Pawn...", "When The Pawn"),
    ("...And Justice for All", "And Justice for All"),
    (".hack", "hack"),
    ("trailing space ", "trailing space"),
    ("CON", "CON_"),
    ("nul.txt", "nul_.txt"),
    ("COM1", "COM1_"),
    ("lpt³", "lpt³_"),
    ("Console", "Console"),
    ("../../etc/passwd", "-..-etc-passwd"),
    ("C:\\Windows", "C--Windows"),
    ("new\nline\ttab\x00nul\x07bell", "new line tabnulbell"),
    ("abc\u202egnp.exe", "abcgnp.exe"),
    ("4'33\"", "4'33'"),
    ("<script>*|", "(script)_-"),
    ("Cafe\u0301", "Café"),
    ("lone \udc80 surrogate", "lone _ surrogate"),
    ("non\ufffecharacter", "non_character"),
    ("愛\u3000恋", "愛 恋"),
    ("{title}", "{title}"),
    ("[x]", "[x]"),
]


@pytest.mark.parametrize(("naming", "template", "place"), PLACES)
def test_a_track_belongs_where_its_preset_says(naming, template, place):
    assert relative_place(naming, "mp3", PRESETS.get(template, template)) == place


@pytest.mark.parametrize(("title", "name"), TITLES, ids=lambda text: ascii(text))
def test_a_title_becomes_a_name_that_every_disk_takes(title, name):
    assert relative_place(Naming(title, ("A",)), ".MP3", "{title}") == f"{name}.mp3"


def test_dots_within_a_name_are_kept():
    assert relative_place(Naming("Drive", ("R.E.M.",)), "opus", "{artist} - {title}") == "R.E.M. - Drive.opus"
    assert relative_place(Naming("Drive", ("R.E.M.",)), "opus", "{artist}/{title}") == "R.E.M/Drive.opus"


@pytest.mark.parametrize("template", PRESETS.values(), ids=PRESETS)
def test_every_preset_can_be_used(template):
    check_template(template)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{artist}/{album}", "needs {title}"),
        ("{title}/{album}", "needs {title}"),
        ("", "cannot be a name"),
        ("/{title}", "below the music folder"),
        ("../{title}", "cannot be a name"),
        ("{artist}/../{title}", "cannot be a name"),
        ("{artist}//{title}", "cannot be a name"),
        (".hidden/{title}", "cannot be a name"),
        ("{artist} /{title}", "cannot be a name"),
        ("C:{title}", "':'"),
        ("a\\{title}", "'\\\\'"),
        ("{title}\x00", "'\\x00'"),
        ("{title}\u202e", "'\\u202e'"),
        ("{titel}", "{titel} is no field"),
        ("{title.__class__}", "is no field"),
        ("{}{title}", "{} is no field"),
        ("{title", "has a {"),
        ("title}{title}", "has a }"),
        ("[{title}", "has a ["),
        ("{title}]", "has a ]"),
        ("[{artist}/{album}]/{title}", "has a ["),
        ("a/b/c/d/e/f/g/{title}", "more than 6 folders"),
    ],
)
def test_a_template_that_cannot_work_is_refused_in_one_sentence(template, why):
    with pytest.raises(TemplateError) as refusal:
        check_template(template)
    assert why in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)
    with pytest.raises(TemplateError):
        relative_place(SONG, "mp3", template)


def test_an_extension_that_is_none_is_refused():
    for extension in ("", "mp3/x", "..", "m p3", "averylongone"):
        with pytest.raises(ValueError, match="is no file extension"):
            relative_place(SONG, extension)


def test_collisions_take_the_id_and_then_count():
    place = "A/B/01 Song.mp3"
    assert [next_place(place, "4LRPiXqC", attempt) for attempt in range(4)] == [
        "A/B/01 Song.mp3",
        "A/B/01 Song [4LRPiXqC].mp3",
        "A/B/01 Song [4LRPiXqC-2].mp3",
        "A/B/01 Song [4LRPiXqC-3].mp3",
    ]
    assert next_place("Song.mp3", "../x/", 1) == "Song [x].mp3"


def test_a_collision_of_a_long_name_still_fits_with_part_behind_it():
    for attempt in (1, 2, 1000):
        name = next_place("A/" + "é" * 125 + ".mp3", "4LRPiXqCikLlN15c3yImP7", attempt).removeprefix("A/")
        assert len(f"{name}.part".encode()) <= MAX_NAME
        assert name.startswith("é" * 90)


def test_names_that_some_disks_take_for_one_have_one_key():
    assert path_key("École.mp3") == path_key("E\u0301COLE.MP3") == path_key("école.mp3")
    assert path_key("Ecole.mp3") != path_key("École.mp3")
    assert path_key("Straße") == path_key("STRASSE")


def test_an_endless_title_is_cut_between_letters():
    place = relative_place(Naming("é" * 400, ("A",)), "mp3", "{title}")
    assert re.fullmatch("é+\\.mp3", place)
    assert 150 < len(place.encode()) < MAX_NAME
    letters = relative_place(Naming("e\u0323\u0303" * 300, ("A",)), "mp3", "{title}")
    assert re.fullmatch("(?:ẹ\u0303)+\\.mp3", letters), "cut between a letter and its mark"
    thumbs = relative_place(Naming("👍🏽" * 100, ("A",)), "mp3", "{title}")
    assert re.fullmatch("(?:👍🏽)+\\.mp3", thumbs)
    assert relative_place(Naming("o" + "\u0335" * 900, ("A",)), "mp3", "{title}").startswith("o\u0335")


def test_a_long_place_shortens_its_longest_name_first():
    naming = Naming("Short title", ("Artist",), "Album " * 60, "Artist", 1)
    place = relative_place(naming, "mp3")
    assert place.startswith("Artist/Album Album ")
    assert place.endswith("/01 Short title.mp3")
    assert len(place) <= 230


def assert_legal(place: str) -> None:
    """What every place keeps, whatever it was made of."""
    assert len(place.encode("utf-8")) <= MAX_PLACE
    assert unicodedata.is_normalized("NFC", place)
    for name in place.split("/"):
        assert 0 < len(name.encode("utf-8")) <= MAX_NAME
        assert name == name.strip(" ") and not name.startswith(".") and not name.endswith(".")
        assert not set(name) & set('<>:"\\|?*')
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name)
        assert name.partition(".")[0].rstrip().casefold() not in RESERVED


def assert_always_legal(naming: Naming) -> None:
    for template, attempt in product(PRESETS.values(), (0, 1, 12)):
        place = next_place(relative_place(naming, "opus", template), "4LRPiXqCikLlN15c3yImP7", attempt)
        assert_legal(place)
        assert place.endswith(".opus")
        assert place.count("/") <= template.count("/")


any_text = (
    st.text(st.characters(), max_size=300) | st.sampled_from(sorted(RESERVED)) | st.text("./ \u0301\u200b", max_size=9)
)


@given(title=any_text, artist=any_text, album=any_text, year=any_text, numbers=st.integers())
def test_any_text_gives_a_legal_place(title, artist, album, year, numbers):
    assert_always_legal(Naming(title, (artist,), album, artist, numbers, numbers, numbers, year))


def hostile_names() -> list[str]:
    """Naughty strings, real odd names, and names from bug reports."""
    nasty = SHARED_DATA / "nasty"
    reported = json.loads((nasty / "reported_names.json").read_text("utf-8"))
    names = json.loads((nasty / "blns.json").read_text("utf-8"))
    names += [row["text"] for row in json.loads((nasty / "real_music_names.json").read_text("utf-8"))]
    names += [row["text"] for row in reported["reported"]] + reported["general_knowledge_unsourced"]
    return names + json.loads((nasty / "exportify_file_names.json").read_text("utf-8"))


@needs_shared
def test_hostile_names_give_legal_places():
    names = hostile_names()
    assert len(names) > 1_250
    for name in names:
        assert_always_legal(Naming(name, (name,), name, name, 1, 2, 2, name))


@needs_shared
def test_real_odd_names_rarely_meet_in_one_place():
    """Different names may become one place (next_place tells them apart); it must not be the rule."""
    names = {unicodedata.normalize("NFC", name) for name in hostile_names() if name.strip()}
    places = {path_key(relative_place(Naming(name, ("A",)), "mp3", DEFAULT_TEMPLATE)) for name in names}
    assert len(places) > 0.95 * len(names)
