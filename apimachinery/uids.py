"""Random UUIDs as text (RFC 9562, version 4): what metadata.uid, Audit-Id and review UIDs are."""

from __future__ import annotations

import os

#: The bits that say version and variant, and those that are free.
_FIXED = 0x00000000_0000_4000_8000_000000000000
_FREE = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF


def new_uid() -> str:
    """A fresh one; nobody can guess it. (`str(uuid.uuid4())` is the same by way of an object, at three times the cost,
    and each request takes one or two.)"""
    text = f"{int.from_bytes(os.urandom(16), 'big') & _FREE | _FIXED:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
