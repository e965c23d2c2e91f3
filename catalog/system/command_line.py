"""How a person runs a command of this program on this machine, for sentences: to be pasted as it stands.

``.venv/bin/python manage.py plan`` in a checkout, ``docker exec -it tonekeep tonekeep plan`` in the image. Where a page
has a button for it, a sentence names the page instead.
"""

from __future__ import annotations

from django.conf import settings


def command(words: str, stopped: bool = False) -> str:
    """The whole command line of ``words``, such as "plan --accept". ``stopped``: one that runs while Tonekeep does not.

    In a container that is stopped nothing can be run: Compose makes another one on the same volumes.
    """
    prefix = str(settings.COMMAND_PREFIX)
    if stopped and prefix.startswith("docker exec "):
        prefix = "docker compose run --rm tonekeep"
    return f"{prefix} {words}"


def update_ytdlp() -> str:
    """How yt-dlp is updated here, as an imperative: the image has neither make nor the tests that guard an update."""
    return "run make update-ytdlp" if (settings.BASE_DIR / "Makefile").exists() else "take a newer image"
