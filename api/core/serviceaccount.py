"""ServiceAccounts: they have no rules beyond metadata. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.kind import Column, Strategy
from api.table import AGE, NAME, age
from apimachinery.objects import Object

COLUMNS = (NAME, Column(name="Secrets", description="How many secrets pods of the account may use."), AGE)


def cells(account: Object, now: datetime) -> list[Any]:
    """One row."""
    return [account["metadata"].get("name"), len(account.get("secrets") or ()), age(account, now)]


SERVICE_ACCOUNT = Strategy()
