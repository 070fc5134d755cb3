"""How long admission takes, as a whole and plugin by plugin, under the reference's names."""

from __future__ import annotations

from component.histogram import Distribution, LightHistogram
from component.summary import LightSummary

_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_STEP = ("type", "operation", "rejected")

_STEPS = LightHistogram(
    "apiserver_admission_step_admission_duration_seconds",
    "How long a step of admission took, by step, operation and whether the request was refused.",
    _STEP,
    buckets=_SECONDS,
)
_SUMMARY = LightSummary(
    "apiserver_admission_step_admission_duration_seconds_summary",
    "How long a step of admission took of late, by step, operation and whether the request was refused.",
    _STEP,
)
_PLUGINS = LightHistogram(
    "apiserver_admission_controller_admission_duration_seconds",
    "How long a plugin took, by its name, step, operation and whether it refused.",
    ("name", *_STEP),
    buckets=_SECONDS,
)


class StepTimes:
    """Of one step ("admit", "validate") of one operation; what is seldom refused is looked up when it is."""

    __slots__ = ("_recent", "_seconds", "_step")

    def __init__(self, step: str, operation: str) -> None:
        self._step = (step, operation.upper())
        self._seconds = _STEPS.labels(*self._step, "false")
        self._recent = _SUMMARY.labels(*self._step, "false")

    def passed(self, seconds: float) -> None:
        """All plugins agreed."""
        self._seconds.observe(seconds)
        self._recent.observe(seconds)

    def refused(self, seconds: float) -> None:
        """One refused."""
        _STEPS.labels(*self._step, "true").observe(seconds)
        _SUMMARY.labels(*self._step, "true").observe(seconds)

    def of_plugin(self, name: str) -> Distribution:
        """The times of a plugin that agreed."""
        return _PLUGINS.labels(name, *self._step, "false")

    def refused_by(self, name: str, seconds: float) -> None:
        """A plugin refused."""
        _PLUGINS.labels(name, *self._step, "true").observe(seconds)
