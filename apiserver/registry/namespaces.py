"""The finalize subresource of Namespaces: the only way to take a finalizer out of spec.finalizers. Pure."""

from __future__ import annotations

from api.kind import Strategy
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object


class FinalizeStrategy(Strategy):
    """PUT namespaces/NAME/finalize: spec.finalizers changes, everything else stays as it is."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Only spec.finalizers is the writer's."""
        finalizers = (new.get("spec") or {}).get("finalizers")
        metadata = new.get("metadata") or {}
        for field in [field for field in new if field not in ("apiVersion", "kind", "metadata")]:
            del new[field]
        new.update({field: value for field, value in old.items() if field != "metadata"})
        new["metadata"] = {**old["metadata"], "resourceVersion": metadata.get("resourceVersion", "")}
        if managed := metadata.get("managedFields"):
            new["metadata"]["managedFields"] = managed
        new["spec"] = {**(old.get("spec") or {}), "finalizers": finalizers} if finalizers else {}

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Nothing else can have changed."""
        return []
