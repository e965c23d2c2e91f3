"""Cover pictures: from Spotify's image host only. An address in an imported file is somebody's text."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from catalog.system.atomic_files import write_over
from catalog.tags.audio_tags import picture_type

HOST = "i.scdn.co"  # the one host of every album's picture in the recorded answers
LARGEST = 5_000_000  # bytes
TIMEOUT = 10.0  # seconds for the connection and for each silence
LONGEST = 30.0  # seconds for all of it: a byte now and then is no picture

logger = logging.getLogger(__name__)


def is_cover_address(url: str) -> bool:
    """Only ``https://i.scdn.co/…``: host equality, no port, no user, nothing that merely starts like it."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc == HOST
    except ValueError:
        return False


def kept_path(url: str) -> Path:
    """Where the picture at ``url`` is kept."""
    return Path(settings.DATA_DIR) / "covers" / hashlib.sha256(url.encode()).hexdigest()


def cover(url: str) -> bytes | None:
    """The picture at ``url``, kept in DATA_DIR for the album's other tracks; None where there is none to be had."""
    if not is_cover_address(url):
        return None
    import requests  # here: most processes never fetch a picture (4 MB)

    kept = kept_path(url)
    try:
        if kept.exists():
            return kept.read_bytes()
        picture = fetch_picture(url)
        if picture:
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_over(str(kept), picture)
        return picture
    except (requests.RequestException, OSError) as error:
        logger.info("No cover: %s", type(error).__name__)
        return None


def fetch_picture(url: str) -> bytes | None:
    """GET one picture of at most 5 MB, following no redirect; None for anything that is not a picture.

    requests.RequestException where the host does not answer, or not within `LONGEST`.
    """
    import requests  # here: see above

    ends = time.monotonic() + LONGEST
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                return None
            data = b""
            for block in answer.iter_content(65_536):
                data += block
                if len(data) > LARGEST:
                    return None
                if time.monotonic() > ends:
                    raise requests.Timeout
    return data if picture_type(data) else None
