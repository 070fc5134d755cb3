"""The flags of kube-apiserver, by the reference's names. What a flag does is where its field is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apiserver.http.sni import NamedPair
from apiserver.http.sni import parse as parse_named_pair
from component.flags import WithoutEffect, duration, flag
from component.logs import LogOptions


@dataclass(frozen=True, kw_only=True)
class EtcdOptions(LogOptions):
    """Where objects are kept."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect("objects are stored as JSON", values=("storage-media-type",)),
        WithoutEffect("reads always go through the watch cache, whose windows are bounded by bytes and age",
                      values=("watch-cache-sizes",), switches=("watch-cache",)),
        WithoutEffect("Events share leases for a twentieth of their time, a minute at most",
                      values=("lease-reuse-duration-seconds",)),
        WithoutEffect("all resources are in one store", values=("etcd-servers-overrides",)),
        WithoutEffect("etcd is asked for its size when metrics are read",
                      values=("etcd-count-metric-poll-period", "etcd-db-metric-poll-interval")),
    )  # fmt: skip

    storage_backend: str = flag(
        "etcd3", choices=("", "etcd3", "sqlite"), help="where objects are kept", group="Storage"
    )
    sqlite_path: str = flag(
        "/var/lib/kubernetes/apiserver.db",
        help="file of the embedded store, for --storage-backend=sqlite",
        group="Storage",
    )
    etcd_servers: tuple[str, ...] = flag((), help="etcd's client addresses (scheme://ip:port)", group="Storage")
    etcd_cafile: str = flag("", help="CA that signed etcd's certificates", group="Storage")
    etcd_certfile: str = flag("", help="client certificate for etcd", group="Storage")
    etcd_keyfile: str = flag("", help="key of the client certificate for etcd", group="Storage")
    etcd_prefix: str = flag("/registry", help="prefix of all keys", group="Storage")
    etcd_compaction_interval_seconds: float = flag(
        300.0,
        name="etcd-compaction-interval",
        parse=duration,
        help="how often history is compacted; 0: never",
        group="Storage",
    )
    event_ttl_seconds: float = flag(
        3600.0, name="event-ttl", parse=duration, help="how long events are kept", group="Storage"
    )
    encryption_provider_config: str = flag(
        "",
        help="EncryptionConfiguration: which resources are encrypted in the store, and by which keys",
        group="Storage",
    )
    encryption_provider_config_automatic_reload: bool = flag(
        False, help="take over changes of that file without a restart", group="Storage"
    )


