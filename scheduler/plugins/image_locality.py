"""ImageLocality: nodes that have the pod's images already are better. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from scheduler.framework import MAX_SCORE
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_MEGABYTE = 1024 * 1024
_FLOOR = 23 * _MEGABYTE
_CEILING_PER_CONTAINER = 1000 * _MEGABYTE


class ImageLocality:
    """Score by the size of the images present, scaled by how many nodes have them (no herd on the first node)."""

    name: ClassVar[str] = "ImageLocality"
    weight: ClassVar[int] = 1

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """Between 23 MB (0) and 1000 MB per container (100)."""
        containers = pod.spec.get("containers") or ()
        images = [normalized_name(container.get("image") or "") for container in containers]
        known = [(image, snapshot.image_nodes[image]) for image in images if snapshot.image_nodes.get(image)]
        if not known:
            return None
        total = len(snapshot.order)
        ceiling = _CEILING_PER_CONTAINER * len(containers)
        out = []
        for node in nodes:
            size = sum(int(node.images[image] * count / total) for image, count in known if image in node.images)
            size = min(max(size, _FLOOR), ceiling)
            out.append(MAX_SCORE * (size - _FLOOR) // (ceiling - _FLOOR))
        return out


def normalized_name(image: str) -> str:
    """The image's name with its tag, ":latest" where it has none."""
    if image.rfind(":") <= image.rfind("/"):
        return image + ":latest"
    return image
