"""What a ControllerRevision keeps."""

from __future__ import annotations

import json

from api.resources import DAEMON_SETS
from apimachinery.objects import Object
from controller.revisions import build, template_of


def test_the_data_is_the_patch_in_the_order_that_clients_compare() -> None:
    template: Object = {
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "metadata": {"labels": {"b": "1", "a": "2"}, "creationTimestamp": None},
    }
    owner = {"metadata": {"name": "d", "namespace": "n", "uid": "u"}, "spec": {"template": template}}
    made = build(owner, DAEMON_SETS, 0, 3)
    assert json.dumps(made["data"], separators=(",", ":")) == (
        '{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":{"a":"2","b":"1"}},'
        '"spec":{"containers":[{"image":"i","name":"c"}]}}}}'
    )
    assert template_of(made) == {**template, "$patch": "replace"}
    assert made["revision"] == 3
    assert made["metadata"]["name"] == f"d-{made['metadata']['labels']['controller-revision-hash']}"
