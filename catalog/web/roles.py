"""What a person may do: an owner all, a keeper everything about songs, a listener looks.

An owner is Django's superuser, a keeper has the permission `OPERATE`, everybody else with an account is a listener.
"""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import models, transaction
from django.db.models import Q

from catalog.text.user_error import UserError

OPERATE = "catalog.operate_library"
HAS_OPERATE = Q(content_type__app_label="catalog", codename="operate_library")
LAST_OWNER = "Somebody must stay the owner: make another person one first."


class Role(models.TextChoices):
    OWNER = "owner", "Owner: everything, people and settings too"
    KEEPER = "keeper", "Keeper: songs, decisions, the queue, imports"
    LISTENER = "listener", "Listener: looks, and changes nothing"


def is_owner(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(user.is_active and user.is_superuser)  # type: ignore[attr-defined]  # PermissionsMixin's


def may_operate(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person has the permission that the buttons ask for; owners have all."""
    return bool(user.is_active and user.has_perm(OPERATE))  # type: ignore[attr-defined]  # PermissionsMixin's


def role_of(user: User) -> Role:
    """Also of a person who is locked out: the role that they come back with."""
    if user.is_superuser:
        return Role.OWNER
    own, of_groups = user.user_permissions.filter(HAS_OPERATE), _groups_of_keepers().filter(user=user)
    return Role.KEEPER if own.exists() or of_groups.exists() else Role.LISTENER


def set_role(user: User, role: str) -> None:
    """Give ``user``, who is saved already, this role and no other. UserError where nobody would be the owner."""
    with transaction.atomic():
        _lock_owners()
        user.is_superuser = user.is_staff = role == Role.OWNER
        user.save(update_fields=["is_superuser", "is_staff"])
        user.groups.remove(*_groups_of_keepers())
        user.user_permissions.remove(*Permission.objects.filter(HAS_OPERATE))
        if role == Role.KEEPER:
            user.user_permissions.add(Permission.objects.get(HAS_OPERATE))
        _keep_an_owner()


def set_active(user: User, active: bool) -> None:
    """Lock a person out, with all browsers and tokens, or let them in again."""
    with transaction.atomic():
        _lock_owners()
        user.is_active = active
        user.save(update_fields=["is_active"])
        if not active:
            user.browser_sessions.all().delete()
        _keep_an_owner()


def remove(user: User) -> None:
    """Delete the account with its sessions and tokens. What the person did stays in the history."""
    with transaction.atomic():
        _lock_owners()
        user.delete()
        _keep_an_owner()


def _groups_of_keepers() -> models.QuerySet[Group]:
    return Group.objects.filter(permissions__in=Permission.objects.filter(HAS_OPERATE))


def _owners() -> models.QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True)


def _lock_owners() -> None:
    """Two owners who take the role from each other at the same moment wait for one another."""
    list(_owners().select_for_update().order_by("pk"))


def _keep_an_owner() -> None:
    if not _owners().exists():
        raise UserError(LAST_OWNER)
