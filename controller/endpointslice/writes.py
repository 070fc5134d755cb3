"""Carries out what a `SlicePlan` says."""

from __future__ import annotations

from api.resources import ENDPOINT_SLICES
from apimachinery.errors import NotFound
from apimachinery.objects import name_of, namespace_of
from client.rest import RestClient
from controller.endpointslice.plan import SlicePlan
from controller.endpointslice.tracker import SliceTracker


async def carry_out(client: RestClient, tracker: SliceTracker, key: str, plan: SlicePlan) -> None:
    """Write the slices of the Service `key`, and have the tracker know of it. Raises ApiError."""
    for wanted in plan.create:
        tracker.wrote(key, await client.create(ENDPOINT_SLICES, wanted))
    for wanted in plan.update:
        tracker.wrote(key, await client.update(ENDPOINT_SLICES, wanted))
    for doomed in plan.delete:
        try:
            await client.delete(ENDPOINT_SLICES, namespace_of(doomed), name_of(doomed), uid=doomed["metadata"]["uid"])
        except NotFound:
            continue  # someone else was quicker
        tracker.gone(key, name_of(doomed))
