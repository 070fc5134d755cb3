"""The declarations of the core/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.core.pod import columns as pod_columns
from api.core.pod.strategy import POD, POD_EPHEMERAL_CONTAINERS, POD_STATUS
from api.kind import Kind, Subresource

PROXY_VERBS = ("create", "delete", "get", "patch", "update")
STREAM_VERBS = ("create", "get")

KINDS: tuple[Kind, ...] = (
    Kind(resource=r.BINDINGS, singular="binding", verbs=("create",)),
    Kind(resource=r.COMPONENT_STATUSES, singular="componentstatus", short_names=("cs",), verbs=("get", "list")),
    Kind(resource=r.CONFIG_MAPS, singular="configmap", short_names=("cm",), storage_path="configmaps"),
    Kind(resource=r.ENDPOINTS, singular="endpoints", short_names=("ep",), storage_path="services/endpoints"),
    Kind(
        resource=r.CORE_EVENTS,
        singular="event",
        short_names=("ev",),
        storage_path="events",
        ttl_from_event_flag=True,
    ),
    Kind(resource=r.LIMIT_RANGES, singular="limitrange", short_names=("limits",), storage_path="limitranges"),
    Kind(
        resource=r.NAMESPACES,
        singular="namespace",
        short_names=("ns",),
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        subresources=(
            Subresource(name="finalize", kind="Namespace", verbs=("update",)),
            Subresource(name="status", kind="Namespace"),
        ),
        storage_path="namespaces",
    ),
    Kind(
        resource=r.NODES,
        singular="node",
        short_names=("no",),
        subresources=(
            Subresource(name="proxy", kind="NodeProxyOptions", verbs=PROXY_VERBS),
            Subresource(name="status", kind="Node"),
        ),
        storage_path="minions",
    ),
    Kind(
        resource=r.PERSISTENT_VOLUME_CLAIMS,
        returns_deleted=True,
        singular="persistentvolumeclaim",
        short_names=("pvc",),
        subresources=(Subresource(name="status", kind="PersistentVolumeClaim"),),
        storage_path="persistentvolumeclaims",
    ),
    Kind(
        resource=r.PERSISTENT_VOLUMES,
        returns_deleted=True,
        singular="persistentvolume",
        short_names=("pv",),
        subresources=(Subresource(name="status", kind="PersistentVolume"),),
        storage_path="persistentvolumes",
    ),
    Kind(
        resource=r.PODS,
        returns_deleted=True,
        singular="pod",
        short_names=("po",),
        categories=("all",),
        subresources=(
            Subresource(name="attach", kind="PodAttachOptions", verbs=STREAM_VERBS),
            Subresource(name="binding", kind="Binding", verbs=("create",)),
            Subresource(name="ephemeralcontainers", kind="Pod", strategy=POD_EPHEMERAL_CONTAINERS),
            Subresource(name="eviction", kind="Eviction", verbs=("create",), group="policy", version="v1"),
            Subresource(name="exec", kind="PodExecOptions", verbs=STREAM_VERBS),
            Subresource(name="log", kind="Pod", verbs=("get",)),
            Subresource(name="portforward", kind="PodPortForwardOptions", verbs=STREAM_VERBS),
            Subresource(name="proxy", kind="PodProxyOptions", verbs=PROXY_VERBS),
            Subresource(name="status", kind="Pod", strategy=POD_STATUS),
        ),
        strategy=POD,
        columns=pod_columns.COLUMNS,
        cells=pod_columns.cells,
        row_conditions=pod_columns.row_conditions,
        selectable_fields=pod_columns.SELECTABLE,
        storage_path="pods",
    ),
    Kind(resource=r.POD_TEMPLATES, returns_deleted=True, singular="podtemplate", storage_path="podtemplates"),
    Kind(
        resource=r.REPLICATION_CONTROLLERS,
        orphans_by_default=True,
        singular="replicationcontroller",
        short_names=("rc",),
        categories=("all",),
        subresources=(
            Subresource(name="scale", kind="Scale", group="autoscaling", version="v1"),
            Subresource(name="status", kind="ReplicationController"),
        ),
        storage_path="controllers",
    ),
    Kind(
        resource=r.RESOURCE_QUOTAS,
        returns_deleted=True,
        singular="resourcequota",
        short_names=("quota",),
        subresources=(Subresource(name="status", kind="ResourceQuota"),),
        storage_path="resourcequotas",
    ),
    Kind(resource=r.SECRETS, singular="secret", storage_path="secrets"),
    Kind(
        resource=r.SERVICE_ACCOUNTS,
        returns_deleted=True,
        singular="serviceaccount",
        short_names=("sa",),
        subresources=(
            Subresource(
                name="token",
                kind="TokenRequest",
                verbs=("create",),
                group="authentication.k8s.io",
                version="v1",
            ),
        ),
        storage_path="serviceaccounts",
    ),
    Kind(
        resource=r.SERVICES,
        returns_deleted=True,
        singular="service",
        short_names=("svc",),
        categories=("all",),
        subresources=(
            Subresource(name="proxy", kind="ServiceProxyOptions", verbs=PROXY_VERBS),
            Subresource(name="status", kind="Service"),
        ),
        storage_path="services/specs",
    ),
)
