"""Sessions that say whose they are, links for people, and roles: who was staff is a keeper, who is superuser an owner."""

import django.db.models.deletion
from django.conf import settings
from django.core import signing
from django.db import migrations, models
from django.utils import timezone
from typing import Any

SALT = "django.contrib.sessions.SessionStore"  # Django's, of the class of this name
SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"


def move_sessions(apps: Any, schema_editor: Any) -> None:
    """Nobody is logged out by the upgrade. A session that cannot be read, or of nobody, is left behind."""
    from django.utils.module_loading import import_string

    using = schema_editor.connection.alias
    now = timezone.now()
    rows = apps.get_model("sessions", "Session").objects.using(using)
    people = set(apps.get_model("auth", "User").objects.using(using).values_list("pk", flat=True))
    for row in rows.filter(expire_date__gt=now).iterator():
        try:
            data = signing.loads(row.session_data, salt=SALT, serializer=import_string(SERIALIZER))
            user = int(data["_auth_user_id"])
        except (signing.BadSignature, KeyError, TypeError, ValueError):
            continue
        if user in people:
            apps.get_model("catalog", "BrowserSession").objects.using(using).create(
                session_key=row.session_key, session_data=row.session_data, expire_date=row.expire_date,
                user_id=user, seen_at=now,
            )  # fmt: skip
    rows.all().delete()


def close_admin(apps: Any, schema_editor: Any) -> None:
    """Django's admin is for owners: who was staff has the permission of a keeper since 0016."""
    users = apps.get_model("auth", "User").objects.using(schema_editor.connection.alias)
    users.filter(is_staff=True, is_superuser=False).update(is_staff=False)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0027_defaults_by_the_databases_clock"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("browser", models.CharField(blank=True, default="", max_length=60)),
                ("network", models.CharField(blank=True, default="", max_length=50)),
                ("seen_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="browser_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "session", "verbose_name_plural": "sessions", "abstract": False},
        ),
        migrations.CreateModel(
            name="PersonLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("role", models.CharField(blank=True, default="", max_length=8)),
                ("valid_until", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(move_sessions, migrations.RunPython.noop),
        migrations.RunPython(close_admin, migrations.RunPython.noop),
    ]
