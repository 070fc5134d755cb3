"""Defaults of pods and pod templates (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go).

Pure; changes the freshly decoded object. `set_pod_spec_defaults` is what templates share with pods."""

from __future__ import annotations

from typing import Any

from api.core.images import default_pull_policy
from api.core.pod.gates import drop_disabled_fields
from api.core.rounding import round_up, round_up_each
from apimachinery.objects import Object

#: rw-r--r--, the mode of projected files.
DEFAULT_MODE = 0o644

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def set_pod_defaults(pod: Object) -> None:
    """Defaults of a Pod: those of its spec, and what holds for pods but not for templates."""
    spec = pod.setdefault("spec", {"containers": None})
    set_pod_spec_defaults(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in _containers(spec, "containers", "initContainers"):
        resources = container["resources"]
        if limits := resources.get("limits"):
            requests = resources.get("requests") or {}
            missing = {name: value for name, value in limits.items() if name not in requests}
            if missing:
                resources["requests"] = {**requests, **missing}
    if spec.get("hostNetwork"):
        for container in _containers(spec, "containers", "initContainers"):
            for port in container.get("ports") or ():
                if not port.get("hostPort"):
                    port["hostPort"] = port.get("containerPort")
    _join_addresses(pod.get("status") or {})


def set_template_defaults(template: dict[str, Any]) -> None:
    """Defaults of a pod template, without what no pod made of it would keep."""
    template.setdefault("metadata", {"creationTimestamp": None})
    spec = template.setdefault("spec", {"containers": None})
    drop_disabled_fields(spec)
    set_pod_spec_defaults(spec)


def set_pod_spec_defaults(spec: dict[str, Any]) -> None:
    """Defaults of a pod's or template's spec."""
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    _join_service_account(spec)
    round_up(spec.get("overhead"))
    for container in spec.get("containers") or ():
        _default_container(container)
    for container in spec.get("initContainers") or ():
        _default_container(container)
    for container in spec.get("ephemeralContainers") or ():
        _default_container(container)
    for volume in spec.get("volumes") or ():
        default_volume(volume)


def _containers(spec: dict[str, Any], *fields: str) -> list[dict[str, Any]]:
    return [container for field in fields for container in spec.get(field) or ()]


def _join_service_account(spec: dict[str, Any]) -> None:
    """serviceAccount is the old name of serviceAccountName: both are always shown, the new one wins."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _join_addresses(status: dict[str, Any]) -> None:
    """podIP is the first of podIPs, whichever of them the writer gave."""
    address, addresses = status.get("podIP"), status.get("podIPs")
    if address and (not addresses or addresses[0].get("ip") != address):
        status["podIPs"] = [{"ip": address}]
    elif addresses and not address:
        status["podIP"] = addresses[0].get("ip") or ""


def _default_container(container: dict[str, Any]) -> None:
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = default_pull_policy(container.get("image") or "")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    round_up_each(container.setdefault("resources", {}), "limits", "requests")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        if source and "fieldRef" in source:
            source["fieldRef"].setdefault("apiVersion", "v1")
    for field in _PROBES:
        if (probe := container.get(field)) is not None:
            _default_probe(probe)
    for hook in (container.get("lifecycle") or {}).values():
        if "httpGet" in hook:
            _default_http_get(hook["httpGet"])


def _default_probe(probe: dict[str, Any]) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "httpGet" in probe:
        _default_http_get(probe["httpGet"])
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _default_http_get(action: dict[str, Any]) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")


def default_volume(volume: dict[str, Any]) -> None:
    """Defaults of one volume; without a source it is an emptyDir."""
    if len(volume) == (1 if "name" in volume else 0):
        volume["emptyDir"] = {}
        return
    for field in ("secret", "configMap", "downwardAPI", "projected"):
        if field in volume:
            volume[field].setdefault("defaultMode", DEFAULT_MODE)
    if "downwardAPI" in volume:
        _default_downward_items(volume["downwardAPI"])
    if "projected" in volume:
        for source in volume["projected"].get("sources") or ():
            if "serviceAccountToken" in source:
                source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
            if "downwardAPI" in source:
                _default_downward_items(source["downwardAPI"])
    if "ephemeral" in volume:
        template = volume["ephemeral"].get("volumeClaimTemplate")
        if template is not None:
            template.setdefault("metadata", {"creationTimestamp": None})
            set_claim_spec_defaults(template.setdefault("spec", {"resources": {}}))
    set_volume_source_defaults(volume)


def set_volume_source_defaults(source: dict[str, Any]) -> None:
    """Defaults of the sources that pods and persistent volumes share."""
    if "hostPath" in source:
        source["hostPath"].setdefault("type", "")
    if "iscsi" in source:
        source["iscsi"].setdefault("iscsiInterface", "default")
    if "rbd" in source:
        source["rbd"].setdefault("pool", "rbd")
        source["rbd"].setdefault("user", "admin")
        source["rbd"].setdefault("keyring", "/etc/ceph/keyring")
    if "azureDisk" in source:
        disk = source["azureDisk"]
        disk.setdefault("cachingMode", "ReadWrite")
        disk.setdefault("kind", "Shared")
        disk.setdefault("fsType", "ext4")
        disk.setdefault("readOnly", False)
    if "scaleIO" in source:
        source["scaleIO"].setdefault("storageMode", "ThinProvisioned")
        source["scaleIO"].setdefault("fsType", "xfs")


def set_claim_spec_defaults(spec: dict[str, Any]) -> None:
    """Defaults of a PersistentVolumeClaim's spec."""
    spec.setdefault("volumeMode", "Filesystem")
    round_up_each(spec.setdefault("resources", {}), "limits", "requests")


def _default_downward_items(source: dict[str, Any]) -> None:
    for item in source.get("items") or ():
        if "fieldRef" in item:
            item["fieldRef"].setdefault("apiVersion", "v1")
