"""A webhook's POST, signed as Standard Webhooks has it (standardwebhooks.com): receivers have libraries for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime

from django.conf import settings

from downloads.models import Message

TIMEOUT = (5.0, 10.0)  # seconds to connect, and to wait for the answer
SECRET_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """A secret as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over "id.timestamp.body", with the version of the scheme before it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def post(address: str, secret: str, message: Message, now: datetime) -> str:
    """Send it. "" where the receiver answered with a 2xx, else what happened; a redirect is not followed."""
    import requests  # here: most processes never send a message (4 MB)

    body = json.dumps(
        {
            "type": message.kind,
            "timestamp": message.at.isoformat(),
            "data": {"subject": message.subject, "title": message.title, "text": message.text},
        }
    ).encode()
    timestamp, message_id = int(now.timestamp()), f"msg_{message.pk}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tonekeep",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
    with requests.Session() as session:
        session.trust_env = False  # no .netrc, and no proxy on the way to a neighbour
        session.verify = settings.CA_FILE or True
        try:
            with session.post(
                address, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                return "" if 200 <= answer.status_code < 300 else f"It answered with status {answer.status_code}."
        except requests.Timeout:
            return "It did not answer in time."
        except (requests.RequestException, ValueError):  # its text holds the address
            return "It could not be reached."
