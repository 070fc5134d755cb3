"""Requests under way are counted, reads apart from writes."""

from __future__ import annotations

import pytest

from apimachinery.errors import TooManyRequests
from apiserver.http.limits import InFlight


def test_too_many_at_once_are_sent_away() -> None:
    limits = InFlight(reads=1, writes=1)
    with limits.hold(True), limits.hold(False):
        with pytest.raises(TooManyRequests) as raised, limits.hold(True):
            pass
        assert raised.value.retry_after_seconds == 1
    with limits.hold(True):
        pass


def test_zero_is_no_limit() -> None:
    limits = InFlight(reads=0, writes=0)
    with limits.hold(False), limits.hold(False):
        pass
