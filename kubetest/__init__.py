"""A Kubernetes API server for tests: `ApiServer`, and a pytest plugin with fixtures of it (`kubetest.plugin`).

Light to import, as every run of pytest does it: the server itself runs in a process of its own (`kubetest.child`)."""

from kubetest.server import COLLECTORS, ApiServer, StartError

__all__ = ["COLLECTORS", "ApiServer", "StartError"]
