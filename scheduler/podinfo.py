"""A pod with everything that the scheduler asks of it again and again, computed once. Pure."""

from __future__ import annotations

import copy

import orjson

from api.placement import resources
from apimachinery import objects
from apimachinery.objects import Object
from scheduler.affinityterm import AffinityTerm, preferred_terms, required_terms

DEFAULT_SCHEDULER = "default-scheduler"


class PodInfo:
    """One pod, never changed; a changed pod is a new PodInfo."""

    __slots__ = (
        "_signature",
        "avoided",
        "host_ports",
        "key",
        "labels",
        "name",
        "namespace",
        "node_name",
        "nonzero",
        "pod",
        "preferred",
        "priority",
        "requests",
        "required",
        "required_anti",
        "spec",
        "uid",
    )

    def __init__(self, pod: Object) -> None:
        self.pod = pod
        self.key = objects.key_of(pod)
        self.namespace = objects.namespace_of(pod)
        self.name = objects.name_of(pod)
        self.uid = objects.uid_of(pod)
        self.labels = objects.labels_of(pod)
        self.spec: Object = pod.get("spec") or {}
        self.node_name: str = self.spec.get("nodeName") or ""
        self.priority: int = self.spec.get("priority") or 0
        self.requests = resources.pod_requests(pod)
        self.nonzero = resources.nonzero_requests(pod)
        self.host_ports = resources.host_ports(pod)
        affinity: Object = self.spec.get("affinity") or {}
        together, apart = affinity.get("podAffinity"), affinity.get("podAntiAffinity")
        self.required: tuple[AffinityTerm, ...] = required_terms(together, self.namespace)
        self.required_anti: tuple[AffinityTerm, ...] = required_terms(apart, self.namespace)
        self.preferred = preferred_terms(together, self.namespace)
        self.avoided = preferred_terms(apart, self.namespace)
        self._signature = b""

    @property
    def signature(self) -> bytes:
        """Equal for pods to which every rule that looks at one node alone gives the same answer."""
        if not self._signature:
            self._signature = orjson.dumps(
                [
                    self.spec.get("nodeName"),
                    self.requests,
                    self.nonzero,
                    sorted(self.host_ports),
                    self.spec.get("nodeSelector"),
                    (self.spec.get("affinity") or {}).get("nodeAffinity"),
                    self.spec.get("tolerations"),
                ],
                option=orjson.OPT_SORT_KEYS,
            )
        return self._signature

    @property
    def preempts(self) -> bool:
        """Whether this pod may displace others."""
        return bool(self.spec.get("preemptionPolicy") != "Never")


def on_node(info: PodInfo, node_name: str) -> PodInfo:
    """The same pod as it will be once bound to that node."""
    placed = copy.copy(info)
    placed.node_name = node_name
    return placed


def is_terminal(pod: Object) -> bool:
    """Whether the pod has run to its end and takes nothing of its node any more."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
