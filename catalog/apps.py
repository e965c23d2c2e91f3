from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """What should be in the music folder, and what is."""

    name = "catalog"

    def ready(self) -> None:
        """Register the checks of the settings."""
        from catalog import checks  # noqa: F401  registers itself, once every app is loaded
