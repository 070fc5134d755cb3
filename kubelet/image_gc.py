"""Removes unused images when the disk that holds them gets full. Which ones is decided in `plan/images.py`."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from kubelet.plan.images import ImageUse, images_to_remove
from kubelet.runtime.interface import Image, Runtime, RuntimeFailure

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGcConfig:
    """Percent of the disk in use at which removal begins and ends; images younger than the age are kept."""

    high_percent: int
    low_percent: int
    minimum_age_seconds: float


class ImageCollector:
    """`in_use` gives the references and ids of images that pods use."""

    def __init__(
        self, runtime: Runtime, config: ImageGcConfig, image_dir: Callable[[], str], in_use: Callable[[], set[str]]
    ) -> None:
        self._runtime = runtime
        self._config = config
        self._image_dir = image_dir
        self._in_use = in_use
        self._detected: dict[str, datetime] = {}
        self._used: dict[str, datetime] = {}

    async def run(self) -> None:
        """Look every five minutes until cancelled; --image-gc-high-threshold=100 means never."""
        while True:
            try:
                await self._look()
            except (RuntimeFailure, OSError) as error:
                logger.warning("Image garbage collection failed", extra={"error": str(error)})
            await asyncio.sleep(_LOOK_SECONDS)

    async def remove_unused(self) -> None:
        """Remove every image that no container and no pod uses, however young: a disk is short. Raises
        RuntimeFailure."""
        images, in_use, _ = await self._survey()
        await self._remove([image.id for image in images if image.id not in in_use])

    async def _survey(self) -> tuple[list[Image], set[str], datetime]:
        """All images, the ids of those in use, and the time."""
        now = datetime.now(UTC)
        used_names = self._in_use()
        images = await self._runtime.list_images()
        in_use = await self._runtime.used_image_ids()
        for image in images:
            self._detected.setdefault(image.id, now)
            if used_names & {image.id, *image.tags, *image.digests}:
                in_use.add(image.id)
            if image.id in in_use:
                self._used[image.id] = now
        present = {image.id for image in images}
        for memory in (self._detected, self._used):
            for image_id in set(memory) - present:
                del memory[image_id]
        return images, in_use, now

    async def _look(self) -> None:
        images, in_use, now = await self._survey()
        if self._config.high_percent >= 100:
            return
        disk = await asyncio.to_thread(shutil.disk_usage, self._image_dir())
        percent = disk.used * 100 // max(disk.total, 1)
        if percent < self._config.high_percent:
            return
        to_free = disk.used - disk.total * self._config.low_percent // 100
        logger.info("The image disk is getting full", extra={"percent": percent, "bytes_to_free": to_free})
        never = datetime.min.replace(tzinfo=UTC)
        uses = [
            ImageUse(image.id, image.size, self._detected[image.id], self._used.get(image.id, never))
            for image in images
        ]
        await self._remove(images_to_remove(uses, in_use, to_free, now, self._config.minimum_age_seconds))

    async def _remove(self, image_ids: list[str]) -> None:
        for image_id in image_ids:
            try:
                await self._runtime.remove_image(image_id)
            except RuntimeFailure as error:
                logger.info("An image was not removed", extra={"image": image_id, "error": str(error)})
            else:
                logger.info("Removed an unused image", extra={"image": image_id})
