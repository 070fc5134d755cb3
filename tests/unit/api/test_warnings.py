"""What clients are warned of in objects of core/v1."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from api.core.data import SECRET
from api.core.node import NODE
from api.core.persistentvolume import VOLUME
from api.core.persistentvolumeclaim import CLAIM
from api.core.pod.strategy import POD
from api.core.podtemplate import POD_TEMPLATE
from api.core.replicationcontroller import REPLICATION_CONTROLLER
from api.core.service.strategy import SERVICE
from api.kind import Strategy
from apimachinery.objects import Object
from component.selfsigned import self_signed
from tests.unit.api.samples import container, created, pod, service, template

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
OLD_OS = 'deprecated since v1.14; use "kubernetes.io/os" instead'
NO_POD = "a null labelSelector results in matching no pod"
OLD_SELECTOR = {"nodeSelector": {"beta.kubernetes.io/os": "linux"}}
C = "spec.containers[0]"


def warned(strategy: Strategy, obj: Object) -> list[str]:
    """What the creator is warned of."""
    return strategy.warnings(created(strategy, obj), None)


def test_nothing_is_said_of_plain_objects() -> None:
    assert warned(POD, pod()) == []
    assert warned(SERVICE, service()) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (OLD_SELECTOR, [f"spec.nodeSelector[beta.kubernetes.io/os]: {OLD_OS}"]),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "Exists"}]}
                            ]
                        }
                    }
                }
            },
            [
                f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: "
                f"beta.kubernetes.io/os is {OLD_OS}"
            ],
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            [f"spec.topologySpreadConstraints[0].labelSelector: {NO_POD}"],
        ),
        (
            {
                "affinity": {
                    "podAffinity": {REQUIRED: [{"topologyKey": "zone", "labelSelector": {}}, {"topologyKey": "zone"}]},
                    "podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}]},
                }
            },
            [
                f"spec.affinity.podAffinity.{REQUIRED}[1].labelSelector: {NO_POD}",
                f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NO_POD}",
            ],
        ),
        (
            {"volumes": [{"name": "v", "storageos": {"volumeName": "x"}}]},
            ["spec.volumes[0].storageOS: deprecated in v1.22, non-functional in v1.25+"],
        ),
        (
            {
                "volumes": [
                    {
                        "name": "v",
                        "ephemeral": {
                            "volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1500m"}}}}
                        },
                    }
                ]
            },
            [
                "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: "
                'fractional byte value "1500m" is invalid, must be an integer'
            ],
        ),
        (
            {"imagePullSecrets": [{"name": "a"}, {"name": ""}, {"name": "a"}, {"name": ""}]},
            [
                'spec.imagePullSecrets[2].name: duplicate name "a"',
                'spec.imagePullSecrets[3].name: duplicate name ""',
                'spec.imagePullSecrets[1].name: invalid empty name ""',
                'spec.imagePullSecrets[3].name: invalid empty name ""',
            ],
        ),
        (
            {"overhead": {"memory": "1.5"}},
            ['spec.overhead[memory]: fractional byte value "1500m" is invalid, must be an integer'],
        ),
        (
            {"terminationGracePeriodSeconds": -1},
            ["spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"],
        ),
    ],
)
def test_pods(spec: dict[str, Any], expected: list[str]) -> None:
    assert warned(POD, pod(spec)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"resources": {"limits": {"memory": "100m"}}},
            [
                f'{C}.resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
                f'{C}.resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
            ],
        ),
        ({"resources": {"limits": {"cpu": "100m", "memory": "1Gi"}}}, []),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
            [f'{C}.env[1]: hides previous definition of "A"'],
        ),
        ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A):2"}]}, []),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)"}]},
            [f'{C}.env[1]: hides previous definition of "A"'],
        ),
        (
            {"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}]},
            [f"{C}.ports[1]: duplicate port definition with {C}.ports[0]"],
        ),
        ({"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}, []),
        (
            {"ports": [{"containerPort": 80}, {"containerPort": 80, "hostPort": 8080}]},
            [f"{C}.ports[1]: overlapping port definition with {C}.ports[0]"],
        ),
        (
            {
                "ports": [
                    {"containerPort": 80, "hostPort": 8080},
                    {"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1"},
                ]
            },
            [f"{C}.ports[1]: dangerously ambiguous port definition with {C}.ports[0]"],
        ),
        (
            {"ports": [{"containerPort": 80, "hostIP": "10.0.0.1"}]},
            [
                f"{C}.ports[0]: hostIP set without hostPort: "
                "{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}"
            ],
        ),
    ],
)
def test_containers(fields: dict[str, Any], expected: list[str]) -> None:
    assert warned(POD, pod({"containers": [container(**fields)]})) == expected


def test_seccomp_annotations_without_the_field() -> None:
    notes = {
        "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
        "container.seccomp.security.alpha.kubernetes.io/c": "runtime/default",
    }
    text = 'non-functional in v1.27+; use the "seccompProfile" field instead'
    assert warned(POD, pod(annotations=notes)) == [f"metadata.annotations[{key}]: {text}" for key in notes]
    profile = {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}
    given = pod({**profile, "containers": [container(**profile)]}, annotations=notes)
    assert warned(POD, given) == []


def test_names_that_are_no_host_names() -> None:
    start, end = "metadata.name: this is used in ", "a DNS label is recommended: [must not contain dots]"
    text = "the Pod's hostname, which can result in surprising behavior; "
    assert warned(POD, pod(name="a.b")) == [start + text + end]
    controller = {"metadata": {"name": "a.b"}, "spec": {"template": template()}}
    text = "Pod names and hostnames, which can result in surprising behavior; "
    assert warned(REPLICATION_CONTROLLER, controller) == [start + text + end]


@pytest.mark.parametrize(
    ("strategy", "obj"),
    [
        (
            REPLICATION_CONTROLLER,
            {
                "metadata": {"name": "a"},
                "spec": {"template": template(OLD_SELECTOR)},
            },
        ),
        (
            POD_TEMPLATE,
            {"metadata": {"name": "a"}, "template": template(OLD_SELECTOR)},
        ),
    ],
)
def test_templates_are_told_of_in_every_new_generation_only(strategy: Strategy, obj: Object) -> None:
    old = created(strategy, obj)
    assert len(strategy.warnings(old, None)) == 1
    new = copy.deepcopy(old)
    assert strategy.warnings(new, old) == []
    new["metadata"]["generation"] += 1
    assert len(strategy.warnings(new, old)) == 1


CANONICAL = "which may cause controller apply-loops"
FUTURE = "was accepted, but will be invalid in a future Kubernetes release"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"externalIPs": ["10.1.2.3", "2001:db8::1", "::ffff:10.1.2.3"]}, []),
        (
            {"externalIPs": ["010.1.2.3"]},
            [
                f'spec.externalIPs[0]: IP address {FUTURE}: ParseAddr("010.1.2.3"): '
                "IPv4 field has octet with leading zero"
            ],
        ),
        (
            {"clusterIP": "FD00:0::1"},
            [
                'spec.clusterIPs[0]: IPv6 address "FD00:0::1" is not in RFC 5952 canonical format ("fd00::1"), '
                f"{CANONICAL}"
            ],
        ),
        (
            {"type": "LoadBalancer", "loadBalancerIP": "soon"},
            [f'spec.loadBalancerIP: IP address {FUTURE}: ParseAddr("soon"): unable to parse IP'],
        ),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/08", "2001:DB8::/32", "10.0.0.0/0"]},
            [
                f'spec.loadBalancerSourceRanges[0]: IP prefix {FUTURE}: netip.ParsePrefix("10.0.0.0/08"): '
                'bad bits after slash: "08"',
                'spec.loadBalancerSourceRanges[1]: IPv6 prefix "2001:DB8::/32" is not in RFC 5952 canonical format '
                f'("2001:db8::/32"), {CANONICAL}',
            ],
        ),
        (
            {"type": "ExternalName", "externalName": "a.b", "externalIPs": ["10.1.2.3"]},
            ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
        ),
        ({"externalName": "a.b"}, ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        ({"clusterIP": "None"}, []),
    ],
)
def test_services(spec: dict[str, Any], expected: list[str]) -> None:
    assert warned(SERVICE, service(**spec)) == expected


def test_claims_and_volumes() -> None:
    metadata = {"name": "a", "annotations": {"volume.beta.kubernetes.io/storage-class": "slow"}}
    text = 'deprecated since v1.8; use "storageClassName" attribute instead'
    by_annotation = f"metadata.annotations[volume.beta.kubernetes.io/storage-class]: {text}"
    assert warned(CLAIM, {"metadata": metadata, "spec": {"resources": {"requests": {"storage": "1500m"}}}}) == [
        by_annotation,
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]
    old = [{"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "Exists"}]}]
    spec = {"rbd": {"monitors": ["a"], "image": "b"}, "nodeAffinity": {"required": {"nodeSelectorTerms": old}}}
    assert warned(VOLUME, {"metadata": metadata, "spec": spec}) == [
        by_annotation,
        f"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is {OLD_OS}",
        "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
    ]


def test_nodes() -> None:
    assert warned(NODE, {"metadata": {"name": "n"}, "spec": {"externalID": "x"}}) == [
        "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    ]


def pair(certificate: bytes, key: bytes) -> list[str]:
    """What is said of a TLS secret."""
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}
    return warned(SECRET, {"metadata": {"name": "s"}, "type": "kubernetes.io/tls", "data": data})


def test_certificates_and_keys() -> None:
    (certificate, key), (_, other) = self_signed("a", ["a"]), self_signed("b", ["b"])
    assert pair(certificate, key) == []
    assert pair(certificate, other) == ["tls: private key does not match public key"]
    assert pair(b"", key) == ["tls: failed to find any PEM data in certificate input"]
    assert pair(certificate, b"x") == ["tls: failed to find any PEM data in key input"]
    assert pair(certificate, certificate) == [
        "tls: found a certificate rather than a key in the PEM for the private key"
    ]
    assert pair(key, certificate)[0].startswith(
        "tls: failed to find certificate PEM data in certificate input, but did"
    )
    broken = key.replace(b"\nM", b"\nA", 1)
    assert pair(certificate, broken) == ["tls: failed to parse private key"]
    assert warned(SECRET, {"metadata": {"name": "s"}, "data": {}}) == []
