"""What a custom resource says at the paths of its scale subresource: numbers that are ones of replicas, a text. Pure.

(k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go.) A path that leads to nothing is no fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.patch.directives import go_print

#: spec.versions[*].subresources.scale
Scale = Mapping[str, Any]
_MOST_REPLICAS: Final = (1 << 31) - 1
_GO_TYPES: Final = {dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool", int: "int64"}


class _Unfit(Exception):
    """There is a value of another type on the way, or at the end."""


def validate_spec(obj: Mapping[str, Any], scale: Scale | None) -> list[FieldError]:
    """The replicas that are wanted."""
    return _replicas(obj, scale["specReplicasPath"]) if scale else []


def validate_status(obj: Mapping[str, Any], scale: Scale | None) -> list[FieldError]:
    """The replicas that there are, and the selector of their pods."""
    if not scale:
        return []
    errors, path = _replicas(obj, scale["statusReplicasPath"]), scale.get("labelSelectorPath")
    if path:
        try:
            _found(obj, path, str)
        except _Unfit as error:
            errors.append(fe.invalid(path, "", str(error)))
    return errors


def _replicas(obj: Mapping[str, Any], path: str) -> list[FieldError]:
    try:
        replicas = _found(obj, path, int) or 0
    except _Unfit as error:
        return [fe.invalid(path, 0, str(error))]
    if replicas < 0:
        return [fe.invalid(path, replicas, "should be a non-negative integer")]
    if replicas > _MOST_REPLICAS:
        return [fe.invalid(path, replicas, f"should be less than or equal to {_MOST_REPLICAS}")]
    return []


def _found(obj: Any, path: str, wanted: type) -> Any:
    """The value at a path, None where there is none; raises _Unfit."""
    names = path.removeprefix(".").split(".")
    for at, name in enumerate(names):
        if obj is None:
            return None
        if not isinstance(obj, dict):
            raise _Unfit(_text(names[: at + 1], obj, "map[string]interface {}"))
        if name not in obj:
            return None
        obj = obj[name]
    if type(obj) is not wanted:
        raise _Unfit(_text(names, obj, _GO_TYPES[wanted]))
    return obj


def _text(names: list[str], found: Any, wanted: str) -> str:
    kind = "<nil>" if found is None else _GO_TYPES.get(type(found), "float64")
    shown = wanted if wanted != "map[string]interface {}" else "map[string]interface{}"
    return f".{'.'.join(names)} accessor error: {go_print(found)} is of the type {kind}, expected {shown}"
