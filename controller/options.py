"""The controller manager's flags, with the names and defaults of kube-controller-manager v1.28."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from component.flags import WithoutEffect, duration, flag
from component.leadership import LeaderOptions

NAME = "kube-controller-manager"


def _syncs(default: int, what: str) -> int:
    """A --concurrent-*-syncs flag."""
    made: int = flag(default, help=f"how many {what} are worked on at once", minimum=1, group="Controllers")
    return made


@dataclass(frozen=True, kw_only=True)
class Options(LeaderOptions):
    """All flags."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect("the API server's own limits hold", values=("kube-api-burst", "kube-api-qps")),
        WithoutEffect(
            "no cloud provider is built in",
            values=(
                "cloud-config",
                "cloud-provider",
                "concurrent-service-syncs",
                "external-cloud-volume-plugin",
                "route-reconciliation-period",
            ),
            switches=("configure-cloud-routes",),
        ),
        WithoutEffect(
            "nothing of the kind exists here",
            values=(
                "attach-detach-reconcile-sync-period",
                "cidr-allocator-type",
                "cluster-name",
                "controller-start-interval",
                "endpoint-updates-batch-period",
                "endpointslice-updates-batch-period",
                "flex-volume-plugin-dir",
                "leader-migration-config",
                "legacy-service-account-token-clean-up-period",
                "min-resync-period",
                "mirroring-endpointslice-updates-batch-period",
                "mirroring-max-endpoints-per-subset",
                "namespace-sync-period",
                "pv-recycler-increment-timeout-nfs",
                "pv-recycler-minimum-timeout-hostpath",
                "pv-recycler-minimum-timeout-nfs",
                "pv-recycler-pod-template-filepath-hostpath",
                "pv-recycler-pod-template-filepath-nfs",
                "pv-recycler-timeout-increment-hostpath",
            ),
            switches=(
                "disable-attach-detach-reconcile-sync",
                "enable-dynamic-provisioning",
                "enable-leader-migration",
            ),
        ),
    )

    kubeconfig: str = flag("", help="path to kubeconfig file with authorization and master location information")
    master: str = flag("", help="the address of the Kubernetes API server (overrides any value in kubeconfig)")
    secure_port: int = flag(10257, help="the port on which to serve HTTPS; 0: not at all", minimum=0, maximum=65535)
    leader_elect_resource_name: str = flag(NAME, help="the name of the Lease that the leader holds")
    controllers: tuple[str, ...] = flag(
        ("*",), help="which controllers to run: '*' all that are on by default, 'foo' this one, '-foo' not this one"
    )
    use_service_account_credentials: bool = flag(
        False, help="give each controller a service account of its own", group="Service accounts"
    )

    allocate_node_cidrs: bool = flag(False, help="give every node a pod CIDR", group="Node CIDRs")
    cluster_cidr: str = flag("", help="the range that pod CIDRs come from", group="Node CIDRs")
    service_cluster_ip_range: str = flag("", help="the range of cluster IPs, kept out of pod CIDRs", group="Node CIDRs")
    node_cidr_mask_size: int = flag(24, help="prefix length of a node's CIDR", minimum=1, group="Node CIDRs")
    node_cidr_mask_size_ipv4: int = flag(24, help="the same for IPv4 of dual stack", group="Node CIDRs")
    node_cidr_mask_size_ipv6: int = flag(64, help="the same for IPv6 of dual stack", group="Node CIDRs")

    node_monitor_period: float = flag(
        5.0, parse=duration, help="how often the nodes' leases are looked at", group="Node lifecycle"
    )
    node_monitor_grace_period: float = flag(
        40.0, parse=duration, help="how long a node may be silent before it counts as not ready", group="Node lifecycle"
    )
    node_startup_grace_period: float = flag(
        60.0, parse=duration, help="the same for a node that has just been made", group="Node lifecycle"
    )
    node_eviction_rate: float = flag(
        0.1, help="nodes per second that are tainted NoExecute in a healthy zone", group="Node lifecycle"
    )
    secondary_node_eviction_rate: float = flag(
        0.01, help="nodes per second in a large zone that is unhealthy", group="Node lifecycle"
    )
    unhealthy_zone_threshold: float = flag(
        0.55, help="the part of a zone's nodes that makes it unhealthy", group="Node lifecycle"
    )
    large_cluster_size_threshold: int = flag(
        50, help="up to so many nodes an unhealthy zone's nodes are not evicted at all", group="Node lifecycle"
    )
    terminated_pod_gc_threshold: int = flag(
        12500, help="how many ended pods may exist before the oldest are deleted; 0: any number", group="Pods"
    )

    service_account_private_key_file: str = flag(
        "", help="the key that signs service account tokens kept in Secrets", group="Service accounts"
    )
    root_ca_file: str = flag("", help="the CA published in every namespace", group="Service accounts")
    concurrent_serviceaccount_token_syncs: int = _syncs(5, "service account tokens")

    cluster_signing_cert_file: str = flag("", help="the CA that signs requests", group="Certificates")
    cluster_signing_key_file: str = flag("", help="its key", group="Certificates")
    cluster_signing_duration: float = flag(
        31536000.0, parse=duration, help="the longest validity of signed certificates", group="Certificates"
    )
    cluster_signing_kube_apiserver_client_cert_file: str = flag("", help="CA of that signer", group="Certificates")
    cluster_signing_kube_apiserver_client_key_file: str = flag("", help="its key", group="Certificates")
    cluster_signing_kubelet_client_cert_file: str = flag("", help="CA of that signer", group="Certificates")
    cluster_signing_kubelet_client_key_file: str = flag("", help="its key", group="Certificates")
    cluster_signing_kubelet_serving_cert_file: str = flag("", help="CA of that signer", group="Certificates")
    cluster_signing_kubelet_serving_key_file: str = flag("", help="its key", group="Certificates")
    cluster_signing_legacy_unknown_cert_file: str = flag("", help="CA of that signer", group="Certificates")
    cluster_signing_legacy_unknown_key_file: str = flag("", help="its key", group="Certificates")

    concurrent_deployment_syncs: int = _syncs(5, "deployments")
    concurrent_replicaset_syncs: int = _syncs(5, "replica sets")
    concurrent_rc_syncs: int = _syncs(5, "replication controllers")
    concurrent_statefulset_syncs: int = _syncs(5, "stateful sets")
    concurrent_job_syncs: int = _syncs(5, "jobs")
    concurrent_cron_job_syncs: int = _syncs(5, "cron jobs")
    concurrent_endpoint_syncs: int = _syncs(5, "endpoints")
    concurrent_service_endpoint_syncs: int = _syncs(5, "services' endpoint slices")
    concurrent_namespace_syncs: int = _syncs(10, "namespaces")
    concurrent_gc_syncs: int = _syncs(20, "objects to collect")
    concurrent_resource_quota_syncs: int = _syncs(5, "resource quotas")
    concurrent_ttl_after_finished_syncs: int = _syncs(5, "finished jobs")
    concurrent_ephemeralvolume_syncs: int = _syncs(5, "ephemeral volumes")
    concurrent_horizontal_pod_autoscaler_syncs: int = _syncs(5, "autoscalers")
    concurrent_validating_admission_policy_status_syncs: int = _syncs(5, "admission policies")
    mirroring_concurrent_service_endpoint_syncs: int = _syncs(5, "mirrored endpoints")
    mirroring_max_endpoints_per_subset: int = flag(
        1000, help="how many addresses of a subset are mirrored", minimum=1, maximum=1000, group="Controllers"
    )
    max_endpoints_per_slice: int = flag(100, help="how many endpoints an endpoint slice holds", group="Controllers")
    enable_garbage_collector: bool = flag(True, help="delete what lost its owner", group="Controllers")
    resource_quota_sync_period: float = flag(
        300.0, parse=duration, help="how often quotas are counted anew", group="Controllers"
    )
    horizontal_pod_autoscaler_sync_period: float = flag(
        15.0, parse=duration, help="how often autoscalers look at their metrics", group="Controllers"
    )
    horizontal_pod_autoscaler_downscale_stabilization: float = flag(
        300.0, parse=duration, help="how long the highest recommendation holds", group="Controllers"
    )
    horizontal_pod_autoscaler_tolerance: float = flag(
        0.1, help="how far from its target a metric may be", group="Controllers"
    )
    horizontal_pod_autoscaler_cpu_initialization_period: float = flag(
        300.0, parse=duration, help="how long a new pod's CPU is not counted", group="Controllers"
    )
    horizontal_pod_autoscaler_initial_readiness_delay: float = flag(
        30.0, parse=duration, help="how long a starting pod counts as not ready yet", group="Controllers"
    )
    pvclaimbinder_sync_period: float = flag(
        15.0, parse=duration, help="how often volumes and claims are looked at", group="Volumes"
    )
    enable_hostpath_provisioner: bool = flag(
        False, help="make hostPath volumes for claims; for one-node test clusters", group="Volumes"
    )
