"""Without --allow-privileged no container is privileged, wherever it is written.

No plugin of the reference: there it is one of the rules of containers, which ask the server's capabilities
(ValidateSecurityContext in k8s.io/kubernetes/pkg/apis/core/validation). Here the rules of kinds know of no flags, so
this is asked first of all once they are kept. StatefulSets are left alone, as their templates are not validated."""

from __future__ import annotations

from api.core.pod.annotations import each_container
from apimachinery import errors
from apimachinery import fielderrors as fe
from apimachinery.objects import Object, name_of
from apiserver.admission.base import Plugin
from apiserver.admission.templates import WORKLOADS, template_of, template_path
from apiserver.interfaces import Attributes


class PrivilegedContainers(Plugin):
    """Pods, and the templates of those that will be made."""

    name = "PrivilegedContainers"
    resources = {
        ("", "pods"): frozenset({"", "ephemeralcontainers"}),
        **{workload: frozenset({""}) for workload in WORKLOADS - {("apps", "statefulsets")}},
    }

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Invalid."""
        if obj is None:
            return []
        if attributes.resource == "pods":
            pod, path = obj, "spec"
        else:
            pod = template_of(obj, attributes.group, attributes.resource) or {}
            path = f"{template_path(attributes.group, attributes.resource)}.spec"
        problems = [
            fe.forbidden(f"{here}.securityContext.privileged", "disallowed by cluster policy")
            for container, here in each_container(pod.get("spec") or {}, path)
            if (container.get("securityContext") or {}).get("privileged")
        ]
        if problems:
            raise errors.invalid(attributes.group, obj.get("kind") or "", name_of(obj), problems)
        return []
