"""A permission that buttons ask for, in place of being staff: whoever was staff keeps what they could do."""

from typing import Any

from django.db import migrations


def grant_to_staff(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    # Django makes the rows of permissions after all migrations; it keeps those that are there.
    library, _ = content_types.get_or_create(app_label="catalog", model="library")
    operate, _ = permissions.get_or_create(
        content_type=library,
        codename="operate_library",
        defaults={"name": "Can press every button and change every setting"},
    )
    for user in apps.get_model("auth", "User").objects.using(using).filter(is_staff=True, is_superuser=False):
        user.user_permissions.add(operate)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0015_login_failures"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            "library",
            {
                "permissions": [("operate_library", "Can press every button and change every setting")],
                "verbose_name_plural": "library",
            },
        ),
        migrations.RunPython(grant_to_staff, migrations.RunPython.noop),
    ]
