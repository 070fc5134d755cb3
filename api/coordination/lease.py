"""Leases: rules, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.kind import Column, Strategy
from api.table import AGE, NAME, age
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Holder", description="Who holds the lease."), AGE)


class LeaseStrategy(Strategy):
    """A lease; renewing one that is gone makes it anew."""

    allow_create_on_update = True
    allow_unconditional_update = False
    standard_finalizers = False

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateLeaseSpec."""
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if seconds is not None and seconds <= 0:
            errors.append(fe.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
        if transitions is not None and transitions < 0:
            errors.append(fe.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
        return errors


def cells(lease: Object, now: datetime) -> list[Any]:
    """One row."""
    holder = (lease.get("spec") or {}).get("holderIdentity") or ""
    return [lease["metadata"].get("name"), holder, age(lease, now)]


LEASE = LeaseStrategy()
