"""Which admission plugins there are, in which order they are asked, and which of them are on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from apiserver.admission.always import AlwaysAdmit, AlwaysDeny
from apiserver.admission.base import Setting
from apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from apiserver.admission.eventratelimit import EventRateLimit
from apiserver.admission.imagepolicy import ImagePolicyWebhook
from apiserver.admission.ingress import DefaultIngressClass, DenyServiceExternalIPs
from apiserver.admission.limitranger import LimitRanger
from apiserver.admission.namespaces import NamespaceAutoProvision, NamespaceExists, NamespaceLifecycle
from apiserver.admission.noderestriction import NodeRestriction
from apiserver.admission.ownerreferences import OwnerReferencesPermissionEnforcement
from apiserver.admission.podrules import (
    AlwaysPullImages,
    LimitPodHardAntiAffinityTopology,
    PodNodeSelector,
    SecurityContextDeny,
)
from apiserver.admission.podsecurity.plugin import PodSecurity
from apiserver.admission.podtolerations import PodTolerationRestriction
from apiserver.admission.policies.plugin import ValidatingAdmissionPolicy
from apiserver.admission.priority import Priority
from apiserver.admission.resourcequota import ResourceQuota
from apiserver.admission.runtimeclass import RuntimeClass
from apiserver.admission.serviceaccount import ServiceAccount
from apiserver.admission.storage import (
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
)
from apiserver.admission.tolerations import (
    DefaultTolerationSeconds,
    ExtendedResourceToleration,
    TaintNodesByCondition,
)
from apiserver.admission.webhooks.plugin import MutatingAdmissionWebhook, ValidatingAdmissionWebhook
from apiserver.interfaces import AdmissionPlugin

#: Every plugin of v1.28 in the reference's order.
ORDER = (
    "AlwaysAdmit", "NamespaceAutoProvision", "NamespaceLifecycle", "NamespaceExists", "SecurityContextDeny",
    "LimitPodHardAntiAffinityTopology", "LimitRanger", "ServiceAccount", "NodeRestriction", "TaintNodesByCondition",
    "AlwaysPullImages", "ImagePolicyWebhook", "PodSecurity", "PodNodeSelector", "Priority",
    "DefaultTolerationSeconds", "PodTolerationRestriction", "EventRateLimit", "ExtendedResourceToleration",
    "PersistentVolumeLabel", "DefaultStorageClass", "StorageObjectInUseProtection",
    "OwnerReferencesPermissionEnforcement", "PersistentVolumeClaimResize", "RuntimeClass", "CertificateApproval",
    "CertificateSigning", "ClusterTrustBundleAttest", "CertificateSubjectRestriction", "DefaultIngressClass",
    "DenyServiceExternalIPs", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook",
    "ResourceQuota", "AlwaysDeny",
)  # fmt: skip

DEFAULT_ON = frozenset({
    "NamespaceLifecycle", "LimitRanger", "ServiceAccount", "TaintNodesByCondition", "PodSecurity", "Priority",
    "DefaultTolerationSeconds", "DefaultStorageClass", "StorageObjectInUseProtection", "PersistentVolumeClaimResize",
    "RuntimeClass", "CertificateApproval", "CertificateSigning", "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction", "DefaultIngressClass", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook", "ResourceQuota",
})  # fmt: skip

_MAKERS: dict[str, Callable[[Setting], AdmissionPlugin]] = {
    "AlwaysAdmit": AlwaysAdmit,
    "AlwaysDeny": AlwaysDeny,
    "AlwaysPullImages": AlwaysPullImages,
    "CertificateApproval": CertificateApproval,
    "CertificateSigning": CertificateSigning,
    "CertificateSubjectRestriction": CertificateSubjectRestriction,
    "DefaultIngressClass": DefaultIngressClass,
    "DefaultStorageClass": DefaultStorageClass,
    "DenyServiceExternalIPs": DenyServiceExternalIPs,
    "EventRateLimit": EventRateLimit,
    "ImagePolicyWebhook": ImagePolicyWebhook,
    "MutatingAdmissionWebhook": MutatingAdmissionWebhook,
    "ValidatingAdmissionPolicy": ValidatingAdmissionPolicy,
    "ValidatingAdmissionWebhook": ValidatingAdmissionWebhook,
    "NodeRestriction": NodeRestriction,
    "LimitPodHardAntiAffinityTopology": LimitPodHardAntiAffinityTopology,
    "OwnerReferencesPermissionEnforcement": OwnerReferencesPermissionEnforcement,
    "PersistentVolumeClaimResize": PersistentVolumeClaimResize,
    "PodNodeSelector": PodNodeSelector,
    "PodSecurity": PodSecurity,
    "PodTolerationRestriction": PodTolerationRestriction,
    "ResourceQuota": ResourceQuota,
    "RuntimeClass": RuntimeClass,
    "SecurityContextDeny": SecurityContextDeny,
    "StorageObjectInUseProtection": StorageObjectInUseProtection,
    "NamespaceAutoProvision": NamespaceAutoProvision,
    "NamespaceLifecycle": NamespaceLifecycle,
    "NamespaceExists": NamespaceExists,
    "LimitRanger": LimitRanger,
    "ServiceAccount": ServiceAccount,
    "TaintNodesByCondition": TaintNodesByCondition,
    "Priority": Priority,
    "DefaultTolerationSeconds": DefaultTolerationSeconds,
    "ExtendedResourceToleration": ExtendedResourceToleration,
}


#: On, but with nothing to do: their APIs are not served, or they are about a cloud there is none of.
_IDLE = frozenset({"ClusterTrustBundleAttest", "PersistentVolumeLabel"})


def chosen(enabled: Sequence[str], disabled: Sequence[str], exactly: Sequence[str]) -> list[str]:
    """The plugins that are on, in order. `exactly` is the old --admission-control: those and no others.

    Raises ValueError for unknown names and contradictions, in one line."""
    for name in (*enabled, *disabled, *exactly):
        if name not in ORDER:
            raise ValueError(f'admission-control plugin "{name}" is unknown')
    if exactly:
        if enabled or disabled:
            raise ValueError(
                "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive"
            )
        wanted = frozenset(exactly)
    else:
        both = sorted(set(enabled) & set(disabled))
        if both:
            raise ValueError(f"{both} in enable-admission-plugins and disable-admission-plugins overlapped")
        wanted = (DEFAULT_ON | frozenset(enabled)) - frozenset(disabled)
    return [name for name in ORDER if name in wanted]


def make(names: Iterable[str], setting: Setting) -> list[AdmissionPlugin]:
    """The plugins of these names."""
    return [_MAKERS[name](setting) for name in names if name in _MAKERS]
