"""How large a request may be: asked before anything of it is read or written to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from catalog.importers.reader import MAX_FILE
from catalog.models import ApiToken
from config.middleware import request_limits
from config.middleware.request_limits import MAX_BODY, MAX_UPLOAD, may_upload_by, refusal

ADDRESSES = ["/admin/login/", "/logout", "/reconcile/now", "/nosuch", "/setup/x", "/import", "/"]


class Unreadable:
    """A body that must not be touched."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def post(path: str, length: str, **headers: str) -> HttpResponse:
    """What the middleware answers, whatever would come after it."""
    meta = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": length, "wsgi.input": Unreadable()}
    limited = request_limits.request_limits(lambda request: HttpResponse("passed"))
    answer = limited(WSGIRequest({**meta, "CONTENT_TYPE": "multipart/form-data; boundary=x", **headers}))
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.mark.django_db
@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "5000000000", "9" * 40, "-1", "1e9"])
def test_a_large_body_of_a_strangers_is_refused_unread_at_every_address(path: str, length: str) -> None:
    answer = post(path, length)
    assert answer.status_code == 413
    assert answer.content.endswith(b".")


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_body_in_chunks_is_refused_unread(path: str) -> None:
    assert post(path, "", HTTP_TRANSFER_ENCODING="chunked").status_code == 411


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("length", ["", "0", str(MAX_BODY)])
def test_a_form_passes(path: str, length: str) -> None:
    assert post(path, length).content == b"passed"


def test_staff_may_upload_an_export_of_the_largest_size_and_no_larger_one() -> None:
    assert MAX_UPLOAD == MAX_FILE + 1_000_000
    assert refusal("/import", MAX_UPLOAD, False, lambda: True) is None
    assert refusal("/import/", MAX_UPLOAD, False, lambda: True) is None
    assert refusal("/import", MAX_UPLOAD + 1, False, lambda: True) is not None
    assert refusal("/import/now", MAX_UPLOAD, False, lambda: True) is not None


@pytest.fixture
def cookies(db: None, settings: Any) -> Iterator[Any]:
    def of(**rights: bool) -> str:
        client = Client()
        user = User.objects.create_user("somebody", password="long enough to log in", **rights)
        client.force_login(user)
        return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"

    yield of


def test_who_may_operate_is_known_by_a_session_that_is_valid(cookies: Any) -> None:
    cookie = cookies(is_superuser=True)
    assert may_upload_by(f"theme=dark; {cookie}")
    texts = [ApiToken.objects.issue(User.objects.get(), scope, scope, timezone.now()) for scope in ("act", "read")]
    assert [may_upload_by("", f"Bearer {text}") for text in (*texts, "tk_forged")] == [True, False, False]
    user = User.objects.get()
    user.set_password("another one, which ends the session")
    user.save()
    assert not may_upload_by(cookie)


@pytest.mark.parametrize("rights", [{}, {"is_staff": True}, {"is_superuser": True, "is_active": False}])
def test_others_may_not_upload(cookies: Any, rights: dict[str, bool]) -> None:
    assert not may_upload_by(cookies(**rights))


@pytest.mark.parametrize("forged", ["", "=", "\x00", "{name}=", "{name}=../../etc/passwd", "{name}=" + "a" * 32])
def test_a_forged_cookie_is_nobodys(db: None, settings: Any, forged: str) -> None:
    assert not may_upload_by(forged.format(name=settings.SESSION_COOKIE_NAME))


def test_bodies_wait_beside_the_database(settings: Any) -> None:
    assert Path(settings.FILE_UPLOAD_TEMP_DIR).parent == Path(settings.DATA_DIR)
