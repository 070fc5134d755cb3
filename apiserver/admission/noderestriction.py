"""NodeRestriction: a kubelet writes only its own node and the pods bound to it.

As plugin/pkg/admission/noderestriction; what it may read is the node authorizer's matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.resources import NODES, PODS
from apimachinery.objects import Object, annotations_of, labels_of, name_of, uid_of
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.authz.node import node_name
from apiserver.authz.podreferences import config_map_names, secret_names
from apiserver.interfaces import Attributes

_MIRROR = "kubernetes.io/config.mirror"
_RESTRICTED = "node-restriction.kubernetes.io"
#: Labels in Kubernetes' own namespaces that a kubelet may set.
_KUBELET_LABELS = frozenset({
    "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "node.kubernetes.io/windows-build",
})  # fmt: skip
#: What a node may change in a claim, and what is no change.
_PROGRESS = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses", "resizeStatus")
_UNCOMPARED = ("resourceVersion", "managedFields")
_KUBELET_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_RESOURCES = {
    ("", "pods"): frozenset({"", "status", "eviction", "ephemeralcontainers", "binding", "resize"}),
    ("", "nodes"): frozenset({"", "status"}),
    ("", "serviceaccounts"): frozenset({"token"}),
    ("", "persistentvolumeclaims"): frozenset({"", "status"}),
    ("coordination.k8s.io", "leases"): frozenset({""}),
    ("storage.k8s.io", "csinodes"): frozenset({""}),
}


class NodeRestriction(Plugin):
    """Requests by members of system:nodes."""

    name = "NodeRestriction"
    verbs = frozenset({"create", "update", "delete"})
    resources = _RESOURCES

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden; changes nothing."""
        node = node_name(attributes.user)
        if node is None:
            return
        if not node:
            raise refuse(attributes, f'could not determine node from user "{attributes.user.name}"', obj)
        if attributes.resource == "pods":
            await self._pod(attributes, node, obj, old)
        elif attributes.resource == "nodes":
            _node(attributes, node, obj, old)
        elif attributes.resource == "serviceaccounts":
            await self._token(attributes, node, obj)
        elif attributes.resource == "persistentvolumeclaims":
            _claim_status(attributes, node, obj, old)
        elif (attributes.name or name_of(obj or {})) != node:
            what = "node lease" if attributes.resource == "leases" else "CSINode"
            raise refuse(attributes, f"can only access {what} with the same name as the requesting node", obj)

    async def _pod(self, attributes: Attributes, node: str, obj: Object | None, old: Object | None) -> None:
        verb, subresource = operation(attributes), attributes.subresource
        if subresource == "":
            if verb == "create" and obj is not None:
                _mirror_pod(attributes, node, obj, self._api.get(NODES, "", node))
            elif verb == "delete":
                if (old or {}).get("spec", {}).get("nodeName") != node:
                    why = f'node "{node}" can only delete pods with spec.nodeName set to itself'
                    raise refuse(attributes, why, old)
            else:
                raise refuse(attributes, f'unexpected operation "{verb.upper()}"', obj)
        elif subresource == "status":
            _pod_status(attributes, node, obj, old)
        elif subresource == "eviction":
            pod = self._api.get(PODS, attributes.namespace, attributes.name)
            if pod is not None and (pod.get("spec") or {}).get("nodeName") != node:
                why = f"node {node} can only evict pods with spec.nodeName set to itself"
                raise refuse(attributes, why, obj)
        else:
            why = f"unexpected pod subresource \"{subresource}\", only 'status' and 'eviction' are allowed"
            raise refuse(attributes, why, obj)

    async def _token(self, attributes: Attributes, node: str, obj: Object | None) -> None:
        reference = ((obj or {}).get("spec") or {}).get("boundObjectRef") or {}
        if not reference or reference.get("kind") != "Pod" or reference.get("apiVersion") != "v1":
            raise refuse(attributes, "node requested token not bound to a pod", obj)
        if not reference.get("uid"):
            raise refuse(attributes, "node requested token with a pod binding without a uid", obj)
        name = reference.get("name") or ""
        pod = self._api.get(PODS, attributes.namespace, name)
        if pod is None:
            pod = await self._api.get_live(PODS, attributes.namespace, name)
        if pod is None:
            raise refuse(attributes, f'pod "{name}" not found', obj)
        if uid_of(pod) != reference["uid"]:
            why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
            raise refuse(attributes, f"{why}. The object might have been deleted and then recreated", obj)
        if (pod.get("spec") or {}).get("nodeName") != node:
            raise refuse(attributes, "node requested token bound to a pod scheduled on a different node", obj)


