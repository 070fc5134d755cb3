"""The kubectl binaries that tests drive a server with, as a user would: arguments in, text out."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Put there by tests/e2e/kubectls.sh, which tests/run.sh calls.
OLD = str(ROOT / ".cache/kubectl/1.20/kubectl")
CURRENT = str(ROOT / ".cache/kubectl/current/kubectl")


class CommandFailed(AssertionError):
    """A command that had to succeed did not."""


def run(
    *command: str,
    timeout: float = 60,
    input: str | None = None,
    check: bool = True,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; raises CommandFailed with what it printed where it fails and `check` is set."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, input=input, check=False, env=environment
    )
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


@dataclass(frozen=True)
class Kubectl:
    """One kubectl binary, speaking to the cluster of a kubeconfig as that file's user."""

    binary: str
    namespace: str = "default"
    kubeconfig: str = "/etc/kubernetes/admin.conf"
    environment: dict[str, str] | None = field(default=None, compare=False)  #: None: that of the tests

    @property
    def is_old(self) -> bool:
        """Whether it is v1.20: its words differ here and there."""
        return self.binary == OLD

    def command(self, *arguments: str) -> list[str]:
        """The full command line."""
        return [self.binary, "--kubeconfig", self.kubeconfig, "-n", self.namespace, *arguments]

    def __call__(self, *arguments: str, timeout: float = 60, input: str | None = None) -> str:
        """What it prints; raises CommandFailed."""
        return run(*self.command(*arguments), timeout=timeout, input=input, environment=self.environment).stdout

    def done(
        self, *arguments: str, input: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """How it ended, whatever its exit code is."""
        return run(*self.command(*arguments), input=input, check=False, environment=environment or self.environment)

    def fails(self, *arguments: str, input: str | None = None) -> str:
        """Its standard error; raises where it succeeds."""
        done = self.done(*arguments, input=input)
        assert done.returncode != 0, f"{arguments} succeeded: {done.stdout}"
        return done.stderr

    def json(self, *arguments: str) -> Any:
        """What it prints with -o json."""
        return json.loads(self(*arguments, "-o", "json"))
