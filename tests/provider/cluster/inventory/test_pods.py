from __future__ import annotations

from typing import Any

import pytest

from bidengine.node import Ask
from provider.cluster.inventory.pods import pod_facts, total


def pod(**spec: Any) -> dict[str, Any]:
    status = spec.pop("status", {})
    metadata = {"name": "web-0", "namespace": "a", "uid": "u1", **spec.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"nodeName": "n1", **spec}, "status": status}


def wants(cpu: str, memory: str = "0", **more: str) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory, **more}}}


MI = 1 << 20


@pytest.mark.parametrize(
    ("spec", "ask"),
    [
        pytest.param(
            {"containers": [wants("100m", "64Mi"), wants("1", "1Mi")]}, Ask(1100, 65 * MI, 0), id="containers add up"
        ),
        pytest.param({"containers": [{}]}, Ask(0, 0, 0), id="asks for nothing"),
        pytest.param({}, Ask(0, 0, 0), id="nothing said at all"),
        pytest.param(
            {"containers": [wants("1", "1Mi")], "initContainers": [wants("3"), wants("2", "5Mi")]},
            Ask(3000, 5 * MI, 0),
            id="the hungriest init container counts where it is hungrier",
        ),
        pytest.param(
            {"containers": [wants("1")], "initContainers": [{**wants("500m"), "restartPolicy": "Always"}, wants("2")]},
            Ask(2500, 0, 0),
            id="a sidecar stays beside the init containers that follow it",
        ),
        pytest.param(
            {"containers": [wants("1")], "initContainers": [{**wants("500m"), "restartPolicy": "Always"}]},
            Ask(1500, 0, 0),
            id="... and beside the containers",
        ),
        pytest.param(
            {"containers": [wants("1")], "overhead": {"cpu": "250m", "memory": "10Mi"}},
            Ask(1250, 10 * MI, 0),
            id="overhead",
        ),
        pytest.param(
            {"containers": [wants("1", "5Mi")], "resources": {"requests": {"cpu": "4"}}},
            Ask(4000, 5 * MI, 0),
            id="for the pod as a whole",
        ),
        pytest.param(
            {
                "containers": [wants("1", "5Mi", **{"ephemeral-storage": "1Gi"})],
                "resources": {"requests": {"memory": "2Mi", "hugepages-2Mi": "4Mi"}},
                "overhead": {"memory": "1Mi"},
            },
            Ask(1000, 3 * MI, 1 << 30),
            id="for the pod as a whole, less than its containers, and overhead comes on top",
        ),
        pytest.param(
            {"containers": [wants("1", **{"hugepages-2Mi": "4Mi", "rdma/hca": "1"})]},
            Ask(1000, 0, 0),
            id="huge pages and other devices are not counted",
        ),
        pytest.param(
            {
                "containers": [wants("1", **{"nvidia.com/gpu": "1"})],
                "initContainers": [wants("0", **{"nvidia.com/gpu": "2"}), wants("0", **{"nvidia.com/mig-1g.5gb": "1"})],
            },
            Ask(1000, 0, 0, 3),
            id="the hungriest moment is found for each kind of GPU",
        ),
        pytest.param(
            {
                "containers": [{"name": "a", **wants("1", "5Mi")}],
                "status": {"containerStatuses": [{"name": "a", "allocatedResources": {"cpu": "1", "memory": "9Mi"}}]},
            },
            Ask(1000, 9 * MI, 0),
            id="in place resized downwards: the node still holds what it had",
        ),
        pytest.param(
            {
                "containers": [{"name": "a", **wants("3", "5Mi")}],
                "status": {"containerStatuses": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]},
            },
            Ask(3000, 5 * MI, 0),
            id="in place resized upwards: what it asks is held for it",
        ),
        pytest.param(
            {"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, Ask(2000, 0, 0), id="a limit alone is a request"
        ),
        pytest.param(
            {"containers": [wants("1", **{"ephemeral-storage": "1Gi", "nvidia.com/gpu": "2"})]},
            Ask(1000, 0, 1 << 30, 2),
            id="disk and GPUs",
        ),
    ],
)
def test_what_a_pod_takes_from_its_node(spec: dict[str, Any], ask: Ask) -> None:
    assert pod_facts(pod(**spec)).ask == ask


