"""What the registry itself writes into metadata, and what it carries over from the stored object on update.

Pure but for the randomness handed in. The rules of metadata's validity are in `api.validation.objectmeta`."""

from __future__ import annotations

from datetime import datetime
from random import Random

from apimachinery.errors import ApiError, BadRequest
from apimachinery.objects import Object, format_time

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_RANDOM_LENGTH = 5
_MAX_NAME_LENGTH = 63
_UINT64_MAX = 2**64 - 1
#: What a creator may not choose.
_SYSTEM_FIELDS = ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")


class UnknownReason(ApiError):
    """500 without a reason: how the reference shows an error that it did not expect to show."""

    code, reason = 500, ""


def generated_name(base: str, random: Random) -> str:
    """`base` and five random characters, within the length of a label."""
    base = base[: _MAX_NAME_LENGTH - _RANDOM_LENGTH]
    return base + "".join(random.choices(_NAME_ALPHABET, k=_RANDOM_LENGTH))


def metadata_of(obj: Object) -> Object:
    """The object's metadata, made where it is absent."""
    metadata: Object | None = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    return metadata


def settle_namespace(obj: Object, namespace: str, *, namespaced: bool) -> None:
    """Give the object the URL's namespace; raises BadRequest where it names another one.

    An object of the whole cluster may name any: it is forgotten (EnsureObjectNamespaceMatchesRequestNamespace)."""
    metadata = metadata_of(obj)
    if not namespaced:
        metadata.pop("namespace", None)
        return
    own = metadata.get("namespace") or ""
    if own and own != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace


def settle_identity(obj: Object, name: str, namespace: str, *, namespaced: bool) -> None:
    """Check name and namespace of what is to replace an object against the URL's; raises BadRequest.

    An absent namespace is filled in, an absent name refused."""
    metadata = metadata_of(obj)
    own, own_namespace = metadata.get("name") or "", metadata.get("namespace") or ""
    if not own:
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if own != name:
        raise BadRequest(f"the name of the object ({own}) does not match the name on the URL ({name})")
    if namespace and own_namespace not in ("", namespace):
        raise BadRequest(
            f"the namespace of the object ({own_namespace}) does not match the namespace on the request ({namespace})"
        )
    settle_namespace(obj, namespace, namespaced=namespaced)


def fill_on_create(obj: Object, now: datetime, uid: str) -> None:
    """The system's fields of a new object."""
    metadata = metadata_of(obj)
    for field in _SYSTEM_FIELDS:
        metadata.pop(field, None)
    metadata["creationTimestamp"] = format_time(now)
    metadata["uid"] = uid


def check_version_on_create(obj: Object) -> None:
    """A new object carries no resourceVersion."""
    if metadata_of(obj).pop("resourceVersion", None):
        raise UnknownReason("resourceVersion should not be set on objects to be created")


def carry_over(new: Object, old: Object) -> None:
    """What an update never changes, before the strategy has its say."""
    ours, theirs = metadata_of(new), metadata_of(old)
    _take(ours, theirs, "generation")
    ours.pop("selfLink", None)
    if "namespace" not in theirs:  # of the whole cluster, whatever a patch says
        ours.pop("namespace", None)


def restore_system_fields(new: Object, old: Object) -> None:
    """What an update never changes, after the strategy had its say."""
    ours, theirs = metadata_of(new), metadata_of(old)
    if not ours.get("uid"):
        _take(ours, theirs, "uid")
    _take(ours, theirs, "creationTimestamp")
    if theirs.get("deletionTimestamp"):
        _take(ours, theirs, "deletionTimestamp")
    if theirs.get("deletionGracePeriodSeconds") is not None and ours.get("deletionGracePeriodSeconds") is None:
        _take(ours, theirs, "deletionGracePeriodSeconds")


def _take(ours: Object, theirs: Object, field: str) -> None:
    if field in theirs:
        ours[field] = theirs[field]
    else:
        ours.pop(field, None)


def parse_version(text: str, *, field: str = "") -> int:
    """A resourceVersion as a number ("" is 0); raises the reference's error for anything else."""
    if not text:
        return 0
    if text.isascii() and text.isdigit() and int(text) <= _UINT64_MAX:
        return int(text)
    why = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
    problem = f'strconv.ParseUint: parsing "{text}": {why}'
    raise UnknownReason(f'{field}: Invalid value: "{text}": {problem}' if field else problem)
