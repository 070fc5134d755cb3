"""The reference's kubelet flags that mean nothing where the Docker Engine runs the containers, and why."""

from __future__ import annotations

from component.flags import WithoutEffect

CADVISOR = WithoutEffect(
    "usage comes from the Docker Engine, cAdvisor does not run",
    values=(
        "application-metrics-count-limit", "boot-id-file", "container-hints", "event-storage-age-limit",
        "event-storage-event-limit", "global-housekeeping-interval", "housekeeping-interval", "machine-id-file",
        "storage-driver-buffer-duration", "storage-driver-db", "storage-driver-host", "storage-driver-password",
        "storage-driver-table", "storage-driver-user",
    ),
    switches=("enable-load-reader", "log-cadvisor-usage", "storage-driver-secure"),
)  # fmt: skip

CONTAINERD = WithoutEffect("the Docker Engine is always used", values=("containerd", "containerd-namespace"))

CLOUD = WithoutEffect("no cloud provider is built in", values=("cloud-config", "cloud-provider"))

CGROUPS = WithoutEffect(
    "the Docker Engine places the containers' cgroups",
    values=("cgroup-root", "kube-reserved-cgroup", "qos-reserved", "system-cgroups", "system-reserved-cgroup"),
    switches=("kernel-memcg-notification",),
)

PINNING = WithoutEffect(
    "CPUs and memory are shared, never pinned to one pod",
    values=(
        "cpu-cfs-quota-period", "cpu-manager-policy", "cpu-manager-policy-options", "cpu-manager-reconcile-period",
        "memory-manager-policy", "reserved-cpus", "reserved-memory", "topology-manager-policy",
        "topology-manager-policy-options", "topology-manager-scope",
    ),
)  # fmt: skip

VOLUMES = WithoutEffect(
    "volumes are mounted by the kubelet itself, attached by nobody",
    values=("experimental-mounter-path", "volume-stats-agg-period"),
    switches=("enable-controller-attach-detach", "keep-terminated-pod-volumes", "local-storage-capacity-isolation"),
)

CREDENTIALS = WithoutEffect(
    "registries are asked with the pod's pull secrets only",
    values=("image-credential-provider-bin-dir", "image-credential-provider-config"),
)

RATES = WithoutEffect(
    "the API server and the registry set the pace",
    values=("event-burst", "kube-api-burst", "kube-api-content-type", "kube-api-qps", "registry-burst", "registry-qps"),
)

STATIC = WithoutEffect(
    "configuration is read from --config, static pods from --pod-manifest-path",
    values=("config-dir", "http-check-frequency", "manifest-url", "manifest-url-header"),
)

WEBHOOK_CACHE = WithoutEffect(
    "answers of the API server's reviews are kept for a fixed time",
    values=(
        "authentication-token-webhook-cache-ttl", "authorization-webhook-cache-authorized-ttl",
        "authorization-webhook-cache-unauthorized-ttl",
    ),
)  # fmt: skip

PROCESS = WithoutEffect(
    "the service manager looks after the process",
    values=("lock-file", "max-open-files", "oom-score-adj"),
    switches=("contention-profiling", "exit-on-lock-contention", "rotate-server-certificates", "runonce"),
)

HOST = WithoutEffect(
    "the host's settings are left as they are, and Docker's seccomp profile applies",
    switches=("enable-debugging-handlers", "experimental-allocatable-ignore-eviction", "protect-kernel-defaults",
              "seccomp-default"),
)  # fmt: skip

COLLECTION = WithoutEffect(
    "dead containers are removed with their pod, the last one of each container is kept",
    values=("maximum-dead-containers", "maximum-dead-containers-per-container", "minimum-container-ttl-duration",
            "node-status-max-images", "pods-per-core"),
)  # fmt: skip

SOFT_EVICTION = WithoutEffect(
    "one pod is evicted at a time, until the threshold is no longer crossed",
    values=("eviction-minimum-reclaim",),
)

ALL = (
    CADVISOR, CONTAINERD, CLOUD, CGROUPS, PINNING, VOLUMES, CREDENTIALS, RATES, STATIC, WEBHOOK_CACHE, PROCESS, HOST,
    COLLECTION, SOFT_EVICTION,
)  # fmt: skip
