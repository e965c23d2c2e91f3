"""The one-time link that makes the first admin: printed at the first start, used once, void after an hour.

There is no default password. The token is in the link only; the row keeps its digest. Once somebody who may use the
admin exists (also one made by `createsuperuser`), every link is void.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog.models import SetupLink

VALID_FOR = timedelta(hours=1)


class FirstAdminForm(UserCreationForm):
    """User name and password, with Django's rules for passwords."""

    class Meta(UserCreationForm.Meta):
        model = User


def offer(now: datetime) -> str | None:
    """A new token (43 characters, URL-safe), older ones become void. None where an admin exists already."""
    with transaction.atomic():
        SetupLink.objects.all().delete()
        if admin_exists():
            return None
        token = secrets.token_urlsafe(32)
        SetupLink.objects.create(digest=_digest(token), valid_until=now + VALID_FOR)
    return token


def is_valid(token: str, now: datetime) -> bool:
    """Whether the link may be used now. Looking does not use it up: mail programs and proxies look at links."""
    return _rows(token, now).exists() and not admin_exists()


def use(token: str, form: FirstAdminForm, now: datetime) -> User | None:
    """Make the admin that ``form`` (valid) describes and void the link; None where somebody else was first."""
    try:
        with transaction.atomic():
            # The DELETE decides: of two people who press the button together only one deletes the row.
            if not _rows(token, now).delete()[0] or admin_exists():
                return None
            user = form.save(commit=False)
            user.is_staff = user.is_superuser = True
            user.save()
    except IntegrityError:  # the user name was taken in between
        return None
    return user


def admin_exists() -> bool:
    """Somebody who can log in and has all rights."""
    return get_user_model().objects.filter(is_superuser=True, is_active=True).exists()


def _rows(token: str, now: datetime) -> QuerySet[SetupLink]:
    return SetupLink.objects.filter(digest=_digest(token), valid_until__gt=now, valid_until__lte=now + VALID_FOR)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
