"""POST pods/NAME/binding (and the old bindings): the scheduler's decision, written once and for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from apimachinery import errors
from apimachinery import fielderrors as fe
from apimachinery.errors import ApiError
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of, format_time, is_deleting, name_of, uid_of
from apiserver.http import params, reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.special.bodies import Bodies
from apiserver.registry import objectmeta, update
from apiserver.registry.served import Served


class Bindings:
    """Binds pods to nodes."""

    def __init__(self, pods: Served, bodies: Bodies) -> None:
        self._pods = pods
        self._bodies = bodies

    async def create(self, call: Call) -> Reply:
        """Set spec.nodeName; raises Conflict where the pod has one already or is being deleted."""
        representation = call.representation()
        binding = await self._bodies.read(call, "", "v1", "Binding")
        dry_run, _, _ = params.write_options(call.query, "create")
        objectmeta.settle_namespace(binding, call.info.namespace, namespaced=True)
        name = call.info.name or name_of(binding)
        if name_of(binding) not in ("", name):
            raise errors.BadRequest("name in URL does not match name in Binding object")
        problems = check(binding)
        if problems:
            raise errors.invalid("", "Binding", name_of(binding), problems)
        attributes = replace(call.attributes, name=name, dry_run=dry_run)
        await self._pods.admission.admit(attributes, binding, None)
        call.warnings += await self._pods.admission.validate(attributes, binding, None)
        now = datetime.now(UTC)
        await update.rewrite(
            self._pods, call.info.namespace, name, lambda pod: bound(pod, binding, now), dry_run=dry_run
        )
        return reply.document(reply.success_status(code=201), representation, 201)


def check(binding: Object) -> list[FieldError]:
    """What is wrong with a Binding (ValidatePodBinding)."""
    target = binding.get("target") or {}
    problems = []
    if target.get("kind") not in (None, "", "Node"):
        problems.append(fe.not_supported("target.kind", target["kind"], ["Node", "<empty>"]))
    if not target.get("name"):
        problems.append(fe.required("target.name"))
    return problems


def bound(pod: Object, binding: Object, now: datetime) -> Object:
    """The pod, changed in place, as assigned to the binding's node. Pure; raises Conflict."""
    name = name_of(pod)
    wanted_uid = uid_of(binding)
    if wanted_uid and wanted_uid != uid_of(pod):
        why = f"Precondition failed: UID in precondition: {wanted_uid}, UID in object meta: {uid_of(pod)}"
        raise _conflict(name, why)
    if is_deleting(pod):
        raise _conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    spec = pod["spec"]
    if spec.get("nodeName"):
        raise _conflict(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = binding["target"]["name"]
    if annotations := annotations_of(binding):
        pod["metadata"].setdefault("annotations", {}).update(annotations)
    _set_scheduled(pod, now)
    return pod


def _set_scheduled(pod: Object, now: datetime) -> None:
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    condition = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": format_time(now),
    }
    for index, present in enumerate(conditions):
        if present.get("type") == "PodScheduled":
            conditions[index] = condition
            return
    conditions.append(condition)


def _conflict(name: str, why: str) -> ApiError:
    return errors.conflict("", "pods/binding", name, why)
