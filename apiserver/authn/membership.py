"""The group that everyone belongs to who is known. Pure."""

from __future__ import annotations

from apiserver.interfaces import UserInfo

_AUTHENTICATED = "system:authenticated"


def with_authenticated(user: UserInfo) -> UserInfo:
    """The user as a member of system:authenticated; the very same where that is so already."""
    if _AUTHENTICATED in user.groups:
        return user
    return UserInfo(user.name, user.uid, (*user.groups, _AUTHENTICATED), user.extra)
