"""Which connection tracking entries keep UDP clients on endpoints that are gone. Pure.

A UDP client that goes on sending keeps its entry, and thereby the old translation, alive for ever: such entries are
deleted. TCP needs none of this, its connections end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: (address, port) of a service, ("", port) of a node port, to the (address, port) of its endpoints.
FlowTargets = dict[tuple[str, int], frozenset[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Flow:
    """One UDP entry: whom the client addressed, and who answers."""

    source: str
    source_port: int
    destination: str
    port: int
    reply_source: str
    reply_port: int

    @property
    def translated(self) -> bool:
        """Whether the destination was rewritten."""
        return (self.destination, self.port) != (self.reply_source, self.reply_port)


def stale_flows(flows: Iterable[Flow], targets: Mapping[tuple[str, int], frozenset[tuple[str, int]]]) -> list[Flow]:
    """The flows to a service that lead to none of its endpoints; an untranslated one is stale when there are any (it
    began before them)."""
    found = []
    for flow in flows:
        allowed = targets.get((flow.destination, flow.port))
        if allowed is None:
            # Only a translated flow is certainly a node port's: the same port of a foreign host is not our affair.
            allowed = targets.get(("", flow.port)) if flow.translated else None
        if allowed is None or (flow.reply_source, flow.reply_port) in allowed:
            continue
        if allowed or flow.translated:
            found.append(flow)
    return found
