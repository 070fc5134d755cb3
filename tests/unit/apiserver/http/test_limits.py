"""Requests under way are counted, reads apart from writes."""

from __future__ import annotations

import pytest

from apiserver.http.limits import InFlight
from apiserver.interfaces import Attributes, TooBusy, UserInfo

_EVE = UserInfo("eve")
_ADMIN = UserInfo("admin", groups=("system:masters",))


def asked(verb: str, user: UserInfo = _EVE) -> Attributes:
    return Attributes(user=user, verb=verb, path="/", resource="pods")


async def test_too_many_at_once_are_sent_away() -> None:
    limits = InFlight(reads=1, writes=1)
    reading = await limits.admit(asked("get"), {})
    writing = await limits.admit(asked("create"), {})
    with pytest.raises(TooBusy) as raised:
        await limits.admit(asked("list"), {})
    assert raised.value.headers["Retry-After"] == "1"
    await limits.admit(asked("list", _ADMIN), {})  # administrators must get in to mend it
    for _ in range(2):  # the second time counts nothing
        writing.release()
    await limits.admit(asked("create"), {})
    reading.release()
    with pytest.raises(TooBusy):
        await limits.admit(asked("patch"), {})


async def test_zero_is_no_limit() -> None:
    limits = InFlight(reads=0, writes=0)
    for verb in ("get", "get", "create", "create"):
        await limits.admit(asked(verb), {})
