"""How long an API server for tests takes to start and to stop: `python -m bench.kubetest_start`.

Wall time as a test sees it, and the processor time of the server, which other load does not change much."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kubetest import COLLECTORS, ApiServer

_ROUNDS = 10
_CASES: Mapping[str, Mapping[str, Any]] = {
    "TLS": {},
    "plain": {"tls": False},
    "TLS, collectors": {"controllers": COLLECTORS},
}


def _processor_seconds() -> float:
    """Of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measure(options: Mapping[str, Any]) -> tuple[float, float, float]:
    """Seconds to start, to stop, and of processor time for both."""
    before = _processor_seconds()
    begun = time.perf_counter()
    server = ApiServer(**options).start()
    ready = time.perf_counter()
    server.stop()
    return ready - begun, time.perf_counter() - ready, _processor_seconds() - before


def _line(name: str, rounds: Sequence[tuple[float, float, float]]) -> str:
    start, stop, processor = (sorted(column) for column in zip(*rounds, strict=True))
    return (
        f"{name:16} start median {statistics.median(start):.2f} s, longest {start[-1]:.2f} s; "
        f"stop median {statistics.median(stop):.3f} s; processor {statistics.median(processor):.2f} s"
    )


def main() -> None:
    """Measure each case and print a line."""
    for name, options in _CASES.items():
        print(_line(name, [_measure(options) for _ in range(_ROUNDS)]))


if __name__ == "__main__":
    main()
