"""Encryption at rest: `config.py` reads the EncryptionConfiguration, `providers.py` are the ciphers (both pure),
`store.py` stands between the watch caches and a store, `reload.py` follows the file."""

from apiserver.storage.encryption.config import ConfigurationError, Rules, parse
from apiserver.storage.encryption.store import EncryptedStorage

__all__ = ["ConfigurationError", "EncryptedStorage", "Rules", "parse"]
