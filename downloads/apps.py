from django.apps import AppConfig


class DownloadsConfig(AppConfig):
    """Getting what is missing."""

    name = "downloads"
