"""What is done for a pod in each situation."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.plan.actions import KillContainer, PodActions, compute_pod_actions
from kubelet.plan.records import ContainerRecord
from tests.unit.kubelet.plan.pods import container, make_pod, record, sandbox, seen

TWO = (container("web"), container("side"))
INIT: dict[str, Any] = {"initContainers": [container("i1"), container("i2")]}
NEW = PodActions(kill_pod=True, create_sandbox=True, start=("web", "side"))
NOTHING = PodActions(sandbox_id="s0")


@pytest.mark.parametrize(
    ("pod", "records", "wanted"),
    [
        pytest.param(make_pod(*TWO), [], NEW, id="nothing runs: a sandbox and all containers"),
        pytest.param(make_pod(*TWO), [sandbox(), record("web"), record("side")], NOTHING, id="all runs: nothing to do"),
        pytest.param(
            make_pod(*TWO), [sandbox(), record("web")], PodActions(sandbox_id="s0", start=("side",)),
            id="one container is missing",
        ),
        pytest.param(
            make_pod(*TWO), [sandbox("exited"), record("web"), record("side", "exited", 1)],
            PodActions(kill_pod=True, create_sandbox=True, sandbox_id="s0", attempt=1, start=("web", "side")),
            id="the sandbox died: everything again, one attempt later",
        ),
        pytest.param(
            make_pod(*TWO, restartPolicy="OnFailure"),
            [sandbox("exited"), record("web", "exited", 0), record("side", "exited", 1)],
            PodActions(kill_pod=True, create_sandbox=True, sandbox_id="s0", attempt=1, start=("side",)),
            id="what has succeeded is not run again in a new sandbox",
        ),
        pytest.param(
            make_pod(restartPolicy="Never"), [sandbox("exited"), record("web", "exited", 137)],
            PodActions(kill_pod=True, sandbox_id="s0", attempt=1), id="a pod that must not restart stays dead",
        ),
        pytest.param(
            make_pod(restartPolicy="OnFailure"), [sandbox("exited"), record("web", "exited", 0)],
            PodActions(kill_pod=True, sandbox_id="s0", attempt=1), id="a finished pod gets no new sandbox",
        ),
        pytest.param(
            make_pod(), [sandbox(), record("web", "exited", 0)], PodActions(sandbox_id="s0", start=("web",)),
            id="Always restarts a success",
        ),
        pytest.param(
            make_pod(restartPolicy="OnFailure"), [sandbox(), record("web", "exited", 0)],
            PodActions(kill_pod=True, sandbox_id="s0"), id="OnFailure leaves a success, and ends the pod",
        ),
        pytest.param(
            make_pod(restartPolicy="Never"), [sandbox(), record("web", "exited", 1)],
            PodActions(kill_pod=True, sandbox_id="s0"), id="Never leaves a failure",
        ),
        pytest.param(
            make_pod(), [sandbox(), record("web", "created")], PodActions(sandbox_id="s0", start=("web",)),
            id="created and never started (a crash in between)",
        ),
        pytest.param(
            make_pod(), [sandbox("created")],
            PodActions(kill_pod=True, create_sandbox=True, sandbox_id="s0", attempt=0, start=("web",)),
            id="a sandbox that was created and never started is the same attempt again",
        ),
        pytest.param(
            make_pod(container(image="nginx:other")), [sandbox(), record("web")],
            PodActions(
                sandbox_id="s0", start=("web",),
                kill=(KillContainer("web-0", "web", "Container web definition changed, will be restarted"),),
            ), id="another image",
        ),
        pytest.param(
            make_pod(**INIT), [], PodActions(kill_pod=True, create_sandbox=True, next_init="i1"), id="init goes first"
        ),
        pytest.param(
            make_pod(**INIT), [sandbox(), record("i1")], PodActions(sandbox_id="s0"), id="init runs: wait"
        ),
        pytest.param(
            make_pod(**INIT), [sandbox(), record("i1", "exited", 0)], PodActions(sandbox_id="s0", next_init="i2"),
            id="the next init",
        ),
        pytest.param(
            make_pod(**INIT), [sandbox(), record("i1", "exited", 1)], PodActions(sandbox_id="s0", next_init="i1"),
            id="a failed init again",
        ),
        pytest.param(
            make_pod(restartPolicy="Never", **INIT), [sandbox(), record("i1", "exited", 1)],
            PodActions(kill_pod=True, sandbox_id="s0"), id="a failed init ends a pod that must not restart",
        ),
        pytest.param(
            make_pod(**INIT), [sandbox(), record("i1", "exited", 0), record("i2", "exited", 0)],
            PodActions(sandbox_id="s0", start=("web",)), id="all init done",
        ),
        pytest.param(
            make_pod(**INIT), [sandbox(), record("web")], NOTHING, id="init records are gone, but the container runs"
        ),
        pytest.param(
            make_pod(ephemeralContainers=[container("dbg")]), [sandbox(), record("web")],
            PodActions(sandbox_id="s0", start_ephemeral=("dbg",)), id="a debug container",
        ),
        pytest.param(
            make_pod(ephemeralContainers=[container("dbg")]), [sandbox(), record("web"), record("dbg", "exited", 1)],
            NOTHING, id="a debug container is never restarted",
        ),
    ],
)  # fmt: skip
def test_actions(pod: Object, records: list[ContainerRecord], wanted: PodActions) -> None:
    assert compute_pod_actions(pod, seen(*records), {}) == wanted


def test_a_failed_liveness_probe_restarts() -> None:
    actions = compute_pod_actions(make_pod(), seen(sandbox(), record("web")), {"web-0": "liveness"})
    assert actions.kill == (KillContainer("web-0", "web", "Container web failed liveness probe, will be restarted"),)
    assert actions.start == ("web",)


def test_a_failed_probe_only_kills_where_nothing_restarts() -> None:
    pod = make_pod(restartPolicy="Never")
    actions = compute_pod_actions(pod, seen(sandbox(), record("web")), {"web-0": "startup"})
    assert actions.kill == (KillContainer("web-0", "web", "Container web failed startup probe"),)
    assert actions.start == ()


def test_a_sandbox_that_lost_its_address_is_made_again() -> None:
    records = seen(sandbox(), record("web"))
    assert compute_pod_actions(make_pod(), records, {}, has_ip=False).create_sandbox
    assert not compute_pod_actions(make_pod(hostNetwork=True), records, {}, has_ip=False).create_sandbox


def test_a_deleted_pod_starts_nothing() -> None:
    pod = make_pod()
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert compute_pod_actions(pod, seen(sandbox(), record("web", "exited", 1)), {}).start == ()


def test_the_newest_attempt_counts() -> None:
    records = seen(sandbox(), record("web", "exited", 1, 0), record("web", "running", 0, 1))
    assert compute_pod_actions(make_pod(), records, {}) == NOTHING
