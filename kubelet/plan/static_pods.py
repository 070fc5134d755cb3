"""Static pods: pods of the node's own manifest files, and the mirror pods that show them in the API. Pure.

As in pkg/kubelet/config and pkg/kubelet/pod/mirror_client.go: a static pod is named after its node, its uid follows
from what the file says, and it has a mirror pod of the same name that carries the uid in an annotation. A mirror pod
is only an image: deleting it ends nothing, and it comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery.objects import Object, annotations_of, is_deleting, key_of, name_of, uid_of

SOURCE = "kubernetes.io/config.source"
HASH = "kubernetes.io/config.hash"
SEEN = "kubernetes.io/config.seen"
MIRROR = "kubernetes.io/config.mirror"
_UID_DIGITS = 32
#: A static pod stays on its node whatever happens to that.
_TOLERATION = {"operator": "Exists", "effect": "NoExecute"}


def is_static(pod: Object) -> bool:
    """Whether the kubelet has the pod from a file of its own."""
    return annotations_of(pod).get(SOURCE, "api") != "api" and MIRROR not in annotations_of(pod)


def is_mirror(pod: Object) -> bool:
    """Whether it is the image of a static pod."""
    return MIRROR in annotations_of(pod)


def static_pod(manifest: Object, path: str, node_name: str, seen: str) -> Object:
    """The pod that a manifest stands for; `seen` is the time, RFC 3339. The manifest itself stays as it is."""
    content = orjson.dumps([node_name, path, manifest], option=orjson.OPT_SORT_KEYS)
    uid = hashlib.sha256(content).hexdigest()[:_UID_DIGITS]
    metadata = {key: value for key, value in (manifest.get("metadata") or {}).items() if key in ("name", "labels")}
    metadata["name"] = f"{metadata.get('name') or ''}-{node_name}"
    metadata["namespace"] = (manifest.get("metadata") or {}).get("namespace") or "default"
    metadata["uid"] = uid
    metadata["annotations"] = annotations_of(manifest) | {SOURCE: "file", HASH: uid, SEEN: seen}
    spec = dict(manifest.get("spec") or {})
    spec["nodeName"] = node_name
    tolerations = spec.get("tolerations") or []
    spec["tolerations"] = [*tolerations, dict(_TOLERATION)] if _TOLERATION not in tolerations else tolerations
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def mirror_pod(pod: Object, node: Object) -> Object:
    """The mirror pod to create for a static pod, owned by its Node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": name_of(node), "uid": uid_of(node), "controller": True}
    metadata = {key: value for key, value in pod["metadata"].items() if key != "uid"}
    metadata["annotations"] = annotations_of(pod) | {MIRROR: annotations_of(pod)[HASH]}
    metadata["ownerReferences"] = [owner]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}


def fits(mirror: Object, pod: Object, node_uid: str) -> bool:
    """Whether this pod of the API shows the static pod as it is now."""
    if annotations_of(mirror).get(MIRROR) != annotations_of(pod)[HASH] or is_deleting(mirror):
        return False
    owners: list[Mapping[str, Any]] = mirror["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == "Node" and owner.get("uid") == node_uid for owner in owners)


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """Mirror pods to delete at once, and static pods to create one of."""

    delete: tuple[Object, ...]
    create: tuple[Object, ...]


def plan_mirrors(static: Iterable[Object], in_api: Iterable[Object], node_uid: str) -> MirrorPlan:
    """From this node's static pods and its pods in the API to what brings them together."""
    wanted = {key_of(pod): pod for pod in static}
    mirrors = {key_of(pod): pod for pod in in_api if is_mirror(pod)}
    delete = [
        mirror for key, mirror in mirrors.items() if (pod := wanted.get(key)) is None or not fits(mirror, pod, node_uid)
    ]
    create = [pod for key, pod in wanted.items() if key not in mirrors]
    return MirrorPlan(tuple(delete), tuple(create))
