"""A folder that holds some of the songs already: the audio server hears nothing before the plan is accepted."""

from __future__ import annotations

import json
import shutil

from catalog.tags import audio_tags
from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually


def test_nothing_is_asked_for_before_the_yes_and_then_what_the_plan_says(
    installation: Installation, archive: HeldArchive
) -> None:
    installation.environment["CONFIRM_PLANS"] = "true"
    for song in SONGS[:3]:
        path = installation.music / "old" / f"{song.id}.mp3"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(archive.folder / song.file, path)
        audio_tags.write_tags(str(path), audio_tags.TrackTags(song.title, song.artists), None)
    installation.start()
    installation.import_songs(*SONGS)
    installation.command("tick")
    eventually(lambda: installation.counts() == (2, 0, 3), "three songs are recognised in the folder")
    said = json.loads(installation.command("plan", "--json").stdout.splitlines()[-1])
    assert (said["here"], said["ask"], said["fetch"], said["accepted"]) == (3, 0, 2, False)
    assert not archive.requests
    installation.command("plan", "--accept")
    eventually(lambda: installation.counts() == (0, 0, 5), "the two others come to disk")
    assert [song.title for song in SONGS if archive.fetches(song)] == ["Song Four", "Song Five"]
