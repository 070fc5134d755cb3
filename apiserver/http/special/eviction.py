"""POST pods/NAME/eviction: a delete that PodDisruptionBudgets may refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from apimachinery import errors, labels
from apimachinery.errors import ApiError, Conflict
from apimachinery.objects import Object, format_time, is_deleting, labels_of, name_of, namespace_of
from apiserver.http import reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.special.bodies import Bodies
from apiserver.registry import delete, reading, update
from apiserver.registry.context import DeleteOptions, WriteContext
from apiserver.registry.served import Served

_MAX_DISRUPTED = 2000
_TRIES = 5
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
        await reading.get(self._pods, namespace, name)
        await self._pods.admission.admit(attributes, eviction, None)
        call.warnings += await self._pods.admission.validate(attributes, eviction, None)
        context = WriteContext(replace(attributes, verb="delete", subresource=""), datetime.now(UTC), dry_run)
        options = _options(raw)
        for tries_left in reversed(range(_TRIES)):
            try:
                await self._evict(namespace, name, options, context)
                break
            except Conflict:
                if options.resource_version or not tries_left:
                    raise
        return reply.document(reply.success_status(code=201), representation, 201)

    async def _evict(self, namespace: str, name: str, options: DeleteOptions, context: WriteContext) -> None:
        """Raises Conflict where the pod is no longer the one that was looked at."""
        pod = (await reading.get(self._pods, namespace, name)).obj
        check_meant(pod, options)  # before anything is taken of its budget
        ignored = may_ignore_budgets(pod)
        # What spares it a budget's guard is only true of the pod as it is now.
        pinned = not is_over(pod) if ignored else not await self._spend(pod, dry_run=context.dry_run)
        if pinned and not options.resource_version:
            options = replace(options, resource_version=pod["metadata"]["resourceVersion"])
        if not context.dry_run:
            marked = await update.rewrite(
                self._pods, namespace, name, lambda current: disrupted(current, options, context.now)
            )
            if options.resource_version:
                options = replace(options, resource_version=str(marked.revision))
        await delete.delete(self._pods, namespace, name, options, context)

    async def _spend(self, pod: Object, *, dry_run: bool) -> bool:
        """Take one disruption of the pod's budget, if it has one; False where the budget does not guard it as it is."""
        namespace, name = namespace_of(pod), name_of(pod)
        found = [item.obj for item in self._budgets.store.cache.list(namespace) if covers(item.obj, pod)]
        if not found:
            return True
        if len(found) > 1:
            text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise errors.InternalError(f"Internal error occurred: {text}")
        if not guards(found[0], pod):
            return False
        now = datetime.now(UTC)
        await update.rewrite(
            self._budgets, namespace, name_of(found[0]), lambda budget: spent(budget, name, now), dry_run=dry_run
        )
        return True


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
    return is_over(pod) or (pod.get("status") or {}).get("phase") == "Pending"


def is_over(pod: Object) -> bool:
    """Whether it will never serve anybody again."""
    return is_deleting(pod) or (pod.get("status") or {}).get("phase") in _ENDED


def guards(budget: Object, pod: Object) -> bool:
    """Whether the pod's eviction must be paid for. An unready one's need not be where the budget says AlwaysAllow, or
    where enough others are healthy (KEP-3017)."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
        return True
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return False
    status = budget.get("status") or {}
    needed, healthy = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
    return not 0 < needed <= healthy


def check_meant(pod: Object, options: DeleteOptions) -> None:
    """Raises Conflict where it is not the pod that `options` name. Pure."""
    name, metadata = name_of(pod), pod["metadata"]
    for wanted, present, what in (
        (options.uid, metadata.get("uid"), "UID"),
        (options.resource_version, metadata.get("resourceVersion"), "ResourceVersion"),
    ):
        if wanted and wanted != present:
            why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {present}"
            raise errors.conflict("", "pods", name, why)


def disrupted(pod: Object, options: DeleteOptions, now: datetime) -> Object:
    """The pod, changed in place, with the condition that tells why it ends (KEP-3329). Pure; raises Conflict where it
    is not the one that `options` name."""
    check_meant(pod, options)
    condition = {
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": None, "lastTransitionTime": format_time(now),
    }  # fmt: skip
    status = pod.setdefault("status", {})
    others = [present for present in status.get("conditions") or () if present.get("type") != condition["type"]]
    status["conditions"] = [*others, condition]
    return pod


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
