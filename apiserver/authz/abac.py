"""ABAC mode: the policies of --authorization-policy-file, one JSON object a line.

Pure but for `load`. Rules: kubernetes.io/docs/reference/access-authn-authz/abac."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from apimachinery.objects import Object
from apiserver.authz.rules import path_matches
from apiserver.interfaces import Attributes, Decision, UserInfo

_API_VERSION, _KIND = "abac.authorization.kubernetes.io/v1beta1", "Policy"
_ALL = "*"
_READS = frozenset({"get", "list", "watch"})
_AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may do what, all of it."""

    user: str = ""
    group: str = ""
    readonly: bool = False
    api_group: str = ""
    resource: str = ""
    namespace: str = ""
    path: str = ""  #: nonResourcePath

    def allows(self, attributes: Attributes) -> bool:
        """Whether the policy permits the request."""
        if not self._is_of(attributes.user) or (self.readonly and attributes.verb not in _READS):
            return False
        if not attributes.is_resource:
            return bool(self.path) and path_matches(self.path, attributes.path)
        return (
            self.namespace in (_ALL, attributes.namespace)
            and self.resource in (_ALL, attributes.resource)
            and self.api_group in (_ALL, attributes.group)
        )

    def _is_of(self, user: UserInfo) -> bool:
        if self.user and self.user != user.name:
            return False
        if self.group and self.group not in user.groups:
            return False
        return bool(self.user or self.group)


class Policies:
    """Allows what any of the policies permits."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(policies)

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """ALLOW or no opinion."""
        if any(policy.allows(attributes) for policy in self._policies):
            return Decision.ALLOW, ""
        return Decision.NO_OPINION, "No policy matched."


def load(path: str) -> Policies:
    """The policies of a file; raises ValueError with one line."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"error reading policy file {path}: {error}") from error
    return Policies(parse(text, path))


def parse(text: str, path: str) -> list[Policy]:
    """The policies of a file's text, comments and empty lines aside; raises ValueError."""
    found: list[Policy] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            decoded = orjson.loads(line)
            found.append(_policy(decoded))
        except (orjson.JSONDecodeError, TypeError, ValueError) as error:
            raise ValueError(f"error reading policy file {path}, line {number}: {line}: {error}") from error
    return found


def _policy(decoded: Object) -> Policy:
    if not isinstance(decoded, dict):
        raise TypeError("no object")
    if "apiVersion" not in decoded and "kind" not in decoded:
        return _unversioned(decoded)
    if (decoded.get("apiVersion"), decoded.get("kind")) != (_API_VERSION, _KIND):
        raise ValueError(f"unrecognized object: {decoded.get('apiVersion')}, Kind={decoded.get('kind')}")
    spec = decoded.get("spec") or {}
    user, group = _subject(spec)
    return Policy(
        user, group, bool(spec.get("readonly")), _text(spec, "apiGroup"), _text(spec, "resource"),
        _text(spec, "namespace"), _text(spec, "nonResourcePath"),
    )  # fmt: skip


def _unversioned(decoded: Object) -> Policy:
    """The first form of the file: what is not said there means everything."""
    user, group = _subject(decoded)
    namespace, resource = _text(decoded, "namespace"), _text(decoded, "resource")
    return Policy(
        user, group if user or group else _AUTHENTICATED, bool(decoded.get("readonly")), _ALL, resource or _ALL,
        namespace or _ALL, "" if namespace or resource else _ALL,
    )  # fmt: skip


def _subject(decoded: Object) -> tuple[str, str]:
    """User and group; everybody means everybody who is known."""
    user, group = _text(decoded, "user"), _text(decoded, "group")
    return ("", _AUTHENTICATED) if _ALL in (user, group) else (user, group)


def _text(decoded: Object, field: str) -> str:
    value = decoded.get(field) or ""
    if not isinstance(value, str):
        raise TypeError(f"{field} must be a string")
    return value
