"""Which addresses a channel may name, and what is shown of them. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from catalog.text.setting_values import is_address

# Services that are reached over the network alone. What works on this machine (syslog, D-Bus, files, a serial port) and
# what reads files of it is not among them; everything else is reached through an Apprise API server of one's own.
SCHEMES = {
    *("apprise", "apprises", "bark", "barks", "discord", "form", "forms", "gchat", "gotify", "gotifys", "hassio"),
    *("hassios", "ifttt", "join", "json", "jsons", "kodi", "kodis", "mailto", "mailtos", "matrix", "matrixs", "mmost"),
    *("mmosts", "nctalk", "nctalks", "ntfy", "ntfys", "pbul", "pover", "prowl", "pushdeer", "pushed", "rocket"),
    *("rockets", "signal", "signals", "simplepush", "slack", "synology", "synologys", "tgram", "twilio", "webex"),
    *("whatsapp", "workflow", "workflows", "wxteams", "zulip"),
}
# Options of theirs that name files of this machine.
FILE_OPTIONS = re.compile(r"template|attach|pgp|wkd|key_?file|cert", re.IGNORECASE)
LONGEST = 2_000  # characters


def service_address(text: str) -> str:
    """An Apprise address, stripped. Raises ValueError with a sentence that repeats nothing of it but the scheme."""
    text = _one_line(text)
    scheme, found, _ = text.partition("://")
    if not found or not re.fullmatch(r"[a-z0-9]{1,20}", scheme.lower()):
        raise ValueError("That is no Apprise address: it looks like ntfys://ntfy.sh/topic or tgram://token/chat.")
    if scheme.lower() in {"http", "https"}:
        raise ValueError("That is a web address: choose the webhook for it, or write it as json:// or jsons://.")
    if scheme.lower() not in SCHEMES:
        raise ValueError(
            f"{scheme.lower()}:// is not among the services that Tonekeep sends to by itself; use an Apprise API "
            "server of your own (apprises://)."
        )
    options = [name for name, _ in parse_qsl(text.partition("?")[2], keep_blank_values=True)]
    if any(FILE_OPTIONS.search(name) for name in options):
        raise ValueError("An option of this address names a file; leave it out.")
    return text


def webhook_address(text: str) -> tuple[str, str]:
    """A webhook's address, and what is shown of it. Raises ValueError with a sentence that repeats nothing of it."""
    text = _one_line(text)
    if not is_address(text):
        raise ValueError("That is no web address: it begins with https:// or http://.")
    parts = urlsplit(text)
    return text, f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/…"


def _one_line(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError("An address is one line without spaces.")
    return text
