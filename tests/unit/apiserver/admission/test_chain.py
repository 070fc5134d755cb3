"""The chain of plugins: who is asked, in which order, and what is measured."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from apimachinery.errors import Forbidden
from apimachinery.objects import Object
from apiserver.admission.base import Plugin, refuse
from apiserver.admission.chain import Chain
from apiserver.interfaces import Attributes, UserInfo

_PLUGIN = "apiserver_admission_controller_admission_duration_seconds_count"
_STEP = "apiserver_admission_step_admission_duration_seconds_count"


class Marks(Plugin):
    """Changes the object."""

    name = "Marks"

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        assert obj is not None
        obj["marked"] = True


class Warns(Plugin):
    """Has something to say."""

    name = "Warns"

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        return ["careful"]


class Refuses(Plugin):
    """Refuses."""

    name = "Refuses"

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        raise refuse(attributes, "no")


def asked(verb: str = "create") -> Attributes:
    return Attributes(user=UserInfo("eve"), verb=verb, path="", is_resource=True, resource="chaintests")


def measured(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_each_plugin_is_measured_in_the_steps_that_are_its_business() -> None:
    labels = {"operation": "CREATE", "rejected": "false"}
    before = measured(_STEP, type="admit", **labels)
    chain, obj = Chain([Marks(), Warns()]), Object()
    await chain.admit(asked(), obj, None)
    assert await chain.validate(asked(), obj, None) == ["careful"]
    assert obj == {"marked": True}
    assert measured(_PLUGIN, name="Marks", type="admit", **labels) == 1
    assert measured(_PLUGIN, name="Warns", type="validate", **labels) == 1
    assert measured(_PLUGIN, name="Marks", type="validate", **labels) == 0
    assert measured(_STEP, type="admit", **labels) == before + 1


async def test_a_refusal_is_that_of_one_plugin_and_of_the_step() -> None:
    labels = {"operation": "UPDATE", "type": "validate"}
    refused = measured(_STEP, rejected="true", **labels)
    with pytest.raises(Forbidden):
        await Chain([Warns(), Refuses()]).validate(asked("patch"), {}, {})
    assert measured(_PLUGIN, name="Refuses", rejected="true", **labels) == 1
    assert measured(_PLUGIN, name="Warns", rejected="true", **labels) == 0
    assert measured(_PLUGIN, name="Warns", rejected="false", **labels) == 1
    assert measured(_STEP, rejected="true", **labels) == refused + 1


async def test_verbs_of_others_are_not_their_business() -> None:
    await Chain([Refuses()]).validate(asked("delete"), None, {})
