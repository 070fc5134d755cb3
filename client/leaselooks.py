"""When those who wait for a lease look at it. Pure; times are the looker's own clock.

The scheduler's role lets it get its lease but not watch it, so whoever waits must look. A lease runs out a fixed time
after it was seen to change: the sooner a renewal is seen, the sooner the end comes. Renewals come regularly, so looks
are dense where the next one is due and sparse between; to see as soon, a steady pace takes several times as many."""

from __future__ import annotations

from dataclasses import dataclass

#: Looks per time between two renewals while none is due: a lease that is given back is seen within this.
_SPARSE = 3
#: The same when a renewal is late: the holder may have died, or renews less often than we would.
_STEADY = 4
#: The first look after one that came too early follows so much sooner.
_DENSE = 32
#: So much earlier than this renewal was seen the next is expected, where nobody has looked shortly before it.
_BACK = 32
#: Renewals are that much further apart at most than the holder pauses between them: it waits for answers too.
_LONGEST = 1.1


@dataclass(frozen=True, slots=True)
class Sight:
    """When the lease was first seen as it is, and when it may be renewed next at the earliest."""

    at: float
    due: float


def sighted(before: Sight | None, at: float, missed: float, retry_seconds: float) -> Sight:
    """The lease was seen to have changed; a look begun at `missed` still showed it as before."""
    apart = retry_seconds if before is None else min(max(at - before.at, retry_seconds), _LONGEST * retry_seconds)
    return Sight(at, max(missed, at - retry_seconds / _BACK) + apart)


def next_look(sight: Sight, now: float, *, lease_seconds: float, retry_seconds: float) -> float:
    """When to look again: never later than the lease ends, if it does."""
    over = sight.at + lease_seconds
    if now < sight.due:
        look = min(now + retry_seconds / _SPARSE, sight.due)
    else:
        look = now + min(max(now - sight.due, retry_seconds / _DENSE), retry_seconds / _STEADY)
    return min(look, over)
