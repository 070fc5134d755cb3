"""Audit: `policy.py` decides (pure), `trail.py` follows a request, `event.py` makes lines (pure), `backend.py` takes
them to `sinks.py`: the log file or a webhook. Without a policy file and one of these there is no auditor, no cost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from apiserver.audit.backend import Backend, Backends
from apiserver.audit.event import legacy_line, line
from apiserver.audit.logfile import LogFile
from apiserver.audit.policy import PolicyError, parse
from apiserver.audit.sinks import FileSink, WebhookSink
from apiserver.audit.trail import Auditor
from apiserver.options import Options
from apiserver.webhooks.bykubeconfig import KubeconfigWebhook
from component.process import FatalError, Process

logger = logging.getLogger(__name__)


async def open_audit(options: Options) -> Auditor | None:
    """The auditor that the flags ask for; raises FatalError for a policy or a file that cannot be used."""
    if not options.audit_policy_file:
        if options.audit_log_path:
            logger.warning("No audit policy file provided, no events will be recorded for the log backend")
        return None
    try:
        policy = parse(await asyncio.to_thread(Path(options.audit_policy_file).read_text))
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        raise FatalError(f"--audit-policy-file {options.audit_policy_file}: {error}") from error
    backends = [made for made in (await _log(options), _webhook(options)) if made is not None]
    if not backends:
        logger.warning("No audit log path provided, no events will be recorded")
        return None
    return Auditor(policy, Backends(backends))


async def _log(options: Options) -> Backend | None:
    if not options.audit_log_path:
        return None
    file = LogFile(
        options.audit_log_path,
        max_megabytes=options.audit_log_maxsize,
        max_age_days=options.audit_log_maxage,
        max_backups=options.audit_log_maxbackup,
    )
    try:
        await asyncio.to_thread(file.open)
    except OSError as error:
        raise FatalError(f"--audit-log-path {options.audit_log_path}: {error}") from error
    form = line if options.audit_log_format == "json" else legacy_line
    size = options.audit_log_batch_buffer_size
    return Backend(FileSink(file), form, mode=options.audit_log_mode, buffer_size=size)


def _webhook(options: Options) -> Backend | None:
    path = options.audit_webhook_config_file
    if not path:
        return None
    try:
        webhook = KubeconfigWebhook(path)
    except ValueError as error:
        raise FatalError(f"--audit-webhook-config-file {path}: {error}") from error
    return Backend(
        WebhookSink(webhook, first_wait_seconds=options.audit_webhook_initial_backoff_seconds),
        line,
        mode=options.audit_webhook_mode,
        buffer_size=options.audit_webhook_batch_buffer_size,
        group_size=options.audit_webhook_batch_max_size,
        wait_seconds=options.audit_webhook_batch_max_wait_seconds,
    )


@asynccontextmanager
async def running(auditor: Auditor | None, process: Process) -> AsyncIterator[None]:
    """Write events as long as the server runs, and at its end what is still waiting."""
    if auditor is None:
        yield
        return
    backends = auditor.backends.each
    writing = [process.spawn(f"audit-{each.name}", each.run()) for each in backends]
    try:
        yield
    finally:
        await asyncio.gather(*(each.close(task) for each, task in zip(backends, writing, strict=True)))
