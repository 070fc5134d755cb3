"""Who may do what, through kubectl: auth can-i and reconcile, tokens, impersonation, certificates."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kubectl import Kubectl, run

pytestmark = pytest.mark.timeout(240)  # each runs a dozen processes

ROLES = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: eve}
"""


def test_can_i(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "pods") == "yes\n"
    assert kubectl("auth", "can-i", "*", "*") == "yes\n"
    refused = kubectl.done("auth", "can-i", "list", "pods", "--as=eve")
    assert (refused.returncode, refused.stdout) == (1, "no\n")
    kubectl("create", "-f", "-", input=ROLES)
    assert kubectl("auth", "can-i", "list", "pods", "--as=eve") == "yes\n"
    assert kubectl.done("auth", "can-i", "delete", "pods", "--as=eve").stdout == "no\n"
    assert kubectl.done("auth", "can-i", "get", "pods", "--subresource=log", "--as=eve").stdout == "no\n"
    assert kubectl("auth", "can-i", "get", "/healthz", "--as=eve") == "yes\n"
    rows = [line.split() for line in kubectl("auth", "can-i", "--list", "--as=eve").splitlines()]
    assert ["pods", "[]", "[]", "[get", "list]"] in rows
    assert ["selfsubjectaccessreviews.authorization.k8s.io", "[]", "[]", "[create]"] in rows


def test_what_is_forbidden_says_who_and_what(kubectl: Kubectl) -> None:
    said = kubectl.fails("get", "secrets", "--as=eve")
    assert said == (
        'Error from server (Forbidden): secrets is forbidden: User "eve" cannot list resource "secrets" in API group ""'
        f' in the namespace "{kubectl.namespace}"\n'
    )
    assert 'cannot get resource "nodes" in API group "" at the cluster scope' in kubectl.fails(
        "get", "node", "n", "--as=eve"
    )


def test_reconcile(kubectl: Kubectl) -> None:
    # Without a namespace of their own, later versions ask for the objects of none.
    roles = ROLES.replace("metadata: {", f"metadata: {{namespace: {kubectl.namespace}, ")
    made = kubectl("auth", "reconcile", "-f", "-", input=roles)
    assert "role.rbac.authorization.k8s.io/reader reconciled" in made
    assert "rolebinding.rbac.authorization.k8s.io/readers reconciled" in made
    kubectl("auth", "reconcile", "-f", "-", input=roles.replace("[get, list]", "[watch]"))
    verbs = {verb for rule in kubectl.json("get", "role", "reader")["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    kubectl("auth", "reconcile", "--remove-extra-permissions", "-f", "-", input=roles.replace("[get, list]", "[watch]"))
    verbs = {verb for rule in kubectl.json("get", "role", "reader")["rules"] for verb in rule["verbs"]}
    assert verbs == {"watch"}


def test_whoami_and_tokens(kubectl: Kubectl) -> None:
    if kubectl.is_old:
        # `create token` and `auth whoami` came later: ask for the token as they do.
        request = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        path = f"/api/v1/namespaces/{kubectl.namespace}/serviceaccounts/default/token"
        token = json.loads(kubectl("create", "--raw", path, "-f", "-", input=request))["status"]["token"]
    else:
        token = kubectl("create", "token", "default", "--duration=10m").strip()
        assert "system:masters" in kubectl("auth", "whoami")
    said = kubectl.fails("--token", token, "--user=nobody", "get", "pods")
    assert "nobody" in said  # the kubeconfig has no such user
    account = f"system:serviceaccount:{kubectl.namespace}:default"
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    shown = json.loads(kubectl("create", "-o", "json", "-f", "-", input=json.dumps(review)))
    assert shown["status"]["user"]["username"] == account


def signing_request() -> bytes:
    """A PKCS #10 request of the user bob."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "bob"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "devs")]
    )
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def test_certificates(kubectl: Kubectl) -> None:
    def submit(name: str) -> None:
        spec = {
            "request": base64.b64encode(signing_request()).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        }
        body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name}}
        kubectl("create", "-f", "-", input=json.dumps({**body, "spec": spec}))

    good, bad = f"good-{kubectl.namespace}", f"bad-{kubectl.namespace}"
    submit(good)
    assert kubectl("get", "csr", good, "--no-headers").split()[-1] == "Pending"
    said = kubectl("certificate", "approve", good)
    assert said == f"certificatesigningrequest.certificates.k8s.io/{good} approved\n"
    assert kubectl("get", "csr", good, "--no-headers").split()[-1].startswith("Approved")
    submit(bad)
    assert kubectl("certificate", "deny", bad) == f"certificatesigningrequest.certificates.k8s.io/{bad} denied\n"
    assert kubectl("get", "csr", bad, "--no-headers").split()[-1] == "Denied"
    (condition,) = kubectl.json("get", "csr", bad)["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Denied", "True", "KubectlDeny")
    kubectl("delete", "csr", good, bad)


def test_config(kubectl: Kubectl, tmp_path: Path) -> None:
    mine = tmp_path / "config"
    mine.write_text(Path(kubectl.kubeconfig).read_text())

    def config(*arguments: str) -> str:
        return run(kubectl.binary, "--kubeconfig", str(mine), "config", *arguments).stdout

    context = config("current-context").strip()
    assert config("set-context", "--current", f"--namespace={kubectl.namespace}").startswith(
        f'Context "{context}" modified'
    )
    listed = run(kubectl.binary, "--kubeconfig", str(mine), "get", "serviceaccounts", "-o", "name").stdout
    assert "serviceaccount/default" in listed
    assert context in config("get-contexts")
    assert "REDACTED" in config("view")
