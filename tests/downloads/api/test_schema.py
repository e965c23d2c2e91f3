"""What the description promises holds for any request that fits it, and for many that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.django_db]
load_all_checks()
# A song that is gone is a 404, an address that leads nowhere a 400, also where the description has nothing against it.
LEFT_OUT = [checks.positive_data_acceptance]


@pytest.fixture
def api_schema(world: World) -> Iterator[Any]:
    """The description as it is served; the connection, which a real server closes, is the test's own."""
    world.make_track("Missing")
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_answer_is_as_described(api_schema: Any, actor: Client) -> None:
    headers = {"Authorization": actor.defaults["HTTP_AUTHORIZATION"], "Accept-Encoding": "identity"}
    problems: dict[str, str] = {}
    for found in api_schema.get_all_operations():
        operation = found.ok()

        @hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
        @given(case=operation.as_strategy())
        def asked(case: Any) -> None:
            case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)

        try:
            asked()
        except (Exception, FailureGroup) as error:
            problems[operation.label] = str(error)
    assert problems == {}
    assert len(list(api_schema.get_all_operations())) > 12
