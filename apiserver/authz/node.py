"""The node authorizer: a kubelet may read only what the pods bound to its node refer to.

The rules are those of plugin/pkg/auth/authorizer/node. No graph is kept: a question looks at the pods of one namespace,
which costs little beside the rate at which kubelets ask, and can never be out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api.resources import PERSISTENT_VOLUMES, PODS, VOLUME_ATTACHMENTS
from apimachinery.objects import Object
from apiserver.authz import podreferences
from apiserver.authz.rules import Rule
from apiserver.interfaces import Attributes, Decision, Reader, UserInfo

_NODES_GROUP = "system:nodes"
_NODE_USER = "system:node:"
_LEASE_NAMESPACE = "kube-node-lease"
_OWN_VERBS = ("get", "create", "update", "patch", "delete")
_NO = Decision.NO_OPINION
#: The secret references of a persistent volume's sources that a kubelet resolves.
_VOLUME_SECRET_FIELDS = (
    "secretRef", "nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef", "controllerPublishSecretRef",
)  # fmt: skip

_Answer = tuple[Decision, str]


def node_name(user: UserInfo) -> str | None:
    """The node that a user speaks for ("": a member of system:nodes without a name), None for others."""
    if _NODES_GROUP not in user.groups or not user.name.startswith(_NODE_USER):
        return None
    return user.name[len(_NODE_USER) :]


class NodeAuthorizer:
    """Allows nodes what their work needs."""

    def __init__(self, reader: Reader) -> None:
        # Here, as the declarations of the default roles are only needed where this mode is on.
        from apiserver.bootstrap.policy import node_rules

        self._reader = reader
        self._rules: tuple[Rule, ...] = node_rules()
        self._special: dict[tuple[str, str], Callable[[str, Attributes], _Answer]] = {
            ("", "secrets"): self._secret,
            ("", "configmaps"): self._config_map,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._volume,
            ("", "serviceaccounts"): self._token,
            ("storage.k8s.io", "volumeattachments"): self._attachment,
            ("storage.k8s.io", "csinodes"): self._csi_node,
            ("coordination.k8s.io", "leases"): self._lease,
        }

    def authorize(self, attributes: Attributes) -> _Answer:
        """ALLOW or no opinion; no opinion on whoever is not a node."""
        node = node_name(attributes.user)
        if node is None:
            return _NO, ""
        if not node:
            return _NO, f'unknown node for user "{attributes.user.name}"'
        special = self._special.get((attributes.group, attributes.resource)) if attributes.is_resource else None
        if special is not None:
            return special(node, attributes)
        if any(rule.allows(attributes) for rule in self._rules):
            return Decision.ALLOW, ""
        return _NO, ""

    def _secret(self, node: str, attributes: Attributes) -> _Answer:
        def related(name: str) -> bool:
            pods = self._pods(node, attributes.namespace)
            if any(podreferences.refers_to_secret(pod, name) for pod in pods):
                return True
            return self._volume_secret(node, attributes.namespace, name)

        return self._read(node, attributes, related)

    def _config_map(self, node: str, attributes: Attributes) -> _Answer:
        def related(name: str) -> bool:
            pods = self._pods(node, attributes.namespace)
            return any(podreferences.refers_to_config_map(pod, name) for pod in pods)

        return self._read(node, attributes, related)

    def _read(self, node: str, attributes: Attributes, related: Callable[[str], bool]) -> _Answer:
        if attributes.verb not in ("get", "list", "watch"):
            return _NO, "can only read resources of this type"
        if attributes.subresource:
            return _NO, "cannot read subresource"
        if not attributes.namespace:
            return _NO, "can only read namespaced object of this type"
        return _related(node, attributes, related)

    def _claim(self, node: str, attributes: Attributes) -> _Answer:
        def related(name: str) -> bool:
            return any(podreferences.refers_to_claim(pod, name) for pod in self._pods(node, attributes.namespace))

        if attributes.subresource == "status":
            if attributes.verb not in ("update", "patch"):
                return _NO, "can only update status of this type"
            return _related(node, attributes, related)
        return _get(node, attributes, related)

    def _volume(self, node: str, attributes: Attributes) -> _Answer:
        def related(name: str) -> bool:
            volume = self._reader.get(PERSISTENT_VOLUMES, "", name)
            return volume is not None and self._uses(node, volume)

        return _get(node, attributes, related)

    def _attachment(self, node: str, attributes: Attributes) -> _Answer:
        def related(name: str) -> bool:
            attachment = self._reader.get(VOLUME_ATTACHMENTS, "", name)
            return attachment is not None and (attachment.get("spec") or {}).get("nodeName") == node

        return _get(node, attributes, related)

    def _token(self, node: str, attributes: Attributes) -> _Answer:
        if attributes.verb != "create" or attributes.subresource != "token":
            return _NO, "can only create tokens for individual service accounts"

        def related(name: str) -> bool:
            pods = self._pods(node, attributes.namespace)
            return any((pod.get("spec") or {}).get("serviceAccountName") == name for pod in pods)

        return _related(node, attributes, related)

    def _lease(self, node: str, attributes: Attributes) -> _Answer:
        if attributes.namespace != _LEASE_NAMESPACE:
            return _NO, f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace'
        return _own(node, attributes, "node lease")

    def _csi_node(self, node: str, attributes: Attributes) -> _Answer:
        return _own(node, attributes, "CSINode")

    def _pods(self, node: str, namespace: str) -> Iterator[Object]:
        for pod in self._reader.list(PODS, namespace):
            if (pod.get("spec") or {}).get("nodeName") == node and not podreferences.is_mirror(pod):
                yield pod

    def _uses(self, node: str, volume: Object) -> bool:
        """Whether a pod of the node has the claim that the volume is bound to."""
        claim = (volume.get("spec") or {}).get("claimRef") or {}
        namespace, name = claim.get("namespace") or "", claim.get("name") or ""
        if not namespace:
            return False
        return any(podreferences.refers_to_claim(pod, name) for pod in self._pods(node, namespace))

    def _volume_secret(self, node: str, namespace: str, name: str) -> bool:
        """Whether a volume that the node uses names the secret."""
        return any(
            (namespace, name) in set(_volume_secrets(volume)) and self._uses(node, volume)
            for volume in self._reader.list(PERSISTENT_VOLUMES)
        )


def _volume_secrets(volume: Object) -> Iterator[tuple[str, str]]:
    spec = volume.get("spec") or {}
    home = (spec.get("claimRef") or {}).get("namespace") or ""
    for source in spec.values():
        if not isinstance(source, dict):
            continue
        for key in _VOLUME_SECRET_FIELDS:
            reference = source.get(key)
            if isinstance(reference, dict):
                yield reference.get("namespace") or home, reference.get("name") or ""
        if "shareName" in source and source.get("secretName"):  # azureFile
            yield source.get("secretNamespace") or home, source["secretName"]


def _get(node: str, attributes: Attributes, related: Callable[[str], bool]) -> _Answer:
    if attributes.verb != "get":
        return _NO, "can only get individual resources of this type"
    if attributes.subresource:
        return _NO, "cannot get subresource"
    return _related(node, attributes, related)


def _related(node: str, attributes: Attributes, related: Callable[[str], bool]) -> _Answer:
    if not attributes.name:
        return _NO, "No Object name found"
    if related(attributes.name):
        return Decision.ALLOW, ""
    return _NO, f"no relationship found between node '{node}' and this object"


def _own(node: str, attributes: Attributes, what: str) -> _Answer:
    """A node may do these things to the one object that bears its name."""
    if attributes.subresource:
        return _NO, f"can only access {what} with the same name as the requesting node"
    if attributes.verb not in _OWN_VERBS:
        return _NO, f"can only get, create, update, patch, or delete a {what}"
    # A create may leave the name to the body, which NodeRestriction looks at.
    if attributes.name != node and not (attributes.verb == "create" and not attributes.name):
        return _NO, f"can only access {what} with the same name as the requesting node"
    return Decision.ALLOW, ""
