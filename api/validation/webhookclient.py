"""How webhooks are reached: by a URL or a service (k8s.io/apiserver/pkg/util/webhook/validation.go). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError


def validate_service_reference(service: Mapping[str, Any], path: str) -> list[FieldError]:
    """A service that is called: its name, namespace, port and path."""
    errors: list[FieldError] = []
    # Callers of the reference's rule hand it name and namespace in the wrong order: it tells of the other one.
    for told, looked_at in (("name", "namespace"), ("namespace", "name")):
        if not service.get(looked_at):
            errors.append(fe.required(f"{path}.{told}", f"service {told} is required"))
    port = service.get("port")
    if port is not None and names.port_number(port):
        text = "port is not valid: " + names.port_number(port)[0]
        errors.append(fe.invalid(f"{path}.port", port, text))
    where = service.get("path")
    if where is None or where in ("", "/"):
        return errors
    if where == "//":
        return [*errors, fe.invalid(f"{path}.path", where, "segment[0] may not be empty")]
    if not where.startswith("/"):
        errors.append(fe.invalid(f"{path}.path", where, "must start with a '/'"))
    for index, segment in enumerate(where[1:].removesuffix("/").split("/")):
        if not segment:
            errors.append(fe.invalid(f"{path}.path", where, f"segment[{index}] may not be empty"))
            continue
        for text in names.dns1123_subdomain(segment):
            errors.append(fe.invalid(f"{path}.path", where, f"segment[{index}]: {text}"))
    return errors


def validate_client_url(url: str, path: str) -> list[FieldError]:
    """The URL of a webhook."""
    form = "; desired format: https://host[/path]"
    parts = urlsplit(url)
    errors: list[FieldError] = []
    if parts.scheme != "https":
        text = "'https' is the only allowed URL scheme" + form
        errors.append(fe.invalid(path, parts.scheme, text))
    if not parts.netloc:
        errors.append(fe.invalid(path, "", "host must be provided" + form))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        errors.append(fe.invalid(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(fe.invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(fe.invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return errors
