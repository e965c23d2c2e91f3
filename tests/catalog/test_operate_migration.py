"""Whoever was staff before buttons asked for a permission has that permission after the update."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection

from catalog.web.roles import may_operate

pytestmark = pytest.mark.django_db
grant_to_staff = import_module("catalog.migrations.0016_operate_library").grant_to_staff


@pytest.mark.parametrize("permission_is_there", [True, False])
def test_staff_keeps_its_rights_and_nobody_else_gets_any(permission_is_there: bool) -> None:
    staff = User.objects.create_user("clerk", is_staff=True)
    guest = User.objects.create_user("guest")
    owner = User.objects.create_superuser("owner")
    if not permission_is_there:
        Permission.objects.filter(codename="operate_library").delete()
    for _ in range(2):
        grant_to_staff(apps, SimpleNamespace(connection=connection))
    assert [may_operate(User.objects.get(pk=user.pk)) for user in (staff, guest, owner)] == [True, False, True]
    assert not owner.user_permissions.exists()
