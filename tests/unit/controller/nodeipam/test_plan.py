"""Pod CIDRs of nodes."""

from __future__ import annotations

import pytest

from controller.nodeipam.plan import CidrSet


def test_parts_are_handed_out_in_order_and_never_twice() -> None:
    cidrs = CidrSet("10.244.0.0/22", 24)
    cidrs.occupy("10.244.1.0/24")
    assert [cidrs.allocate() for _ in range(4)] == ["10.244.0.0/24", "10.244.2.0/24", "10.244.3.0/24", None]
    cidrs.release("10.244.2.0/24")
    assert cidrs.allocate() == "10.244.2.0/24"


def test_a_larger_cidr_takes_all_parts_that_it_overlaps() -> None:
    cidrs = CidrSet("10.244.0.0/22", 24)
    cidrs.occupy("10.244.0.0/23")
    cidrs.occupy("192.168.0.0/24")
    assert cidrs.allocate() == "10.244.2.0/24"


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        CidrSet("10.244.0.0/24", 16)
