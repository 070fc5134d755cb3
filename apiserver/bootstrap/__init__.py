"""What an API server puts into an empty store, and keeps in order: system namespaces, default roles, priority classes,
flow schemas, and the `kubernetes` Service with the addresses of all API servers.

`Bootstrap` does the writing; what is to be written is declared in the pure modules beside this one."""

from apiserver.bootstrap.reconciler import Bootstrap, BootstrapConfig

__all__ = ["Bootstrap", "BootstrapConfig"]
