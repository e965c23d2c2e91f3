"""Answers of YouTube Music's search in the shape that its web client gets, in English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.recordings import Recording

Json = dict[str, Any]
ATV, UPLOAD = "MUSIC_VIDEO_TYPE_ATV", "MUSIC_VIDEO_TYPE_UGC"
# What ytmusicapi sends as `params` for a filter -> the kind of rows asked for.
FILTERS = {"EgWKAQII": "song", "EgWKAQIQ": "video"}


def results(recordings: Sequence[Recording], kind: str) -> Json:
    """A page of results of one kind; the sentence that says there are none where the list is empty."""
    if not recordings:
        sentence = {"messageRenderer": {"text": {"runs": [{"text": "No results found"}]}}}
        return _page({"itemSectionRenderer": {"contents": [sentence]}})
    title = {"runs": [{"text": "Songs" if kind == "song" else "Videos"}]}
    return _page({"musicShelfRenderer": {"title": title, "contents": [_row(each) for each in recordings]}})


def _page(section: Json) -> Json:
    content = {"sectionListRenderer": {"contents": [section]}}
    tab = {"tabRenderer": {"title": "YT Music", "selected": True, "content": content}}
    return {"contents": {"tabbedSearchResultsRenderer": {"tabs": [tab]}}}


def _row(recording: Recording) -> Json:
    kind = {"musicVideoType": ATV if recording.kind == "song" else UPLOAD}
    watch = {
        "watchEndpoint": {
            "videoId": recording.id,
            "watchEndpointMusicSupportedConfigs": {"watchEndpointMusicConfig": kind},
        }
    }
    runs: list[Json] = []
    for number, artist in enumerate(recording.artists):
        runs += [{"text": " & "}] if number else []
        runs.append({"text": artist, "navigationEndpoint": {"browseEndpoint": {"browseId": f"UC{abs(hash(artist))}"}}})
    if recording.album:
        album = {"browseEndpoint": {"browseId": f"MPREb_{recording.id}"}}
        runs += [{"text": " • "}, {"text": recording.album, "navigationEndpoint": album}]
    runs += [{"text": " • "}, {"text": f"{round(recording.seconds) // 60}:{round(recording.seconds) % 60:02}"}]
    play = {"content": {"musicPlayButtonRenderer": {"playNavigationEndpoint": watch}}}
    columns = [[{"text": recording.title, "navigationEndpoint": watch}], runs]
    return {
        "musicResponsiveListItemRenderer": {
            "thumbnail": {"musicThumbnailRenderer": {"thumbnail": {"thumbnails": []}}},
            "overlay": {"musicItemThumbnailOverlayRenderer": play},
            "flexColumns": [
                {"musicResponsiveListItemFlexColumnRenderer": {"text": {"runs": column}}} for column in columns
            ],
            "playlistItemData": {"videoId": recording.id},
        }
    }
