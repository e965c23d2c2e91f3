"""Rows that are written without a queryset are as Django writes them, and no two of them get one id."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction

from catalog.db.bulk_insert import insert, reserve_ids
from catalog.models import Artist, Collection, Entry

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_reserved_ids_are_new_ones_and_the_next_row_gets_another() -> None:
    first = Artist.objects.create(name="A", key="a")

    with transaction.atomic():
        one, other = reserve_ids(Artist, 2)
        insert(Artist, ("id", "name", "key", "wanted"), [(one, "B", "b", False), (other, "C", "c", False)])
    last = Artist.objects.create(name="D", key="d")

    assert len({first.pk, one, other, last.pk}) == 4
    assert Artist.objects.get(key="c").pk == other


def test_the_id_of_a_deleted_row_is_not_given_again() -> None:
    gone = Artist.objects.create(name="A", key="a")
    used = gone.pk
    gone.delete()

    with transaction.atomic():
        assert used not in reserve_ids(Artist, 1)


def test_moments_are_written_as_django_reads_them() -> None:
    collection = Collection.objects.create(kind="file", key="x", name="X")
    columns = ("collection_id", "position", "track_id", "reason", "label", "added_at", "digest")

    insert(
        Entry,
        columns,
        [(collection.pk, 1, None, "episode", "", NOW, 5), (collection.pk, 2, None, "local", "", None, 6)],
    )

    assert list(Entry.objects.order_by("position").values_list("added_at", "reason")) == [
        (NOW, "episode"),
        (None, "local"),
    ]
