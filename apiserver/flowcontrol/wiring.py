"""The limiter that the flags ask for, and what of it can be looked at."""

from __future__ import annotations

import time

from apiserver.flowcontrol import debug
from apiserver.flowcontrol.controller import FlowControl
from apiserver.flowcontrol.filter import Fairness
from apiserver.flowcontrol.metrics import LevelCollector
from apiserver.http.call import Call
from apiserver.http.limits import InFlight
from apiserver.http.nonresource import NonResourcePaths
from apiserver.http.reply import Reply, text_reply
from apiserver.http.request_info import is_true
from apiserver.interfaces import Attributes, Limiter
from apiserver.options import Options
from apiserver.registry.loopback import RegistryLoopback
from apiserver.registry.registry import Registry
from component import metrics
from component.process import FatalError

#: Of the time limit of a request, how much it may spend in a queue.
_WAIT_PART = 0.25
_DUMPS = "/debug/api_priority_and_fairness"


def open_limiter(
    options: Options, registry: Registry, loopback: RegistryLoopback, paths: NonResourcePaths
) -> tuple[Limiter, FlowControl | None]:
    """Priority and fairness, or plain counting where they are off; raises FatalError for flags that make no sense."""
    reads, writes = options.max_requests_inflight, options.max_mutating_requests_inflight
    if not options.enable_priority_and_fairness:
        return InFlight(reads, writes), None
    if reads + writes <= 0:
        raise FatalError(
            "--max-requests-inflight plus --max-mutating-requests-inflight must be positive "
            "while --enable-priority-and-fairness is true"
        )
    control = FlowControl(loopback, reads + writes)
    _add_dumps(control, paths)
    metrics.show(LevelCollector(control))

    def counted(attributes: Attributes) -> int:
        served = registry.served(attributes.group, attributes.version, attributes.resource)
        return len(served.store.cache) if served is not None else 0

    return Fairness(control, counted, wait_seconds=options.request_timeout_seconds * _WAIT_PART), control


def _add_dumps(control: FlowControl, paths: NonResourcePaths) -> None:
    async def levels(_: Call) -> Reply:
        return text_reply(200, debug.levels_table(control.levels.values()))

    async def queues(_: Call) -> Reply:
        return text_reply(200, debug.queues_table(control.levels.values()))

    async def requests(call: Call) -> Reply:
        details = is_true(call.query, "includeRequestDetails")
        began = time.time() - time.monotonic()
        return text_reply(200, debug.requests_table(control.levels.values(), details=details, clock_began=began))

    paths.add(f"{_DUMPS}/dump_priority_levels", levels, listed=False)
    paths.add(f"{_DUMPS}/dump_queues", queues, listed=False)
    paths.add(f"{_DUMPS}/dump_requests", requests, listed=False)
