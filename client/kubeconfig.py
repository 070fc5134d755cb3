"""Kubeconfig files (clientcmd/api/v1) and --master, turned into a `ClientConfig`."""

from __future__ import annotations

from client.rest import ClientConfig


def load(kubeconfig: str = "", master: str = "", context: str = "") -> ClientConfig:
    """The configuration of `kubeconfig`'s current (or the named) context, its server overridden by `master`.

    Files and inline base64 data, tokens, token files, basic, client certificates, insecure-skip-tls-verify,
    tls-server-name. Without a file, `master` alone. Raises ValueError with one line that says what is wrong."""
    raise NotImplementedError
