"""kubectl's commands for workloads: run, expose, scale, autoscale, rollout, set, and the generators of `create`."""

from __future__ import annotations

import re

import pytest

from tests.kubectl import Kubectl

pytestmark = pytest.mark.timeout(240)  # each runs a dozen processes

CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "*/5 * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}}}
"""


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """The deployment web of no replicas, which has rolled out."""
    created = kubectl("create", "deployment", "web", "--image=nginx:1.25", "--replicas=0", "--port=80")
    assert created == "deployment.apps/web created\n"
    said = kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert said.splitlines()[-1] == 'deployment "web" successfully rolled out'
    return kubectl


def test_run(kubectl: Kubectl) -> None:
    command = ("run", "job", "--image=busybox", "--restart=Never", "--env=A=1", "--labels=a=b", "--", "sleep", "1")
    assert kubectl(*command) == "pod/job created\n"
    pod = kubectl.json("get", "pod", "job")
    assert pod["metadata"]["labels"] == {"a": "b"}
    assert pod["spec"]["containers"][0]["args"] == ["sleep", "1"]
    assert pod["spec"]["restartPolicy"] == "Never"
    assert kubectl("run", "try", "--image=busybox", "--dry-run=server") == "pod/try created (server dry run)\n"
    assert "Invalid value" in kubectl.fails("run", "Upper", "--image=busybox")


def test_expose(web: Kubectl) -> None:
    assert web("expose", "deployment", "web", "--port=8080", "--target-port=80") == "service/web exposed\n"
    service = web.json("get", "service", "web")["spec"]
    assert service["ports"] == [{"port": 8080, "targetPort": 80, "protocol": "TCP"}]
    assert service["selector"] == {"app": "web"}
    assert web("expose", "deployment", "web", "--name=np", "--type=NodePort") == "service/np exposed\n"
    row = web("get", "service", "np", "--no-headers", "-o", "wide").split()
    assert row[1] == "NodePort"
    assert re.fullmatch(r"80:3\d{4}/TCP", row[4])
    assert row[6] == "app=web"


def test_scale(web: Kubectl) -> None:
    assert web("scale", "deployment", "web", "--replicas=2") == "deployment.apps/web scaled\n"
    assert "xpected replicas to be 5, was 2" in web.fails(
        "scale", "deployment", "web", "--current-replicas=5", "--replicas=1"
    )
    assert web("scale", "--current-replicas=2", "--replicas=1", "deployment/web") == "deployment.apps/web scaled\n"
    web("wait", "--for=condition=Available=false", "deployment/web", "--timeout=20s")
    assert web("get", "deployment", "web", "--no-headers").split()[1] == "0/1"


def test_autoscale(web: Kubectl) -> None:
    said = web("autoscale", "deployment", "web", "--min=1", "--max=4", "--cpu-percent=50")
    assert said == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    row = web("get", "hpa", "web", "--no-headers").split()
    assert row[:5] == ["web", "Deployment/web", "<unknown>/50%", "1", "4"]
    old = web.json("get", "horizontalpodautoscalers.v1.autoscaling", "web")["spec"]
    assert old["targetCPUUtilizationPercentage"] == 50
    assert web.json("get", "horizontalpodautoscalers.v2.autoscaling", "web")["spec"]["metrics"][0]["type"] == "Resource"


def test_rollouts(web: Kubectl) -> None:
    assert web("set", "image", "deployment/web", "nginx=nginx:1.26") == "deployment.apps/web image updated\n"
    web("rollout", "status", "deployment/web", "--timeout=20s")
    history = web("rollout", "history", "deployment/web").splitlines()
    assert [line.split()[0] for line in history[2:] if line] == ["1", "2"]
    assert "nginx:1.25" in web("rollout", "history", "deployment/web", "--revision=1")
    assert web("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    web("rollout", "status", "deployment/web", "--timeout=20s")
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert web("get", "deployment", "web", "-o", image) == "nginx:1.25"
    assert "unable to find specified revision 9" in web.fails("rollout", "undo", "deployment/web", "--to-revision=9")
    assert web("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    assert "already paused" in web.fails("rollout", "pause", "deployment/web")
    assert "rollout resume" in web.fails("rollout", "undo", "deployment/web")
    assert web("rollout", "resume", "deployment/web") == "deployment.apps/web resumed\n"
    assert web("rollout", "restart", "deployment/web") == "deployment.apps/web restarted\n"
    annotations = web.json("get", "deployment", "web")["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations


def test_rollouts_of_the_other_workloads(kubectl: Kubectl) -> None:
    for kind, more in (("StatefulSet", "\n  serviceName: s\n  replicas: 0"), ("DaemonSet", "")):
        manifest = f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: w}}
spec:{more}
  selector: {{matchLabels: {{app: w}}}}
  template: {{metadata: {{labels: {{app: w}}}}, spec: {{containers: [{{name: c, image: "i:1"}}]}}}}
"""
        target = f"{kind.lower()}/w"
        kubectl("apply", "-f", "-", input=manifest)
        kubectl("rollout", "status", target, "--timeout=20s")
        kubectl("apply", "-f", "-", input=manifest.replace("i:1", "i:2"))
        kubectl("rollout", "status", target, "--timeout=20s")
        history = kubectl("rollout", "history", target).splitlines()
        assert [line.split()[0] for line in history[2:] if line] == ["1", "2"], kind
        assert "rolled back" in kubectl("rollout", "undo", target)
        image = kubectl("get", target, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
        assert image == "i:1"


def test_set(web: Kubectl) -> None:
    web("create", "serviceaccount", "robot")
    web("create", "configmap", "conf", "--from-literal=COLOR=blue")
    assert web("set", "env", "deployment/web", "A=1") == "deployment.apps/web env updated\n"
    web("set", "env", "--from=configmap/conf", "deployment/web")
    assert "A=1" in web("set", "env", "deployment/web", "--list")
    web("set", "resources", "deployment/web", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=100m")
    web("set", "serviceaccount", "deployment/web", "robot")
    spec = web.json("get", "deployment", "web")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["env"] == [
        {"name": "A", "value": "1"},
        {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"key": "COLOR", "name": "conf"}}},
    ]
    assert container["resources"] == {"limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "100m"}}
    assert spec["serviceAccountName"] == "robot"
    web("expose", "deployment", "web", "--port=80")
    assert web("set", "selector", "service/web", "app=other") == "service/web selector updated\n"
    assert web.json("get", "service", "web")["spec"]["selector"] == {"app": "other"}
    web("create", "rolebinding", "rb", "--clusterrole=view", "--user=a")
    assert "updated" in web("set", "subject", "rolebinding/rb", "--user=eve")
    too_much = web.fails("set", "resources", "deployment/web", "--limits=cpu=100m", "--requests=cpu=200m")
    assert "must be less than or equal to cpu limit" in too_much


def test_jobs(kubectl: Kubectl) -> None:
    assert kubectl("create", "job", "one", "--image=busybox", "--", "true") == "job.batch/one created\n"
    if kubectl.is_old:  # it asks for batch/v1beta1, which v1.28 no longer serves
        kubectl("create", "-f", "-", input=CRON_JOB)
    else:
        created = kubectl("create", "cronjob", "often", "--image=busybox", "--schedule=*/5 * * * *", "--", "true")
        assert created == "cronjob.batch/often created\n"
        assert kubectl("create", "job", "again", "--from=cronjob/often") == "job.batch/again created\n"
        owner = kubectl.json("get", "job", "again")["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"]) == ("CronJob", "often")
    row = kubectl("get", "cronjob", "often", "--no-headers").split()
    assert row[:6] == ["often", "*/5", "*", "*", "*", "*"]
    assert kubectl("get", "job", "one", "--no-headers").split()[:2] == ["one", "0/1"]


