"""Paths that are no resources: discovery, health, version, metrics, OpenAPI, and the list of all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import Counter

from apiserver.aggregation.aggregator import Aggregator
from apiserver.discovery import documents
from apiserver.http import negotiate, reply
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.registry.registry import Registry
from component import metrics
from component.health import HealthChecks
from component.version import version_info

Handler = Callable[[Call], Awaitable[Reply]]
_MERGES = Counter("aggregator_discovery_aggregation_count", "Aggregated discovery documents that were put together.")
_HEALTH = ("healthz", "livez", "readyz")


class NonResourcePaths:
    """The handlers by path; other parts of the server add theirs with `add`."""

    def __init__(
        self,
        registry: Registry,
        aggregator: Aggregator,
        health: dict[str, HealthChecks],
        server_address: str,
        *,
        metrics_text: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._registry = registry
        self._aggregator = aggregator
        self._health = health
        self._address = server_address
        self._metrics_text = metrics_text
        self._exact: dict[str, Handler] = {
            "/": self._paths,
            "/index.html": self._paths,
            "/version": self._version,
            "/metrics": self._metrics,
            "/api": self._api,
            "/apis": self._apis,
        }
        self._prefixes: dict[str, Handler] = {}
        self._unlisted: set[str] = {"/", "/index.html"}

    def add(self, path: str, handler: Handler, *, listed: bool = True) -> None:
        """Serve one more path; with a trailing slash everything below it. `listed`: whether "/" names it."""
        if not listed:
            self._unlisted.add(path)
        if path.endswith("/"):
            self._prefixes[path] = handler
        else:
            self._exact[path] = handler

    def find(self, path: str) -> Handler | None:
        """The handler of a path."""
        path = path.rstrip("/") or "/"
        handler = self._exact.get(path)
        if handler is not None:
            return handler
        parts = path[1:].split("/")
        if parts[0] in _HEALTH:
            return self._health_answer
        if (parts[0] == "api" and len(parts) == 2) or (parts[0] == "apis" and len(parts) in (2, 3)):
            return self._group
        return next((found for prefix, found in self._prefixes.items() if path.startswith(prefix)), None)

    async def _paths(self, _: Call) -> Reply:
        return reply.document({"paths": self.paths()})

    def paths(self) -> Sequence[str]:
        """Every path, sorted."""
        found = self._exact.keys() - self._unlisted
        found.update(prefix.rstrip("/") for prefix in self._prefixes.keys() - self._unlisted)
        for group, versions in self._aggregator.groups(self._registry.kinds).items():
            if group:
                found.add(f"/apis/{group}")
            found.update(f"/apis/{group}/{version}" if group else f"/api/{version}" for version in versions)
        for endpoint, checks in self._health.items():
            found.add(f"/{endpoint}")
            found.update(f"/{endpoint}/{name}" for name in checks.names)
        return sorted(found)

    async def _version(self, _: Call) -> Reply:
        return reply.document(version_info())

    async def _metrics(self, _: Call) -> Reply:
        return Reply(200, await self._metrics_text(), metrics.CONTENT_TYPE)

    async def _health_answer(self, call: Call) -> Reply:
        endpoint, _, name = call.info.path.strip("/").partition("/")
        answer = await self._health[endpoint].answer(
            endpoint, name=name, verbose="verbose" in call.query, exclude=call.query.get("exclude", ())
        )
        return reply.text_reply(answer.status, answer.text)

    async def _api(self, call: Call) -> Reply:
        if wants_aggregated(call.accept):
            return self._aggregated(core=True)
        return reply.document(documents.api_versions(self._address), call.representation())

    def _aggregated(self, *, core: bool) -> Reply:
        kinds = self._registry.kinds
        body = documents.aggregated(kinds, self._aggregator.groups(kinds), self._aggregator.versions, core=core)
        made = reply.document(body)
        made.content_type = documents.AGGREGATED_MEDIA_TYPE
        _MERGES.inc()
        return made

    async def _apis(self, call: Call) -> Reply:
        if wants_aggregated(call.accept):
            return self._aggregated(core=False)
        groups = self._aggregator.groups(self._registry.kinds)
        return reply.document(documents.api_group_list(groups), call.representation())

    async def _group(self, call: Call) -> Reply:
        parts = call.info.path.strip("/").split("/")
        groups = self._aggregator.groups(self._registry.kinds)
        group = "" if parts[0] == "api" else parts[1]
        versions = groups.get(group)
        if versions is None:
            return page_not_found()
        if parts[0] == "apis" and len(parts) == 2:
            return reply.document(documents.api_group(group, versions), call.representation())
        if parts[-1] not in versions:
            return page_not_found()
        body = documents.api_resource_list(self._registry.kinds, group, parts[-1])
        return reply.document(body, call.representation())


def page_not_found() -> Reply:
    """The 404 of a path that is neither a resource nor known."""
    return reply.text_reply(404, "404 page not found\n")


def wants_aggregated(accept: str) -> bool:
    """Whether the client prefers aggregated discovery (v2beta1) to the separate documents."""
    for clause in negotiate.parse_accept(accept):
        parameters = clause.parameters
        if parameters.get("as") == "APIGroupDiscoveryList" and parameters.get("g") == "apidiscovery.k8s.io":
            if parameters.get("v") == "v2beta1":
                return True
        elif clause.media_type in (negotiate.JSON, "*/*") and not parameters.get("as"):
            return False
    return False
