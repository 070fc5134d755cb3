"""The serving flags that the controller manager and the scheduler share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from component.flags import WithoutEffect, flag
from component.logs import LogOptions


@dataclass(frozen=True, kw_only=True)
class ServingOptions(LogOptions):
    """Where health and metrics are served, and the real daemons' flags for who may read them."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect(
            "health and metrics are served to everybody who reaches the port",
            values=("authentication-kubeconfig", "authentication-token-webhook-cache-ttl",
                    "authorization-always-allow-paths", "authorization-kubeconfig",
                    "authorization-webhook-cache-authorized-ttl", "authorization-webhook-cache-unauthorized-ttl",
                    "client-ca-file", "requestheader-allowed-names", "requestheader-client-ca-file",
                    "requestheader-extra-headers-prefix", "requestheader-group-headers",
                    "requestheader-username-headers"),
            switches=("authentication-skip-lookup", "authentication-tolerate-lookup-failure"),
        ),
        WithoutEffect("a certificate made at start stays in memory", values=("cert-dir",)),
        WithoutEffect("TLS is 1.2 or later, with the library's suites and one certificate",
                      values=("tls-cipher-suites", "tls-min-version", "tls-sni-cert-key")),
        WithoutEffect("HTTP/1.1 is served", values=("http2-max-streams-per-connection",)),
        WithoutEffect("the port is this process's own", switches=("permit-address-sharing", "permit-port-sharing")),
        WithoutEffect("profiles are not served", switches=("contention-profiling", "profiling")),
        WithoutEffect("JSON is spoken", values=("kube-api-content-type",)),
        WithoutEffect("features are on or off by their stage in v1.28", values=("feature-gates",)),
        WithoutEffect("all metrics are served as they are",
                      values=("allow-metric-labels", "disabled-metrics", "show-hidden-metrics-for-version")),
    )  # fmt: skip

    # The reference listens on all addresses and asks who is there; without that question it is loopback.
    bind_address: str = flag("127.0.0.1", help="the address on which to listen for --secure-port", group="Serving")
    tls_cert_file: str = flag("", help="file with the serving certificate; made at start if none", group="Serving")
    tls_private_key_file: str = flag("", help="file with the certificate's private key", group="Serving")
