"""What a conversion webhook is asked, and which answers count."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apimachinery.objects import Object
from apiserver.crd.conversion import review
from apiserver.crd.conversion.review import ConversionError

_OLD, _NEW = "stable.example.com/v1", "stable.example.com/v2"
_SUBJECT = f"conversion webhook for {_OLD}, Kind=Tab"


def tab(version: str = _OLD, **metadata: Any) -> Object:
    return {
        "apiVersion": version,
        "kind": "Tab",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "generation": 3, **metadata},
        "spec": {},
    }


def answer(*objects: Any, version: str = "v1", **response: Any) -> bytes:
    body = {"uid": "1", "result": {"status": "Success"}, "convertedObjects": list(objects), **response}
    return orjson.dumps({"apiVersion": f"apiextensions.k8s.io/{version}", "kind": "ConversionReview", "response": body})


def judged(body: bytes, version: str = "v1") -> list[Object]:
    return review.converted(body, [tab(labels={"a": "b"})], _NEW, "1", version)


def test_the_question() -> None:
    assert review.request([tab()], _NEW, "1", "v1") == {
        "kind": "ConversionReview",
        "apiVersion": "apiextensions.k8s.io/v1",
        "request": {"uid": "1", "desiredAPIVersion": _NEW, "objects": [tab()]},
    }
    assert review.chosen_version(["v3", "v1beta1", "v1"]) == "v1beta1"
    with pytest.raises(ConversionError, match="no supported conversion review versions"):
        review.chosen_version(["v3"])


def test_labels_and_annotations_are_the_webhooks_all_else_of_the_metadata_stays() -> None:
    (made,) = judged(answer(tab(_NEW, labels={"x": "y"}, annotations={"k": "v"}, generation=9, finalizers=["f"])))
    assert made["metadata"] == {
        "name": "a", "namespace": "n", "uid": "u", "generation": 3, "labels": {"x": "y"}, "annotations": {"k": "v"},
    }  # fmt: skip
    (made,) = judged(answer(tab(_NEW)))
    assert "labels" not in made["metadata"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"no", f"{_SUBJECT} failed: the answer is not JSON"),
        (answer(version="v2"), f"{_SUBJECT} failed: expected webhook response of apiextensions.k8s.io/v1, "
         "Kind=ConversionReview, got apiextensions.k8s.io/v2, Kind=ConversionReview"),
        (answer(uid="2"), f'{_SUBJECT} failed: expected response.uid="1", got "2"'),
        (answer(result={"status": "Failure", "message": "no"}), f"{_SUBJECT} failed: no"),
        (answer(result={}), f"{_SUBJECT} failed: response.result.status was '', not 'Success'"),
        (answer(), f"{_SUBJECT} returned 0 objects, expected 1"),
        (answer(tab()), f"invalid object at index 0: invalid groupVersion (expected {_NEW}, received {_OLD})"),
        (answer({**tab(_NEW), "kind": "Other"}), "invalid kind (expected Tab, received Other)"),
        (answer(tab(_NEW, name="b")), "returned invalid object: must have the same name: a != b"),
        (answer(tab(_NEW, uid="v")), "returned invalid object: must have the same UID: u != v"),
        (answer({"apiVersion": _NEW, "kind": "Tab"}), "invalid metadata: missing metadata in converted object"),
        (answer(tab(_NEW, labels={"-": "x"})), "returned invalid metadata: metadata.labels: Invalid value"),
        (answer(tab(_NEW, labels={"x": 1})), "metadata.labels[x] must be a string in converted object"),
        (answer("text"), "it is no object"),
    ],
)  # fmt: skip
def test_answers_that_are_none(body: bytes, why: str) -> None:
    with pytest.raises(ConversionError) as raised:
        judged(body)
    assert why in raised.value.message
    assert "reason" not in raised.value.status()


def test_less_is_asked_of_the_beta_version() -> None:
    assert judged(answer(tab(_NEW), version="v1beta1", uid="other"), "v1beta1")
