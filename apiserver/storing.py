"""Opening the store that the flags name, and the two things done to it from time to time: compaction and counting."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from apiserver.http.metrics import STORAGE_BYTES, STORAGE_OBJECTS
from apiserver.options import Options
from apiserver.registry.registry import Registry
from apiserver.storage.encryption import ConfigurationError, EncryptedStorage, parse
from apiserver.storage.interface import Storage, StorageError
from component.process import FatalError

logger = logging.getLogger(__name__)

_OPEN_SECONDS = 20.0
_RETRY_SECONDS = 1.0
_COUNT_SECONDS = 60.0


async def open_storage(options: Options) -> Storage:
    """The store, with encryption where it is asked for; raises FatalError when it cannot be had for a while."""
    if not options.encryption_provider_config:
        if options.encryption_provider_config_automatic_reload:
            raise FatalError("--encryption-provider-config-automatic-reload needs --encryption-provider-config")
        return await _open(options)
    try:
        rules = parse(await asyncio.to_thread(Path(options.encryption_provider_config).read_text))
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise FatalError(f"--encryption-provider-config {options.encryption_provider_config}: {error}") from error
    return EncryptedStorage(await _open(options), rules)


async def _open(options: Options) -> Storage:
    if options.storage_backend == "sqlite":
        from apiserver.storage.sqlite import open_sqlite

        try:
            return await open_sqlite(options.sqlite_path)
        except (StorageError, OSError) as error:
            raise FatalError(f"--sqlite-path {options.sqlite_path}: {error}") from error
    if not options.etcd_servers:
        raise FatalError("--etcd-servers must be specified")
    return await _open_etcd(options)


async def _open_etcd(options: Options) -> Storage:
    """Connect, and go on trying for a while: at boot etcd may come up after us."""
    from apiserver.storage.etcd3 import open_etcd

    servers = ", ".join(options.etcd_servers)
    deadline = asyncio.get_running_loop().time() + _OPEN_SECONDS
    told = False
    while True:
        try:
            return await open_etcd(
                list(options.etcd_servers),
                cafile=options.etcd_cafile,
                certfile=options.etcd_certfile,
                keyfile=options.etcd_keyfile,
            )
        except (OSError, ValueError) as error:
            raise FatalError(f"cannot use etcd at {servers}: {error}") from error
        except StorageError as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise FatalError(f"etcd at {servers} does not answer: {error}") from error
            if not told:
                logger.warning("Waiting for etcd", extra={"servers": servers, "error": str(error)})
                told = True
            await asyncio.sleep(_RETRY_SECONDS)


async def count_objects(registry: Registry) -> None:
    """Keep apiserver_storage_objects and apiserver_storage_size_bytes up to date, for ever."""
    while True:
        for store in registry.stores:
            STORAGE_OBJECTS.labels(store.kind.resource.group_resource).set(len(store.cache))
        try:
            STORAGE_BYTES.labels("etcd-0").set(await registry.feed.storage.size_bytes())
        except StorageError as error:
            logger.info("The store does not tell its size", extra={"error": str(error)})
        await asyncio.sleep(_COUNT_SECONDS)
