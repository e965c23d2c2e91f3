"""Two rows of one recording that could not be merged are listed."""

from __future__ import annotations

import pytest

from catalog.models import Track

pytestmark = pytest.mark.django_db


def test_two_rows_of_one_recording_that_both_have_files_are_listed_in_the_admin(world, admin_client):
    first, second = (world.make_track("Twin", number=number, isrc="XXAAA2600001") for number in (21, 22))
    assert list(Track.objects.twins()) == []
    world.put_file(first)
    world.put_file(second)
    assert list(Track.objects.twins().order_by("pk")) == [first, second]
    page = admin_client.get("/admin/catalog/track/?is=twins").content.decode()
    assert page.count(">Twin<") == 2
    assert "Evening" not in page


@pytest.mark.parametrize("other", [{"duration_ms": 184_000}, {"title": "Other", "isrc": ""}])
def test_rows_of_two_recordings_are_not_listed(world, other):
    for columns in ({"number": 21}, {"number": 22} | other):
        world.put_file(world.make_track(**({"title": "Twin", "isrc": "XXAAA2600001"} | columns)))
    assert not Track.objects.twins().exists()
