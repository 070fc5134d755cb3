"""The environment of a container: $(VAR) expansion, service variables, env and envFrom.

Pure; the rules are those of third_party/forked/golang/expansion, pkg/kubelet/envvars and
makeEnvironmentVariables in pkg/kubelet/kubelet_pods.go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery.objects import Object, name_of, namespace_of
from kubelet.plan.downward import NotOffered, field_value, resource_value

_VALID_NAME = re.compile(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")


class MissingReference(Exception):
    """A variable refers to a ConfigMap, Secret, key or field that is not there: CreateContainerConfigError."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace $(NAME); $$ stands for $, and an unknown name is left as it is."""
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char != "$" or position + 1 == len(text):
            out.append(char)
            position += 1
            continue
        following = text[position + 1]
        if following == "$":
            out.append("$")
            position += 2
        elif following == "(" and (end := text.find(")", position)) > 0:
            name = text[position + 2 : end]
            out.append(variables.get(name, f"$({name})"))
            position = end + 1
        else:
            out.append("$")
            position += 1
    return "".join(out)


def service_variables(services: Iterable[Object]) -> dict[str, str]:
    """{SVC}_SERVICE_HOST and the Docker-links style variables of every service that has a cluster IP."""
    result: dict[str, str] = {}
    for service in services:
        spec = service.get("spec") or {}
        ip = spec.get("clusterIP") or ""
        ports = spec.get("ports") or ()
        if not ip or ip == "None" or not ports:
            continue
        prefix = name_of(service).upper().replace("-", "_")
        host = f"[{ip}]" if ":" in ip else ip
        result[f"{prefix}_SERVICE_HOST"] = ip
        result[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
        for port in ports:
            if port.get("name"):
                result[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
        for index, port in enumerate(ports):
            protocol = port.get("protocol") or "TCP"
            url = f"{protocol.lower()}://{host}:{port['port']}"
            if index == 0:
                result[f"{prefix}_PORT"] = url
            name = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
            result[name] = url
            result[f"{name}_PROTO"] = protocol.lower()
            result[f"{name}_PORT"] = str(port["port"])
            result[f"{name}_ADDR"] = ip
    return result


def visible_services(pod: Object, services: Iterable[Object]) -> list[Object]:
    """The services whose variables the pod gets: `kubernetes` always, those of its namespace unless it declines."""
    links = pod["spec"].get("enableServiceLinks")
    namespace = namespace_of(pod)
    own = {}
    master = {}
    for service in services:
        if namespace_of(service) == namespace and links is not False:
            own[name_of(service)] = service
        if namespace_of(service) == "default" and name_of(service) == "kubernetes":
            master["kubernetes"] = service
    found = {**master, **own}
    return [found[name] for name in sorted(found)]


def referenced_objects(pod: Object, container: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The names of the ConfigMaps and Secrets that a container's variables refer to."""
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for source in container.get("envFrom") or ():
        if source.get("configMapRef"):
            config_maps.add(source["configMapRef"].get("name") or "")
        if source.get("secretRef"):
            secrets.add(source["secretRef"].get("name") or "")
    for variable in container.get("env") or ():
        value_from = variable.get("valueFrom") or {}
        if value_from.get("configMapKeyRef"):
            config_maps.add(value_from["configMapKeyRef"].get("name") or "")
        if value_from.get("secretKeyRef"):
            secrets.add(value_from["secretKeyRef"].get("name") or "")
    return config_maps, secrets


def container_environment(
    pod: Object, container: Mapping[str, Any], *, services: Iterable[Object], config_maps: Mapping[str, Object | None],
    secrets: Mapping[str, Mapping[str, str] | None], pod_ip: str, host_ip: str, allocatable: Mapping[str, str],
) -> dict[str, str]:  # fmt: skip
    """All variables of a container, in order of precedence; raises `MissingReference`.

    `secrets` holds decoded data by secret name, `config_maps` the objects; None where there is none."""
    result: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        _take_all(result, source, namespace_of(pod), config_maps, secrets)
    links = service_variables(visible_services(pod, services))
    own: dict[str, str] = {}
    for variable in container.get("env") or ():
        value = variable.get("value") or ""
        if value:
            value = expand(value, {**links, **result, **own})
        elif variable.get("valueFrom"):
            found = _value_from(pod, container, variable, config_maps, secrets, pod_ip, host_ip, allocatable)
            if found is None:
                continue
            value = found
        own[variable["name"]] = value
    return {**links, **result, **own}


def _take_all(
    result: dict[str, str], source: Mapping[str, Any], namespace: str, config_maps: Mapping[str, Object | None],
    secrets: Mapping[str, Mapping[str, str] | None],
) -> None:  # fmt: skip
    prefix = source.get("prefix") or ""
    data: Mapping[str, str] | None
    if source.get("configMapRef"):
        ref, kind = source["configMapRef"], "configmap"
        found = config_maps.get(ref.get("name") or "")
        data = None if found is None else found.get("data") or {}
    else:
        ref, kind = source.get("secretRef") or {}, "secret"
        data = secrets.get(ref.get("name") or "")
    if data is None:
        if ref.get("optional"):
            return
        raise MissingReference(f'{kind} "{ref.get("name")}" not found')
    for key, value in data.items():
        if _VALID_NAME.match(prefix + key):
            result[prefix + key] = value


def _value_from(
    pod: Object, container: Mapping[str, Any], variable: Mapping[str, Any], config_maps: Mapping[str, Object | None],
    secrets: Mapping[str, Mapping[str, str] | None], pod_ip: str, host_ip: str, allocatable: Mapping[str, str],
) -> str | None:  # fmt: skip
    source = variable["valueFrom"]
    try:
        if source.get("fieldRef"):
            return field_value(pod, source["fieldRef"]["fieldPath"], pod_ip=pod_ip, host_ip=host_ip)
        if source.get("resourceFieldRef"):
            return resource_value(pod, source["resourceFieldRef"], allocatable, container=container["name"])
    except NotOffered as error:
        raise MissingReference(str(error)) from error
    if source.get("configMapKeyRef"):
        ref = source["configMapKeyRef"]
        found = config_maps.get(ref.get("name") or "")
        data = None if found is None else found.get("data") or {}
        kind, whole_name = "configmap", "ConfigMap"
    else:
        ref = source.get("secretKeyRef") or {}
        secret = secrets.get(ref.get("name") or "")
        data = None if secret is None else dict(secret)
        kind, whole_name = "secret", "Secret"
    if data is None:
        if ref.get("optional"):
            return None
        raise MissingReference(f'{kind} "{ref.get("name")}" not found')
    if ref.get("key") not in data:
        if ref.get("optional"):
            return None
        raise MissingReference(f"couldn't find key {ref.get('key')} in {whole_name} {namespace_of(pod)}/{ref['name']}")
    value: str = data[ref["key"]]
    return value
