"""How many requests may be under way at once, reads apart from writes, where priority and fairness are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from apiserver.authz.simple import PRIVILEGED_GROUP
from apiserver.http import metrics
from apiserver.interfaces import Attributes, Permit, TooBusy

READS = frozenset({"get", "list", "watch", "head", "options"})
_NO_HEADERS: Mapping[str, str] = {}


class UnderWay:
    """The numbers of requests under way, and of those that wait for their turn, reads apart from writes."""

    def __init__(self) -> None:
        self.now = {True: 0, False: 0}  #: by whether they read
        self.waiting = {True: 0, False: 0}
        for gauge, numbers in ((metrics.IN_FLIGHT, self.now), (metrics.IN_QUEUE, self.waiting)):
            gauge.labels("readOnly").set_function(partial(_number, numbers, True))
            gauge.labels("mutating").set_function(partial(_number, numbers, False))


def _number(numbers: Mapping[bool, int], read: bool) -> float:
    return float(numbers[read])


class InFlight:
    """--max-requests-inflight for reads, --max-mutating-requests-inflight for writes; 0 is no limit."""

    def __init__(self, reads: int = 400, writes: int = 200) -> None:
        self._limits = {True: reads, False: writes}
        self._under_way = UnderWay()

    async def admit(self, attributes: Attributes, query: Mapping[str, Sequence[str]]) -> Permit:
        """Count one request; raises TooBusy where there are too many, but for cluster administrators."""
        read = attributes.verb in READS
        limit, now = self._limits[read], self._under_way.now
        if limit and now[read] >= limit and PRIVILEGED_GROUP not in attributes.user.groups:
            raise TooBusy
        now[read] += 1
        return _Counted(now, read)


class _Counted:
    """One request that is counted."""

    __slots__ = ("_done", "_now", "_read")
    headers = _NO_HEADERS
    waited = 0.0

    def __init__(self, now: dict[bool, int], read: bool) -> None:
        self._now = now
        self._read = read
        self._done = False

    def release(self) -> None:
        """Count it no longer."""
        if not self._done:
            self._done = True
            self._now[self._read] -= 1
