"""Recorded answers of YouTube Music, read in place where they are (`tests.shared`)."""

from __future__ import annotations

import copy
import gzip
import json
from functools import cache
from typing import Any

from tests.shared import SHARED_DATA

# A shelf's title as the English service writes it; the recordings are German.
SHELVES = {"songs": "Songs", "videos": "Videos"}


@cache
def recorded() -> list[dict[str, Any]]:
    """The recorded searches: query, filter and the answer's body."""
    with gzip.open(SHARED_DATA / "matching" / "ytm_raw_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def in_english(row: dict[str, Any]) -> dict[str, Any]:
    """The recorded answer with its headings in English: in German ytmusicapi 1.12.3 drops what stands below them."""
    body = copy.deepcopy(row["body"])
    tab = body["contents"]["tabbedSearchResultsRenderer"]["tabs"][0]["tabRenderer"]
    for section in tab["content"]["sectionListRenderer"]["contents"]:
        shelf, card = section.get("musicShelfRenderer"), section.get("musicCardShelfRenderer")
        if shelf and row["filter"]:
            shelf["title"]["runs"] = [{"text": SHELVES[row["filter"]]}]
            shelf.pop("continuations", None)
        if card and card["subtitle"]["runs"][0]["text"] == "Titel":
            card["subtitle"]["runs"][0]["text"] = "Song"
    return body