def test_generators(kubectl: Kubectl) -> None:
    def create(*arguments: str) -> str:
        return kubectl("create", *arguments).strip()

    assert create("secret", "generic", "s", "--from-literal=a=1") == "secret/s created"
    assert create("secret", "docker-registry", "r", "--docker-username=u", "--docker-password=p") == "secret/r created"
    assert create("quota", "q", "--hard=pods=2,cpu=1") == "resourcequota/q created"
    if not kubectl.is_old:  # v1.20 asks for policy/v1beta1
        budget = create("poddisruptionbudget", "p", "--selector=app=web", "--min-available=1")
        assert budget == "poddisruptionbudget.policy/p created"
    assert (
        create("role", "reader", "--verb=get,list", "--resource=pods,pods/log")
        == "role.rbac.authorization.k8s.io/reader created"
    )
    assert create("service", "clusterip", "c", "--tcp=80:8080") == "service/c created"
    assert create("service", "nodeport", "n", "--tcp=80", "--node-port=31999") == "service/n created"
    assert create("service", "externalname", "e", "--external-name=example.com") == "service/e created"
    assert create("ingress", "i", "--rule=example.com/*=web:80,tls=t") == "ingress.networking.k8s.io/i created"
    kubectl("delete", "service", "n")
    types = kubectl("get", "secrets", "-o", "jsonpath={range .items[*]}{.metadata.name}={.type} {end}")
    assert "s=Opaque" in types
    assert "r=kubernetes.io/dockerconfigjson" in types
    assert "pods: 0/2" in re.sub(r" +", " ", kubectl("get", "quota", "q", "--no-headers"))
    assert kubectl("get", "ingress", "i", "--no-headers").split()[:3] == ["i", "<none>", "example.com"]
    name = f"pc-{kubectl.namespace}"
    assert create("priorityclass", name, "--value=7") == f"priorityclass.scheduling.k8s.io/{name} created"
    kubectl("delete", "priorityclass", name)
