"""Which controllers there are, by the names of kube-controller-manager v1.28 and their older aliases.

Each entry imports its controller only when it is started: what is switched off costs no memory."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.resources import ADMISSION_POLICIES
from apimachinery.errors import ServiceUnavailable
from client.rest import RestClient
from controller.context import Context
from controller.options import Options

_PAUSE_SECONDS = 1.0


class Runnable(Protocol):
    """A controller that was made."""

    name: str

    async def run(self) -> None:
        """Work until cancelled."""


#: Makes a controller (some consist of several), or none where the flags leave it nothing to do.
Maker = Callable[[Context, Options], Awaitable[Sequence[Runnable]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One controller: its name, its older one, and how it is made."""

    name: str
    alias: str
    make: Maker
    is_needed: Callable[[RestClient], Awaitable[bool]] | None = None  #: by what the API server serves; None: always


def _simple(path: str, workers: str = "") -> Maker:
    """A controller class at "module:Class", with as many workers as the flag of that name says."""

    async def make(context: Context, options: Options) -> Sequence[Runnable]:
        module, _, name = path.partition(":")
        cls = getattr(importlib.import_module(module), name)
        return [cls(context, workers=getattr(options, workers)) if workers else cls(context)]

    return make


def _hooked(path: str) -> Maker:
    """A function "module:make(context, options)", for controllers that need more than a number of workers."""

    async def make(context: Context, options: Options) -> Sequence[Runnable]:
        module, _, name = path.partition(":")
        made: Sequence[Runnable] = await getattr(importlib.import_module(module), name)(context, options)
        return made

    return make


async def _serves_policies(client: RestClient) -> bool:
    """Whether the API server does; waits for one that is not there yet."""
    from controller.discovery import serves

    while True:
        try:
            return await serves(client, ADMISSION_POLICIES)
        except ServiceUnavailable:
            await asyncio.sleep(_PAUSE_SECONDS)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "serviceaccount-controller",
        "serviceaccount",
        _simple("controller.serviceaccount.controller:ServiceAccountController"),
    ),
    Entry("serviceaccount-token-controller", "serviceaccount-token", _hooked("controller.makers:account_tokens")),
    Entry("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", _hooked("controller.makers:root_ca")),
    Entry(
        "namespace-controller",
        "namespace",
        _simple("controller.namespace.controller:NamespaceController", "concurrent_namespace_syncs"),
    ),
    Entry(
        "replicationcontroller-controller",
        "replicationcontroller",
        _simple("controller.replicationcontroller.controller:ReplicationControllerController", "concurrent_rc_syncs"),
    ),
    Entry(
        "replicaset-controller",
        "replicaset",
        _simple("controller.replicaset.controller:ReplicaSetController", "concurrent_replicaset_syncs"),
    ),
    Entry(
        "deployment-controller",
        "deployment",
        _simple("controller.deployment.controller:DeploymentController", "concurrent_deployment_syncs"),
    ),
    Entry("daemonset-controller", "daemonset", _simple("controller.daemonset.controller:DaemonSetController")),
    Entry("job-controller", "job", _simple("controller.job.controller:JobController", "concurrent_job_syncs")),
    Entry(
        "statefulset-controller",
        "statefulset",
        _simple("controller.statefulset.controller:StatefulSetController", "concurrent_statefulset_syncs"),
    ),
    Entry("disruption-controller", "disruption", _simple("controller.disruption.controller:DisruptionController")),
    Entry(
        "persistentvolume-binder-controller",
        "persistentvolume-binder",
        _simple("controller.persistentvolume.controller:PersistentVolumeController"),
    ),
    Entry(
        "persistentvolumeclaim-protection-controller",
        "pvc-protection",
        _simple("controller.persistentvolume.controller:ClaimProtectionController"),
    ),
    Entry(
        "persistentvolume-protection-controller",
        "pv-protection",
        _simple("controller.persistentvolume.controller:VolumeProtectionController"),
    ),
    Entry(
        "cronjob-controller",
        "cronjob",
        _simple("controller.cronjob.controller:CronJobController", "concurrent_cron_job_syncs"),
    ),
    Entry(
        "ttl-after-finished-controller",
        "ttl-after-finished",
        _simple(
            "controller.ttlafterfinished.controller:TtlAfterFinishedController", "concurrent_ttl_after_finished_syncs"
        ),
    ),
    Entry(
        "resourcequota-controller",
        "resourcequota",
        _simple("controller.resourcequota.controller:ResourceQuotaController", "concurrent_resource_quota_syncs"),
    ),
    Entry(
        "endpoints-controller",
        "endpoint",
        _simple("controller.endpoints.controller:EndpointsController", "concurrent_endpoint_syncs"),
    ),
    Entry(
        "endpointslice-controller",
        "endpointslice",
        _simple("controller.endpointslice.controller:EndpointSliceController", "concurrent_service_endpoint_syncs"),
    ),
    Entry(
        "horizontal-pod-autoscaler-controller",
        "horizontalpodautoscaling",
        _hooked("controller.makers:horizontal_pod_autoscaler"),
    ),
    Entry(
        "certificatesigningrequest-signing-controller", "csrsigning", _hooked("controller.makers:certificate_signers")
    ),
    Entry(
        "certificatesigningrequest-approving-controller",
        "csrapproving",
        _simple("controller.certificates.approver:Approver"),
    ),
    Entry(
        "certificatesigningrequest-cleaner-controller", "csrcleaner", _simple("controller.certificates.cleaner:Cleaner")
    ),
    Entry(
        "endpointslice-mirroring-controller",
        "endpointslicemirroring",
        _simple(
            "controller.endpointslicemirroring.controller:EndpointSliceMirroringController",
            "mirroring_concurrent_service_endpoint_syncs",
        ),
    ),
    Entry(
        "ephemeral-volume-controller",
        "ephemeral-volume",
        _simple("controller.ephemeralvolume.controller:EphemeralVolumeController", "concurrent_ephemeralvolume_syncs"),
    ),
    Entry("node-ipam-controller", "nodeipam", _hooked("controller.makers:node_ipam")),
    Entry("node-lifecycle-controller", "nodelifecycle", _hooked("controller.makers:node_lifecycle")),
    Entry("pod-garbage-collector-controller", "podgc", _hooked("controller.makers:pod_gc")),
    Entry(
        "clusterrole-aggregation-controller",
        "clusterrole-aggregation",
        _simple("controller.clusterroleaggregation.controller:ClusterRoleAggregationController"),
    ),
    Entry("garbage-collector-controller", "garbagecollector", _hooked("controller.makers:garbage_collector")),
    Entry(
        "validatingadmissionpolicy-status-controller",
        "validatingadmissionpolicy-status",
        _simple(
            "controller.validatingadmissionpolicystatus.controller:PolicyStatusController",
            "concurrent_validating_admission_policy_status_syncs",
        ),
        _serves_policies,
    ),
)


