"""What the downward API says of a pod: fields of the object and resources of its containers, as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from apimachinery import quantity
from apimachinery.objects import Object
from kubelet.volumes.interface import MountFailed

_SUBSCRIPT = re.compile(r"^(metadata\.(?:labels|annotations))\['(.*)'\]$")


def field_value(pod: Object, path: str) -> str:
    """The value of `fieldRef.fieldPath`; raises MountFailed for a path that is not offered."""
    metadata, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    subscript = _SUBSCRIPT.match(path)
    if subscript:
        table = metadata.get(subscript[1].removeprefix("metadata.")) or {}
        return str(table.get(subscript[2], ""))
    fields: dict[str, Callable[[], object]] = {
        "metadata.name": lambda: metadata.get("name", ""),
        "metadata.namespace": lambda: metadata.get("namespace", ""),
        "metadata.uid": lambda: metadata.get("uid", ""),
        "metadata.labels": lambda: format_map(metadata.get("labels") or {}),
        "metadata.annotations": lambda: format_map(metadata.get("annotations") or {}),
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", ""),
        "status.hostIP": lambda: status.get("hostIP", ""),
        "status.podIP": lambda: status.get("podIP", ""),
        "status.podIPs": lambda: ",".join(entry["ip"] for entry in status.get("podIPs") or ()),
    }
    if path not in fields:
        raise MountFailed(f"unsupported fieldPath: {path}")
    return str(fields[path]())


def format_map(table: Mapping[str, str]) -> str:
    """One `key="value"` line per entry, sorted, the value quoted as Go's %q does."""
    return "\n".join(f"{key}={quote(value)}" for key, value in sorted(table.items()))


def quote(text: str) -> str:
    """A Go string literal in double quotes."""
    short = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    short |= {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(short.get(char) or (char if char.isprintable() else _escape(char)) for char in text) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def resource_value(pod: Object, reference: Object, allocatable: Mapping[str, str]) -> str:
    """The value of a `resourceFieldRef` with its divisor, rounded up; limits that a container does not set are the
    node's allocatable. Raises MountFailed."""
    container = _container(pod, str(reference.get("containerName") or ""))
    resource = str(reference.get("resource") or "")
    kind, _, name = resource.partition(".")
    if kind not in ("limits", "requests") or not name:
        raise MountFailed(f"unsupported container resource : {resource}")
    asked = (container.get("resources") or {}).get(kind) or {}
    text = asked.get(name) or (allocatable.get(name, "0") if kind == "limits" else "0")
    divisor = quantity.parse(reference.get("divisor") or "1")
    if not divisor:
        divisor = quantity.parse("1")
    amount = quantity.parse(text)
    if name == "cpu":
        return str(-(-amount.milli_value() // max(1, divisor.milli_value())))
    return str(-(-amount.value() // max(1, divisor.value())))


def _container(pod: Object, name: str) -> Object:
    spec = pod.get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") == name:
            found: Object = container
            return found
    raise MountFailed(f"container {name} not found")
