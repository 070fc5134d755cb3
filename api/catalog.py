"""Every built-in kind, as declared in the packages beside this module, and the look-ups the API server makes.

Pure. Custom resources are not here: the API server adds their kinds to its own, changing table."""

from __future__ import annotations

from api.admissionregistration import kinds as admissionregistration
from api.apiextensions import kinds as apiextensions
from api.apiregistration import kinds as apiregistration
from api.apps import kinds as apps
from api.auth import kinds as auth
from api.autoscaling import kinds as autoscaling
from api.batch import kinds as batch
from api.certificates import kinds as certificates
from api.coordination import kinds as coordination
from api.core import kinds as core
from api.discovery import kinds as discovery
from api.events import kinds as events
from api.flowcontrol import kinds as flowcontrol
from api.kind import Kind
from api.networking import kinds as networking
from api.node import kinds as node
from api.policy import kinds as policy
from api.rbac import kinds as rbac
from api.scheduling import kinds as scheduling
from api.storage import kinds as storage

#: In the order in which the reference lists its groups (/apis), core first.
KINDS: tuple[Kind, ...] = (
    *core.KINDS,
    *apiregistration.KINDS,
    *apps.KINDS,
    *events.KINDS,
    *auth.KINDS,
    *autoscaling.KINDS,
    *batch.KINDS,
    *certificates.KINDS,
    *networking.KINDS,
    *policy.KINDS,
    *rbac.KINDS,
    *storage.KINDS,
    *admissionregistration.KINDS,
    *apiextensions.KINDS,
    *scheduling.KINDS,
    *coordination.KINDS,
    *node.KINDS,
    *discovery.KINDS,
    *flowcontrol.KINDS,
)

#: Served only where --runtime-config asks for them.
OPTIONAL_KINDS: tuple[Kind, ...] = admissionregistration.POLICY_KINDS

_ALL = (*KINDS, *OPTIONAL_KINDS)
_BY_RESOURCE = {(kind.resource.group, kind.resource.version, kind.resource.plural): kind for kind in _ALL}
_BY_KIND = {(kind.resource.group, kind.resource.version, kind.resource.kind): kind for kind in _ALL}


def by_resource(group: str, version: str, plural: str) -> Kind | None:
    """The kind that is, or can be, served as this resource."""
    return _BY_RESOURCE.get((group, version, plural))


def by_kind(group: str, version: str, kind: str) -> Kind | None:
    """The kind of this name."""
    return _BY_KIND.get((group, version, kind))
