"""What becomes of a Secret of type kubernetes.io/service-account-token. Pure.

After "Manually create a long-lived API token for a ServiceAccount" of the Kubernetes documentation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from apimachinery.objects import Object, annotations_of, is_deleting, name_of, namespace_of, uid_of

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"
_ISSUER = "kubernetes/serviceaccount"
_CLAIM = "kubernetes.io/serviceaccount/"


def account_name(secret: Object) -> str:
    """The service account that a Secret is for; "" for Secrets of other types."""
    return annotations_of(secret).get(ACCOUNT_NAME, "") if secret.get("type") == TYPE else ""


def is_stale(secret: Object, account: Object | None) -> bool:
    """Whether the account it is for is gone, or another one of that name."""
    if account is None:
        return True
    uid = annotations_of(secret).get(ACCOUNT_UID)
    return bool(uid) and uid != uid_of(account)


def filled(secret: Object, account: Object, root_ca: bytes, sign: Callable[[dict[str, Any]], str]) -> Object | None:
    """The Secret with token, namespace, CA and the account's uid; None where all of that is right already. A token that
    is there is believed: it is signed anew only where it is missing."""
    if is_deleting(secret):
        return None
    data, annotations = dict(secret.get("data") or {}), dict(annotations_of(secret))
    wanted = {"namespace": _encoded(namespace_of(secret).encode())}
    if root_ca:
        wanted["ca.crt"] = _encoded(root_ca)
    if not data.get("token"):
        wanted["token"] = _encoded(sign(claims(secret, account)).encode())
    if all(data.get(key) == value for key, value in wanted.items()) and annotations.get(ACCOUNT_UID) == uid_of(account):
        return None
    metadata = {**secret["metadata"], "annotations": {**annotations, ACCOUNT_UID: uid_of(account)}}
    return {**secret, "metadata": metadata, "data": {**data, **wanted}}


def claims(secret: Object, account: Object) -> dict[str, Any]:
    """What the token says; it is good for as long as the Secret is there."""
    namespace, name = namespace_of(account), name_of(account)
    return {
        "iss": _ISSUER,
        f"{_CLAIM}namespace": namespace,
        f"{_CLAIM}secret.name": name_of(secret),
        f"{_CLAIM}service-account.name": name,
        f"{_CLAIM}service-account.uid": uid_of(account),
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
