"""Which candidates are the wished recording, and which are not. All songs and artists here are invented."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from downloads.matching.features import SearchResult, TrackQuery
from downloads.matching.score import THRESHOLD, acceptable, choose, rank, score
from downloads.matching.title_text import normalise, strip_marks
from downloads.matching.version_words import COSMETIC, EXCLUSIVE, NOISE
from tests.shared import SHARED_DATA, needs_shared

PROJECT = Path(__file__).resolve().parents[3]


def wish(title: str, *artists: str, seconds: float | None = 200, album: str = "", **more: object) -> TrackQuery:
    length = None if seconds is None else int(seconds * 1000)
    return TrackQuery(title, artists or ("Band",), album=album, duration_ms=length, **more)  # type: ignore[arg-type]


def song(title: str, *artists: str, seconds: float | None = 200, album: str = "", **more: object) -> SearchResult:
    length = None if seconds is None else int(seconds * 1000)
    given = artists or ("Band",)
    return SearchResult("c", title, given, album=album, duration_ms=length, **more)  # type: ignore[arg-type]


def video(title: str, channel: str, seconds: float | None = 200) -> SearchResult:
    return song(title, channel, seconds=seconds, kind="video")


SAME = [
    # equal as written, also where normalising leaves nothing
    (wish("!!!"), song("!!!")),
    (wish("÷"), song("÷")),
    (wish("Karaoke"), song("Karaoke")),
    (wish("Live Lines"), song("Live Lines")),
    # how services write one title
    (wish("Night Ferry - 2011 Remaster"), song("Night Ferry")),
    (wish("Night Ferry"), song("Night Ferry (Remastered 2009)")),
    (wish("Night Ferry - Single Version"), song("Night Ferry")),
    (wish("Night Ferry - Radio Edit"), song("Night Ferry", seconds=201)),
    (wish("(I Will Not) Sleep"), song("(I Will Not) Sleep (2002 Remaster)")),
    (wish('Theme (From "The Film")'), song("Theme")),
    (wish("Night Ferry (Over the Sea)"), song("Night Ferry", seconds=201)),
    (wish("Night Ferry - Main"), song("Night Ferry")),
    (wish("Theme"), song('Theme - From "The Film"')),
    (wish('Theme - From "The Film" Soundtrack'), song("Theme", album="The Film")),
    (wish("Theme"), song('Theme - From "The Film 2 (Original Motion Picture Soundtrack)"')),
    (wish("Don’t Go"), song("Don't Go")),
    (wish("Ferry Tale (Mia's Version)", "Mia"), song("Ferry Tale (Mia's Version)", "Mia")),
    (wish("Night Ferry, Pt. II"), song("Night Ferry, Part Two")),
    (wish("Suite No. 5, Op. 67: I. Allegro"), song("Suite No.5, Op.67: 1. Allegro")),
    (wish("Rock & Roll Ferry"), song("Rock 'n' Roll Ferry")),
    (wish("Night Ferry, Pt. 1 & 2"), song("Night Ferry (Pts. 1 & 2)")),
    (wish("Duet", "Carl", "庫太郎"), song("Duet (feat. Kotaro)", "Carl")),
    (wish("Duet", "Carl", seconds=None), song("Duet (feat. Ann B)", "Carl")),
    (wish("Duet", "Carl", album="Boats"), song("Duet", "Carl", "Ann B", album="Boats")),
    (wish("Colour of the Ferry"), song("Color of the Ferry")),
    (wish("You Are on a Ferry"), song("You're on a Ferry")),
    (wish("Night Ferry - 2023 Version"), song("Night Ferry (2023 Version)")),
    (wish("Night Ferry"), song("Night Ferry - 20th Anniversary Edition")),
    # editions that are named with a word of concerts
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats (Tour Edition)", seconds=201)),
    (wish("Night Ferry", album="Festival Edition"), song("Night Ferry", album="Boats", seconds=201)),
    # versions that are wished
    (wish("Night Ferry - Slowed + Reverb"), song("Night Ferry (slowed and reverb)")),
    (wish("Night Ferry - Live at the Hall"), song("Night Ferry (Live at the Hall)")),
    (wish("Night Ferry - Live"), song("Night Ferry (En Vivo)")),
    (
        wish("Bells - Live at Old Hall, Oslo, NO - August 3rd, 1986"),
        song("Bells (Live at Old Hall, Oslo, NO - August 3rd, 1986)"),
    ),
    (wish("Night Ferry - Ann Remix"), song("Night Ferry (Ann Remix)")),
    (wish("Night Ferry - Acústico"), song("Night Ferry (Acoustic Version)")),
    (wish("Night Ferry - Sped Up"), song("Night Ferry (Sped Up Version)")),
    (wish("Night Ferry", album="Live at the Hall"), song("Night Ferry (Live)", album="Live at the Hall")),
    # artists as sets, joined, as channels, with marks left out
    (wish("Duet (feat. Ann B)", "Carl", "Ann B"), song("Duet", "Carl & Ann B")),
    (wish("Duet (feat. Ann B)", "Carl", "Ann B"), song("Duet (feat. Ann B)", "Carl")),
    (wish("Duet", "Carl", "Ann B"), song("Duet", "Ann B", "Carl")),
    (wish("Duet", "Carl & Ann"), song("Duet", "Carl and Ann")),
    (wish("Duet", "Carl, Ann B"), song("Duet", "Carl", "Ann B")),
    (wish("Nocturne", "Zażółć Gęś"), song("Nocturne", "Zazolc Ges")),
    (
        wish("Suite No. 5, Op. 67: I. Allegro", "Jan van Dorp", "Oslo Phil"),
        song("Dorp: Suite No. 5, Op. 67: I. Allegro", "Oslo Phil"),
    ),
    (wish("Duet (feat. Ann B & Bo)", "Carl", "Ann B", "Bo"), song("Duet", "Carl", "Ann B", "Bo")),
    (wish("Duet", "Carl", "Ann B"), song("Duet (with Ann B)", "Carl")),
    (wish("Duet - Bo Remix", "Carl", "Ann B", "Bo"), song("Duet (Bo Remix)", "Carl")),
    (wish("Duet - with Ann B", "Carl", "Ann B"), song("Duet", "Carl", "Ann B")),
    # albums whose names hold a version word like any other
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="The Hilltop Sessions")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Demo Tapes")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats: The Tour Edition")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Sing-Alongs and Lullabies for a Film")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Tribute")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Night Ferry (Acoustic)")),
    (wish("Night Ferry", album="The Tour Tapes"), song("Night Ferry", album="Boats")),
    (wish("Night Ferry - Deluxe Edition"), song("Night Ferry (Expanded Edition)")),
    # names in two scripts
    (wish("Night Ferry", "Yona Sol"), song("Night Ferry", "יונה סול - Yona Sol")),
    (wish("Night Ferry", "יונה סול"), song("Night Ferry", "יונה סול - Yona Sol")),
    (wish("Night Ferry", "Band (バンド)"), song("Night Ferry", "バンド")),
    (wish("Паром", "Имя"), song("Паром", "Имя / Name")),
    (wish("Паром", "Группа Name"), song("Паром", "Name")),
    (wish("Duet", "Carl", "Ann B"), song("Duet", "Carl", "アン・ビー (Ann B)")),
    # other scripts
    (wish("夜の船", "バンド"), song("夜の船", "バンド")),
    (wish("夜の船", "バンド"), song("夜の船", "Band")),
    (wish("Ночной паром", "Группа"), song("НОЧНОЙ ПАРОМ", "Группа")),
    (wish("Αγάπη", "Μαρία"), song("ΑΓΑΠΗ", "ΜΑΡΙΑ")),
    # uploads
    (wish("Night Ferry"), video("Band - Night Ferry (Official Video)", "BandVEVO")),
    (wish("Night Ferry"), video("Night Ferry | Band [Lyrics]", "Some Lyrics")),
    (wish("Night Ferry"), video("Band - Night Ferry | Fine Uploads", "Fine Uploads")),
    (wish("Night Ferry"), video("Band - Night Ferry Official Video 2010", "Fine Uploads")),
    (wish("Night Ferry", "Carl", "Ann B"), video("Carl feat. Ann B - Night Ferry", "Uploads")),
    (wish("夜の船", "バンド"), video("バンド「夜の船」Official Music Video", "Label")),
    (wish("봄배", "ABC"), video("ABC (에이비씨) '봄배 (Spring Boat)' Official MV", "Label")),
    (wish("Flash", "Live"), video("Live - Flash (Official Video)", "LiveVEVO")),
    # unknown is not unequal, and short is not nothing
    (wish("Night Ferry", seconds=None), song("Night Ferry", seconds=233)),
    (wish("Night Ferry"), song("Night Ferry", seconds=None)),
    (TrackQuery("Night Ferry", (), duration_ms=200_000), song("Night Ferry")),
    (wish("Blip", seconds=4.4), song("Blip", seconds=5)),
    (wish("Night Ferry"), SearchResult("f", "Band - Night Ferry", duration_ms=200_500, kind="file")),
]

DIFFERENT = [
    (wish("!!!"), song("???")),
    (wish("÷"), song("×")),
    (wish("が"), song("か")),
    (wish("кой"), song("кои")),
    # another recording
    (wish("Live Lines"), song("Live Lines (Live)")),
    (wish("Flash", "Live"), song("Flash (Live)", "Live")),
    (wish("Night Ferry - Live at the Hall"), song("Night Ferry")),
    (wish("Night Ferry - Live in Oslo"), song("Night Ferry (Live in Bergen)")),
    (wish("Night Ferry - Live at the Hall 1992"), song("Night Ferry (Live at the Hall 1995)")),
    (wish("Night Ferry - Ann Remix"), song("Night Ferry (Bo Remix)")),
    (wish("Night Ferry - Ann Remix"), song("Night Ferry (Ann Remix) (Bo Remix)")),
    (wish("Night Ferry - Remix"), song("Night Ferry")),
    (wish("Night Ferry - Ann Remix"), song("Night Ferry (Club Mix)")),
    (wish("Night Ferry - Ann Moss Remix"), song("Night Ferry (Ann Reed Remix)")),
    (wish("Night Ferry - Slow Water Mix"), song("Night Ferry (Art Mix)")),
    (wish("Night Ferry - Ann Remix; feat. Carl B", "Band", "Carl B"), song("Night Ferry (Bo Remix; feat. Carl B)")),
    (wish("Night Ferry - Acoustic"), song("Night Ferry (Acoustic Cover)")),
    (wish("Ferry Tale", "Mia"), song("Ferry Tale (Mia's Version)", "Mia")),
    (wish("Ferry Tale (Mia's Version)", "Mia"), song("Ferry Tale", "Mia")),
    (wish("Night Ferry - Japanese Ver."), song("Night Ferry")),
    (wish("Night Ferry", explicit=True), song("Night Ferry (Clean)")),
    (wish("Night Ferry"), song("Night Ferry", album="Karaoke Hits of Band")),
    (wish("Night Ferry"), song("Night Ferry", album="Live in Oslo")),
    (wish("Night Ferry"), song("Night Ferry (just Ann)")),
    (wish("Night Ferry"), song("Night Ferry (Re-Recorded)")),
    (wish("Night Ferry"), song("Night Ferry (New Version)")),
    (wish("Night Ferry"), song("Night Ferry (2023 Version)")),
    (wish("Night Ferry"), song("Night Ferry 2010")),
    (wish("Night Ferry - 2020 Mix"), song("Night Ferry - Remastered 2014")),
    (wish("Night Ferry"), song("Night Ferry", album="Greatest Hits (Re-Recorded)")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats (Demos)")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats (Instrumentals)")),
    # another song
    (wish("Night Ferry"), song("Night Ferry (Part 2)")),
    (wish("Act II"), song("Act III")),
    (wish("Suite: I. Allegro"), song("Suite: II. Andante")),
    (wish("Suite No. 9: I. Allegro ma non troppo"), song("Suite No. 9: V. Allegro ma non troppo")),
    (wish("Prelude in C Major for Piano"), song("Prelude in C Minor for Piano")),
    (wish("Sonata in A Major, Op. 3: Allegro"), song("Sonata in D Major, Op. 3: Allegro")),
    (wish("The Great Long Ferry, Part One"), song("The Great Long Ferry, Part Two")),
    (wish("Long Way Across the Water Pt1"), song("Long Way Across the Water Pt2")),
    (wish("Long Way Across the Water 1A"), song("Long Way Across the Water 1B")),
    (wish("Music for Ferries, Side A"), song("Music for Ferries, Side B")),
    (wish("I Want You"), song("I Want You Back")),
    (wish("Paradise"), song("Paradise City")),
    (wish("Love"), song("Lose")),
    (wish("Night Ferry"), song("")),
    # another artist
    (wish("Night Ferry"), song("Night Ferry (feat. Ann B)")),
    (wish("Night Ferry (feat. Carl)", "Band", "Carl"), song("Night Ferry (with Ann B)")),
    (wish("Night Ferry (Remix) [feat. Carl]", "Band", "Carl"), song("Night Ferry (Remix) [feat. Ann B & Bo]")),
    (wish("Night Ferry"), song("Night Ferry", "Somebody Else")),
    (wish("Night Ferry"), song("Night Ferry", "Band Tribute Players")),
    (wish("Night Ferry", "Mata"), song("Night Ferry", "Matata")),
    (wish("Night Ferry"), song("Night Ferry (In the Style of Band)", "Sing Co")),
    # without the track's guests
    (wish("Duet", "Carl", "Ann B"), song("Duet", "Carl - Topic")),
    (wish("Duet (feat. Ann B)", "Carl", "Ann B"), song("Duet", "Carl")),
    (wish("Duet (feat. Ann B)", "Carl"), song("Duet", "Carl")),
    (wish("Duet (feat. Ann B & Bo)", "Carl", "Ann B", "Bo"), song("Duet (feat. Ann B)", "Carl")),
    (wish("Duet (feat. Ann B) - Bo Remix", "Carl", "Ann B", "Bo"), song("Duet (Bo Remix)", "Carl")),
    (wish("Duet (feat. 庫太郎)", "Carl", "庫太郎"), song("Duet", "Carl")),
    (wish("Duet", "Carl", "Ann B"), video("Carl - Duet", "CarlVEVO")),
    # with a guest
    (wish("Duet", "Carl"), song("Duet - with Ann B", "Carl", "Ann B")),
    (wish("Duet", "Carl"), song("Duet", "Carl", "Ann B")),
    # made otherwise
    (wish("Night Ferry - Super Slowed"), song("Night Ferry (Slowed)")),
    (wish("Night Ferry"), song("Night Ferry - Lantern Edition", "Band", "Lantern")),
    (wish("Night Ferry"), song("Night Ferry (Reimagined)")),
    (wish("Night Ferry - The Band VIP"), song("Night Ferry")),
    (wish("Night Ferry", explicit=False), song("Night Ferry", explicit=True)),
    # albums that say what their tracks do not
    (wish("Night Ferry", album="Live at the Hall"), song("Night Ferry", album="Boats")),
    (wish("Night Ferry", album="Live at the Hall"), video("Band - Night Ferry", "BandVEVO")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats - Stripped")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="A Tribute to Band")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="The Hilltop Sessions", seconds=203)),
    # another length
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats", seconds=206)),
    (wish("Night Ferry"), song("Night Ferry", seconds=210)),
    (wish("Night Ferry"), song("Night Ferry", seconds=206.5)),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Best Of", seconds=206)),
    (wish("Blip", seconds=4), song("Blip", seconds=9)),
    (wish("Night Ferry"), video("Band - Night Ferry", "Uploads", seconds=206)),
    # too much unknown
    (wish("Night Ferry", seconds=None), video("Band - Night Ferry", "Uploads", seconds=None)),
    (wish("Night Ferry"), SearchResult("f", "Night Ferry")),
    # a film's name that says how it was recorded
    (wish("Theme"), song('Theme - From "Live at the Hall"')),
    (wish("Theme"), song('Theme - From "The Film" - Ann Remix')),
    # what stands behind a dash is another recording, also in words that nobody has heard of
    (wish("Night Ferry - Guitar"), song("Night Ferry")),
    (wish("Night Ferry - Home Made"), song("Night Ferry")),
    (wish("Night Ferry - Recorded at Old Studios"), song("Night Ferry")),
    (wish("Night Ferry (Pt. 2)"), song("Night Ferry")),
    (wish("Night Ferry (Take 3)"), song("Night Ferry")),
    (wish("Night Ferry (Chilled)"), song("Night Ferry", seconds=202)),
    # more done to the sound on one side
    (wish("Night Ferry - Slowed"), song("Night Ferry (Slowed & Reverb)")),
    (wish("Night Ferry - Slowed & Reverb"), song("Night Ferry (Slowed)")),
    # made anew, in other words
    (wish("Night Ferry (Redux)"), song("Night Ferry")),
    (wish("Night Ferry"), song("Night Ferry - Regrabado")),
    # the clean cut, which title or album alone name
    (wish("Night Ferry (Clean)"), song("Night Ferry", explicit=True)),
    (wish("Night Ferry", album="Boats (Edited)"), song("Night Ferry", album="Boats", explicit=True)),
    (wish("Night Ferry", explicit=True), song("Night Ferry (Edited)")),
    # albums that declare it of all their tracks
    (wish("Night Ferry", album="Radio Live Session"), song("Night Ferry", album="Boats")),
    (wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats - Live Recordings")),
    # an artist in another script where neither album nor length agrees
    (wish("Night Ferry", "Zemlya", album="Boats"), song("Night Ferry", "Земля", album="Other", seconds=205)),
    # uploads that are something else
    (wish("Night Ferry"), video("How to play Night Ferry by Band", "Teacher")),
    (wish("Night Ferry"), video("Band Night Ferry guitar cover with tabs", "Fan")),
    (wish("Night Ferry"), video("Nightcore - Night Ferry", "Fan")),
    (wish("Night Ferry"), video("Ann Fan - Night Ferry (Band)", "Ann Fan")),
    (wish("Night Ferry"), video("Night Ferry - Band / Ann Fan", "Ann Fan", seconds=203)),
    (wish("Night Ferry"), video("Band plays Night Ferry at the Town Festival", "Fan")),
]


def _name(value: TrackQuery | SearchResult) -> str:
    return f"{value.title} by {' & '.join(value.artists)}"


@pytest.mark.parametrize(("wanted", "given"), SAME, ids=_name)
def test_the_same_recording_is_taken(wanted: TrackQuery, given: SearchResult) -> None:
    scored = score(wanted, given)

    assert acceptable(scored), scored


@pytest.mark.parametrize(("wanted", "given"), DIFFERENT, ids=_name)
def test_another_recording_is_not_taken(wanted: TrackQuery, given: SearchResult) -> None:
    scored = score(wanted, given)

    assert not acceptable(scored), scored


@pytest.mark.parametrize(
    "word", sorted({phrases[0] for phrases in EXCLUSIVE.values()} | {"en vivo", "ライブ", "кавер", "canlı"})
)
def test_a_version_word_is_a_veto_unless_it_is_wished(word: str) -> None:
    plain, marked = wish("Night Ferry"), song(f"Night Ferry ({word})")

    assert score(plain, marked).vetoed
    assert acceptable(score(wish(f"Night Ferry - {word}"), marked))
    assert score(wish(f"Night Ferry - {word}"), song("Night Ferry")).vetoed


def test_the_word_tables_are_written_as_titles_are_folded() -> None:
    phrases = [phrase for table in (EXCLUSIVE, COSMETIC) for row in table.values() for phrase in row] + list(NOISE)

    assert [phrase for phrase in phrases if normalise(phrase) != phrase] == []


def test_reasons_say_in_words_what_is_off() -> None:
    wanted = wish("Night Ferry", "Band", "Ann B", album="Boats")

    assert "live in this title, not in the song’s" in score(wanted, song("Night Ferry (Live)")).reasons
    assert "length 3 s off" in score(wanted, song("Night Ferry", seconds=203)).reasons
    assert "without Ann B" in score(wanted, song("Night Ferry")).reasons
    assert "another artist: Else" in score(wanted, song("Night Ferry", "Else")).reasons
    assert (
        "remix in the song’s title, not in this one"
        in score(wish("Night Ferry - Bo Remix"), song("Night Ferry")).reasons
    )
    assert score(wish("Night Ferry"), song("Night Ferry")).reasons == ("title, artists and length agree",)


def test_the_best_comes_first_and_the_vetoed_last() -> None:
    wanted = wish("Night Ferry", album="Boats")
    plain = replace(song("Night Ferry", album="Boats"), id="plain")
    other_album = replace(song("Night Ferry", album="Best Of"), id="other album")
    upload = replace(video("Band - Night Ferry", "Uploads"), id="upload")
    stranger = replace(song("Something", "Else", seconds=205), id="stranger")
    live = replace(song("Night Ferry (Live)", album="Boats"), id="live")

    ranked = rank(wanted, [live, upload, stranger, other_album, plain])

    assert [one.candidate.id for one in ranked] == ["plain", "other album", "upload", "stranger", "live"]
    assert ranked[-1].vetoed and not ranked[0].vetoed
    assert choose(wanted, [live, upload, other_album, plain]) == ranked[0]


def test_what_the_proof_would_throw_away_is_not_fetched() -> None:
    assert score(wish("Night Ferry", seconds=150), song("Night Ferry", seconds=157)).vetoed
    assert not score(wish("Night Ferry", seconds=300), song("Night Ferry", seconds=307)).vetoed
    assert acceptable(score(wish("Night Ferry", seconds=150), song("Night Ferry", seconds=154)))


def test_with_nothing_acceptable_a_person_decides() -> None:
    assert choose(wish("Night Ferry"), [song("Night Ferry (Live)"), song("Day Ferry")]) is None
    assert choose(wish("Night Ferry"), []) is None


def test_without_a_length_recordings_of_very_different_length_are_a_question() -> None:
    wanted = wish("Night Ferry", seconds=None)
    short, same, long = (replace(song("Night Ferry", seconds=s), id=str(s)) for s in (200, 203, 320))

    assert choose(wanted, [short, long]) is None
    assert choose(wanted, [short, same]) is not None
    by_album = choose(replace(wanted, album="Boats"), [replace(long, album="Other"), replace(short, album="Boats")])
    assert by_album is not None and by_album.candidate.id == "200"


def test_less_knowledge_is_less_certainty() -> None:
    full = score(wish("Night Ferry", album="Boats"), song("Night Ferry", album="Boats")).score
    no_length = score(wish("Night Ferry", seconds=None, album="Boats"), song("Night Ferry", album="Boats")).score
    no_artist = score(TrackQuery("Night Ferry", (), duration_ms=200_000), song("Night Ferry")).score

    assert full > 98 > no_length >= THRESHOLD
    assert 98 > no_artist >= THRESHOLD


def test_the_same_isrc_outweighs_another_spelling_but_no_version_word() -> None:
    wanted = wish("Night Ferry", isrc="XXABC2400001")

    assert acceptable(score(wanted, song("Nite Fairy", isrc="XXABC2400001")))
    assert not acceptable(score(wanted, song("Nite Fairy", isrc="XXABC2400002")))
    assert not acceptable(score(wanted, song("Night Ferry (Live)", isrc="XXABC2400001")))
    assert not acceptable(score(wanted, song("Nite Fairy", isrc="XXABC2400001", seconds=230)))


def test_the_clean_cut_of_an_explicit_track_comes_second() -> None:
    clean, dirty = song("Night Ferry", explicit=False), song("Night Ferry", explicit=True)

    ranked = rank(wish("Night Ferry", explicit=True), [clean, dirty])

    assert [one.candidate.explicit for one in ranked] == [True, False]
    assert "not marked explicit, the song is" in ranked[1].reasons


def test_a_title_in_another_script_is_a_hint_and_never_a_guess() -> None:
    wanted = wish("夜の船", album="船")
    written = replace(song("Yoru no Fune", album="船"), id="written")
    longer, stranger = replace(written, id="longer", duration_ms=204_000), replace(written, artists=("Else",))

    ranked = rank(wanted, [longer, stranger, written])

    assert ranked[0].candidate is written and 70 < ranked[0].score < THRESHOLD
    assert ranked[0].reasons == ("title in another script, perhaps the same: needs a decision",)
    assert [one.reasons[0] for one in ranked[1:]] == ["title in another script, cannot be compared"] * 2


def test_folding_keeps_every_script_and_marks_are_only_a_hint() -> None:
    assert normalise("Ｎｉｇｈｔ  Ferry!") == "night ferry"
    assert normalise("Ёлка й") == "ёлка й" and normalise("が") != normalise("か")
    assert strip_marks(normalise("Zażółć")) == "zazolc"
    assert strip_marks(normalise("がй")) == "がй"


@pytest.mark.parametrize(
    "text",
    ["", " ", "()", "((((", "- - -", "\u0000", "「」", "feat.", "(feat. )", "🎉", "\ud800", "a" * 5000, "(" * 500],
)
def test_no_text_breaks_the_matcher(text: str) -> None:
    for wanted in (TrackQuery(text, (text,)), wish("Night Ferry")):
        for given in (SearchResult("c", text, (text,), album=text), song("Night Ferry")):
            assert 0 <= score(wanted, given).score <= 100


@needs_shared
def test_recorded_searches_give_the_right_song_or_none() -> None:
    folder = SHARED_DATA / "matching"

    labelled = _bench(folder / "dev.jsonl", folder / "dev_weak.jsonl")
    negative = _bench(folder / "dev_negative.jsonl")

    assert labelled == {"right": 44, "wrong": 0, "refused": 0, "refused_rightly": 0}
    assert negative == {"right": 0, "wrong": 0, "refused": 0, "refused_rightly": 19}


@needs_shared
def test_the_programs_own_search_finds_them_in_replayed_answers() -> None:
    folder = SHARED_DATA / "matching"

    searched = _bench(folder / "dev.jsonl", "--youtube-music", folder / "ytm_raw_dev.jsonl.gz")

    assert searched == {"right": 20, "wrong": 0, "refused": 0, "refused_rightly": 0}


@needs_shared
@pytest.mark.parametrize("added", [" (Live)", " - Acoustic", " (Somebody Remix)", " [Karaoke Version]", " (Part 2)"])
def test_right_songs_marked_as_another_version_are_refused(added: str, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (SHARED_DATA / "matching" / "dev_weak.jsonl").open(encoding="utf-8")]
    for row in rows:
        right = {*(row["accepted"] or ()), *row["metadata_identical"]}
        row["candidates"] = [one for one in row["candidates"] if one["kind"] == "ytm_song"]
        for one in row["candidates"]:
            one["title"] += added if one["id"] in right else ""
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert _bench(changed) == {"right": 0, "wrong": 0, "refused": 24, "refused_rightly": 0}


def _bench(*files: Path | str) -> dict[str, int]:
    """The last line of the bench, as somebody who runs it sees it."""
    command = [sys.executable, str(PROJECT / "bench" / "match.py"), *map(str, files), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _row(**changes: object) -> dict[str, object]:
    one = {"id": "a", "kind": "ytm_song", "title": "Night Ferry", "artists": ["Band"], "album": None, "duration_s": 200}
    track = {"title": "Night Ferry", "artists": ["Band"], "album": "Boats", "duration_ms": 200_000}
    return {"case": "x", "spotify": track, "candidates": [one], "accepted": ["a"], "metadata_identical": [], **changes}


def test_the_bench_counts_each_row_once(tmp_path: Path) -> None:
    other = dict(_row()["candidates"][0], title="Day Ferry")  # type: ignore[index]
    rows = [
        _row(),
        _row(accepted=["b"]),
        _row(accepted=["b"], judged={"accepted": ["a"]}),
        _row(candidates=[other]),
        _row(candidates=[other], accepted=["b"]),
        _row(candidates=[other], accepted=["b"], either="doubtful"),
        _row(candidates=[other], accepted=[], expect_none=True),
        _row(accepted=None),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert _bench(path) == {"right": 3, "wrong": 1, "refused": 1, "refused_rightly": 2}


def test_the_bench_says_in_a_sentence_what_it_cannot_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"spotify": {}}\n', encoding="utf-8")
    for path in (broken, tmp_path / "absent.jsonl"):
        command = [sys.executable, str(PROJECT / "bench" / "match.py"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert path.name in done.stderr
