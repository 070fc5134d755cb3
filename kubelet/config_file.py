"""--config: a KubeletConfiguration in YAML. Its fields stand in for flags that the command line does not set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from component.flags import duration
from kubelet.options import KubeletOptions


class ConfigFileError(Exception):
    """The file cannot be used; one line."""


#: Fields by their path in the file: the option they are, and how their value is read.
_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "address": ("address", str),
    "port": ("port", int),
    "readOnlyPort": ("read_only_port", int),
    "healthzPort": ("healthz_port", int),
    "healthzBindAddress": ("healthz_bind_address", str),
    "clusterDNS": ("cluster_dns", tuple),
    "clusterDomain": ("cluster_domain", str),
    "maxPods": ("max_pods", int),
    "podCIDR": ("pod_cidr", str),
    "podPidsLimit": ("pod_max_pids", int),
    "resolvConf": ("resolv_conf", str),
    "staticPodPath": ("pod_manifest_path", str),
    "failSwapOn": ("fail_swap_on", bool),
    "cgroupDriver": ("cgroup_driver", str),
    "cpuCFSQuota": ("cpu_cfs_quota", bool),
    "containerRuntimeEndpoint": ("container_runtime_endpoint", str),
    "containerLogMaxSize": ("container_log_max_size", str),
    "containerLogMaxFiles": ("container_log_max_files", int),
    "syncFrequency": ("sync_frequency", duration),
    "fileCheckFrequency": ("file_check_frequency", duration),
    "nodeStatusUpdateFrequency": ("node_status_update_frequency", duration),
    "nodeStatusReportFrequency": ("node_status_report_frequency", duration),
    "nodeLeaseDurationSeconds": ("node_lease_duration_seconds", int),
    "imageGCHighThresholdPercent": ("image_gc_high_threshold", int),
    "imageGCLowThresholdPercent": ("image_gc_low_threshold", int),
    "imageMinimumGCAge": ("minimum_image_ttl_duration", duration),
    "runtimeRequestTimeout": ("runtime_request_timeout", duration),
    "evictionHard": ("eviction_hard", lambda v: ",".join(f"{key}<{value}" for key, value in v.items())),
    "evictionSoft": ("eviction_soft", lambda v: ",".join(f"{key}<{value}" for key, value in v.items())),
    "evictionSoftGracePeriod": ("eviction_soft_grace_period", dict),
    "evictionMaxPodGracePeriod": ("eviction_max_pod_grace_period", int),
    "evictionPressureTransitionPeriod": ("eviction_pressure_transition_period", duration),
    "systemReserved": ("system_reserved", dict),
    "kubeReserved": ("kube_reserved", dict),
    "registerNode": ("register_node", bool),
    "tlsCertFile": ("tls_cert_file", str),
    "tlsPrivateKeyFile": ("tls_private_key_file", str),
    "rotateCertificates": ("rotate_certificates", bool),
    "serverTLSBootstrap": ("rotate_server_certificates", bool),
    "authentication.anonymous.enabled": ("anonymous_auth", bool),
    "authentication.webhook.enabled": ("authentication_token_webhook", bool),
    "authentication.x509.clientCAFile": ("client_ca_file", str),
    "authorization.mode": ("authorization_mode", str),
    "hairpinMode": ("hairpin_mode", str),
    "allowedUnsafeSysctls": ("allowed_unsafe_sysctls", tuple),
    "registerWithTaints": ("register_with_taints", lambda taints: tuple(_taint(taint) for taint in taints)),
}


def with_config_file(options: KubeletOptions) -> KubeletOptions:
    """The options with what the file of `options.config` says for those still at their default."""
    if not options.config:
        return options
    import yaml

    try:
        document = yaml.safe_load(Path(options.config).read_text())
    except OSError as error:
        raise ConfigFileError(
            f"failed to load kubelet config file, path: {options.config}, error: {error.strerror}"
        ) from error
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise ConfigFileError(f"failed to load kubelet config file, path: {options.config}, error: {text}") from error
    if not isinstance(document, dict) or document.get("kind") != "KubeletConfiguration":
        raise ConfigFileError(f"failed to load kubelet config file, path: {options.config}, error: "
                              "it is no KubeletConfiguration")  # fmt: skip
    return apply(options, document)


def apply(options: KubeletOptions, document: Mapping[str, Any]) -> KubeletOptions:
    """Pure: the options changed by the document. Fields that are not known here are ignored, as newer ones would be."""
    defaults = KubeletOptions()
    changes: dict[str, Any] = {}
    for path, (option, read) in _FIELDS.items():
        value = _at(document, path)
        if value is None or getattr(options, option) != getattr(defaults, option):
            continue
        try:
            changes[option] = read(value)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise ConfigFileError(f"failed to load kubelet config file, field {path}: {error}") from error
    return dataclasses.replace(options, **changes)


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _taint(taint: Mapping[str, str]) -> str:
    return f"{taint['key']}={taint.get('value') or ''}:{taint['effect']}"
