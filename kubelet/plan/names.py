"""How a pod's containers are named and labelled in Docker, so that everything can be rebuilt from Docker alone.

Pure. Names and labels are those of the dockershim (pkg/kubelet/dockershim/naming.go), plus one of our own: the
kubelet's root directory, so that several kubelets can share one Docker daemon without touching each other's pods."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from apimachinery.objects import Object, name_of, namespace_of, uid_of

#: The container name of a sandbox.
SANDBOX = "POD"

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
CONTAINER_TYPE = "io.kubernetes.docker.type"
SANDBOX_ID = "io.kubernetes.sandbox.id"
CONTAINER_HASH = "annotation.io.kubernetes.container.hash"
RESTART_COUNT = "annotation.io.kubernetes.container.restartCount"
MESSAGE_PATH = "annotation.io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY = "annotation.io.kubernetes.container.terminationMessagePolicy"
#: Where the termination message lies on the host.
MESSAGE_FILE = "io.kubernetes.container.terminationMessageFile"
GRACE_PERIOD = "annotation.io.kubernetes.pod.terminationGracePeriod"
PRE_STOP = "annotation.io.kubernetes.container.preStopHandler"
#: Which kubelet the container belongs to.
ROOT_DIR = "io.kubernetes.kubelet.root-dir"

TYPE_SANDBOX = "podsandbox"
TYPE_CONTAINER = "container"


def container_name(pod: Object, container: str, attempt: int) -> str:
    """k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT; `container` is POD for the sandbox."""
    return f"k8s_{container}_{name_of(pod)}_{namespace_of(pod)}_{uid_of(pod)}_{attempt}"


def pod_labels(pod: Object, root_dir: str) -> dict[str, str]:
    """The labels that sandbox and containers of a pod share."""
    return {
        POD_NAME: name_of(pod),
        POD_NAMESPACE: namespace_of(pod),
        POD_UID: uid_of(pod),
        ROOT_DIR: root_dir,
    }


def sandbox_labels(pod: Object, root_dir: str) -> dict[str, str]:
    """The labels of a sandbox: the pod's own ones as well."""
    own = (pod.get("metadata") or {}).get("labels") or {}
    return {**own, **pod_labels(pod, root_dir), CONTAINER_NAME: SANDBOX, CONTAINER_TYPE: TYPE_SANDBOX}


def spec_hash(container: dict[str, Any]) -> str:
    """Changes when a running container's definition does (only `image` can); names the definition it was made from."""
    text = orjson.dumps([container.get("name"), container.get("image")])
    return hashlib.sha256(text).hexdigest()[:8]
