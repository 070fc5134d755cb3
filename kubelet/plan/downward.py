"""What the downward API says of a pod: fields of the object and resources of its containers, as text.

Pure. Used for environment variables (`environment.py`) and for files (`kubelet/volumes/downward_api.py`)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from apimachinery.fielderrors import go_quote
from apimachinery.objects import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from kubelet.plan.qos import milli, whole

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


class NotOffered(ValueError):
    """The downward API has no such field, resource or container."""


def field_value(pod: Object, path: str, *, pod_ip: str = "", host_ip: str = "") -> str:
    """The value of a `fieldRef.fieldPath`; raises NotOffered.

    The addresses are those of the pod's status unless they are given: the kubelet knows them before it is written."""
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        table = labels_of(pod) if subscript[1] == "labels" else annotations_of(pod)
        return table.get(subscript[2], "")
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    host_ip = host_ip or status.get("hostIP") or ""
    values = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": uid_of(pod),
        "metadata.labels": _lines(labels_of(pod)),
        "metadata.annotations": _lines(annotations_of(pod)),
        "spec.nodeName": spec.get("nodeName") or "",
        "spec.serviceAccountName": spec.get("serviceAccountName") or "",
        "status.podIP": pod_ip or status.get("podIP") or "",
        "status.podIPs": pod_ip or ",".join(entry["ip"] for entry in status.get("podIPs") or ()),
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }
    if path not in values:
        raise NotOffered(f"unsupported fieldPath: {path}")
    return values[path]


def _lines(table: Mapping[str, str]) -> str:
    """One `key="value"` line per entry, sorted, the value quoted as Go's %q does."""
    return "\n".join(f"{key}={go_quote(value)}" for key, value in sorted(table.items()))


def resource_value(pod: Object, reference: Object, allocatable: Mapping[str, str], *, container: str = "") -> str:
    """The value of a `resourceFieldRef` with its divisor, rounded up; `container` is meant where it names none.

    Limits that a container does not set are the node's allocatable. Raises NotOffered."""
    wanted = reference.get("containerName") or container
    resource = reference.get("resource") or ""
    which, _, name = resource.partition(".")
    if which not in ("limits", "requests") or not name:
        raise NotOffered(f"unsupported container resource : {resource}")
    asked = (_container(pod, wanted).get("resources") or {}).get(which) or {}
    text = asked.get(name) or (allocatable.get(name) if which == "limits" else None) or "0"
    divisor = reference.get("divisor") or "1"
    if name == "cpu":
        return str(-(-milli(text) // (milli(divisor) or 1000)))
    return str(-(-whole(text) // max(whole(divisor), 1)))


def _container(pod: Object, name: str) -> Object:
    spec = pod.get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if container.get("name") == name:
            found: Object = container
            return found
    raise NotOffered(f"container {name} not found")