def test_volumes_that_must_be_attached_are_counted() -> None:
    volumes = [{"persistentVolumeClaim": {"claimName": "a"}}, {"ephemeral": {}}, {"emptyDir": {}}, {"secret": {}}]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [], "volumes": volumes}}
    assert pod_facts(pod).ask == Ask(0, 0, 0, attached=2)


def test_gpus_by_the_name_they_are_asked_for() -> None:
    assert pod_facts(pod(containers=[wants("1", **{"amd.com/gpu": "1"})])).gpus == (("amd.com/gpu", 1),)
    both = pod(containers=[wants("1", **{"nvidia.com/gpu": "2"}), wants("1", **{"nvidia.com/mig-1g.5gb": "1"})])
    assert pod_facts(both).gpus == (("nvidia.com/gpu", 2), ("nvidia.com/mig-1g.5gb", 1))
    assert pod_facts(pod(containers=[wants("1", **{"nvidia.com/gpu": "0"})])).gpus == ()
    assert pod_facts(pod(containers=[wants("1")])).gpus == ()


@pytest.mark.parametrize(
    ("phase", "finished"), [("Running", False), ("Pending", False), ("Succeeded", True), ("Failed", True)]
)
def test_finished_pods(phase: str, finished: bool) -> None:
    assert pod_facts(pod(status={"phase": phase})).finished is finished


def waiting(reason: str, message: str = "", **last: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}, "lastState": last}]}


@pytest.mark.parametrize(
    ("status", "trouble", "detail"),
    [
        pytest.param({}, "", "", id="nothing said"),
        pytest.param(waiting("ContainerCreating"), "", "", id="just starting"),
        pytest.param(waiting("ImagePullBackOff", "no such image"), "ImagePullBackOff", "no such image", id="image"),
        pytest.param(
            waiting("CrashLoopBackOff", "back-off 5m0s", terminated={"exitCode": 137, "reason": "OOMKilled"}),
            "CrashLoopBackOff",
            "exit code 137 (OOMKilled); back-off 5m0s",
            id="crash loop tells how it last died",
        ),
        pytest.param(
            {"containerStatuses": [{"state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]},
            "Error",
            "exit code 3",
            id="just died",
        ),
        pytest.param(
            {"initContainerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
            "ErrImagePull",
            "",
            id="init container",
        ),
        pytest.param(
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                ]
            },
            "Unschedulable",
            "0/3 nodes",
            id="no node",
        ),
        pytest.param({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "Evicted", "disk", id="evicted"),
    ],
)
def test_why_a_pod_is_not_ready(status: dict[str, Any], trouble: str, detail: str) -> None:
    facts = pod_facts(pod(status=status))
    assert (facts.trouble, facts.detail) == (trouble, detail)


def test_whose_pod_and_how_it_fares() -> None:
    facts = pod_facts(
        pod(
            metadata={"labels": {"akash.network/manifest-service": "web"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
            status={"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"restartCount": 4}]},
        )
    )
    assert (facts.service, facts.ready, facts.going, facts.restarts) == ("web", True, True, 4)


def test_a_heartbeat_does_not_change_the_footprint() -> None:
    before, after = pod_facts(pod(status={"phase": "Running"})), pod_facts(pod(status=waiting("CrashLoopBackOff")))
    assert before != after
    assert before.footprint == after.footprint


def test_sums() -> None:
    assert total([Ask(1, 2, 3, 4), Ask(10, 20, 30, 40)]) == Ask(11, 22, 33, 44)
    assert total([]) == Ask(0, 0, 0)
