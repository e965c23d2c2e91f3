from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """What should be in the music folder, and what is."""

    name = "catalog"
