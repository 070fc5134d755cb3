"""Which names a CustomResourceDefinition gets, and its conditions NamesAccepted and Established. Pure.

(k8s.io/apiextensions-apiserver/pkg/controller/status.) Names are first come, first served within a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from api.apiextensions.approval import with_approval
from api.apiextensions.conditions import condition, with_condition
from apimachinery.fielderrors import go_quote
from apimachinery.objects import Object, name_of


def settled(crd: Object, others: Iterable[Object], now: datetime) -> Object:
    """The status that the definition is to have beside the other definitions."""
    spec = crd["spec"]
    status: Object = dict(crd.get("status") or {})
    rivals = [each for each in others if each["spec"]["group"] == spec["group"] and name_of(each) != name_of(crd)]
    accepted, conflict = _accepted(spec["names"], status.get("acceptedNames") or {}, rivals)
    status["acceptedNames"] = accepted
    status = with_approval(crd, status, now)
    if conflict:
        reason, message = conflict
        status = with_condition(status, "NamesAccepted", "False", reason, message, now)
        if condition(status, "Established").get("status") != "True":
            text = "not all names are accepted"
            status = with_condition(status, "Established", "False", "NotAccepted", text, now)
        return status
    status = with_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
    if condition(status, "Established").get("status") != "True":
        text = "the initial names have been accepted"
        status = with_condition(status, "Established", "True", "InitialNamesAccepted", text, now)
    return status


def _accepted(
    wanted: Mapping[str, Any], present: Mapping[str, Any], rivals: Iterable[Object]
) -> tuple[Object, tuple[str, str] | None]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for rival in rivals:
        taken = (rival.get("status") or {}).get("acceptedNames") or {}
        resources.update(name for name in (taken.get("plural"), taken.get("singular")) if name)
        resources.update(taken.get("shortNames") or ())
        kinds.update(name for name in (taken.get("kind"), taken.get("listKind")) if name)
    accepted: Object = {"plural": present.get("plural") or "", "kind": present.get("kind") or ""}
    accepted |= {key: value for key, value in present.items() if value and key != "categories"}
    conflict: tuple[str, str] | None = None
    for field, taken_names in (("plural", resources), ("singular", resources), ("kind", kinds), ("listKind", kinds)):
        name = wanted.get(field) or ""
        if name and name in taken_names:
            conflict = (f"{field[:1].upper()}{field[1:]}Conflict", f"{go_quote(name)} is already in use")
        elif name:
            accepted[field] = name
    short = list(wanted.get("shortNames") or ())
    clashing = [name for name in short if name in resources]
    if clashing:
        conflict = ("ShortNamesConflict", ", ".join(f"{go_quote(name)} is already in use" for name in clashing))
    elif short:
        accepted["shortNames"] = short
    else:
        accepted.pop("shortNames", None)
    if wanted.get("categories"):
        accepted["categories"] = list(wanted["categories"])
    return accepted, conflict
