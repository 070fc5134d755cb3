"""Where in each workload the template of its pods is. Pure."""

from __future__ import annotations

from apimachinery.objects import Object

_PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): ("spec", "template"),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
#: (group, resource) of all that have one.
WORKLOADS = frozenset(_PATHS)


def template_path(group: str, resource: str) -> str:
    """The template's path in messages."""
    return ".".join(_PATHS[group, resource])


def template_of(obj: Object, group: str, resource: str) -> Object | None:
    """The template, if the object has one."""
    found: Object | None = obj
    for key in _PATHS[group, resource]:
        found = (found or {}).get(key)
    return found
