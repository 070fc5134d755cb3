"""The scale subresource: replicas of a workload, read and written as autoscaling/v1 Scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from apimachinery import errors, labels
from apimachinery import fielderrors as fe
from apimachinery.objects import Object, deep_copy, name_of
from apiserver.http import reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.request_info import first
from apiserver.http.resources import ResourceHandlers
from apiserver.http.special.bodies import Bodies
from apiserver.http.special.scaleowners import ScaleOwners, owners_of
from apiserver.registry import objectmeta, ownership, patching, reading, update
from apiserver.registry.context import WriteContext
from apiserver.registry.decoding import to_stored_form
from apiserver.registry.served import Served
from apiserver.registry.update import Update

_GROUP, _VERSION, _KIND = "autoscaling", "v1", "Scale"
#: Those of which a read says that the scale is not found; of the others, that the object is not.
_SAY_SCALE = frozenset({"deployments", "replicasets", "replicationcontrollers"})
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class Form(Protocol):
    """How an object says its scale. Pure."""

    def scale_of(self, obj: Object) -> Object:
        """The Scale."""
        ...

    def rescaled(self, obj: Object, scale: Object) -> None:
        """Take the replicas, and the preconditions, of a Scale into its object, in place."""
        ...

    def owners(self, served: Served) -> ScaleOwners:
        """Between managedFields of the objects and of their Scales."""
        ...


class Scales:
    """The scale of one resource."""

    def __init__(self, served: Served, resources: ResourceHandlers, bodies: Bodies, form: Form | None = None) -> None:
        self._served = served
        self._form = form or WorkloadForm()
        self._resources = resources
        self._bodies = bodies
        typed = bodies.typed(_GROUP, _VERSION, _KIND)
        self._typed = Served(typed.kind, served.store, typed.schema, served.admission)

    async def get(self, call: Call) -> Reply:
        """The present scale; raises NotFound."""
        try:
            found = await reading.get(self._served, call.info.namespace, call.info.name)
        except errors.NotFound:
            raise self._not_found(call.info.name) from None
        return reply.document(self._form.scale_of(await self._served.opened(found)), call.representation())

    def _not_found(self, name: str) -> errors.NotFound:
        resource = self._served.kind.resource
        if resource.plural not in _SAY_SCALE:
            return self._served.not_found(name)
        # The reference's ReplicationControllers have their scale from the group autoscaling.
        return errors.not_found(resource.group or _GROUP, f"{resource.plural}/scale", name)

    async def update(self, call: Call) -> Reply:
        """PUT."""
        context = self._resources.context(call, "update")
        scale = await self._bodies.read(call, _GROUP, _VERSION, _KIND)
        objectmeta.settle_identity(scale, call.info.name, call.info.namespace, namespaced=bool(call.info.namespace))
        return await self._write(call, context, lambda _: scale, applies=False)

    async def patch(self, call: Call) -> Reply:
        """PATCH of the Scale."""
        media_type = call.content_type.partition(";")[0].strip()
        if media_type not in patching.MEDIA_TYPES:
            raise errors.UnsupportedMediaType("415: Unsupported Media Type", details={})
        applies = media_type == patching.APPLY_PATCH
        context = self._resources.context(call, "patch", applies=applies)
        force = first(call.query, "force") in ("true", "1")
        patch = patching.parse(self._typed, media_type, await call.body(), context, force=force)
        return await self._write(
            call, context, lambda live: patching.patched(self._typed, patch, live, context, "scale"), applies=applies
        )

    async def _write(
        self, call: Call, context: WriteContext, wanted: Callable[[Object], Object], *, applies: bool
    ) -> Reply:
        info, representation = call.info, call.representation()
        owners = self._form.owners(self._served)

        def change(old: Object | None) -> Object:
            if old is None:
                raise self._served.not_found(info.name)
            live = self._form.scale_of(old)
            managed = old["metadata"].get("managedFields")
            if managed:
                live["metadata"]["managedFields"] = owners.shown(managed)
            scale = wanted(deep_copy(live))
            if not applies:
                ownership.on_update(self._typed, scale, live, context, "scale")
            check(scale)
            self._form.rescaled(old, scale)
            if managed or applies:
                old["metadata"]["managedFields"] = owners.taken(managed, scale["metadata"].get("managedFields"))
            return to_stored_form(self._served, old)

        request = Update(info.namespace, info.name, change, "scale", applies=True)
        done = await update.update(self._served, request, context)
        (obj,) = await self._served.shown([done.object.obj], remember=not context.dry_run)
        return reply.document(self._form.scale_of(obj), representation)


def scale_of(obj: Object) -> Object:
    """The Scale of a workload. Pure."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    selector = spec.get("selector")
    is_map = obj.get("kind") == "ReplicationController"
    text = str(labels.from_map(selector) if is_map else labels.from_label_selector(selector))
    scale: Object = {
        "kind": _KIND,
        "apiVersion": f"{_GROUP}/{_VERSION}",
        "metadata": {field: obj["metadata"][field] for field in _METADATA if field in obj["metadata"]},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {"replicas": status.get("replicas") or 0},
    }
    if text:
        scale["status"]["selector"] = text
    return scale


def check(scale: Object) -> None:
    """Raises Invalid for negative replicas."""
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        problem = fe.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.invalid(_GROUP, _KIND, name_of(scale), [problem])


def rescaled(obj: Object, scale: Object) -> None:
    """Take the replicas, and the preconditions, of a Scale into its workload, in place."""
    metadata = scale.get("metadata") or {}
    for field in ("uid", "resourceVersion"):
        if metadata.get(field):
            obj["metadata"][field] = metadata[field]
    obj["spec"]["replicas"] = (scale.get("spec") or {}).get("replicas") or 0


class WorkloadForm:
    """Of the built-in workloads: spec.replicas, status.replicas, spec.selector."""

    def scale_of(self, obj: Object) -> Object:
        """As `scale_of`."""
        return scale_of(obj)

    def rescaled(self, obj: Object, scale: Object) -> None:
        """As `rescaled`."""
        rescaled(obj, scale)

    def owners(self, served: Served) -> ScaleOwners:
        """By spec.replicas."""
        return owners_of(served, {})
