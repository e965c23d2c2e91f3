"""The frame of every page leads to the pages that are seldom needed, for those who may act."""

from __future__ import annotations

import pytest


@pytest.mark.django_db
def test_the_foot_leads_staff_to_adopt_and_bin(world, admin_client, client, settings):
    settings.STATUS_PUBLIC = True
    page = admin_client.get("/").content.decode()
    for path in ("/adopt", "/bin"):
        assert f'href="{path}"' in page
        assert admin_client.get(path).status_code == 200
        assert f'href="{path}"' not in client.get("/").content.decode()
