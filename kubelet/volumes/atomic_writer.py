"""Replace a volume's files all at once: readers see the old set or the new one, never a mixture.

The files lie in a directory with the time in its name; `..data` is a link to it, swapped by rename; what the user
sees are links through `..data`. Blocks: callers use a thread."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

from kubelet.volumes.payload import File, Payload

DATA = "..data"
_NEW_DATA = "..data_tmp"


def write(directory: Path, payload: Payload, *, group: int | None = None) -> bool:
    """Make `directory` (it exists) show exactly `payload`; returns whether anything changed. `group` (fsGroup) owns
    the files and may read what their owner may read. Raises OSError."""
    data = directory / DATA
    current = _current(directory)
    if current is not None and _same(current, payload, group):
        _link_visible(directory, payload)
        _sweep(directory, payload, current.name)
        return False
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.") + secrets.token_hex(5)
    fresh = directory / stamp
    fresh.mkdir(mode=0o755)
    fresh.chmod(0o755)
    for path, file in payload.items():
        _write_file(fresh, path, file, group)
    if group is not None:
        _give_to_group(fresh, group)
    link = directory / _NEW_DATA
    link.unlink(missing_ok=True)
    link.symlink_to(stamp)
    link.replace(data)
    _link_visible(directory, payload)
    _sweep(directory, payload, stamp)
    return True


def _current(directory: Path) -> Path | None:
    try:
        target = (directory / DATA).readlink()
    except OSError:
        return None
    current = directory / target.name
    return current if current.is_dir() else None


def _same(current: Path, payload: Payload, group: int | None) -> bool:
    present = {str(Path(root, name).relative_to(current)) for root, _, names in os.walk(current) for name in names}
    if present != set(payload):
        return False
    for path, file in payload.items():
        status = (current / path).lstat()
        if stat.S_IMODE(status.st_mode) != _mode(file, group) or status.st_uid != (file.owner or 0):
            return False
        if (group is not None and status.st_gid != group) or (current / path).read_bytes() != file.content:
            return False
    return True


def _mode(file: File, group: int | None) -> int:
    return file.mode | 0o440 if group is not None else file.mode


def _write_file(root: Path, path: str, file: File, group: int | None) -> None:
    target = root / path
    for parent in reversed(target.relative_to(root).parents[:-1]):
        (root / parent).mkdir(mode=0o755, exist_ok=True)
        (root / parent).chmod(0o755)
    target.write_bytes(file.content)
    if file.owner is not None or group is not None:
        os.chown(target, file.owner if file.owner is not None else -1, group if group is not None else -1)
    target.chmod(_mode(file, group))


def _give_to_group(root: Path, group: int) -> None:
    for folder, _, _ in os.walk(root):
        os.chown(folder, -1, group)
        Path(folder).chmod(0o2755)


def _link_visible(directory: Path, payload: Payload) -> None:
    for name in sorted({path.partition("/")[0] for path in payload}):
        link, target = directory / name, f"{DATA}/{name}"
        if link.is_symlink() and str(link.readlink()) == target:
            continue
        temporary = directory / f"..link_{secrets.token_hex(5)}"
        temporary.symlink_to(target)
        temporary.replace(link)


def _sweep(directory: Path, payload: Payload, keep: str) -> None:
    """Remove links to files that are gone, earlier directories, and what a crash left half made."""
    wanted = {path.partition("/")[0] for path in payload} | {DATA, keep}
    for entry in directory.iterdir():
        if entry.name in wanted:
            continue
        if entry.is_symlink() or entry.is_file():
            entry.unlink()
        elif entry.name.startswith(".."):
            shutil.rmtree(entry)
