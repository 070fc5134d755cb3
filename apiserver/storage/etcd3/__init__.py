"""etcd as the store: `open_etcd(endpoints)` gives a `Storage`."""

from apiserver.storage.etcd3.store import open_etcd

__all__ = ["open_etcd"]
