"""POST pods/NAME/eviction: a delete that PodDisruptionBudgets may refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from apimachinery import errors, labels
from apimachinery.errors import ApiError
from apimachinery.objects import Object, format_time, is_deleting, labels_of, name_of, namespace_of
from apiserver.http import reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.special.bodies import Bodies
from apiserver.registry import delete, reading, update
from apiserver.registry.context import DeleteOptions, WriteContext
from apiserver.registry.served import Served

_MAX_DISRUPTED = 2000
_ENDED = frozenset({"Succeeded", "Failed"})


class Evictions:
    """Evicts pods."""

    def __init__(self, pods: Served, budgets: Served, bodies: Bodies) -> None:
        self._pods = pods
        self._budgets = budgets
        self._bodies = bodies

    async def create(self, call: Call) -> Reply:
        """Delete the pod where its budget, if it has one, allows it; raises TooManyRequests."""
        representation = call.representation()
        # Drains of kubectl before 1.22 speak of the older version.
        eviction = await self._bodies.read(call, "policy", "v1", "Eviction", also=("policy/v1beta1",))
        name, namespace = call.info.name, call.info.namespace
        if name_of(eviction) not in ("", name):
            raise errors.BadRequest("name in URL does not match name in Eviction object")
        raw = eviction.get("deleteOptions") or {}
        dry_run = bool(raw.get("dryRun"))
        attributes = replace(call.attributes, dry_run=dry_run)
        pod = (await reading.get(self._pods, namespace, name)).obj
        await self._pods.admission.admit(attributes, eviction, None)
        call.warnings += await self._pods.admission.validate(attributes, eviction, None)
        if not may_ignore_budgets(pod):
            await self._spend(pod, dry_run=dry_run)
        context = WriteContext(replace(attributes, verb="delete", subresource=""), datetime.now(UTC), dry_run)
        await delete.delete(self._pods, namespace, name, _options(raw), context)
        return reply.document(reply.success_status(code=201), representation, 201)

    async def _spend(self, pod: Object, *, dry_run: bool) -> None:
        namespace, name = namespace_of(pod), name_of(pod)
        found = [item.obj for item in self._budgets.store.cache.list(namespace) if covers(item.obj, pod)]
        if not found:
            return
        if len(found) > 1:
            text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise errors.InternalError(f"Internal error occurred: {text}")
        now = datetime.now(UTC)
        await update.rewrite(
            self._budgets, namespace, name_of(found[0]), lambda budget: spent(budget, name, now), dry_run=dry_run
        )


def _options(raw: Object) -> DeleteOptions:
    preconditions = raw.get("preconditions") or {}
    return DeleteOptions(
        raw.get("gracePeriodSeconds"),
        raw.get("propagationPolicy") or "",
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        raw,
    )


def may_ignore_budgets(pod: Object) -> bool:
    """Pods that serve nobody do not count."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in _ENDED or phase == "Pending" or is_deleting(pod)


def covers(budget: Object, pod: Object) -> bool:
    """Whether the budget selects the pod."""
    selector = labels.from_label_selector((budget.get("spec") or {}).get("selector"))
    return selector.matches(labels_of(pod))


def spent(budget: Object, pod_name: str, now: datetime) -> Object:
    """The budget, changed in place, with one disruption less. Pure; raises TooManyRequests, Forbidden."""
    name = name_of(budget)
    status = budget.get("status") or {}
    if (status.get("observedGeneration") or 0) < (budget["metadata"].get("generation") or 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", 10)
    allowed = status.get("disruptionsAllowed") or 0
    disrupted = status.get("disruptedPods") or {}
    if allowed < 0:
        raise errors.forbidden("policy", "poddisruptionbudgets", name, "pdb disruptions allowed is negative")
    if len(disrupted) > _MAX_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise errors.forbidden("policy", "poddisruptionbudgets", name, why)
    if allowed == 0:
        needed, healthy = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
        raise _refused(f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently", 0)
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = {**disrupted, pod_name: format_time(now)}
    budget["status"] = status
    return budget


def _refused(why: str, retry_after_seconds: int) -> ApiError:
    return errors.TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        details={"causes": [{"reason": "DisruptionBudget", "message": why}]},
        retry_after_seconds=retry_after_seconds,
    )
