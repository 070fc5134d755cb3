"""TaintToleration: nodes keep off pods that do not tolerate their taints, or would rather not have them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from api.placement.tolerations import PREFER_NO_SCHEDULE, first_untolerated, tolerated
from apimachinery.objects import Object
from scheduler.framework import NodeCheck, Reject, normalize
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot


class TaintToleration:
    """Filter on NoSchedule and NoExecute taints; score by the number of PreferNoSchedule taints not tolerated."""

    name: ClassVar[str] = "TaintToleration"
    local: ClassVar[bool] = True
    weight: ClassVar[int] = 3

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check against this pod's tolerations."""
        tolerations: Sequence[Object] = pod.spec.get("tolerations") or ()

        def check(node: NodeInfo) -> Reject | None:
            if not node.taints:
                return None
            taint = first_untolerated(node.taints, tolerations)
            if taint is None:
                return None
            text = f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value') or ''}}}"
            return Reject((text,), resolvable=False)

        return check

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """Fewer taints that the pod merely should not meet are better."""
        if not snapshot.prefer_no_schedule_nodes:
            return None
        tolerations = [
            toleration
            for toleration in pod.spec.get("tolerations") or ()
            if toleration.get("effect") in (None, "", PREFER_NO_SCHEDULE)
        ]
        counts = [
            sum(
                1
                for taint in node.taints
                if taint.get("effect") == PREFER_NO_SCHEDULE and not tolerated(taint, tolerations)
            )
            for node in nodes
        ]
        return normalize(counts, reverse=True)
