"""Static bearer tokens from --token-auth-file: lines of token,user,uid[,"group1,group2"]."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path

from apiserver.interfaces import UserInfo

logger = logging.getLogger(__name__)
_MIN_COLUMNS = 3


def load(path: str) -> dict[str, UserInfo]:
    """Users by token; raises ValueError with one line."""
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise ValueError(f"cannot read token file {path}: {error.strerror}") from error
    return parse(text, path)


def parse(text: str, path: str) -> dict[str, UserInfo]:
    """Users by token of a file's text; raises ValueError."""
    users: dict[str, UserInfo] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text), skipinitialspace=True), start=1):
        if not row:
            continue
        if len(row) < _MIN_COLUMNS:
            raise ValueError(
                f"token file '{path}' must have at least 3 columns (token, user name, user uid), found {len(row)}"
            )
        token, name, uid = (column.strip() for column in row[:3])
        if not token:
            logger.warning("Empty token in token file is ignored", extra={"file": path, "line": number})
            continue
        groups = tuple(part.strip() for part in row[3].split(",") if part.strip()) if len(row) > _MIN_COLUMNS else ()
        if token in users:
            logger.warning("Token occurs more than once, the last one counts", extra={"file": path, "line": number})
        users[token] = UserInfo(name, uid, groups)
    return users
