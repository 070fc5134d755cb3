"""Named health checks, and their answer in the text form of /healthz, /livez and /readyz.

No server here: `component.healthserver` and the API server ask `HealthChecks.answer`."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

logger = logging.getLogger(__name__)

#: What is wrong, or None; may be asynchronous.
Check = Callable[[], Awaitable[str | None] | str | None]
_CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """An HTTP status and its plain text."""

    status: int
    text: str


class HealthChecks:
    """The checks of one endpoint, in the order they were added."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {"ping": lambda: None}
        self._readiness_only: set[str] = set()

    def add(self, name: str, check: Check, *, readiness_only: bool = False) -> None:
        """Another check, or a new one in an old one's place; `readiness_only` ones are asked by /readyz alone."""
        self._checks[name] = check
        (self._readiness_only.add if readiness_only else self._readiness_only.discard)(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The checks' names, in order."""
        return tuple(self._checks)

    async def answer(
        self, endpoint: str, *, name: str = "", verbose: bool = False, exclude: Collection[str] = ()
    ) -> HealthAnswer:
        """The answer of /ENDPOINT (or /ENDPOINT/NAME). Reasons stay in the log: anyone may ask this."""
        if name and name not in self._checks:
            return HealthAnswer(404, "404 page not found\n")
        left_out = {*exclude, *(self._readiness_only if endpoint != "readyz" else ())}
        wanted = [name] if name else [key for key in self._checks if key not in left_out]
        problems = dict(zip(wanted, await asyncio.gather(*map(self._run, wanted)), strict=True))
        if name:
            bad = problems[name]
            return HealthAnswer(500, f"internal server error: {bad}\n") if bad else HealthAnswer(200, "ok")
        lines = [f"[-]{key} failed: reason withheld" if bad else f"[+]{key} ok" for key, bad in problems.items()]
        lines += [f"[+]{key} excluded: ok" for key in exclude if key in self._checks]
        unknown = [key for key in exclude if key not in self._checks]
        if unknown:
            listed = ",".join(f'"{key}"' for key in unknown)
            lines.append(f"warn: some health checks cannot be excluded: no matches for {listed}")
        failed = {key: bad for key, bad in problems.items() if bad}
        if failed:
            reasons = "; ".join(f"{key}: {bad}" for key, bad in failed.items())
            logger.info("Health check failed", extra={"endpoint": endpoint, "reason": reasons})
            return HealthAnswer(500, "\n".join([*lines, f"{endpoint} check failed", ""]))
        return HealthAnswer(200, "\n".join([*lines, f"{endpoint} check passed", ""]) if verbose else "ok")

    async def _run(self, name: str) -> str | None:
        try:
            result = self._checks[name]()
            if inspect.isawaitable(result):
                return await asyncio.wait_for(result, _CHECK_SECONDS)
        except TimeoutError:
            return f"no answer within {_CHECK_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001 - a check that raises is a check that fails
            return f"{type(error).__name__}: {error}"
        return result
