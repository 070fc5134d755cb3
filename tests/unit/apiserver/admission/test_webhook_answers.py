"""What answers of admission webhooks mean, and which are none."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from apiserver.admission.webhooks.review import BadAnswer, verdict


def _body(**response: Any) -> bytes:
    answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "7", **response}}
    return orjson.dumps(answer)


def test_an_answer() -> None:
    patch = [{"op": "remove", "path": "/spec"}]
    encoded = base64.b64encode(orjson.dumps(patch)).decode()
    status, notes = {"code": 409, "message": "no"}, {"who": "me"}
    body = _body(allowed=False, status=status, patch=encoded, patchType="JSONPatch", warnings=["w"],
                 auditAnnotations=notes)  # fmt: skip
    found = verdict(body, "7", "v1", mutating=True)
    assert (found.allowed, found.status, found.patch, found.warnings) == (False, status, patch, ("w",))
    assert found.annotations == notes


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"status": "no"}, "response.status is no object"),
        ({"status": {"code": "403"}}, "response.status.code is no integer"),
        ({"status": {"code": True}}, "response.status.code is no integer"),
        ({"status": {"details": []}}, "response.status.details is no object"),
        ({"warnings": "w"}, "response.warnings is no list"),
        ({"auditAnnotations": ["a"]}, "response.auditAnnotations is no object"),
        ({"patch": 7, "patchType": "JSONPatch"}, "response.patch is not base64 of JSON"),
        ({"patch": "é", "patchType": "JSONPatch"}, "response.patch is not base64 of JSON"),
        ({"patch": "e30=", "patchType": "JSONPatch"}, "response.patch is not a list of operations"),
        ({"uid": "8"}, 'expected response.uid="7", got "8"'),
    ],
)
def test_what_is_no_answer_counts_as_a_failed_call(response: dict[str, Any], why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        verdict(_body(**response), "7", "v1", mutating=True)
