"""Where audit events are kept: the log file, or the server that a kubeconfig file names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson

from apiserver.audit.logfile import LogFile
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook, WebhookFailed

_TRIES = 4


class FileSink:
    """Lines of a file, written by a thread."""

    name = "log"

    def __init__(self, file: LogFile) -> None:
        self._file = file

    async def write(self, lines: Callable[[], list[bytes]]) -> None:
        """Append them; raises OSError, and what making the lines raises."""
        await asyncio.to_thread(lambda: self._file.write(lines()))

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._file.close)


class WebhookSink:
    """EventLists (audit.k8s.io/v1) posted to a webhook."""

    name = "webhook"

    def __init__(self, webhook: KubeconfigWebhook, *, first_wait_seconds: float) -> None:
        """`first_wait_seconds`: before the second try; longer before the next ones."""
        self._webhook = webhook
        self._first_wait_seconds = first_wait_seconds

    async def write(self, lines: Callable[[], list[bytes]]) -> None:
        """Post them, a few times where that fails; raises OSError, and what making the lines raises."""
        made = await asyncio.to_thread(lines)
        body = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {},
                "items": [orjson.Fragment(line) for line in made]}  # fmt: skip
        try:
            await self._webhook.post(body, tries=_TRIES, first_wait_seconds=self._first_wait_seconds)
        except WebhookFailed as error:
            raise OSError(str(error)) from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._webhook.close()
