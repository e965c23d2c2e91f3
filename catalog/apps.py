from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class CatalogConfig(AppConfig):
    """What should be in the music folder, and what is."""

    name = "catalog"

    def ready(self) -> None:
        """Register the checks of the settings, and in every process what the sessions listen to."""
        from catalog import checks  # noqa: F401  registers itself, once every app is loaded

        import_module(settings.SESSION_ENGINE)
