"""The cluster moves by itself: from one write to running pods, and back to nothing, in the time it was built with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from provider.sandbox.cluster.controllers import Controllers
from provider.sandbox.cluster.kinds import CLAIMS, CONFIG_MAPS, DEFINITIONS, DEPLOYMENTS, NAMESPACES, NODES, PODS
from provider.sandbox.cluster.nodes import NodeSpec
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]
HOW = Write()
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
DEPLOYMENT = {"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}}}
DEPLOYMENT["spec"]["template"] = TEMPLATE


@pytest.fixture
async def controllers(objects: Objects, containers: Containers) -> AsyncIterator[Controllers]:
    running = Controllers(objects, containers, ready_after_s=5, stop_after_s=3)
    yield running
    running.close()


def phases(objects: Objects) -> list[str]:
    return [pod["status"]["phase"] for pod in objects.store.list("pods")]


@pytest.mark.looptime
async def test_a_deployment_comes_and_goes(objects: Objects, controllers: Controllers) -> None:
    objects.create(NODES, "", NodeSpec("only").object(), HOW)
    objects.create(DEPLOYMENTS, "default", DEPLOYMENT, HOW)
    await asyncio.sleep(5.1)
    assert phases(objects) == ["Running", "Running"]
    assert objects.get(DEPLOYMENTS, "default", "web")["status"]["readyReplicas"] == 2
    objects.delete(DEPLOYMENTS, "default", "web", {})
    await asyncio.sleep(2.9)
    assert phases(objects) == ["Running", "Running"]
    await asyncio.sleep(0.2)
    left = {resource: objects.store.list(resource) for resource in ("pods", "replicasets.apps", "deployments.apps")}
    assert left == {"pods": [], "replicasets.apps": [], "deployments.apps": []}
    assert controllers.trouble is None


@pytest.mark.looptime
async def test_a_pod_takes_its_time_to_start(objects: Objects, controllers: Controllers) -> None:
    objects.create(NODES, "", NodeSpec("only").object(), HOW)
    objects.create(PODS, "default", {"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]}, HOW)
    await asyncio.sleep(4.9)
    assert phases(objects) == ["Pending"]


@pytest.mark.looptime
async def test_a_pod_takes_its_time_to_stop_whatever_changes(objects: Objects, controllers: Controllers) -> None:
    objects.create(NODES, "", NodeSpec("only").object(), HOW)
    objects.create(PODS, "default", {"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]}, HOW)
    await asyncio.sleep(6)
    objects.delete(PODS, "default", "p", {})
    await asyncio.sleep(1)
    objects.patch(PODS, "default", "p", HOW, "merge", {"metadata": {"labels": {"a": "b"}}})
    await asyncio.sleep(1)
    assert phases(objects) == ["Running"]


@pytest.mark.looptime
async def test_a_namespace_goes_with_all_that_is_in_it(objects: Objects, controllers: Controllers) -> None:
    objects.create(NODES, "", NodeSpec("only").object(), HOW)
    objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, HOW)
    objects.create(DEPLOYMENTS, "lease", DEPLOYMENT, HOW)
    await asyncio.sleep(6)
    objects.delete(NAMESPACES, "", "lease", {})
    await asyncio.sleep(1)
    assert objects.get(NAMESPACES, "", "lease")["status"]["phase"] == "Terminating"
    await asyncio.sleep(3)
    assert objects.store.get("namespaces", "", "lease") is None


def missing_node(objects: Objects) -> None:
    objects.create(NODES, "", NodeSpec("second").object(), HOW)


def taken_room(objects: Objects) -> None:
    objects.delete(PODS, "default", "first", {"gracePeriodSeconds": 0})


def missing_claim(objects: Objects) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "beta3",
    }
    objects.create(CLAIMS, "default", {"metadata": {"name": "data"}, "spec": spec}, HOW)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("relief", "volumes"),
    [(missing_node, []), (taken_room, []), (missing_claim, [{"persistentVolumeClaim": {"claimName": "data"}}])],
    ids=["a node", "room", "a claim"],
)
async def test_a_waiting_pod_starts_when_what_it_lacked_is_there(
    objects: Objects, controllers: Controllers, relief: Any, volumes: list[Json]
) -> None:
    objects.create(NODES, "", NodeSpec("only", pods=2 if volumes else 1).object(), HOW)
    for name, more in (("first", []), ("second", [{"name": "v"} | each for each in volumes])):
        objects.create(PODS, "default", {"metadata": {"name": name}, "spec": TEMPLATE["spec"] | {"volumes": more}}, HOW)
        await asyncio.sleep(10)
    assert phases(objects) == ["Running", "Pending"]
    relief(objects)
    await asyncio.sleep(10)
    assert phases(objects)[-1] == "Running"


@pytest.mark.looptime
async def test_a_definition_is_established(objects: Objects, controllers: Controllers) -> None:
    names = {"plural": "gadgets", "kind": "Gadget"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    versions = [
        {"name": "v1", "served": True, "storage": True, "schema": schema},
        {"name": "v2", "served": True, "storage": False, "schema": schema},
    ]
    spec = {"group": "akp.test", "scope": "Namespaced", "names": names, "versions": versions}
    objects.create(DEFINITIONS, "", {"metadata": {"name": "gadgets.akp.test"}, "spec": spec}, HOW)
    await asyncio.sleep(0.1)
    status = objects.get(DEFINITIONS, "", "gadgets.akp.test")["status"]
    assert [each["type"] for each in status["conditions"]] == ["NamesAccepted", "Established"]
    assert status["storedVersions"] == ["v1"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("trouble", "kept"),
    [(ApiError(409, "Conflict", ""), False), (ApiError(422, "Invalid", ""), True), (KeyError("spec"), True)],
    ids=["somebody was quicker", "a refused write", "a mistake"],
)
async def test_trouble_of_a_look_is_kept_and_stops_nobody_else(
    objects: Objects, controllers: Controllers, monkeypatch: pytest.MonkeyPatch, trouble: Exception, kept: bool
) -> None:
    def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(objects, "write_status", fail)  # a pod that cannot be placed says so there
    objects.create(PODS, "default", {"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]}, HOW)
    objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, HOW)
    await asyncio.sleep(0.1)
    assert controllers.trouble is (trouble if kept else None)
    assert objects.get(CONFIG_MAPS, "lease", "kube-root-ca.crt")


@pytest.mark.looptime
async def test_closed_nothing_moves_any_more(objects: Objects, containers: Containers) -> None:
    controllers = Controllers(objects, containers, ready_after_s=5, stop_after_s=3)
    objects.create(NODES, "", NodeSpec("only").object(), HOW)
    objects.create(PODS, "default", {"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]}, HOW)
    await asyncio.sleep(6)
    objects.delete(PODS, "default", "p", {})
    await asyncio.sleep(1)
    controllers.close()
    objects.create(NAMESPACES, "", {"metadata": {"name": "late"}}, HOW)
    await asyncio.sleep(60)
    assert phases(objects) == ["Running"]
    assert objects.store.list("configmaps", "late") == []
