"""When a probe runs and what its results mean: initial delay, thresholds, gating by the startup probe.

Pure; the rules are those of pkg/kubelet/prober/worker.go. `kubelet/prober.py` runs the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ProbeKind = Literal["liveness", "readiness", "startup"]
KINDS: tuple[ProbeKind, ...] = ("liveness", "readiness", "startup")


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """The numbers of a probe; times in seconds."""

    initial_delay_seconds: float = 0
    period_seconds: float = 10
    timeout_seconds: float = 1
    success_threshold: int = 1
    failure_threshold: int = 3


def probe_spec(probe: Mapping[str, Any]) -> ProbeSpec:
    """The numbers of an API Probe, with the API's defaults."""
    return ProbeSpec(
        initial_delay_seconds=probe.get("initialDelaySeconds") or 0,
        period_seconds=probe.get("periodSeconds") or 10,
        timeout_seconds=probe.get("timeoutSeconds") or 1,
        success_threshold=probe.get("successThreshold") or 1,
        failure_threshold=probe.get("failureThreshold") or 3,
    )


@dataclass(slots=True)
class Verdict:
    """What one probe of one running container says so far. `good`: None while nothing is known."""

    kind: ProbeKind
    spec: ProbeSpec
    good: bool | None = None
    on_hold: bool = False  #: a failed liveness or startup probe waits for the next container
    _last: bool | None = None
    _run: int = 0

    def due(self, running_seconds: float, started: bool) -> bool:
        """Whether to probe now: not before the initial delay, and a startup probe goes first."""
        if self.on_hold or running_seconds < self.spec.initial_delay_seconds:
            return False
        return started != (self.kind == "startup")

    def observe(self, success: bool) -> bool:
        """Take one result in; returns whether `good` changed."""
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        threshold = self.spec.success_threshold if success else self.spec.failure_threshold
        if self._run < threshold:
            return False
        changed = self.good is not success
        self.good = success
        if not success and self.kind != "readiness":
            self.on_hold = True
            self._run = 0
        return changed


def initial_good(kind: ProbeKind) -> bool | None:
    """What holds before the first result: alive, not ready, not known to have started."""
    return {"liveness": True, "readiness": False, "startup": None}[kind]


def http_ok(status: int) -> bool:
    """Whether an HTTP probe's answer means success."""
    return 200 <= status < 400


def is_redirect(status: int) -> bool:
    """Whether an HTTP answer sends elsewhere."""
    return 300 <= status < 400


def resolve_port(container: Mapping[str, Any], port: int | str) -> int:
    """The number of a probe's or hook's port, which may be named; raises ValueError."""
    if isinstance(port, int):
        return port
    if port.isdigit():
        return int(port)
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise ValueError(f"couldn't find port: {port} in container {container.get('name')}")
