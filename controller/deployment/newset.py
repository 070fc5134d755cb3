"""The replica set of a deployment's current template: as it is made, and as it is kept up to date. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.resources import DEPLOYMENTS, REPLICA_SETS
from apimachinery.objects import Object, annotations_of, deep_copy, labels_of, name_of, namespace_of
from controller.deployment import plan, template
from controller.ownership import controller_reference


def build(deployment: Object, sets: Sequence[Object]) -> Object:
    """The replica set to create; `sets`: all others."""
    spec = deployment["spec"]
    collisions = (deployment.get("status") or {}).get("collisionCount") or 0
    name = template.template_hash(spec["template"], collisions)
    pod_template = deep_copy(spec["template"])
    metadata = pod_template.setdefault("metadata", {})
    metadata["labels"] = {**labels_of(pod_template), template.HASH_LABEL: name}
    selector = deep_copy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), template.HASH_LABEL: name}
    annotations = template.annotations_for(deployment, None, template.next_revision(sets))
    made: Object = {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{name_of(deployment)}-{name}",
            "namespace": namespace_of(deployment),
            "labels": dict(metadata["labels"]),
            "annotations": template.with_replica_annotations(
                annotations, template.replicas_of(deployment), plan.max_total(deployment)
            ),
            "ownerReferences": [controller_reference(deployment, DEPLOYMENTS)],
        },
        "spec": {
            "replicas": plan.new_size(deployment, sets, None),
            "selector": selector,
            "template": pod_template,
        },
    }
    if spec.get("minReadySeconds"):
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return made


def refreshed(deployment: Object, current: Object, revision: int) -> Object | None:
    """The existing set with the deployment's annotations, revision and minReadySeconds; None: it has them."""
    annotations = template.annotations_for(deployment, current, revision)
    min_ready = deployment["spec"].get("minReadySeconds") or 0
    if annotations == annotations_of(current) and (current["spec"].get("minReadySeconds") or 0) == min_ready:
        return None
    return {
        **current,
        "metadata": {**current["metadata"], "annotations": annotations},
        "spec": {**current["spec"], "minReadySeconds": min_ready},
    }
