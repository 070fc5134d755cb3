"""Query parameters and option bodies as checked options. Pure; errors in the reference's words."""

from __future__ import annotations

from api.gosyntax import string_list
from api.validation.objectmeta import validate_field_manager
from apimachinery import decode, errors
from apimachinery import fielderrors as fe
from apimachinery.errors import BadRequest
from apimachinery.fielderrors import FieldError
from apimachinery.integers import parse_int64
from apimachinery.objects import Object
from apiserver.http.request_info import Query, first, is_true
from apiserver.registry import decoding
from apiserver.registry.context import IGNORE, STRICT, WARN, DeleteOptions
from apiserver.registry.reading import ListOptions

_OPTIONS_KIND = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_POLICIES = ("Foreground", "Background", "Orphan")
_MAX_MANAGER_BYTES = 128
_INT64 = 1 << 63


def list_options(query: Query, *, watch: bool) -> ListOptions:
    """ListOptions of a list or watch; raises BadRequest for numbers that are none."""
    if not query:
        return ListOptions(watch=watch)
    timeout = integer(query, "timeoutSeconds")
    return ListOptions(
        resource_version=first(query, "resourceVersion"),
        resource_version_match=first(query, "resourceVersionMatch"),
        limit=max(integer(query, "limit") or 0, 0),
        continue_token=first(query, "continue"),
        watch=watch,
        allow_bookmarks=is_true(query, "allowWatchBookmarks"),
        send_initial_events=is_true(query, "sendInitialEvents") if "sendInitialEvents" in query else None,
        timeout_seconds=float(timeout) if timeout else None,
    )


def integer(query: Query, name: str) -> int | None:
    """The number that a parameter says, as Go reads one; None where it is absent; raises BadRequest."""
    text = first(query, name)
    if not text:
        return None
    try:
        return parse_int64(text)
    except ValueError as error:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": {error}') from error


def write_options(query: Query, verb: str, *, applies: bool = False) -> tuple[bool, str, str]:
    """(dry run, field manager, field validation) of a write; raises Invalid."""
    if not query and not applies:
        return False, "", WARN
    problems = _dry_run_problems(query)
    manager = first(query, "fieldManager")
    if applies and not manager:
        problems.append(fe.required("fieldManager", "is required for apply patch"))
    if verb == "patch" and not applies and "force" in query:
        problems.append(fe.forbidden("force", "may not be specified for non-apply patch"))
    problems += validate_field_manager(manager, "fieldManager")
    validation = first(query, "fieldValidation")
    if validation not in ("", IGNORE, WARN, STRICT):
        problems.append(fe.not_supported("fieldValidation", validation, ["", IGNORE, WARN, STRICT]))
    if problems:
        raise errors.invalid("meta.k8s.io", _OPTIONS_KIND[verb], "", problems)
    return "dryRun" in query and bool(first(query, "dryRun")), manager, validation or WARN


def _dry_run_problems(query: Query) -> list[FieldError]:
    values = [value for value in query.get("dryRun", ()) if value]
    if not values or values == ["All"]:
        return []
    text = f'Unsupported value: {string_list(values)}: supported values: "All"'
    return [FieldError("FieldValueNotSupported", "dryRun", text)]


def delete_options(query: Query, body: bytes, *, yaml: bool) -> tuple[DeleteOptions, bool]:
    """(DeleteOptions, dry run) from the body or, without one, the query; raises BadRequest, Invalid."""
    raw = _delete_body(body, yaml=yaml) if body else _delete_query(query)
    dry_run = [str(value) for value in raw.get("dryRun") or ()]
    problems = _dry_run_problems({"dryRun": dry_run}) + _policy_problems(raw)
    if problems:
        raise errors.invalid("meta.k8s.io", "DeleteOptions", "", problems)
    preconditions = raw.get("preconditions") or {}
    policy = raw.get("propagationPolicy") or ""
    if raw.get("orphanDependents") is not None:
        policy = "Orphan" if raw["orphanDependents"] else "Background"
    options = DeleteOptions(
        grace_period_seconds=raw.get("gracePeriodSeconds"),
        propagation_policy=policy,
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        raw=raw,
    )
    return options, bool(dry_run)


def _policy_problems(raw: Object) -> list[FieldError]:
    policy = raw.get("propagationPolicy")
    if policy is None:
        return []
    if raw.get("orphanDependents") is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        return [fe.invalid("propagationPolicy", policy, why)]
    if policy not in _POLICIES:
        return [fe.not_supported("propagationPolicy", policy, [*_POLICIES, "nil"])]
    return []


def _delete_query(query: Query) -> Object:
    raw: Object = {}
    if not query:
        return raw
    grace = integer(query, "gracePeriodSeconds")
    if grace is not None:
        raw["gracePeriodSeconds"] = grace
    if "orphanDependents" in query:
        raw["orphanDependents"] = is_true(query, "orphanDependents")
    if policy := first(query, "propagationPolicy"):
        raw["propagationPolicy"] = policy
    if "dryRun" in query:
        raw["dryRun"] = list(query["dryRun"])
    return raw


_DELETE_FIELDS = {
    "gracePeriodSeconds": int,
    "orphanDependents": bool,
    "propagationPolicy": str,
    "preconditions": dict,
    "dryRun": list,
}


def _delete_body(body: bytes, *, yaml: bool) -> Object:
    try:
        raw = decoding.strict_yaml(body)[0] if yaml else decode.decode_json(body)
    except decode.SyntaxProblem as error:
        raise BadRequest(
            "the object provided is unrecognized (must be of type DeleteOptions): couldn't get version/kind; "
            f"json parse error: {error} ({decode.summarize(body)})"
        ) from error
    if raw.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"decoded object cannot be converted to DeleteOptions: it is a {raw['kind']}")
    for field, wanted in _DELETE_FIELDS.items():
        value = raw.get(field)
        if value is None:
            continue
        if not isinstance(value, wanted) or (wanted is int and not _is_int64(value)):
            raise BadRequest(
                f'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal '
                f"{type(value).__name__} into Go struct field DeleteOptions.{field}"
            )
    return raw


def _is_int64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def manager_of(field_manager: str, user_agent: str) -> str:
    """The field manager's name: as given, or what stands before the first slash of the user agent."""
    if field_manager:
        return field_manager
    cleaned = user_agent.partition("/")[0]
    if not cleaned.isprintable():
        cleaned = "".join(char for char in cleaned if char.isprintable())
    return cleaned.encode()[:_MAX_MANAGER_BYTES].decode(errors="ignore")
