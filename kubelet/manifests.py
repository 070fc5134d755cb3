"""Reads the manifests of static pods from a file or a folder, as pkg/kubelet/config/file_linux.go does.

What is read is decoded, defaulted and checked as the API server would: a kubelet that has no such folder does not
load any of that."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from apimachinery.decode import SyntaxProblem, decode_json
from apimachinery.decode_yaml import decode_yaml_strict
from apimachinery.objects import Object, format_time, key_of
from kubelet.plan.static_pods import static_pod

if TYPE_CHECKING:
    from apimachinery.fielderrors import FieldError

logger = logging.getLogger(__name__)

_MAX_BYTES = 10 << 20

#: Time of change, size and inode: a file that has the same is not read again.
Stamp = tuple[int, int, int]


class BadManifest(ValueError):
    """A manifest that is no pod; one line says why."""


class ManifestFolder:
    """The static pods of a path, which may be absent. A file that was good keeps its pod while it is not readable or
    wrong: an editor that is halfway through must not end what runs."""

    def __init__(self, path: Path, node_name: str) -> None:
        self._path = path
        self._node_name = node_name
        self._read: dict[Path, tuple[Stamp, Object | None]] = {}

    def pods(self) -> dict[str, Object]:
        """The pods by "namespace/name"; of two with one name that of the first file counts. Blocks briefly."""
        found: dict[str, Object] = {}
        read: dict[Path, tuple[Stamp, Object | None]] = {}
        for file, stamp in self._files():
            known = self._read.get(file)
            if known is None or known[0] != stamp:
                known = (stamp, self._load(file, known[1] if known is not None else None))
            read[file] = known
            pod = known[1]
            if pod is None:
                continue
            if key_of(pod) in found:
                logger.error("Two manifests of one pod", extra={"pod": key_of(pod), "path": str(file)})
                continue
            found[key_of(pod)] = pod
        self._read = read
        return found

    def _files(self) -> list[tuple[Path, Stamp]]:
        try:
            if self._path.is_dir():
                paths = sorted(path for path in self._path.iterdir() if not path.name.startswith("."))
            else:
                paths = [self._path]
        except OSError as error:
            logger.error("Manifests cannot be listed", extra={"path": str(self._path), "error": str(error)})
            return [(path, known[0]) for path, known in self._read.items()]
        found = []
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.error("A manifest cannot be read", extra={"path": str(path), "error": str(error)})
                continue
            if path.is_file():
                found.append((path, (status.st_mtime_ns, status.st_size, status.st_ino)))
        return found

    def _load(self, path: Path, before: Object | None) -> Object | None:
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise BadManifest("it is too large")
            return read_pod(path.read_bytes(), str(path), self._node_name)
        except (BadManifest, OSError) as error:
            logger.error("Could not process manifest file", extra={"path": str(path), "error": str(error)})
            return before


def read_pod(content: bytes, path: str, node_name: str) -> Object:
    """A manifest's bytes, JSON or YAML, as a static pod; raises BadManifest."""
    from api.core.pod.strategy import PodStrategy
    from api.validation.objectmeta import validate_object_meta
    from apimachinery.schema import DecodeError, load

    try:
        manifest = decode_json(content) if content.lstrip()[:1] == b"{" else decode_yaml_strict(content)[0]
    except SyntaxProblem as error:
        raise BadManifest(f"couldn't parse as pod: {error}") from error
    if manifest.get("kind") != "Pod" or manifest.get("apiVersion") != "v1":
        raise BadManifest(f"it is a {manifest.get('apiVersion')} {manifest.get('kind')}, not a v1 Pod")
    schema = load().for_kind("", "v1", "Pod")
    if schema is None:
        raise BadManifest("the schema of pods is missing")
    try:
        schema.decode(manifest)
    except DecodeError as error:
        raise BadManifest(str(error)) from error
    pod = static_pod(manifest, path, node_name, format_time(datetime.now(UTC)))
    strategy = PodStrategy()
    strategy.default(pod)
    strategy.prepare_create(pod)
    errors: list[FieldError] = validate_object_meta(
        pod["metadata"], namespaced=True, name_rule=strategy.name_rule
    ) + strategy.validate(pod)
    if errors:
        raise BadManifest("; ".join(str(error) for error in errors))
    return pod
