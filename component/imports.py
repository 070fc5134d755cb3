"""How a daemon imports itself: what that costs, each of them pays at every start."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_SYSTEM_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  #: OpenSSL's variables, as Go's


@contextmanager
def of_daemon() -> Iterator[None]:
    """For the block that imports a daemon, before aiohttp was. The garbage collector rests: what is imported stays.
    And aiohttp, which makes a context that trusts the system's authorities when it is imported, makes one that trusts
    nobody: ours say whom they trust, and that one would cost each process 2 MB and some 50 ms."""
    before = {name: os.environ.get(name) for name in _SYSTEM_AUTHORITIES}
    os.environ.update(dict.fromkeys(_SYSTEM_AUTHORITIES, os.devnull))
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
