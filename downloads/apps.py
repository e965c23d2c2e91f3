from contextlib import suppress

from django.apps import AppConfig, apps

# Its stock admin lets staff run any importable function, and resubmit old ones.
NOT_IN_ADMIN = ("Schedule", "Success", "Failure", "OrmQ")


class DownloadsConfig(AppConfig):
    """Getting what is missing."""

    name = "downloads"

    def ready(self) -> None:
        """Take django-q2's own models out of the admin, whichever admin module was loaded first.

        And hear of rows that become one, or part: what a person decided about either must not go with it.
        """
        # Here: models can be imported once every app is loaded, not before.
        from django.contrib import admin
        from django.contrib.admin.exceptions import NotRegistered

        from catalog.ingest.merge import merging
        from catalog.ingest.separate import handed_over
        from downloads.review.decisions import move_with_merge
        from downloads.review.handed_over import follow_owners

        merging.connect(move_with_merge, dispatch_uid="decisions")
        handed_over.connect(follow_owners, dispatch_uid="owners")

        from downloads import checks  # noqa: F401  registers itself

        for name in NOT_IN_ADMIN:
            with suppress(NotRegistered):
                admin.site.unregister(apps.get_model("django_q", name))
