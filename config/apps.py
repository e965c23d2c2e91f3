from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Settings and processes: the commands that start them."""

    name = "config"

    def ready(self) -> None:
        """Register the checks."""
        from config import checks  # noqa: F401  # here: checks need the settings
