"""Secrets at rest: what stands in a row can be read only with this installation's SECRET_KEY."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet


class Unsealable(Exception):
    """Sealed under another SECRET_KEY, or damaged: the secret is lost and has to be asked for again."""


def seal(secret: str) -> str:
    """``secret`` as text for a row. Two seals of one secret differ."""
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret in ``sealed``; raises Unsealable."""
    from cryptography.fernet import InvalidToken  # here: most processes never open a secret (6 MB)

    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unsealable("A stored secret cannot be read: SECRET_KEY is not the one it was sealed with.") from error


def reseal(sealed: str) -> str:
    """What a present or earlier key sealed, sealed with the present SECRET_KEY; raises Unsealable."""
    return seal(unseal(sealed))


def _fernet() -> MultiFernet:
    """The keys are derived, so that a leaked seal says nothing about the key that signs sessions (RFC 5869)."""
    from cryptography.fernet import MultiFernet  # here: see above

    return MultiFernet([_derived(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(key: str) -> Fernet:
    from cryptography.fernet import Fernet  # here: see above
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"tonekeep stored secrets")
    return Fernet(base64.urlsafe_b64encode(kdf.derive(key.encode())))
