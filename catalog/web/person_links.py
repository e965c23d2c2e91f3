"""Links that an owner gives away: one makes an account with a role, the other sets a new password of a person.

Each is used once and expires; the row keeps the digest of its token. Looking does not use it up: mail programs look.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.contrib.auth.forms import SetPasswordForm, UserCreationForm
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import QueryDict

from catalog.models import PersonLink
from catalog.models.accounts import digest
from catalog.web.roles import set_role
from catalog.web.setup_link import FirstAdminForm


def invite(role: str, now: datetime) -> str:
    """A token of 43 URL-safe characters that makes an account with this role."""
    return _made(now, role=role, valid_until=now + PersonLink.INVITATION)


def reset(user: User, now: datetime) -> str:
    """A token that sets a new password of ``user``; the one before becomes void."""
    PersonLink.objects.filter(user=user).delete()
    return _made(now, user=user, valid_until=now + PersonLink.RESET)


def find(token: str, now: datetime) -> PersonLink | None:
    """The link of this token, as long as it counts."""
    rows = PersonLink.objects.select_related("user").filter(digest=digest(token), valid_until__gt=now)
    return rows.exclude(user__is_active=False).first()


def form(link: PersonLink, data: QueryDict | None) -> UserCreationForm | SetPasswordForm:
    """What the person fills in: name and password, or only a new password."""
    return SetPasswordForm(link.user, data) if link.user else FirstAdminForm(data)


def use(link: PersonLink, filled: UserCreationForm | SetPasswordForm, now: datetime) -> User | None:
    """Do what the link is for with a valid form, and void it; None where it was used in between."""
    try:
        with transaction.atomic():
            # The DELETE decides: of two people who press the button together only one deletes the row.
            if not PersonLink.objects.filter(pk=link.pk, valid_until__gt=now).delete()[0]:
                return None
            user: User = filled.save()
            if link.user is None:
                set_role(user, link.role)
            else:
                user.browser_sessions.all().delete()
    except IntegrityError:  # the user name was taken in between
        return None
    return user


def _made(now: datetime, **columns: object) -> str:
    PersonLink.objects.filter(valid_until__lte=now).delete()
    token = secrets.token_urlsafe(32)
    PersonLink.objects.create(digest=digest(token), **columns)
    return token
