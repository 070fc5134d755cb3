"""The status of ValidatingAdmissionPolicies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.resources import ADMISSION_POLICIES
from apimachinery.objects import Object
from tests.integration.controller.plane import ControlPlane

_FLAGS = (
    "--feature-gates=ValidatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
)


def policy(name: str, expression: str) -> Object:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}]}
    return {"metadata": {"name": name}, "spec": spec}


async def test_expressions_are_checked_against_the_schemas_of_what_is_matched(tmp_path: Path) -> None:
    async with ControlPlane(tmp_path, "--use-service-account-credentials", api_flags=_FLAGS) as plane:
        for name, expression in (("good", "object.spec.replicas < 9"), ("bad", "object.replicas < 9")):
            await plane.client.create(ADMISSION_POLICIES, policy(name, expression))

        async def checked(name: str, generation: int) -> dict[str, Any] | None:
            status = (await plane.client.get(ADMISSION_POLICIES, "", name)).get("status") or {}
            return status.get("typeChecking") or {} if status.get("observedGeneration") == generation else None

        async def both() -> bool:
            return await checked("good", 1) is not None and await checked("bad", 1) is not None

        await plane.until(both)
        assert await checked("good", 1) == {}
        found = await checked("bad", 1)
        assert found is not None
        (told,) = found["expressionWarnings"]
        assert told["fieldRef"] == "spec.validations[0].expression"
        assert told["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'")

        right = {"spec": {"validations": [{"expression": "object.spec.replicas < 9"}]}}
        await plane.client.patch(ADMISSION_POLICIES, "", "bad", right, patch_type="merge")

        async def again() -> bool:
            return await checked("bad", 2) == {}

        await plane.until(again)
