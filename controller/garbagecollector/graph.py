"""Who owns whom: every object by uid, with its owners and dependents. Pure; fed by `controller.py` from informers.

After pkg/controller/garbagecollector/graph_builder.go: an owner that no informer has shown yet is in the graph as
`virtual`, until it is seen or looked up and found absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.meta import Resource
from apimachinery.objects import Object

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(slots=True, eq=False)
class Node:
    """One object as the graph knows it."""

    uid: str
    resource: Resource | None  #: None where a virtual owner's kind is not served
    namespace: str
    name: str
    owners: dict[str, dict[str, Any]] = field(default_factory=dict)  #: owner reference by owner's uid
    dependents: set[str] = field(default_factory=set)
    deleting: bool = False
    finalizers: frozenset[str] = frozenset()
    virtual: bool = False

    @property
    def deleting_dependents(self) -> bool:
        """Whether it waits for its dependents (foreground deletion)."""
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def orphaning(self) -> bool:
        """Whether its dependents are to be let go before it is."""
        return self.deleting and ORPHAN in self.finalizers


class Graph:
    """All nodes. Each method answers with the uids of the nodes that must be looked at because of the change."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def get(self, uid: str) -> Node | None:
        """The node of that uid."""
        return self._nodes.get(uid)

    def __len__(self) -> int:
        return len(self._nodes)

    def seen(self, resource: Resource, obj: Object) -> list[str]:
        """The object was listed, added or changed."""
        meta = obj["metadata"]
        node = self._nodes.get(meta["uid"])
        fresh = node is None or node.virtual
        if node is None:
            node = self._nodes[meta["uid"]] = Node(meta["uid"], resource, "", "")
        before = (node.deleting_dependents, node.orphaning)
        node.resource, node.namespace, node.name = resource, meta.get("namespace") or "", meta["name"]
        node.virtual = False
        node.deleting = bool(meta.get("deletionTimestamp"))
        node.finalizers = frozenset(meta.get("finalizers") or ())
        wake = self._set_owners(node, meta.get("ownerReferences") or ())
        if node.deleting_dependents:
            wake.append(node.uid)
            if not before[0]:
                wake += node.dependents
        if node.orphaning and not before[1]:
            wake.append(node.uid)
        if fresh and any(self._is_going(owner) for owner in node.owners):
            wake.append(node.uid)
        return wake

    def _is_going(self, owner_uid: str) -> bool:
        owner = self._nodes.get(owner_uid)
        return owner is not None and owner.deleting_dependents

    def _set_owners(self, node: Node, refs: Iterable[dict[str, Any]]) -> list[str]:
        wake: list[str] = []
        new = {ref["uid"]: ref for ref in refs}
        for uid in node.owners.keys() - new.keys():
            owner = self._nodes.get(uid)
            if owner is not None:
                owner.dependents.discard(node.uid)
                wake.append(uid)  # it may have waited for just this one
        for uid in new.keys() - node.owners.keys():
            owner = self._nodes.get(uid)
            if owner is None:
                owner = self._nodes[uid] = Node(uid, None, node.namespace, new[uid]["name"], virtual=True)
                wake.append(uid)
            owner.dependents.add(node.uid)
        for uid in new.keys() & node.owners.keys():
            if node.owners[uid].get("blockOwnerDeletion") != new[uid].get("blockOwnerDeletion"):
                wake.append(uid)
        if node.owners and new.keys() != node.owners.keys():
            wake.append(node.uid)
        node.owners = new
        return wake

    def gone(self, uid: str) -> list[str]:
        """The object was deleted, or a virtual one was looked up and does not exist."""
        node = self._nodes.pop(uid, None)
        if node is None:
            return []
        wake = list(node.dependents)
        for owner_uid in node.owners:
            owner = self._nodes.get(owner_uid)
            if owner is None:
                continue
            owner.dependents.discard(uid)
            if owner.deleting_dependents:
                wake.append(owner_uid)
            elif owner.virtual and not owner.dependents:
                del self._nodes[owner_uid]
        return wake

    def dependents(self, node: Node) -> list[Node]:
        """The objects that name `node` as an owner."""
        return [self._nodes[uid] for uid in node.dependents if uid in self._nodes]

    def blocking(self, node: Node) -> list[Node]:
        """The dependents that must be gone before a foreground deletion of `node` may end."""
        return [d for d in self.dependents(node) if (d.owners.get(node.uid) or {}).get("blockOwnerDeletion")]