class UnknownController(ValueError):
    """--controllers names something that is not there."""


def selected(wanted: Sequence[str], entries: Iterable[Entry] = ENTRIES) -> list[Entry]:
    """The entries that --controllers asks for; raises UnknownController."""
    listed = list(entries)
    known = {name for entry in listed for name in (entry.name, entry.alias)}
    for item in wanted:
        if item != "*" and item.removeprefix("-") not in known | _NOT_HERE:
            raise UnknownController(f'"{item.removeprefix("-")}" is not in the list of known controllers')
    return [entry for entry in listed if _is_on(entry, wanted)]


def _is_on(entry: Entry, wanted: Sequence[str]) -> bool:
    on = False
    for item in wanted:
        if item == "*":
            on = True
    for name in (entry.name, entry.alias):
        if name in wanted:
            return True
        if f"-{name}" in wanted:
            return False
    return on


#: Controllers of the reference that have nothing to do here; asking for them is no mistake.
_NOT_HERE = frozenset(
    {
        "attachdetach", "persistentvolume-attach-detach-controller", "bootstrapsigner", "bootstrap-signer-controller",
        "cloud-node-lifecycle", "cloud-node-lifecycle-controller", "route", "node-route-controller", "service",
        "service-lb-controller", "tokencleaner", "token-cleaner-controller", "persistentvolume-expander",
        "persistentvolume-expander-controller", "ttl", "ttl-controller", "legacy-service-account-token-cleaner",
        "legacy-serviceaccount-token-cleaner-controller",
        "storage-version-gc", "storageversion-garbage-collector-controller", "resourceclaim-controller",
    }
)  # fmt: skip
