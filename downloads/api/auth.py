"""Who may use the API: a token of a person, in ``Authorization: Bearer``."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from catalog.db import database_clock
from catalog.models import ApiToken
from catalog.web.permissions import may_act


class Reader(HttpBearer):
    """Any token of a person who may log in."""

    openapi_description = "A token with scope read or act, from the page /account."

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        row = ApiToken.objects.find(token, database_clock.now())
        if row:
            request.user = row.user
        return row


class Actor(Reader):
    """A token with scope ``act`` of a person who may press the buttons."""

    openapi_description = "A token with scope act, from the page /account."

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        row = super().authenticate(request, token)
        if row and not (row.may_act and may_act(request)):
            raise NotAllowed
        return row


class NotAllowed(Exception):
    """The token is known, and may not do this."""


def may_see_paths(request: HttpRequest) -> bool:
    """Whether file names and folders are part of the answer: for those who may act."""
    return may_act(request)
