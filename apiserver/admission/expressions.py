"""What CEL expressions in admission see of a request, and whom its `authorizer` asks. Pure but for the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from apimachinery.cel import authorizer
from apimachinery.cel.authorizer import Ask, Check
from apimachinery.cel.environment import Program
from apimachinery.objects import Object
from apiserver.interfaces import Attributes, Authorizer, Decision, UserInfo

_PROGRAMS = 4096


@lru_cache(maxsize=_PROGRAMS)
def program(text: str, names: tuple[str, ...]) -> Program:
    """The compiled expression; raises CompileError."""
    return Program(text, names)


def variables_of(attributes: Attributes, review: Object) -> dict[str, Any]:
    """object, oldObject, request and authorizer of a request, by its AdmissionReview."""
    asked = review["request"]
    request = {key: value for key, value in asked.items() if key not in ("object", "oldObject", "uid")}
    request["userInfo"] = {"groups": [], "extra": {}, "uid": "", **asked["userInfo"]}
    for key in ("name", "namespace", "subResource", "requestSubResource"):
        request.setdefault(key, "")
    return {
        "object": asked["object"],
        "oldObject": asked["oldObject"],
        "request": request,
        "authorizer": authorizer.authorizer(
            group=attributes.group,
            resource=attributes.resource,
            subresource=attributes.subresource,
            namespace=attributes.namespace,
            name=attributes.name,
        ),
    }


def asker(attributes: Attributes, decider: Authorizer) -> Ask:
    """Answers checks by the server's authorizer: for the request's user, or a service account."""

    def ask(check: Check) -> tuple[bool, str]:
        user = _account(*check.account) if check.account else attributes.user
        asked = replace(
            attributes, user=user, verb=check.verb, path=check.path, is_resource=not check.path, group=check.group,
            version="*", resource=check.resource, subresource=check.subresource, namespace=check.namespace,
            name=check.name,
        )  # fmt: skip
        decision, reason = decider.authorize(asked)
        return decision is Decision.ALLOW, reason

    return ask


def _account(namespace: str, name: str) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(f"system:serviceaccount:{namespace}:{name}", groups=groups)


def names_of(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """What expressions over these variables are compiled for."""
    return tuple(sorted(variables))
