"""The sentence that says why a pod was not scheduled, as kube-scheduler words it. Pure."""

from __future__ import annotations

from collections import Counter

from scheduler.decide import Unschedulable

NO_NODES = "no nodes available to schedule pods"
PREEMPTION_NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
_MAX_EVENT_MESSAGE = 1024


def why_unschedulable(outcome: Unschedulable, preemption: str = "") -> str:
    """ "0/3 nodes are available: 1 Insufficient cpu, 2 Too many pods. preemption: ..." """
    if not outcome.total_nodes:
        return NO_NODES
    text = f"0/{outcome.total_nodes} nodes are available:"
    if outcome.cluster is not None:
        text += f" {', '.join(outcome.cluster[1].reasons)}."
    else:
        counts = Counter(reason for _, reject in outcome.rejects.values() for reason in reject.reasons)
        if counts:
            text += f" {', '.join(sorted(f'{count} {reason}' for reason, count in counts.items()))}."
    if preemption:
        text += f" {preemption}."
    return text


def why_no_preemption(outcome: Unschedulable) -> str:
    """The second half, where displacing others does not help: counted over all nodes."""
    if outcome.cluster is not None:
        helpful = outcome.total_nodes if outcome.cluster[1].resolvable else 0
    else:
        helpful = outcome.total_nodes - sum(1 for _, reject in outcome.rejects.values() if not reject.resolvable)
    hopeless = outcome.total_nodes - helpful
    parts = []
    if hopeless:
        parts.append(f"{hopeless} {PREEMPTION_NOT_HELPFUL}")
    if helpful:
        parts.append(f"{helpful} {NO_VICTIMS}")
    return f"preemption: 0/{outcome.total_nodes} nodes are available: {', '.join(sorted(parts))}."


def event_message(text: str) -> str:
    """Cut to what an Event may carry."""
    return text if len(text) <= _MAX_EVENT_MESSAGE else text[: _MAX_EVENT_MESSAGE - 4] + " ..."
