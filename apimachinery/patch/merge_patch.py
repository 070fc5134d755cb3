"""JSON merge patch (RFC 7386): objects merge, null deletes, everything else replaces. Pure."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object, deep_copy


def apply(original: Object, patch: Any) -> Any:
    """The document after the patch; neither argument is changed nor shared with the result."""
    return _merge(deep_copy(original), patch)


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return deep_copy(patch) if isinstance(target, dict) else _without_nulls(patch)
    if not isinstance(target, dict):
        return _without_nulls(patch)
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif target.get(key) is None:
            target[key] = _without_nulls(value)
        else:
            target[key] = _merge(target[key], value)
    return target


def _without_nulls(value: Any) -> Any:
    """A copy of what the patch brings in, in which null says that something is absent, in lists as well."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
