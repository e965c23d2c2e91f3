from contextlib import suppress

from django.apps import AppConfig, apps

# Its stock admin lets staff run any importable function, and resubmit old ones.
NOT_IN_ADMIN = ("Schedule", "Success", "Failure", "OrmQ")


class DownloadsConfig(AppConfig):
    """Getting what is missing."""

    name = "downloads"

    def ready(self) -> None:
        """Take django-q2's own models out of the admin, whichever admin module was loaded first."""
        from django.contrib import admin

        for name in NOT_IN_ADMIN:
            with suppress(admin.sites.NotRegistered):
                admin.site.unregister(apps.get_model("django_q", name))
