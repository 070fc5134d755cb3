"""Claims of an identity provider, as the flags turn them into users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apiserver.authn.oidc import Provider, user_of
from apiserver.authn.webhook import understood
from apiserver.interfaces import UserInfo

PROVIDER = Provider(issuer="https://id.example.com", client_id="k8s")


@pytest.mark.parametrize(
    ("flags", "claims", "expected"),
    [
        ({}, {"sub": "amy"}, UserInfo("https://id.example.com#amy")),
        ({"username_prefix": "-"}, {"sub": "amy"}, UserInfo("amy")),
        ({"username_prefix": "oidc:"}, {"sub": "amy"}, UserInfo("oidc:amy")),
        ({"username_claim": "email"}, {"email": "a@b.c", "email_verified": True}, UserInfo("a@b.c")),
        ({"username_claim": "email"}, {"email": "a@b.c"}, UserInfo("a@b.c")),
        (
            {"groups_claim": "roles", "groups_prefix": "g:", "username_prefix": "-"},
            {"sub": "amy", "roles": ["x", "y"]},
            UserInfo("amy", groups=("g:x", "g:y")),
        ),
        (
            {"groups_claim": "roles", "username_prefix": "-"},
            {"sub": "amy", "roles": "one"},
            UserInfo("amy", groups=("one",)),
        ),
        ({"required": {"hd": "b.c"}, "username_prefix": "-"}, {"sub": "amy", "hd": "b.c"}, UserInfo("amy")),
    ],
)
def test_users(flags: dict[str, Any], claims: dict[str, Any], expected: UserInfo) -> None:
    assert user_of(claims, replace(PROVIDER, **flags)) == expected


@pytest.mark.parametrize(
    ("flags", "claims"),
    [
        ({}, {}),
        ({}, {"sub": 7}),
        ({"username_claim": "email"}, {"email": "a@b.c", "email_verified": False}),
        ({"username_claim": "email"}, {"email": "a@b.c", "email_verified": "true"}),
        ({"groups_claim": "roles"}, {"sub": "amy", "roles": [1]}),
        ({"required": {"hd": "b.c"}}, {"sub": "amy", "hd": "other"}),
        ({"required": {"hd": "b.c"}}, {"sub": "amy"}),
    ],
)
def test_claims_that_make_no_user(flags: dict[str, Any], claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="oidc: "):
        user_of(claims, replace(PROVIDER, **flags))


@pytest.mark.parametrize(
    "flags", [{"issuer": "http://id.example.com"}, {"client_id": ""}, {"algorithms": ("HS256",)}, {"issuer": ""}]
)
def test_flags_that_make_no_provider(flags: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="oidc-"):
        replace(PROVIDER, **flags).check()


@pytest.mark.parametrize(
    ("status", "asked", "expected"),
    [
        ({"authenticated": True, "user": {"username": "amy", "groups": ["a"]}}, (), (UserInfo("amy", "", ("a",)), ())),
        ({"authenticated": False, "user": {"username": "amy"}}, (), None),
        ({}, (), None),
        ({"authenticated": True, "user": {"username": "amy"}}, ("x", "y"), (UserInfo("amy"), ("x", "y"))),
        (
            {"authenticated": True, "user": {"username": "amy"}, "audiences": ["y", "z"]},
            ("x", "y"),
            (UserInfo("amy"), ("y",)),
        ),
        ({"authenticated": True, "user": {"username": "amy"}, "audiences": ["z"]}, ("x", "y"), None),
    ],
)
def test_answers_of_a_token_webhook(status: dict[str, Any], asked: tuple[str, ...], expected: Any) -> None:
    assert understood({"status": status}, asked) == expected
