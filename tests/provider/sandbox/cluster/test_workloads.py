"""How many pods of which template there are after each look, and in which order a StatefulSet goes about it."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.kinds import DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS, Kind
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.workloads import Deployments, ReplicaSets, StatefulSets

Json = dict[str, Any]
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def template(image: str) -> Json:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}}


def workload(replicas: int, image: str = "web:1", **spec: Any) -> Json:
    selector = {"matchLabels": {"app": "web"}}
    wanted = {"replicas": replicas, "selector": selector, "template": template(image)}
    return {"metadata": {"name": "web"}, "spec": wanted | spec}


def change(objects: Objects, kind: Kind, **spec: Any) -> None:
    objects.patch(kind, "default", "web", Write(), "merge", {"spec": spec})


def pods(objects: Objects) -> dict[str, Json]:
    return {pod["metadata"]["name"]: pod for pod in objects.store.list("pods")}


def ready(objects: Objects, *names: str) -> None:
    """The pods named have started; all of them when none is named."""
    for name, pod in pods(objects).items():
        if not names or name in names:
            objects.write_status(PODS, pod, READY)


def settle(objects: Objects) -> None:
    """Deployment, then its sets, as the changes would have it; pods start in between. Twice, so counts are known."""
    for _ in range(2):
        Deployments(objects).look("default", "web")
        for each in objects.store.list("replicasets.apps"):
            ReplicaSets(objects).look("default", each["metadata"]["name"])
        ready(objects)
    for each in objects.store.list("replicasets.apps"):
        ReplicaSets(objects).look("default", each["metadata"]["name"])
    Deployments(objects).look("default", "web")


def replicas(objects: Objects) -> dict[str, int]:
    """Replicas asked of each set, by image."""
    return {
        each["spec"]["template"]["spec"]["containers"][0]["image"]: each["spec"]["replicas"]
        for each in objects.store.list("replicasets.apps")
    }


def rolling(surge: int | str, missing: int | str) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}}


FIRST_STEPS = {
    "one more, none missing": (rolling(1, 0), {"web:1": 4, "web:2": 1}),
    "none more, one missing": (rolling(0, 1), {"web:1": 3, "web:2": 0}),
    "a quarter each way": (rolling("25%", "25%"), {"web:1": 3, "web:2": 1}),
    "a surge is rounded up, the missing down": (rolling("10%", "10%"), {"web:1": 4, "web:2": 1}),
    "all at once": (rolling("100%", "100%"), {"web:1": 0, "web:2": 4}),
    "the old go first": ({"type": "Recreate"}, {"web:1": 0, "web:2": 0}),
}


@pytest.mark.parametrize(("strategy", "step"), FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_an_update_goes_in_steps_to_its_end(objects: Objects, strategy: Json, step: dict[str, int]) -> None:
    objects.create(DEPLOYMENTS, "default", workload(4, strategy=strategy), Write())
    settle(objects)
    assert replicas(objects) == {"web:1": 4}
    change(objects, DEPLOYMENTS, template=template("web:2"))
    Deployments(objects).look("default", "web")
    assert replicas(objects) == step
    for _ in range(6):
        settle(objects)
    assert replicas(objects) == {"web:1": 0, "web:2": 4}
    status = objects.get(DEPLOYMENTS, "default", "web")["status"]
    assert (status["updatedReplicas"], status["readyReplicas"]) == (4, 4)
    assert [each["reason"] for each in status["conditions"]] == ["MinimumReplicasAvailable", "NewReplicaSetAvailable"]


def test_a_broken_update_leaves_the_old_pods_serving(objects: Objects) -> None:
    objects.create(DEPLOYMENTS, "default", workload(2, strategy=rolling(1, 0)), Write())
    settle(objects)
    change(objects, DEPLOYMENTS, template=template("nowhere:2"))
    for _ in range(3):
        Deployments(objects).look("default", "web")
        for each in objects.store.list("replicasets.apps"):
            ReplicaSets(objects).look("default", each["metadata"]["name"])
    assert replicas(objects) == {"web:1": 2, "nowhere:2": 1}
    status = objects.get(DEPLOYMENTS, "default", "web")["status"]
    assert (status["replicas"], status["readyReplicas"], status["unavailableReplicas"]) == (3, 2, 1)
    assert status["conditions"][1]["reason"] == "ReplicaSetUpdated"


def test_old_templates_are_forgotten_paused_ones_wait(objects: Objects) -> None:
    objects.create(DEPLOYMENTS, "default", workload(1, revisionHistoryLimit=1), Write())
    for image in ("web:2", "web:3"):
        settle(objects)
        change(objects, DEPLOYMENTS, template=template(image))
    for _ in range(3):
        settle(objects)
    assert replicas(objects) == {"web:2": 0, "web:3": 1}
    change(objects, DEPLOYMENTS, template=template("web:4"), paused=True)
    settle(objects)
    assert replicas(objects) == {"web:2": 0, "web:3": 1, "web:4": 0}


def test_what_is_not_ready_goes_first_and_what_is_lost_is_replaced(objects: Objects) -> None:
    found = objects.create(REPLICA_SETS, "default", workload(3), Write())
    sets = ReplicaSets(objects)
    sets.look("default", "web")
    first, second, third = pods(objects)
    ready(objects, second)
    change(objects, REPLICA_SETS, replicas=1)
    sets.look("default", "web")
    assert list(pods(objects)) == [second]
    assert objects.get(REPLICA_SETS, "default", "web")["status"]["readyReplicas"] == 1
    objects.remove(PODS, "default", second)
    sets.look("default", "web")
    (fresh,) = pods(objects).values()
    assert fresh["metadata"]["name"] not in (first, second, third)
    assert fresh["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]


def test_one_ordinal_after_the_other(objects: Objects) -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    objects.create(STATEFUL_SETS, "default", workload(2, serviceName="web", volumeClaimTemplates=[claim]), Write())
    sets = StatefulSets(objects)

    def look() -> list[str]:
        sets.look("default", "web")
        return list(pods(objects))

    assert look() == ["web-0"]
    assert look() == ["web-0"]  # it is not ready yet
    ready(objects)
    assert look() == ["web-0", "web-1"]
    ready(objects)
    change(objects, STATEFUL_SETS, template=template("web:2"))
    assert look() == ["web-0"]  # the last one is replaced first
    look()
    images = {name: pod["spec"]["containers"][0]["image"] for name, pod in pods(objects).items()}
    assert images == {"web-0": "web:1", "web-1": "web:2"}
    status = objects.get(STATEFUL_SETS, "default", "web")["status"]
    assert status["currentRevision"] != status["updateRevision"]
    ready(objects)
    assert look() == ["web-1"]
    change(objects, STATEFUL_SETS, replicas=0)
    assert look() == []
    claims = [each["metadata"]["name"] for each in objects.store.list("persistentvolumeclaims")]
    assert claims == ["data-web-0", "data-web-1"]  # a claim outlives its pod


def test_in_parallel_and_from_a_partition_on(objects: Objects) -> None:
    spec = workload(3, serviceName="web", podManagementPolicy="Parallel", ordinals={"start": 5})
    spec["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 7}}
    objects.create(STATEFUL_SETS, "default", spec, Write())
    sets = StatefulSets(objects)
    sets.look("default", "web")
    assert list(pods(objects)) == ["web-5", "web-6", "web-7"]
    ready(objects)
    change(objects, STATEFUL_SETS, template=template("web:2"))
    for _ in range(4):
        sets.look("default", "web")
        ready(objects)
    images = [pod["spec"]["containers"][0]["image"] for pod in pods(objects).values()]
    assert images == ["web:1", "web:1", "web:2"]
