"""Admission: what may be written, and what is filled in, beyond the rules of each kind. One rule (or family) per file.

`build` makes the chain of --enable-admission-plugins, --disable-admission-plugins or the old --admission-control,
always in the order of `plugins.ORDER`."""

from __future__ import annotations

from apiserver.admission import configuration
from apiserver.admission.base import Setting
from apiserver.admission.chain import Chain
from apiserver.admission.escalation import RBACEscalation
from apiserver.admission.plugins import chosen, make
from apiserver.admission.policies.plugin import ValidatingAdmissionPolicy
from apiserver.admission.privileged import PrivilegedContainers
from apiserver.authz import Authorization
from apiserver.features import policies_enforced
from apiserver.interfaces import Authorizer, Loopback, Versions
from apiserver.options import Options
from apiserver.webhooks.caller import Caller

__all__ = ["Chain", "build"]


def build(options: Options, loopback: Loopback, authorizer: Authorizer, webhooks: Caller, versions: Versions) -> Chain:
    """The chain as the flags say; raises ValueError with one line for unknown plugins
    and for configurations that make no sense, OSError for files that cannot be read."""
    names = chosen(options.enable_admission_plugins, options.disable_admission_plugins, options.admission_control)
    setting = Setting(
        api=loopback,
        authorizer=authorizer,
        webhooks=webhooks,
        versions=versions,
        configuration=configuration.load(options.admission_control_config_file),
        not_ready_toleration_seconds=options.default_not_ready_toleration_seconds,
        unreachable_toleration_seconds=options.default_unreachable_toleration_seconds,
    )
    if not policies_enforced(options.feature_gates):
        names = [name for name in names if name != ValidatingAdmissionPolicy.name]
    plugins = make(names, setting)
    if isinstance(authorizer, Authorization) and authorizer.rbac is not None:
        plugins.append(RBACEscalation(authorizer))
    if not options.allow_privileged:
        plugins.insert(0, PrivilegedContainers())
    return Chain(plugins)