@dataclass(frozen=True, kw_only=True)
class ServingOptions(EtcdOptions):
    """Where and how requests are taken."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect("HTTP/1.1 is served", values=("goaway-chance", "http2-max-streams-per-connection")),
        WithoutEffect("profiles are not served", values=("debug-socket-path",),
                      switches=("contention-profiling", "profiling")),
        WithoutEffect("ports of a server that has ended are always taken over", switches=("permit-address-sharing",)),
        WithoutEffect("absolute URLs of this server are not made", values=("external-hostname",)),
        WithoutEffect("the kubernetes Service's addresses are kept by Leases", values=("endpoint-reconciler-type",)),
        WithoutEffect("a server that ends closes its watches and idle connections at once",
                      values=("shutdown-watch-termination-grace-period",), switches=("shutdown-send-retry-after",)),
        WithoutEffect("the server is live as soon as it listens", values=("livez-grace-period",)),
        WithoutEffect("each health check has five seconds",
                      values=("etcd-healthcheck-timeout", "etcd-readycheck-timeout")),
        WithoutEffect("collections are deleted by one task", values=("delete-collection-workers",)),
        WithoutEffect("finalizers of the garbage collector are always set", switches=("enable-garbage-collector",)),
        WithoutEffect("audit events are kept whole, as audit.k8s.io/v1, in groups as they come",
                      values=("audit-log-batch-max-size", "audit-log-batch-max-wait", "audit-log-batch-throttle-burst",
                              "audit-log-batch-throttle-qps", "audit-log-truncate-max-batch-size",
                              "audit-log-truncate-max-event-size", "audit-log-version",
                              "audit-webhook-batch-throttle-burst", "audit-webhook-batch-throttle-qps",
                              "audit-webhook-truncate-max-batch-size", "audit-webhook-truncate-max-event-size",
                              "audit-webhook-version"),
                      switches=("audit-log-batch-throttle-enable", "audit-log-truncate-enabled",
                                "audit-webhook-batch-throttle-enable", "audit-webhook-truncate-enabled")),
        WithoutEffect("full audit logs are kept as they are", switches=("audit-log-compress",)),
        WithoutEffect("traces are not made", values=("tracing-config-file",)),
        WithoutEffect("nodes and webhooks are called directly", values=("egress-selector-config-file",)),
        WithoutEffect("API servers of other versions are not known to this one",
                      values=("peer-advertise-ip", "peer-advertise-port", "peer-ca-file")),
        WithoutEffect("no cloud provider is built in", values=("cloud-config", "cloud-provider")),
        WithoutEffect("each API server writes its own address", values=("apiserver-count",)),
        WithoutEffect("connections are as fast as the network", values=("max-connection-bytes-per-sec",)),
        WithoutEffect("all metrics are served as they are",
                      values=("allow-metric-labels", "disabled-metrics", "show-hidden-metrics-for-version")),
    )  # fmt: skip

    bind_address: str = flag("0.0.0.0", help="address of the secure port", group="Serving")
    secure_port: int = flag(6443, help="port of HTTPS", minimum=1, maximum=65535, group="Serving")
    advertise_address: str = flag("", help="address that the kubernetes Service points to", group="Serving")
    cert_dir: str = flag("/var/run/kubernetes", help="where the self-made certificate is kept", group="Serving")
    tls_cert_file: str = flag("", help="serving certificate (PEM, with intermediates)", group="Serving")
    tls_private_key_file: str = flag("", help="key of the serving certificate", group="Serving")
    tls_sni_cert_key: tuple[NamedPair, ...] = flag(
        (),
        parse=parse_named_pair,
        help="CERT,KEY[:NAME,*.NAME]: another certificate for clients that name such a host (by default those of the "
        "certificate); may be repeated",
        group="Serving",
    )
    tls_min_version: str = flag("", help="VersionTLS12 or VersionTLS13", group="Serving")
    tls_cipher_suites: tuple[str, ...] = flag(
        (), help="cipher suites of TLS 1.2, by Go's names; the library's secure default when empty", group="Serving"
    )
    insecure_bind_address: str = flag("127.0.0.1", help="address of the insecure port", group="Serving")
    insecure_port: int = flag(
        0, help="port of plain HTTP without authentication; 0: none", minimum=0, maximum=65535, group="Serving"
    )
    workers: int = flag(
        1,
        help="how many processes serve the port, each with caches of its own; more than one needs etcd",
        minimum=1,
        maximum=64,
        group="Serving",
    )
    metrics_socket: int = flag(
        -1, help="set by --workers: the file descriptor by which its processes add up their metrics", group="Serving"
    )
    permit_port_sharing: bool = flag(
        False, help="listen with SO_REUSEPORT: other servers may listen on the same port", group="Serving"
    )
    max_requests_inflight: int = flag(
        400,
        help="most reads at once, or their part of the seats that priority and fairness deals out; 0: no limit",
        minimum=0,
        group="Serving",
    )
    max_mutating_requests_inflight: int = flag(200, help="the same for writes", minimum=0, group="Serving")
    request_timeout_seconds: float = flag(
        60.0, name="request-timeout", parse=duration, help="time limit of a request", group="Serving"
    )
    min_request_timeout: int = flag(
        1800, help="shortest life of a watch without timeoutSeconds, in seconds", group="Serving"
    )
    shutdown_delay_duration_seconds: float = flag(
        0.0,
        name="shutdown-delay-duration",
        parse=duration,
        help="how long to go on serving after SIGTERM",
        group="Serving",
    )
    enable_priority_and_fairness: bool = flag(
        True, help="let FlowSchemas decide which requests come first", group="Serving"
    )
    cors_allowed_origins: tuple[str, ...] = flag(
        (), help="regular expressions of the origins whose pages may call from browsers", group="Serving"
    )
    strict_transport_security_directives: tuple[str, ...] = flag(
        (), help="directives of the Strict-Transport-Security header", group="Serving"
    )
    feature_gates: tuple[str, ...] = flag((), help="ValidatingAdmissionPolicy=true enforces policies", group="Serving")
    runtime_config: tuple[str, ...] = flag(
        (), help="versions to serve beside the default ones: admissionregistration.k8s.io/v1beta1=true", group="Serving"
    )


@dataclass(frozen=True, kw_only=True)
class SecurityOptions(ServingOptions):
    """Who may do what."""

    anonymous_auth: bool = flag(
        True, help="take requests without credentials as system:anonymous", group="Authentication"
    )
    client_ca_file: str = flag("", help="CA of client certificates", group="Authentication")
    token_auth_file: str = flag("", help="CSV of token,user,uid,groups", group="Authentication")
    enable_bootstrap_token_auth: bool = flag(
        False, help="take bootstrap tokens (Secrets in kube-system)", group="Authentication"
    )
    api_audiences: tuple[str, ...] = flag((), help="audiences of tokens; the issuer when empty", group="Authentication")
    service_account_issuer: tuple[str, ...] = flag(
        (), help="issuer of service account tokens; the first one mints", group="Authentication"
    )
    service_account_key_file: tuple[str, ...] = flag(
        (), help="keys that verify service account tokens", group="Authentication"
    )
    service_account_signing_key_file: str = flag(
        "", help="private key that signs service account tokens", group="Authentication"
    )
    service_account_lookup: bool = flag(
        True, help="check that a token's ServiceAccount still exists", group="Authentication"
    )
    service_account_jwks_uri: str = flag("", help="jwks_uri of the OIDC document", group="Authentication")
    service_account_max_token_expiration_seconds: float = flag(
        0.0,
        name="service-account-max-token-expiration",
        parse=duration,
        help="longest life of a token; 0: any",
        group="Authentication",
    )
    service_account_extend_token_expiration: bool = flag(
        True, help="longer life for injected tokens", group="Authentication"
    )
    oidc_issuer_url: str = flag("", help="https URL of the OpenID issuer", group="Authentication")
    oidc_client_id: str = flag("", help="the client that ID tokens must be for", group="Authentication")
    oidc_ca_file: str = flag("", help="CA of the issuer; the system's when empty", group="Authentication")
    oidc_username_claim: str = flag("sub", help="claim with the user's name", group="Authentication")
    oidc_username_prefix: str = flag(
        "", help='put before names; "-": nothing; else the issuer, but not before e-mail addresses',
        group="Authentication",
    )  # fmt: skip
    oidc_groups_claim: str = flag("", help="claim with the user's groups", group="Authentication")
    oidc_groups_prefix: str = flag("", help="put before groups", group="Authentication")
    oidc_signing_algs: tuple[str, ...] = flag(("RS256",), help="algorithms of signatures", group="Authentication")
    oidc_required_claim: dict[str, str] = flag({}, help="claims that there must be", group="Authentication")
    authentication_token_webhook_config_file: str = flag(
        "", help="kubeconfig that names a webhook for bearer tokens", group="Authentication"
    )
    authentication_token_webhook_version: str = flag(
        "v1beta1", choices=("v1", "v1beta1"), help="version of the TokenReviews", group="Authentication"
    )
    authentication_token_webhook_cache_ttl_seconds: float = flag(
        120.0,
        name="authentication-token-webhook-cache-ttl",
        parse=duration,
        help="how long its answers are remembered",
        group="Authentication",
    )
    requestheader_client_ca_file: str = flag("", help="CA of front proxies", group="Authentication")
    requestheader_allowed_names: tuple[str, ...] = flag(
        (), help="common names of front proxies; empty: any", group="Authentication"
    )
    requestheader_username_headers: tuple[str, ...] = flag(
        (), help="headers with the user's name", group="Authentication"
    )
    requestheader_group_headers: tuple[str, ...] = flag((), help="headers with groups", group="Authentication")
    requestheader_extra_headers_prefix: tuple[str, ...] = flag(
        (), help="prefixes of headers with extra", group="Authentication"
    )
    authorization_mode: tuple[str, ...] = flag(
        ("AlwaysAllow",), help="AlwaysAllow, AlwaysDeny, ABAC, Webhook, RBAC, Node, in order", group="Authorization"
    )
    authorization_policy_file: str = flag("", help="policies of mode ABAC, one a line", group="Authorization")
    authorization_webhook_config_file: str = flag(
        "", help="kubeconfig that names the webhook of mode Webhook", group="Authorization"
    )
    authorization_webhook_version: str = flag(
        "v1beta1", choices=("v1", "v1beta1"), help="version of the SubjectAccessReviews", group="Authorization"
    )
    authorization_webhook_cache_authorized_ttl_seconds: float = flag(
        300.0,
        name="authorization-webhook-cache-authorized-ttl",
        parse=duration,
        help="how long the webhook's yes is remembered",
        group="Authorization",
    )
    authorization_webhook_cache_unauthorized_ttl_seconds: float = flag(
        30.0,
        name="authorization-webhook-cache-unauthorized-ttl",
        parse=duration,
        help="how long its no is remembered",
        group="Authorization",
    )
    enable_admission_plugins: tuple[str, ...] = flag((), help="plugins beside the default ones", group="Admission")
    disable_admission_plugins: tuple[str, ...] = flag((), help="default plugins to leave out", group="Admission")
    admission_control: tuple[str, ...] = flag(
        (), help="the plugins, all of them", deprecated="use --enable-admission-plugins instead", group="Admission"
    )
    admission_control_config_file: str = flag("", help="what plugins are configured with", group="Admission")
    default_not_ready_toleration_seconds: int = flag(300, help="toleration of not-ready nodes", group="Admission")
    default_unreachable_toleration_seconds: int = flag(300, help="toleration of unreachable nodes", group="Admission")


@dataclass(frozen=True, kw_only=True)
class Options(SecurityOptions):
    """All flags of kube-apiserver."""

    service_cluster_ip_range: str = flag(
        "10.0.0.0/24", help="CIDR (or two, one per family) of cluster IPs", group="Services"
    )
    service_node_port_range: str = flag("30000-32767", help="ports for NodePort services", group="Services")
    kubernetes_service_node_port: int = flag(0, help="node port of the kubernetes Service", group="Services")
    allow_privileged: bool = flag(False, help="allow privileged containers, which are refused else", group="Misc")
    kubelet_certificate_authority: str = flag("", help="CA of kubelets' serving certificates", group="Kubelet")
    kubelet_client_certificate: str = flag("", help="client certificate for kubelets", group="Kubelet")
    kubelet_client_key: str = flag("", help="key of the client certificate for kubelets", group="Kubelet")
    kubelet_https: bool = flag(True, help="talk HTTPS to kubelets", group="Kubelet")
    kubelet_port: int = flag(10250, help="port of kubelets that do not say theirs", group="Kubelet")
    kubelet_preferred_address_types: tuple[str, ...] = flag(
        ("Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"),
        help="which node address to use",
        group="Kubelet",
    )
    kubelet_timeout_seconds: float = flag(
        5.0, name="kubelet-timeout", parse=duration, help="time limit of connecting", group="Kubelet"
    )
    audit_policy_file: str = flag("", help="audit.k8s.io/v1 Policy: which requests are recorded", group="Audit")
    audit_log_path: str = flag("", help='file of the audit log; "-": standard output', group="Audit")
    audit_log_format: str = flag("json", choices=("json", "legacy"), help="how events are written", group="Audit")
    audit_log_mode: str = flag(
        "blocking",
        choices=("batch", "blocking", "blocking-strict"),
        help="whether requests wait for their events to be written; batch: never, what does not fit is lost",
        group="Audit",
    )
    audit_log_batch_buffer_size: int = flag(10000, help="most events that wait to be written", minimum=1, group="Audit")
    audit_webhook_config_file: str = flag("", help="kubeconfig that names a webhook for events", group="Audit")
    audit_webhook_mode: str = flag(
        "batch",
        choices=("batch", "blocking", "blocking-strict"),
        help="whether requests wait until the webhook has their events",
        group="Audit",
    )
    audit_webhook_initial_backoff_seconds: float = flag(
        10.0, name="audit-webhook-initial-backoff", parse=duration, help="wait before the second try", group="Audit"
    )
    audit_webhook_batch_buffer_size: int = flag(10000, help="most events that wait for it", minimum=1, group="Audit")
    audit_webhook_batch_max_size: int = flag(400, help="most events it gets at once", minimum=1, group="Audit")
    audit_webhook_batch_max_wait_seconds: float = flag(
        30.0, name="audit-webhook-batch-max-wait", parse=duration, help="how long one waits for others", group="Audit"
    )
    audit_log_maxage: int = flag(0, help="days that full files are kept; 0: for ever", minimum=0, group="Audit")
    audit_log_maxbackup: int = flag(0, help="how many full files are kept; 0: all", minimum=0, group="Audit")
    audit_log_maxsize: int = flag(0, help="megabytes of a full file; 0: no limit", minimum=0, group="Audit")
    enable_aggregator_routing: bool = flag(
        False, help="reach aggregated servers by endpoints, not by cluster IPs", group="Misc"
    )
    aggregator_reject_forwarding_redirect: bool = flag(
        True, help="do not pass redirects of aggregated servers on to clients", group="Misc"
    )
    proxy_client_cert_file: str = flag("", help="client certificate for aggregated servers", group="Misc")
    proxy_client_key_file: str = flag("", help="key of the client certificate for aggregated servers", group="Misc")
