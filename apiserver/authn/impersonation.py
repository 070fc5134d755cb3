"""Acting as somebody else: the Impersonate-* headers, each of which has to be permitted. Pure.

As k8s.io/apiserver/pkg/endpoints/filters/impersonation.go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from apimachinery.errors import InternalError
from apiserver.authn import serviceaccounts
from apiserver.authn.headers import values
from apiserver.authz import forbidden_error, question
from apiserver.interfaces import Attributes, Authorizer, Decision, UserInfo

USER_HEADER, UID_HEADER, GROUP_HEADER = "Impersonate-User", "Impersonate-Uid", "Impersonate-Group"
EXTRA_PREFIX = "impersonate-extra-"
_PREFIX = "impersonate-"
_AUTHENTICATION = "authentication.k8s.io"
_ANONYMOUS, _AUTHENTICATED, _UNAUTHENTICATED = "system:anonymous", "system:authenticated", "system:unauthenticated"


def is_asked(headers: Iterable[str]) -> bool:
    """Whether any header of these names is about impersonation: a group without a user is an error, not nothing."""
    return f"\n{_PREFIX}" in "\n".join(("", *headers)).lower()  # no name has a newline: one search finds all


async def impersonate(user: UserInfo, headers: Mapping[str, str], authorizer: Authorizer) -> UserInfo:
    """Who the request is to be treated as: `user` where no header says otherwise. Raises Forbidden, InternalError."""
    name = headers.get(USER_HEADER, "")
    uid = headers.get(UID_HEADER, "")
    groups = values(headers, GROUP_HEADER)
    extra = _extra(headers)
    if not name:
        if not (uid or groups or extra):
            return user
        wanted = [*(f"Group:{group}" for group in groups), *extra, *([uid] if uid else [])]
        raise InternalError(f"Internal error occurred: requested [{' '.join(wanted)}] without impersonating a user")
    account = serviceaccounts.split_user_name(name)
    if account is not None:
        attributes = question(user, "impersonate", resource="serviceaccounts", namespace=account[0], name=account[1])
    else:
        attributes = question(user, "impersonate", resource="users", name=name)
    await _require(attributes, authorizer)
    for group in groups:
        await _require(question(user, "impersonate", resource="groups", name=group), authorizer)
    for key, listed in extra.items():
        for value in listed:
            await _require(
                question(
                    user, "impersonate", group=_AUTHENTICATION, version="v1", resource="userextras", subresource=key,
                    name=value,
                ),
                authorizer,
            )  # fmt: skip
    if uid:
        await _require(
            question(user, "impersonate", group=_AUTHENTICATION, version="v1", resource="uids", name=uid), authorizer
        )
    if account is not None and not groups:
        groups = list(serviceaccounts.groups(account[0]))
    return UserInfo(name, uid, _with_standard_group(name, groups), extra)


async def _require(attributes: Attributes, authorizer: Authorizer) -> None:
    decision, reason = await authorizer.authorize(attributes)
    if decision is not Decision.ALLOW:
        raise forbidden_error(attributes, reason)


def _with_standard_group(name: str, groups: list[str]) -> tuple[str, ...]:
    if name == _ANONYMOUS:
        return tuple(groups) if _UNAUTHENTICATED in groups else (*groups, _UNAUTHENTICATED)
    if _AUTHENTICATED in groups or _UNAUTHENTICATED in groups:
        return tuple(groups)
    return (*groups, _AUTHENTICATED)


def _extra(headers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for header in dict.fromkeys(key.lower() for key in headers):
        if header.startswith(EXTRA_PREFIX):
            found[unquote(header[len(EXTRA_PREFIX) :])] = tuple(values(headers, header))
    return found
