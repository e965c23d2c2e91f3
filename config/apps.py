from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Settings and processes: the commands that start them."""

    name = "config"
