"""Claims that pods bring along."""

from __future__ import annotations

from apimachinery.objects import Object
from controller.ephemeralvolume.plan import claims, has_ephemeral_volumes, problem

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
POD: Object = {
    "metadata": {"name": "web", "namespace": "ns", "uid": "p"},
    "spec": {
        "volumes": [
            {"name": "cache", "emptyDir": {}},
            {
                "name": "data",
                "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}},
            },
        ]
    },
}


def test_a_claim_per_ephemeral_volume() -> None:
    assert has_ephemeral_volumes(POD)
    [claim] = claims(POD)
    assert (claim["metadata"]["name"], claim["metadata"]["labels"], claim["spec"]) == ("web-data", {"a": "b"}, SPEC)
    assert claim["metadata"]["ownerReferences"][0]["uid"] == "p"
    assert problem(POD, claim) == ""


def test_anothers_claim_is_not_taken() -> None:
    claim: Object = {"metadata": {"name": "web-data", "namespace": "ns"}}
    assert problem(POD, claim) == "PVC ns/web-data was not created for pod ns/web (pod is not owner)"
