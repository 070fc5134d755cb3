"""The serving flags that the controller manager and the scheduler share."""

from __future__ import annotations

from dataclasses import dataclass

from component.flags import duration, flag
from component.logs import LogOptions

_NOT_USED = "accepted for compatibility: health and metrics are served to everybody"


@dataclass(frozen=True, kw_only=True)
class ServingOptions(LogOptions):
    """Where health and metrics are served, and the real daemons' flags for who may read them."""

    # The reference listens on all addresses and asks who is there; without that question it is loopback.
    bind_address: str = flag("127.0.0.1", help="the address on which to listen for --secure-port", group="Serving")
    tls_cert_file: str = flag("", help="file with the serving certificate; made at start if none", group="Serving")
    tls_private_key_file: str = flag("", help="file with the certificate's private key", group="Serving")
    cert_dir: str = flag("", help="accepted for compatibility: a certificate made at start stays in memory")
    tls_min_version: str = flag("", help="accepted for compatibility: TLS 1.2 or later", group="Serving")
    tls_cipher_suites: tuple[str, ...] = flag((), help="accepted for compatibility", group="Serving")
    http2_max_streams_per_connection: int = flag(0, help="accepted for compatibility", group="Serving")
    permit_address_sharing: bool = flag(False, help="accepted for compatibility", group="Serving")
    permit_port_sharing: bool = flag(False, help="accepted for compatibility", group="Serving")
    profiling: bool = flag(True, help="accepted for compatibility", group="Serving")
    contention_profiling: bool = flag(True, help="accepted for compatibility", group="Serving")
    authentication_kubeconfig: str = flag("", help=_NOT_USED, group="Authentication")
    authentication_skip_lookup: bool = flag(False, help=_NOT_USED, group="Authentication")
    authentication_tolerate_lookup_failure: bool = flag(True, help=_NOT_USED, group="Authentication")
    authentication_token_webhook_cache_ttl: float = flag(10.0, parse=duration, help=_NOT_USED, group="Authentication")
    authorization_kubeconfig: str = flag("", help=_NOT_USED, group="Authentication")
    authorization_always_allow_paths: tuple[str, ...] = flag(
        ("/healthz", "/readyz", "/livez"), help=_NOT_USED, group="Authentication"
    )
    client_ca_file: str = flag("", help=_NOT_USED, group="Authentication")
    requestheader_client_ca_file: str = flag("", help=_NOT_USED, group="Authentication")
    requestheader_allowed_names: tuple[str, ...] = flag((), help=_NOT_USED, group="Authentication")
    kube_api_content_type: str = flag("application/json", help="accepted for compatibility: JSON is spoken")
    feature_gates: tuple[str, ...] = flag((), help="accepted for compatibility")
