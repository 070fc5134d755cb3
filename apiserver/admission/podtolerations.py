"""PodTolerationRestriction: tolerations that a namespace's pods get, and the only ones that they may have.

(plugin/pkg/admission/podtolerationrestriction.) A namespace says so by annotations, for all others the configuration
does (podtolerationrestriction.admission.k8s.io/v1alpha1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from api.quota import is_best_effort
from api.resources import NAMESPACES
from apimachinery.errors import InternalError, not_found
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, only, operation
from apiserver.interfaces import Attributes

_DEFAULTS: Final = "scheduler.alpha.kubernetes.io/defaultTolerations"
_WHITELIST: Final = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
_MEMORY_PRESSURE: Final = {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}


class PodTolerationRestriction(Plugin):
    """Pods."""

    name = "PodTolerationRestriction"
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        configured = setting.configured(self.name)
        self._default = list(configured.get("default") or ())
        self._whitelist = list(configured.get("whitelist") or ())

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Merge in what the namespace gives."""
        if obj is None:
            return
        spec = obj.setdefault("spec", {})
        extra: list[Object] = []
        if operation(attributes) == "create":
            given = self._of_namespace(attributes, _DEFAULTS)
            extra = list(self._default if given is None else given)
        if not is_best_effort(obj):
            extra.append(dict(_MEMORY_PRESSURE))
        if extra:
            spec["tolerations"] = merged([*(spec.get("tolerations") or ()), *extra])
        self._check(attributes, spec)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises InternalError for a toleration outside of the whitelist."""
        self._check(attributes, (obj or {}).get("spec") or {})
        return []

    def _check(self, attributes: Attributes, spec: Object) -> None:
        tolerations = spec.get("tolerations") or ()
        if not tolerations:
            return
        allowed, scope = self._of_namespace(attributes, _WHITELIST), "namespace"
        if allowed is None:
            allowed, scope = self._whitelist, "cluster"
        if allowed and not all(any(covers(each, toleration) for each in allowed) for toleration in tolerations):
            why = f"conflict with its {scope} whitelist"
            raise _PlainError(f"pod tolerations (possibly merged with namespace default tolerations) {why}")

    def _of_namespace(self, attributes: Attributes, annotation: str) -> Sequence[Object] | None:
        """None where the namespace says nothing."""
        namespace = self._api.get(NAMESPACES, "", attributes.namespace)
        if namespace is None:
            raise not_found("", "namespaces", attributes.namespace)
        text = annotations_of(namespace).get(annotation)
        if not text:
            return None if text is None else ()
        try:
            found: Any = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise _PlainError(f"annotation {annotation} of the namespace is not JSON: {error}") from error
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise _PlainError(f"annotation {annotation} of the namespace is no list of tolerations")
        return found


class _PlainError(InternalError):
    """The reference answers 500 without a reason."""

    reason = ""


def merged(tolerations: Iterable[Object]) -> list[Object]:
    """Without those that another one covers; of equal ones the first."""
    everything = list(tolerations)
    kept: list[Object] = []
    for index, toleration in enumerate(everything):
        if any(covers(other, toleration) for other in kept):
            continue
        if any(other != toleration and covers(other, toleration) for other in everything[index + 1 :]):
            continue
        kept.append(toleration)
    return kept


def covers(wide: Object, narrow: Object) -> bool:
    """Whether `wide` tolerates all that `narrow` does."""
    if wide == narrow:
        return True
    operator = wide.get("operator") or "Equal"
    if wide.get("key") != narrow.get("key") and (wide.get("key") or operator != "Exists"):
        return False
    if wide.get("effect") and wide.get("effect") != narrow.get("effect"):
        return False
    if wide.get("effect") == "NoExecute" and wide.get("tolerationSeconds") is not None:
        seconds = narrow.get("tolerationSeconds")
        if seconds is None or seconds > wide["tolerationSeconds"]:
            return False
    if operator == "Exists":
        return True
    return (narrow.get("operator") or "Equal") == "Equal" and (wide.get("value") or "") == (narrow.get("value") or "")
