"""Claims for a pod's generic ephemeral volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from api.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from apimachinery.objects import Object, controller_of, deep_copy, name_of, namespace_of, uid_of
from controller.ownership import controller_reference


def has_ephemeral_volumes(pod: Object) -> bool:
    """Whether the pod brings claims along."""
    return any(volume.get("ephemeral") for volume in pod["spec"].get("volumes") or ())


def claims(pod: Object) -> Iterator[Object]:
    """The claims as they are to be made, one per volume: named after pod and volume, owned by the pod."""
    for volume in pod["spec"].get("volumes") or ():
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is None:
            continue
        wanted = template.get("metadata") or {}
        metadata = {key: dict(wanted[key]) for key in ("labels", "annotations") if wanted.get(key)}
        yield {
            "apiVersion": PERSISTENT_VOLUME_CLAIMS.api_version,
            "kind": PERSISTENT_VOLUME_CLAIMS.kind,
            "metadata": {
                **metadata,
                "name": f"{name_of(pod)}-{volume['name']}",
                "namespace": namespace_of(pod),
                "ownerReferences": [controller_reference(pod, PODS)],
            },
            "spec": deep_copy(template["spec"]),
        }


def problem(pod: Object, claim: Object) -> str:
    """Why a claim that is there cannot be the pod's; "" where it is."""
    if (controller_of(claim) or {}).get("uid") == uid_of(pod):
        return ""
    where, whose = f"{namespace_of(claim)}/{name_of(claim)}", f"{namespace_of(pod)}/{name_of(pod)}"
    return f"PVC {where} was not created for pod {whose} (pod is not owner)"
