"""How long an API server for tests takes to start and to stop: `python -m bench.kubetest_start`.

Wall time as a test sees it, and the processor time of the server until then, which other load does not change much. The
first server of a test run is another matter than those after it: each first one is measured in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kubetest import COLLECTORS, ApiServer

_ROUNDS = 10
_CASES: Mapping[str, Mapping[str, Any]] = {
    "TLS": {},
    "plain": {"tls": False},
    "TLS, collectors": {"controllers": COLLECTORS},
}
_TICKS = os.sysconf("SC_CLK_TCK")


def _processor_seconds(pid: int | None) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _measure(options: Mapping[str, Any]) -> tuple[float, float, float]:
    """Seconds to start, to stop, and of processor time until it was ready."""
    begun = time.perf_counter()
    server = ApiServer(**options).start()
    ready = time.perf_counter()
    used = _processor_seconds(server.pid)
    stopping = time.perf_counter()
    server.stop()
    return ready - begun, time.perf_counter() - stopping, used


def _measure_first(options: Mapping[str, Any]) -> tuple[float, float, float]:
    """The same of a process that has started none before."""
    command = [sys.executable, "-m", "bench.kubetest_start", json.dumps(options)]
    start, stop, used = json.loads(subprocess.check_output(command))
    return start, stop, used


def _line(name: str, rounds: Sequence[tuple[float, float, float]]) -> str:
    start, stop, processor = (sorted(column) for column in zip(*rounds, strict=True))
    return (
        f"{name:24} start median {statistics.median(start):.2f} s, longest {start[-1]:.2f} s; "
        f"stop median {statistics.median(stop):.3f} s; processor {statistics.median(processor):.2f} s"
    )


def main() -> None:
    """Measure each case and print a line; with options as JSON, measure one server with them."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(_measure(json.loads(sys.argv[1]))))
        return
    for name, options in _CASES.items():
        print(_line(f"{name}, first", [_measure_first(options) for _ in range(_ROUNDS)]))
        _measure(options)
        print(_line(name, [_measure(options) for _ in range(_ROUNDS)]))


if __name__ == "__main__":
    main()
