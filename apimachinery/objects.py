"""API objects as plain JSON dicts, and the few questions asked of every one of them.

Pure. Objects stay dicts from the wire to etcd; nothing copies them into classes on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: One API object, as decoded from JSON.
Object = dict[str, Any]


def name_of(obj: Object) -> str:
    """metadata.name, or "" where there is none yet."""
    name: str = (obj.get("metadata") or {}).get("name") or ""
    return name


def namespace_of(obj: Object) -> str:
    """metadata.namespace, or "" for cluster-scoped objects."""
    namespace: str = (obj.get("metadata") or {}).get("namespace") or ""
    return namespace


def uid_of(obj: Object) -> str:
    """metadata.uid, or "" where there is none yet."""
    uid: str = (obj.get("metadata") or {}).get("uid") or ""
    return uid


def labels_of(obj: Object) -> dict[str, str]:
    """metadata.labels, or an empty dict."""
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    """metadata.annotations, or an empty dict."""
    return (obj.get("metadata") or {}).get("annotations") or {}


def key_of(obj: Object) -> str:
    """ "namespace/name", or "name" for cluster-scoped objects: the key of queues and stores."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_key(key: str) -> tuple[str, str]:
    """The (namespace, name) of a key made by `key_of`; namespace is "" for cluster-scoped objects."""
    namespace, _, name = key.rpartition("/")
    return namespace, name


def controller_of(obj: Object) -> dict[str, Any] | None:
    """The owner reference with `controller: true`, if any."""
    for ref in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if ref.get("controller"):
            found: dict[str, Any] = ref
            return found
    return None


def is_deleting(obj: Object) -> bool:
    """Whether metadata.deletionTimestamp is set."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def format_time(moment: datetime) -> str:
    """metav1.Time: RFC 3339 in UTC with whole seconds."""
    return _in_utc(moment, "seconds")


def format_micro_time(moment: datetime) -> str:
    """metav1.MicroTime: RFC 3339 in UTC with six digits of fraction."""
    return _in_utc(moment, "microseconds")


def _in_utc(moment: datetime, timespec: str) -> str:
    """(Not strftime: it writes years before 1000 with fewer than four digits.)"""
    return moment.astimezone(UTC).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Parse metav1.Time or MicroTime; raises ValueError."""
    return datetime.fromisoformat(text)


def deep_copy(value: Any) -> Any:
    """A copy of a JSON value that shares nothing that can be changed with the original."""
    if value.__class__ is dict:
        return {key: deep_copy(item) for key, item in value.items()}
    if value.__class__ is list:
        return [deep_copy(item) for item in value]
    return value
