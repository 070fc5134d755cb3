"""Remove links, all that wait at once: the kernel needs some 16 ms for a removal, and not much more for fifty of them.

Links that are asked for while a removal is under way are put into one group, which is removed in one request."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Collection

from kubelet.network.rtnetlink import ignoring, is_kernel_error, link_index, open_socket

#: Of our choice; whatever is in it is about to be removed.
GROUP = 0x6B756265


class LinkRemover:
    """Used on the netlink thread only."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def remove(self, name: str) -> None:
        """The link is gone on return, if there was one. Raises OSError or pyroute2's NetlinkError."""
        future = self._waiting.setdefault(name, asyncio.get_running_loop().create_future())
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="link removal")
        await asyncio.shield(future)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # those who ask in the same moment come along
                batch, self._waiting = self._waiting, {}
                error = await _remove(batch)
                for future in batch.values():
                    if future.done():
                        continue
                    if error is None:
                        future.set_result(None)
                    else:
                        future.set_exception(error)
        finally:
            self._task = None


async def _remove(names: Collection[str]) -> Exception | None:
    try:
        async with open_socket() as ipr:
            indexes = [index for name in names if (index := await link_index(ipr, name)) is not None]
            if len(indexes) == 1:
                await ignoring((errno.ENODEV,), ipr.link("del", index=indexes[0]))
            elif indexes:
                for index in indexes:
                    await ignoring((errno.ENODEV,), ipr.link("set", index=index, group=GROUP))
                await ignoring((errno.ENODEV,), ipr.link("del", index=0, group=GROUP))
    except Exception as error:
        if not is_kernel_error(error):
            raise
        return error
    return None
