"""Token Secrets: filled, left alone, or gone with their account."""

from __future__ import annotations

import base64
from typing import Any

from apimachinery.objects import Object
from controller.serviceaccounttoken.plan import ACCOUNT_NAME, ACCOUNT_UID, TYPE, account_name, filled, is_stale

ACCOUNT: Object = {"metadata": {"namespace": "ns", "name": "robot", "uid": "u1"}}
SIGNED: list[dict[str, Any]] = []


def secret(data: Object | None = None, **annotations: str) -> Object:
    """A Secret for robot."""
    metadata = {"namespace": "ns", "name": "s", "annotations": {ACCOUNT_NAME: "robot", **annotations}}
    return {"type": TYPE, "metadata": metadata, **({"data": data} if data else {})}


def sign(claims: dict[str, Any]) -> str:
    SIGNED.append(claims)
    return "signed"


def test_an_empty_secret_is_filled() -> None:
    made = filled(secret(), ACCOUNT, b"CA", sign)
    assert made is not None
    assert {key: base64.b64decode(value) for key, value in made["data"].items()} == {
        "ca.crt": b"CA", "namespace": b"ns", "token": b"signed",
    }  # fmt: skip
    assert made["metadata"]["annotations"] == {ACCOUNT_NAME: "robot", ACCOUNT_UID: "u1"}
    assert SIGNED[-1]["sub"] == "system:serviceaccount:ns:robot"
    assert SIGNED[-1]["kubernetes.io/serviceaccount/secret.name"] == "s"
    assert filled(made, ACCOUNT, b"CA", sign) is None


def test_a_token_stays_when_the_ca_changes() -> None:
    made = filled(secret({"token": "b2xk"}), ACCOUNT, b"CA", sign)
    assert made is not None and made["data"]["token"] == "b2xk"
    changed = filled(made, ACCOUNT, b"CA2", sign)
    assert changed is not None and base64.b64decode(changed["data"]["ca.crt"]) == b"CA2"
    assert changed["data"]["token"] == "b2xk"


def test_secrets_of_lost_accounts_are_stale() -> None:
    assert is_stale(secret(), None)
    assert not is_stale(secret(), ACCOUNT)
    assert is_stale(secret(None, **{ACCOUNT_UID: "other"}), ACCOUNT)
    assert account_name({**secret(), "type": "Opaque"}) == ""


def test_one_that_is_being_deleted_is_left_alone() -> None:
    going = secret()
    going["metadata"]["deletionTimestamp"] = "2024-05-01T00:00:00Z"
    assert filled(going, ACCOUNT, b"CA", sign) is None
