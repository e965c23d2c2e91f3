"""Covers: one host, no redirects, a limit, and only pictures."""

from __future__ import annotations

import pytest

from downloads.publishing import cover_art
from tests.audio import make_picture
from tests.downloads.loopback import Loopback, sends, status


@pytest.mark.parametrize("url", ["https://i.scdn.co/image/ab67616d0000b273", "https://i.scdn.co/x?y=z"])
def test_spotifys_image_host_is_asked(url):
    assert cover_art.is_cover_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://i.scdn.co/image/a",
        "https://i.scdn.co.evil.example/image/a",
        "https://evil.example/i.scdn.co/a",
        "https://i.scdn.co@evil.example/a",
        "https://user:pass@i.scdn.co/a",
        "https://i.scdn.co:8443/a",
        "https://I.SCDN.CO\\@evil.example/a",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[::1]/a",
        "https://[broken/a",
        "//i.scdn.co/a",
        "javascript:alert(1)",
    ],
)
def test_any_other_address_is_somebodys_text(url, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert not cover_art.is_cover_address(url)
    assert cover_art.cover(url) is None
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_taken(tmp_path):
    picture = make_picture(tmp_path / "a.jpg")
    with Loopback({"/a": sends(picture, "image/jpeg")}) as server:
        assert cover_art.fetch_picture(f"{server.url}/a") == picture


def test_what_is_no_picture_is_not_taken_whatever_it_says_it_is(tmp_path):
    with Loopback({"/a": sends(b"<script>", "image/jpeg")}) as server:
        assert cover_art.fetch_picture(f"{server.url}/a") is None


def test_a_redirect_is_not_followed(tmp_path):
    picture = make_picture(tmp_path / "a.png")
    with Loopback({"/b": sends(picture, "image/png")}) as elsewhere:
        with Loopback({"/a": status(302, Location=f"{elsewhere.url}/b")}) as server:
            assert cover_art.fetch_picture(f"{server.url}/a") is None
        assert elsewhere.asked == []


def test_more_than_five_megabytes_are_not_taken(tmp_path):
    picture = make_picture(tmp_path / "a.png")
    with Loopback({"/a": sends(picture + b"\0" * cover_art.LARGEST, "image/png")}) as server:
        assert cover_art.fetch_picture(f"{server.url}/a") is None


def test_a_cover_is_kept_for_the_albums_other_tracks(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    picture = make_picture(tmp_path / "a.jpg")
    with Loopback({"/a": sends(picture, "image/jpeg")}) as server:
        fetch = cover_art.fetch_picture
        monkeypatch.setattr(cover_art, "fetch_picture", lambda url: fetch(f"{server.url}/a"))
        url = "https://i.scdn.co/image/a"
        assert cover_art.cover(url) == cover_art.cover(url) == picture
        assert server.asked == ["GET /a"]


def test_a_host_that_does_not_answer_costs_the_cover_only(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    fetch = cover_art.fetch_picture
    monkeypatch.setattr(cover_art, "fetch_picture", lambda url: fetch("http://127.0.0.1:9/a"))
    assert cover_art.cover("https://i.scdn.co/image/a") is None
