"""Acting as somebody else: every part of it has to be permitted."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from apimachinery.errors import Forbidden, InternalError
from apiserver.authn.impersonation import impersonate, is_asked
from apiserver.interfaces import Attributes, Decision, UserInfo

AMY = UserInfo("amy")


class Permits:
    """Permits what is listed, as "resource name"."""

    def __init__(self, *permitted: str) -> None:
        self.permitted = permitted

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        resource = attributes.resource + (f"/{attributes.subresource}" if attributes.subresource else "")
        asked = f"{resource} {attributes.namespace}/{attributes.name}".replace(" /", " ")
        assert attributes.verb == "impersonate"
        return (Decision.ALLOW if asked in self.permitted else Decision.NO_OPINION), ""


def headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(pairs)


async def test_without_headers_nothing_changes() -> None:
    assert await impersonate(AMY, headers(("X", "y")), Permits()) is AMY


async def test_a_user_with_groups_and_extra() -> None:
    asked = headers(
        ("Impersonate-User", "ben"), ("impersonate-group", "devs"), ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-Scopes%2fx", "view"), ("Impersonate-Uid", "7"),
    )  # fmt: skip
    all_of_it = ("users ben", "groups devs", "groups ops", "userextras/scopes/x view", "uids 7")
    user = await impersonate(AMY, asked, Permits(*all_of_it))
    assert user == UserInfo("ben", "7", ("devs", "ops", "system:authenticated"), {"scopes/x": ("view",)})
    for missing in all_of_it:
        with pytest.raises(Forbidden):
            await impersonate(AMY, asked, Permits(*(item for item in all_of_it if item != missing)))


async def test_a_service_account_gets_its_groups() -> None:
    user = await impersonate(
        AMY, headers(("Impersonate-User", "system:serviceaccount:ns:sa")), Permits("serviceaccounts ns/sa")
    )
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")


async def test_anonymous_is_not_authenticated() -> None:
    user = await impersonate(AMY, headers(("Impersonate-User", "system:anonymous")), Permits("users system:anonymous"))
    assert user.groups == ("system:unauthenticated",)


async def test_groups_without_a_user_make_no_sense() -> None:
    assert is_asked(headers(("Accept", "a"), ("impersonate-group", "b")))
    assert not is_asked(headers(("Accept", "a"), ("X-Impersonate-Group", "b")))
    with pytest.raises(InternalError, match="without impersonating a user"):
        await impersonate(AMY, headers(("Impersonate-Group", "system:masters")), Permits("groups system:masters"))
