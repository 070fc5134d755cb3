"""The audit log: `policy.py` decides (pure), `trail.py` follows a request, `event.py` makes lines (pure), `backend.py`
takes them to `logfile.py` in a thread. Without a policy file and a path there is no auditor, and no cost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from apiserver.audit.backend import Backend
from apiserver.audit.event import legacy_line, line
from apiserver.audit.logfile import LogFile
from apiserver.audit.policy import PolicyError, parse
from apiserver.audit.trail import Auditor
from apiserver.options import Options
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
    if not options.audit_log_path:
        logger.warning("No audit log path provided, no events will be recorded")
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
    backend = Backend(file, form, mode=options.audit_log_mode, buffer_size=options.audit_log_batch_buffer_size)
    return Auditor(policy, backend)


@asynccontextmanager
async def running(auditor: Auditor | None, process: Process) -> AsyncIterator[None]:
    """Write events as long as the server runs, and at its end what is still waiting."""
    if auditor is None:
        yield
        return
    writing = process.spawn("audit-log", auditor.backend.run())
    try:
        yield
    finally:
        await auditor.backend.close(writing)
