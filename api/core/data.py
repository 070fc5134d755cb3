"""ConfigMaps and Secrets: what their keys may be, what each type of secret needs, immutability, tables. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api.core.keypairs import pair_problem
from api.kind import Column, Strategy
from api.strategies import restore
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery.decode import SyntaxProblem, decode_json_value
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of
from apimachinery.schema.leaves import json_kind

#: Bytes of all values together.
MAX_SIZE = 1024 * 1024
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_IMMUTABLE_SET = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"

CONFIG_MAP_COLUMNS = (NAME, Column(name="Data", description="How many keys there are."), AGE)
SECRET_COLUMNS = (
    NAME,
    Column(name="Type", description="What the secret is for."),
    Column(name="Data", description="How many keys there are."),
    AGE,
)


def _size(encoded: str | None) -> int:
    """Bytes of a base64 text; null is none."""
    if encoded is None:
        return 0
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def _validate_immutable(new: Object, old: Object, fields: tuple[str, ...]) -> list[FieldError]:
    if not old.get("immutable"):
        return []
    errors = []
    if not new.get("immutable"):
        errors.append(fe.forbidden("immutable", _IMMUTABLE_SET))
    errors.extend(fe.forbidden(f, _IMMUTABLE_SET) for f in fields if (new.get(f) or {}) != (old.get(f) or {}))
    return errors


class ConfigMapStrategy(Strategy):
    """A ConfigMap."""

    checks_metadata_anew = True

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateConfigMap."""
        errors: list[FieldError] = []
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        size = 0
        for key, value in data.items():
            errors.extend(fe.invalid(f"data[{key}]", key, text) for text in names.config_map_key(key))
            if key in binary:
                errors.append(fe.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
            size += len(value) if value.isascii() else len(value.encode())
        for key, value in binary.items():
            errors.extend(fe.invalid(f"binaryData[{key}]", key, text) for text in names.config_map_key(key))
            size += _size(value)
        if size > MAX_SIZE:
            errors.append(fe.too_long(fe.WHOLE, "", MAX_SIZE))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateConfigMapUpdate."""
        return _validate_immutable(new, old, ("data", "binaryData")) + self.validate(new)


class SecretStrategy(Strategy):
    """A Secret."""

    checks_metadata_anew = True

    def default(self, obj: Object) -> None:
        """Opaque unless it says otherwise; stringData is data in plain text."""
        obj.setdefault("type", "Opaque")
        plain = obj.pop("stringData", None)
        if plain:
            data = obj.get("data") or {}
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
            obj["data"] = {**data, **encoded}

    def prepare_update(self, new: Object, old: Object) -> None:
        """A replacement that does not say its type has the old one."""
        if not new.get("type"):
            restore(new, old, "type")

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateSecret."""
        errors: list[FieldError] = []
        data = obj.get("data") or {}
        size = 0
        for key, value in data.items():
            errors.extend(fe.invalid(f"data[{key}]", key, text) for text in names.config_map_key(key))
            size += _size(value)
        if size > MAX_SIZE:
            errors.append(fe.too_long("data", "", MAX_SIZE))
        return errors + _validate_type(obj, data)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """A certificate and a key that do not belong together."""
        if obj.get("type") != "kubernetes.io/tls":
            return []
        data = obj.get("data") or {}
        problem = pair_problem(*(base64.b64decode(data.get(key) or "") for key in ("tls.crt", "tls.key")))
        return [problem] if problem else []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateSecretUpdate."""
        errors = []
        if new.get("type") != old.get("type"):
            errors.append(fe.invalid("type", new.get("type"), FIELD_IMMUTABLE))
        return errors + _validate_immutable(new, old, ("data",)) + self.validate(new)


def _validate_type(secret: Object, data: Mapping[str, str]) -> list[FieldError]:
    kind = secret.get("type") or ""
    if kind == SERVICE_ACCOUNT_TOKEN:
        if not annotations_of(secret).get(SERVICE_ACCOUNT_NAME):
            return [fe.required(f"metadata.annotations[{SERVICE_ACCOUNT_NAME}]")]
    elif kind == "kubernetes.io/dockercfg":
        return _validate_json(data, ".dockercfg")
    elif kind == "kubernetes.io/dockerconfigjson":
        return _validate_json(data, ".dockerconfigjson")
    elif kind == "kubernetes.io/basic-auth":
        keys = ("username", "password")
        if not any(key in data for key in keys):
            return [fe.required(f"data[{key}]") for key in keys]
    elif kind == "kubernetes.io/ssh-auth":
        if not data.get("ssh-privatekey"):
            return [fe.required("data[ssh-privatekey]")]
    elif kind == "kubernetes.io/tls":
        return [fe.required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _validate_json(data: Mapping[str, str], key: str) -> list[FieldError]:
    if key not in data:
        return [fe.required(f"data[{key}]")]
    try:
        content = decode_json_value(base64.b64decode(data[key] or ""))
    except (binascii.Error, SyntaxProblem) as error:
        return [fe.invalid(f"data[{key}]", _REDACTED, str(error))]
    if content is not None and not isinstance(content, dict):
        text = f"json: cannot unmarshal {json_kind(content)} into Go value of type map[string]interface {{}}"
        return [fe.invalid(f"data[{key}]", _REDACTED, text)]
    return []


def config_map_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of ConfigMaps."""
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [obj["metadata"].get("name"), count, age(obj, now)]


def secret_cells(obj: Object, now: datetime) -> list[Any]:
    """One row of Secrets."""
    return [obj["metadata"].get("name"), obj.get("type") or "", len(obj.get("data") or {}), age(obj, now)]


SECRET_SELECTABLE: Mapping[str, Callable[[Object], str]] = {"type": lambda secret: secret.get("type") or ""}
CONFIG_MAP = ConfigMapStrategy()
SECRET = SecretStrategy()
