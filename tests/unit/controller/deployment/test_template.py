"""Templates and revisions."""

from __future__ import annotations

from apimachinery.objects import Object
from controller.deployment import template
from controller.deployment.newset import build, refreshed

TEMPLATE: Object = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
DEPLOYMENT: Object = {
    "metadata": {
        "name": "web",
        "namespace": "default",
        "uid": "d",
        "annotations": {"note": "x", template.REVISION: "7"},
    },
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": TEMPLATE,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    },
}


def test_the_hash_label_and_empty_fields_make_no_difference() -> None:
    other = {
        "metadata": {"labels": {"app": "web", template.HASH_LABEL: "x"}, "creationTimestamp": None},
        "spec": {"containers": [{"name": "c", "image": "nginx", "resources": {}}]},
    }
    assert template.same_template(TEMPLATE, other)
    assert template.template_hash(TEMPLATE, 0) == template.template_hash(other, 0)


def test_anything_else_does() -> None:
    other = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": "nginx:other"}]}}
    assert not template.same_template(TEMPLATE, other)
    assert template.template_hash(TEMPLATE, 0) != template.template_hash(other, 0)
    assert template.template_hash(TEMPLATE, 0) != template.template_hash(TEMPLATE, 1)
    assert set(template.template_hash(TEMPLATE, 0)) <= set("bcdfghjklmnpqrstvwxz2456789")


def test_a_new_set() -> None:
    old = build(DEPLOYMENT, [])
    old["metadata"]["annotations"][template.REVISION] = "4"
    old["spec"]["replicas"] = 3
    made = build({**DEPLOYMENT, "status": {"collisionCount": 1}}, [old])
    name = made["metadata"]["labels"][template.HASH_LABEL]
    assert made["metadata"]["name"] == f"web-{name}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", template.HASH_LABEL: name}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "web", template.HASH_LABEL: name}
    assert made["spec"]["replicas"] == 1
    assert made["metadata"]["annotations"] == {
        "note": "x",
        template.REVISION: "5",
        template.DESIRED_REPLICAS: "3",
        template.MAX_REPLICAS: "4",
    }
    assert template.HASH_LABEL not in TEMPLATE["metadata"]["labels"]


def test_going_back_gives_a_set_a_new_revision_and_a_history() -> None:
    current = build(DEPLOYMENT, [])
    assert refreshed(DEPLOYMENT, current, 1) is None
    again = refreshed(DEPLOYMENT, current, 3)
    assert again is not None
    assert again["metadata"]["annotations"][template.REVISION] == "3"
    assert again["metadata"]["annotations"][template.REVISION_HISTORY] == "1"
    further = refreshed(DEPLOYMENT, again, 6)
    assert further is not None
    assert further["metadata"]["annotations"][template.REVISION_HISTORY] == "1,3"
    assert refreshed({**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "minReadySeconds": 5}}, current, 1) is not None
