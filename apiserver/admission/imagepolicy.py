"""ImagePolicyWebhook: a server, reached by a kubeconfig file, says which images pods may run.

(plugin/pkg/admission/imagepolicy; the review is imagepolicy.k8s.io/v1alpha1 ImageReview.)"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import orjson

from apimachinery.errors import ApiError
from apimachinery.objects import Object, annotations_of
from apiserver.admission.base import Plugin, Setting, only, refuse
from apiserver.interfaces import Attributes
from client import kubeconfig
from client.rest import RestClient

logger = logging.getLogger(__name__)

_PREFIX: Final = "imagepolicywebhook.image-policy.k8s.io/"
_OWN_ANNOTATIONS: Final = ".image-policy.k8s.io/"
_REMEMBERED: Final = 1024
_ATTEMPTS: Final = 5
_FACTOR: Final = 1.5
_TIMEOUT_SECONDS: Final = 30.0
#: Seconds in one of the configuration's unit, least, most and default seconds. Negative values switch off.
_DURATIONS: Final = {
    "allowTTL": (1.0, 1.0, 1800.0, 300.0),
    "denyTTL": (1.0, 1.0, 1800.0, 30.0),
    "retryBackoff": (1e-3, 1e-9, 300.0, 0.5),
}


class ImagePolicyWebhook(Plugin):
    """Pods, by the images of their containers."""

    name = "ImagePolicyWebhook"
    resources = only("", "pods")

    def __init__(self, setting: Setting) -> None:
        """Raises ValueError for a configuration that makes no sense, OSError for files that cannot be read."""
        body = setting.configured(self.name).get("imagePolicy")
        if not isinstance(body, dict) or not body.get("kubeConfigFile"):
            raise ValueError("ImagePolicyWebhook: no config specified: imagePolicy.kubeConfigFile is needed")
        self._config = kubeconfig.load(str(body["kubeConfigFile"]))
        self._allow_seconds = _seconds(body, "allowTTL")
        self._deny_seconds = _seconds(body, "denyTTL")
        self._backoff_seconds = _seconds(body, "retryBackoff")
        self._default_allow = bool(body.get("defaultAllow"))
        self._answers: OrderedDict[bytes, tuple[float, Object]] = OrderedDict()

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises Forbidden."""
        if obj is None:
            return []
        spec = review_spec(obj, attributes.namespace)
        try:
            status = await self._status(spec)
        except ApiError as error:
            logger.warning("No word about images", extra={"reason": error.message})
            if not self._default_allow:
                raise refuse(attributes, error.message, obj) from error
            attributes.notes.annotations[f"{_PREFIX}failed-open"] = "true"
            return []
        for key, value in (status.get("auditAnnotations") or {}).items():
            attributes.notes.annotations[_PREFIX + str(key)] = str(value)
        if not status.get("allowed"):
            reason = status.get("reason")
            said = f"image policy webhook backend denied one or more images: {reason}"
            raise refuse(attributes, said if reason else "one or more images rejected by webhook backend", obj)
        return []

    async def _status(self, spec: Object) -> Object:
        key = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        known = self._answers.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        status = await self._ask(spec)
        seconds = self._allow_seconds if status.get("allowed") else self._deny_seconds
        self._answers[key] = (time.monotonic() + seconds, status)
        self._answers.move_to_end(key)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return status

    async def _ask(self, spec: Object) -> Object:
        """The server's word, tried again where it fails; raises ApiError."""
        body = orjson.dumps({"kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1", "spec": spec})
        headers = {"Content-Type": "application/json"}
        wait = self._backoff_seconds
        async with RestClient(self._config, user_agent="kube-apiserver", timeout_seconds=_TIMEOUT_SECONDS) as client:
            for attempt in range(_ATTEMPTS):
                try:
                    return _answer(*await client.raw("POST", "", body=body, headers=headers))
                except ApiError as error:
                    if attempt == _ATTEMPTS - 1 or error.http_code < 500:
                        raise
                await asyncio.sleep(wait)
                wait *= _FACTOR
        raise ApiError("Error contacting webhook")


def _answer(code: int, body: bytes) -> Object:
    if not 200 <= code < 300:
        error = ApiError(f"Error contacting webhook: {code}")
        error.http_code = code
        raise error
    try:
        said = orjson.loads(body)
        status: Object = said["status"]
        status.get("allowed")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ApiError("the answer is no ImageReview") from error
    return status


def review_spec(pod: Object, namespace: str) -> Object:
    """What is asked about a pod."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    asked: Object = {"containers": [{"image": each.get("image") or ""} for each in containers], "namespace": namespace}
    annotations = {key: value for key, value in annotations_of(pod).items() if _OWN_ANNOTATIONS in key}
    return {**asked, "annotations": annotations} if annotations else asked


def _seconds(body: Mapping[str, Any], field: str) -> float:
    unit, least, most, default = _DURATIONS[field]
    value = body.get(field) or 0
    if not isinstance(value, int):
        raise ValueError(f"ImagePolicyWebhook: imagePolicy.{field}: {value!r} is no number")
    if value == 0:
        return default
    if value == -1:
        return 0.0
    if not least <= value * unit <= most:
        span = f"between {least:g} and {most:g} seconds"
        raise ValueError(f"ImagePolicyWebhook: imagePolicy.{field}: valid values are {span}")
    return value * unit
