"""Random UUIDs as text (RFC 9562, version 4): what metadata.uid, Audit-Id and review UIDs are."""

from __future__ import annotations

import os

_VARIANT = "89ab"


def new_uid() -> str:
    """A fresh one; nobody can guess it. (`str(uuid.uuid4())` is the same by way of an object, at three times the cost,
    and each request takes one or two.)"""
    text = os.urandom(16).hex()
    variant = _VARIANT[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