def _mirror_pod(attributes: Attributes, node: str, pod: Object, own: Object | None) -> None:
    """A node creates nothing but images of the pods that it runs by itself, and these refer to nothing. `own` is the
    Node."""
    spec = pod.get("spec") or {}
    if _MIRROR not in annotations_of(pod):
        why = f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods'
        raise refuse(attributes, why, pod)
    if spec.get("nodeName") != node:
        raise refuse(attributes, f'node "{node}" can only create pods with spec.nodeName set to itself', pod)
    if why := _owner_problem(node, pod["metadata"].get("ownerReferences") or [], own):
        raise refuse(attributes, why, pod)
    claims = [volume for volume in spec.get("volumes") or () if volume.get("persistentVolumeClaim")]
    for what, found in (
        ("a service account", spec.get("serviceAccountName")),
        ("secrets", any(True for _ in secret_names(spec))),
        ("configmaps", any(True for _ in config_map_names(spec))),
        ("persistentvolumeclaims", claims),
    ):
        if found:
            raise refuse(attributes, f'node "{node}" can not create pods that reference {what}', pod)


def _owner_problem(node: str, owners: Sequence[Mapping[str, Any]], own: Object | None) -> str:
    """What is wrong with the owners of a mirror pod: its node alone, as it is now, owns and controls it."""
    can_only = f'node "{node}" can only create pods with'
    if len(owners) > 1:
        return f"{can_only} a single owner reference set to itself"
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        return f"{can_only} an owner reference set to itself"
    if not owner.get("controller"):
        return f"{can_only} a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    if own is None:
        return f'error looking up node {node} to verify uid: nodes "{node}" not found'
    if owner.get("uid") != uid_of(own):
        return f"node {node} UID mismatch: expected {owner.get('uid')} got {uid_of(own)}"
    return ""


def _claim_status(attributes: Attributes, node: str, obj: Object | None, old: Object | None) -> None:
    """Of a claim a node tells how large it has become, and no more."""
    if attributes.subresource != "status":
        raise refuse(attributes, "may only update PVC status", obj)
    if operation(attributes) != "update":
        raise refuse(attributes, f'unexpected operation "{operation(attributes).upper()}"', obj)
    if _without_progress(obj or {}) != _without_progress(old or {}):
        why = f'node "{node}" is not allowed to update fields other than status.quantity and status.conditions'
        raise refuse(attributes, why, obj)


def _without_progress(claim: Object) -> Object:
    metadata = {key: value for key, value in (claim.get("metadata") or {}).items() if key not in _UNCOMPARED}
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in _PROGRESS}
    return {**claim, "metadata": metadata, "status": status}


def _pod_status(attributes: Attributes, node: str, obj: Object | None, old: Object | None) -> None:
    if (old or {}).get("spec", {}).get("nodeName") != node:
        why = f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
        raise refuse(attributes, why, obj)
    if labels_of(obj or {}) != labels_of(old or {}):
        raise refuse(attributes, f'node "{node}" cannot update labels through pod status', obj)


def _node(attributes: Attributes, node: str, obj: Object | None, old: Object | None) -> None:
    verb = operation(attributes)
    wanted = attributes.name or name_of(obj or {})
    if verb == "create" and obj is not None:
        if wanted != node:
            raise refuse(attributes, f'node "{node}" is not allowed to create node "{wanted}"', obj)
        forbidden = _forbidden_labels({}, labels_of(obj))
        if forbidden:
            why = f'node "{node}" is not allowed to set the following labels: {", ".join(forbidden)}'
            raise refuse(attributes, why, obj)
    if wanted != node:
        raise refuse(attributes, f'node "{node}" is not allowed to modify node "{wanted}"', obj)
    if verb == "update" and obj is not None and old is not None:
        if ((obj.get("spec") or {}).get("taints") or []) != ((old.get("spec") or {}).get("taints") or []):
            raise refuse(attributes, f'node "{node}" is not allowed to modify taints', obj)
        forbidden = _forbidden_labels(labels_of(old), labels_of(obj))
        if forbidden:
            why = f"is not allowed to modify labels: {', '.join(forbidden)}"
            raise refuse(attributes, why, obj)


def _forbidden_labels(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The labels that differ and are not a kubelet's to set."""
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    return sorted(key for key in changed if not _may_set(key))


def _may_set(label: str) -> bool:
    if label in _KUBELET_LABELS:
        return True
    domain = label.partition("/")[0] if "/" in label else ""
    if _in_domain(domain, _RESTRICTED):
        return False
    if any(_in_domain(domain, allowed) for allowed in _KUBELET_LABEL_DOMAINS):
        return True
    return not (_in_domain(domain, "kubernetes.io") or _in_domain(domain, "k8s.io"))


def _in_domain(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")
