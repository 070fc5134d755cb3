"""The secrets, config maps, claims and service account that a pod refers to. Pure.

The places are those of k8s.io/kubernetes/pkg/api/v1/pod (VisitPodSecretNames and VisitPodConfigmapNames)."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object, annotations_of, name_of

_MIRROR = "kubernetes.io/config.mirror"
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
#: Volume types with a reference to one secret: type, field of the reference, field of the name within it.
_VOLUME_SECRETS = (
    ("azureFile", "secretName", ""),
    ("cephfs", "secretRef", "name"),
    ("cinder", "secretRef", "name"),
    ("csi", "nodePublishSecretRef", "name"),
    ("flexVolume", "secretRef", "name"),
    ("iscsi", "secretRef", "name"),
    ("rbd", "secretRef", "name"),
    ("scaleIO", "secretRef", "name"),
    ("secret", "secretName", ""),
    ("storageos", "secretRef", "name"),
)


def is_mirror(pod: Object) -> bool:
    """Whether the pod only shows one that a node runs by itself; such a pod may refer to nothing."""
    return _MIRROR in annotations_of(pod)


def refers_to_secret(pod: Object, name: str) -> bool:
    """Whether the pod names the secret of its namespace."""
    return name in set(secret_names(pod.get("spec") or {}))


def refers_to_config_map(pod: Object, name: str) -> bool:
    """Whether the pod names the config map of its namespace."""
    return name in set(config_map_names(pod.get("spec") or {}))


def refers_to_claim(pod: Object, name: str) -> bool:
    """Whether the pod names the persistent volume claim, or it is made for one of the pod's ephemeral volumes."""
    return name in set(_claim_names(pod))


def _claim_names(pod: Object) -> Iterator[str]:
    """The persistent volume claims of the pod, in its namespace."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        claim = volume.get("persistentVolumeClaim")
        if claim:
            yield claim.get("claimName") or ""
        elif volume.get("ephemeral"):
            yield f"{name_of(pod)}-{volume.get('name')}"


def secret_names(spec: Object) -> Iterator[str]:
    """The secrets that a pod of this spec names, in its namespace."""
    for reference in spec.get("imagePullSecrets") or ():
        yield reference.get("name") or ""
    for entry in _environment(spec):
        yield from _named(entry, "secretRef", "secretKeyRef")
    for volume in spec.get("volumes") or ():
        for kind, key, inner in _VOLUME_SECRETS:
            found = (volume.get(kind) or {}).get(key)
            if found:
                yield (found.get(inner) or "") if inner else found
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(source, "secret")


def config_map_names(spec: Object) -> Iterator[str]:
    """The config maps that a pod of this spec names, in its namespace."""
    for entry in _environment(spec):
        yield from _named(entry, "configMapRef", "configMapKeyRef")
    for volume in spec.get("volumes") or ():
        yield from _named(volume, "configMap")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(source, "configMap")


def _environment(spec: Object) -> Iterator[Object]:
    """Every envFrom entry and every env entry's valueFrom of all containers."""
    for field in _CONTAINERS:
        for container in spec.get(field) or ():
            yield from container.get("envFrom") or ()
            for variable in container.get("env") or ():
                if variable.get("valueFrom"):
                    yield variable["valueFrom"]


def _named(entry: Object, *keys: str) -> Iterator[str]:
    for key in keys:
        if entry.get(key):
            yield entry[key].get("name") or ""
