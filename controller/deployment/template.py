"""Pod templates: when two are the same, and the name that tells them apart. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from apimachinery.objects import Object, annotations_of, is_deleting, labels_of, name_of

HASH_LABEL = "pod-template-hash"
#: Letters and digits of which no bad words are made (k8s.io/apimachinery's rand.SafeEncodeString).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619


def template_hash(template: Object, collisions: int) -> str:
    """A short name for the template; another one for each collision counted. FNV-1a of its canonical JSON."""
    value = _fnv32a(orjson.dumps(normalized(template), option=orjson.OPT_SORT_KEYS))
    if collisions:
        value = _fnv32a(collisions.to_bytes(8, "little"), value)
    return "".join(_ALPHABET[ord(char) % len(_ALPHABET)] for char in str(value))


def _fnv32a(data: bytes, start: int = _FNV_OFFSET) -> int:
    value = start
    for byte in data:
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return value


def normalized(template: Object) -> Object:
    """The template without the hash label and without what says nothing (null, empty)."""
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in labels_of(template).items() if key != HASH_LABEL}
    pruned: Object = _prune({**template, "metadata": metadata})
    return pruned


def _prune(value: Any) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _prune(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [_prune(item) for item in value]
    return value


def same_template(one: Object, other: Object) -> bool:
    """Whether pods made from one are as good as pods made from the other."""
    return one == other or normalized(one) == normalized(other)


def new_set(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The replica set of the deployment's template, the oldest where there are several."""
    template = deployment["spec"]["template"]
    for candidate in by_creation(sets):
        if same_template(candidate["spec"]["template"], template):
            return candidate
    return None


def old_sets(sets: Iterable[Object], new: Object | None) -> list[Object]:
    """All other replica sets."""
    uid = new["metadata"]["uid"] if new is not None else None
    return [candidate for candidate in sets if candidate["metadata"]["uid"] != uid]


def by_creation(sets: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(sets, key=lambda item: (item["metadata"].get("creationTimestamp") or "", name_of(item)))


def replicas_of(obj: Object | None) -> int:
    """spec.replicas; an absent one is the default 1."""
    if obj is None:
        return 0
    value = (obj.get("spec") or {}).get("replicas")
    return 1 if value is None else value


def status_of(obj: Object | None, key: str) -> int:
    """A number of the status, 0 where it is absent."""
    return ((obj or {}).get("status") or {}).get(key) or 0


def total(sets: Iterable[Object | None]) -> int:
    """The replicas asked of all sets together."""
    return sum(replicas_of(item) for item in sets)


def total_status(sets: Iterable[Object | None], key: str) -> int:
    """A number of the status, of all sets together."""
    return sum(status_of(item, key) for item in sets)


def alive(sets: Iterable[Object]) -> list[Object]:
    """Those that are not being deleted."""
    return [item for item in sets if not is_deleting(item)]


REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
#: Annotations of a deployment that its replica sets do not get.
_OWN_ANNOTATIONS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)


def revision_of(obj: Object) -> int:
    """The revision in the object's annotations, 0 where it is absent or no number."""
    text = annotations_of(obj).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def next_revision(old: Sequence[Object]) -> int:
    """One more than any old replica set has."""
    return max((revision_of(item) for item in old), default=0) + 1


def annotations_for(deployment: Object, current: Object | None, revision: int) -> dict[str, str]:
    """The annotations of the new replica set: the deployment's, the revision, and the revisions it had before."""
    have = dict(annotations_of(current or {}))
    for key, value in annotations_of(deployment).items():
        if key not in _OWN_ANNOTATIONS:
            have[key] = value
    was = revision_of(current or {})
    if was < revision:
        have[REVISION] = str(revision)
        if was:
            history = have.get(REVISION_HISTORY)
            have[REVISION_HISTORY] = f"{history},{was}" if history else str(was)
    return have


def with_replica_annotations(annotations: dict[str, str], desired: int, maximum: int) -> dict[str, str]:
    """The annotations by which a later resize finds the proportions."""
    return {**annotations, DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(maximum)}
