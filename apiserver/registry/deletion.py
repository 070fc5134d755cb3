"""What a DELETE means for one object: marked, updated and kept, or removed. Pure.

The rules are those of rest.BeforeDelete and of the generic store's finalizers for garbage collection."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from api.kind import Kind
from apimachinery import errors
from apimachinery.objects import Object, format_time, name_of, parse_time, uid_of
from apiserver.registry.context import DeleteOptions

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
#: A grace period may be any number, but the year of a deletionTimestamp has four digits.
_LONGEST_SECONDS: Final = 7000 * 365 * 86_400


class Outcome(enum.Enum):
    """What is to be done."""

    REMOVE = "remove"  #: at once, as it is
    UPDATE = "update"  #: write the marked object and keep it
    UPDATE_AND_REMOVE = "update and remove"  #: the marked object is the answer, and then it goes
    NOTHING = "nothing"  #: a deletion is under way already


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome and the object as it is after it."""

    outcome: Outcome
    obj: Object


def check_preconditions(kind: Kind, obj: Object, options: DeleteOptions) -> None:
    """Raises Conflict where the object is not the one that was meant."""
    resource = kind.resource
    if options.uid and options.uid != uid_of(obj):
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid_of(obj)}). "
            "The object might have been deleted and then recreated"
        )
        raise errors.conflict(resource.group, resource.kind, name_of(obj), why)
    version = obj["metadata"].get("resourceVersion") or ""
    if options.resource_version and options.resource_version != version:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({version}). The object might have been modified"
        )
        raise errors.conflict(resource.group, resource.kind, name_of(obj), why)


def plan(kind: Kind, obj: Object, options: DeleteOptions, now: datetime) -> Plan:
    """Decide on a private copy of the stored object, which is changed in place; raises Conflict."""
    check_preconditions(kind, obj, options)
    if options.grace_period_seconds is not None and options.grace_period_seconds < 0:
        options = replace(options, grace_period_seconds=1)
    if _is_namespace(kind):
        return _plan_namespace(obj, options, now)
    if not obj["metadata"].get("deletionTimestamp") and kind.strategy.begin_deletion(obj, now):
        obj["metadata"]["deletionTimestamp"] = format_time(now)
        return Plan(Outcome.UPDATE, obj)
    graceful = _grace(kind, obj, options, now)
    if graceful is Outcome.NOTHING:
        return Plan(Outcome.NOTHING, obj)
    finalizers = settled_finalizers(kind, obj, options)
    metadata = obj["metadata"]
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if graceful is Outcome.REMOVE:
        if not finalizers:
            return Plan(Outcome.REMOVE, obj)
        mark_as_deleting(obj, now)
        return Plan(Outcome.UPDATE, obj)
    if finalizers or metadata["deletionGracePeriodSeconds"] > 0:
        return Plan(Outcome.UPDATE, obj)
    return Plan(Outcome.UPDATE_AND_REMOVE, obj)


def _grace(kind: Kind, obj: Object, options: DeleteOptions, now: datetime) -> Outcome:
    """REMOVE: no grace; UPDATE: `obj` is marked with a grace period (maybe 0); NOTHING: a longer one is pending."""
    seconds = kind.strategy.grace_period_seconds(obj, options.grace_period_seconds)
    metadata = obj["metadata"]
    if metadata.get("deletionTimestamp"):
        pending = metadata.get("deletionGracePeriodSeconds")
        if not pending:  # with 0 it would be gone, had the second of the two writes not failed
            return Outcome.REMOVE
        if options.grace_period_seconds is None or options.grace_period_seconds >= pending:
            return Outcome.NOTHING
        began = parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=min(pending, _LONGEST_SECONDS))
        metadata["deletionTimestamp"] = format_time(_later(began, options.grace_period_seconds))
        metadata["deletionGracePeriodSeconds"] = options.grace_period_seconds
        return Outcome.UPDATE
    if seconds is None:
        return Outcome.REMOVE
    metadata["deletionTimestamp"] = format_time(_later(now, seconds))
    metadata["deletionGracePeriodSeconds"] = seconds
    _bump_generation(obj)
    return Outcome.UPDATE


def _later(moment: datetime, seconds: int) -> datetime:
    return moment + timedelta(seconds=min(seconds, _LONGEST_SECONDS))


def mark_as_deleting(obj: Object, now: datetime) -> None:
    """Set the deletion marks without grace; they stay as they are where they say no later than now."""
    metadata = obj["metadata"]
    marked = metadata.get("deletionTimestamp")
    if not marked:
        _bump_generation(obj)
    if not marked or parse_time(marked) > now:
        metadata["deletionTimestamp"] = format_time(now)
    metadata["deletionGracePeriodSeconds"] = 0


def settled_finalizers(kind: Kind, obj: Object, options: DeleteOptions) -> list[str]:
    """The finalizers with those of garbage collection put in or taken out, as the options say."""
    present = list(obj["metadata"].get("finalizers") or ())
    orphan = _wants(options, "Orphan", ORPHAN in present)
    foreground = _wants(options, "Foreground", FOREGROUND in present)
    if orphan is None:
        orphan = kind.orphans_by_default and not foreground
    settled = [finalizer for finalizer in present if finalizer not in (ORPHAN, FOREGROUND)]
    if orphan:
        settled.append(ORPHAN)
    if foreground:
        settled.append(FOREGROUND)
    return present if sorted(settled) == sorted(present) else settled


def _wants(options: DeleteOptions, policy: str, present: bool) -> bool | None:
    """Whether the policy is asked for; without a word, whether its finalizer is there already (else None)."""
    if options.propagation_policy:
        return options.propagation_policy == policy
    return True if present else None


def _bump_generation(obj: Object) -> None:
    metadata = obj["metadata"]
    if metadata.get("generation"):
        metadata["generation"] += 1


def _is_namespace(kind: Kind) -> bool:
    return kind.resource.group_resource == "namespaces"


def _plan_namespace(obj: Object, options: DeleteOptions, now: datetime) -> Plan:
    """A namespace goes through the Terminating phase and leaves when spec.finalizers is empty."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp"):
        metadata["deletionTimestamp"] = format_time(now)
        obj.setdefault("status", {})["phase"] = "Terminating"
        for policy, finalizer in (("Orphan", ORPHAN), ("Foreground", FOREGROUND)):
            if options.propagation_policy == policy:
                metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]
        return Plan(Outcome.UPDATE, obj)
    if (obj.get("spec") or {}).get("finalizers") or metadata.get("finalizers"):
        return Plan(Outcome.NOTHING, obj)
    return Plan(Outcome.REMOVE, obj)
