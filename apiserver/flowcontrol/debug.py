"""The tables below /debug/api_priority_and_fairness/: levels, queues and waiting requests as they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from apiserver.flowcontrol.level import Level, Ticket

_NONE = "<none>"
_MIN_WIDTH = 8


def levels_table(levels: Iterable[Level]) -> str:
    """dump_priority_levels."""
    rows: list[Sequence[object]] = [
        ("PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
         "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"),
    ]  # fmt: skip
    for level in sorted(levels, key=lambda each: each.name):
        refused = {"time-out": 0, "cancelled": 0, "other": 0}
        for (_, reason), number in level.rejected.items():
            refused[reason if reason in refused else "other"] += number
        rows.append((
            level.name, sum(1 for queue in level.queues if queue.waiting), level.idle, level.quiescing,
            level.inqueue_total, level.executing.total(), level.dispatched.total(), refused["other"],
            refused["time-out"], refused["cancelled"],
        ))  # fmt: skip
    return _text(rows)


def queues_table(levels: Iterable[Level]) -> str:
    """dump_queues."""
    rows: list[Sequence[object]] = [
        ("PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
         "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"),
    ]  # fmt: skip
    for level in sorted(levels, key=lambda each: each.name):
        queues = list(level.queues)
        if not queues:
            rows.append((level.name, *[_NONE] * 8))
        for queue in queues:
            seats = sum(ticket.seats for ticket in queue.waiting)
            rows.append((
                level.name, queue.index, len(queue.waiting), queue.executing, queue.seats, f"{queue.next_at:.8f}ss",
                seats, seats, f"{seats * 0.003:.8f}ss",
            ))  # fmt: skip
    return _text(rows)


def requests_table(levels: Iterable[Level], *, details: bool, clock_began: float) -> str:
    """dump_requests; with `details` (?includeRequestDetails=1) what the requests ask for.

    `clock_began`: when the levels' clock said 0, in seconds since 1970."""
    head = ["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
            "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"]  # fmt: skip
    if details:
        head += ["UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"]
    rows: list[Sequence[object]] = [head]
    for level in sorted(levels, key=lambda each: each.name):
        for queue in level.queues:
            for index, ticket in enumerate(queue.waiting):
                row: list[object] = [
                    level.name,
                    ticket.schema,
                    queue.index,
                    index,
                    ticket.flow,
                    _time(clock_began + ticket.arrived),
                ]
                row += [ticket.seats, 0, "0s", _NONE]
                rows.append(row + (_details(ticket) if details else []))
    return _text(rows)


def _details(ticket: Ticket) -> list[object]:
    asked = ticket.attributes
    return [asked.user.name, asked.verb, asked.path, asked.namespace, asked.name, asked.version, asked.resource,
            asked.subresource]  # fmt: skip


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _text(rows: Sequence[Sequence[object]]) -> str:
    """Columns with commas, as Go's tabwriter sets them."""
    cells = [[f"{_shown(cell)}," if at < len(row) - 1 else _shown(cell) for at, cell in enumerate(row)] for row in rows]
    widths = [max(_MIN_WIDTH, *(len(row[at]) + 1 for row in cells)) for at in range(len(cells[0]) - 1)]
    lines = ("".join(map(str.ljust, row, widths)) + row[-1] for row in cells)
    return "\n".join(lines) + "\n"


def _shown(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
