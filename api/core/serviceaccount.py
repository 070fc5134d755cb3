"""ServiceAccounts: they have no rules beyond metadata, and know Secrets by name alone. Pure."""

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


class ServiceAccountStrategy(Strategy):
    """A ServiceAccount."""

    checks_metadata_anew = True

    def prepare_create(self, obj: Object) -> None:
        """Of references to Secrets only the name is kept: they are in the account's own namespace."""
        for index, secret in enumerate(obj.get("secrets") or ()):
            obj["secrets"][index] = {"name": secret["name"]} if secret.get("name") else {}

    def prepare_update(self, new: Object, old: Object) -> None:
        """As on create."""
        self.prepare_create(new)


SERVICE_ACCOUNT = ServiceAccountStrategy()
