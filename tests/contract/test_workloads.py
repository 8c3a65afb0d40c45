"""Deployments and StatefulSets: from a template to pods that are Ready, and the counts people look at."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def workload(kind: str, replicas: int, image: str = "web:1", **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": body}


def counts(answer: Any) -> Json:
    status = answer.body["status"]
    names = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "unavailableReplicas")
    return {name: status[name] for name in names if name in status}


def condition(answer: Any, kind: str) -> tuple[str, str] | None:
    for each in answer.body["status"].get("conditions", []):
        if each["type"] == kind:
            return each["status"], each["reason"]
    return None


def settled(count: int, generation: int) -> Any:
    def good(answer: Any) -> bool:
        status = answer.body["status"]
        done = {status.get(name, 0) for name in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")}
        return done == {count} and status.get("observedGeneration") == generation

    return good


async def test_defaults_of_a_deployment(api) -> None:
    made = await api.apply("apps/deployments/web", workload("Deployment", 0))
    spec = made.body["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    pod = spec["template"]["spec"]
    assert pod == {
        "containers": [
            {
                "name": "web",
                "image": "web:1",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }


async def test_a_template_keeps_its_limits_and_a_pod_requests_them(api) -> None:
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    container = {"name": "web", "image": "web:latest@sha256:" + "0" * 64, "resources": limits}
    body = workload("Deployment", 0)
    body["spec"]["template"]["spec"]["containers"] = [container]
    made = await api.apply("apps/deployments/web", body)
    kept = made.body["spec"]["template"]["spec"]["containers"][0]
    assert (kept["resources"], kept["imagePullPolicy"]) == (limits, "Always")
    pod = await api.create("pods", {"metadata": {"name": "a"}, "spec": {"containers": [container]}}, dryRun="All")
    assert pod.body["spec"]["containers"][0]["resources"] == {**limits, "requests": {"nvidia.com/gpu": "1"}}
    assert pod.body["status"]["qosClass"] == "BestEffort"


async def test_a_deployment_becomes_pods(api) -> None:
    made = await api.apply("apps/deployments/web", workload("Deployment", 2))
    assert made.code == 201
    ready = await api.eventually(lambda: api.get("apps/deployments/web"), settled(2, 1))
    assert counts(ready) == {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "updatedReplicas": 2}
    assert condition(ready, "Available") == ("True", "MinimumReplicasAvailable")
    assert ready.body["metadata"]["generation"] == 1
    pods = await api.get("pods", labelSelector="app=web")
    for pod in pods.body["items"]:
        assert pod["metadata"]["name"].startswith("web-")
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
        assert "pod-template-hash" in pod["metadata"]["labels"]
        assert pod["spec"]["nodeName"]
        assert pod["status"]["phase"] == "Running"
        assert pod["status"]["containerStatuses"][0]["ready"] is True


async def test_a_new_image_rolls_and_status_writes_do_not_count_as_generations(api) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    await api.apply("apps/deployments/web", workload("Deployment", 2, strategy=strategy))
    await api.eventually(lambda: api.get("apps/deployments/web"), settled(2, 1))
    changed = await api.apply("apps/deployments/web", workload("Deployment", 2, "web:2", strategy=strategy))
    assert changed.body["metadata"]["generation"] == 2
    await api.eventually(lambda: api.get("apps/deployments/web"), settled(2, 2))
    alone = await api.eventually(
        lambda: api.get("pods", labelSelector="app=web"), lambda answer: len(answer.body["items"]) == 2
    )
    assert {pod["spec"]["containers"][0]["image"] for pod in alone.body["items"]} == {"web:2"}


async def test_scaling_down_and_away(api) -> None:
    await api.apply("apps/deployments/web", workload("Deployment", 2))
    await api.eventually(lambda: api.get("apps/deployments/web"), settled(2, 1))
    await api.merge("apps/deployments/web", {"spec": {"replicas": 1}})
    await api.eventually(lambda: api.get("apps/deployments/web"), settled(1, 2))
    await api.delete("apps/deployments/web", {"propagationPolicy": "Background"})
    await api.eventually(lambda: api.get("pods"), lambda answer: not answer.body["items"])
    assert (await api.get("apps/replicasets")).body["items"] == []


async def test_a_pod_that_fits_nowhere_waits(api) -> None:
    body = workload("Deployment", 1)
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100000"}}
    await api.apply("apps/deployments/web", body)

    def waiting(answer: Any) -> bool:
        conditions = [each for pod in answer.body["items"] for each in pod["status"].get("conditions", [])]
        return any(each["type"] == "PodScheduled" and each.get("reason") == "Unschedulable" for each in conditions)

    await api.eventually(lambda: api.get("pods"), waiting)
    status = await api.eventually(
        lambda: api.get("apps/deployments/web"),
        lambda answer: condition(answer, "Available") is not None and "unavailableReplicas" in counts(answer),
    )
    assert condition(status, "Available") == ("False", "MinimumReplicasUnavailable")
    assert counts(status)["unavailableReplicas"] == 1


async def test_a_node_without_the_label_is_not_taken(api) -> None:
    body = workload("Deployment", 1)
    term = {"matchExpressions": [{"key": "story.test/never", "operator": "In", "values": ["true"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    body["spec"]["template"]["spec"]["affinity"] = {"nodeAffinity": required}
    await api.apply("apps/deployments/web", body)

    def waiting(answer: Any) -> bool:
        conditions = [each for pod in answer.body["items"] for each in pod["status"].get("conditions", [])]
        return any(each.get("reason") == "Unschedulable" for each in conditions)

    await api.eventually(lambda: api.get("pods"), waiting)


async def test_a_stateful_set_numbers_its_pods(api) -> None:
    made = await api.apply("apps/statefulsets/web", workload("StatefulSet", 2))
    assert made.code == 201
    spec = made.body["spec"]
    assert spec["podManagementPolicy"] == "OrderedReady"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    ready = await api.eventually(lambda: api.get("apps/statefulsets/web"), settled(2, 1))
    assert ready.body["status"]["currentRevision"] == ready.body["status"]["updateRevision"]
    pods = await api.get("pods", labelSelector="app=web")
    assert pods.names == ["web-0", "web-1"]
    assert pods.body["items"][0]["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "web-0"
    await api.apply("apps/statefulsets/web", workload("StatefulSet", 1))
    await api.eventually(lambda: api.get("pods", labelSelector="app=web"), lambda answer: answer.names == ["web-0"])
