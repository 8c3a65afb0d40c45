"""Which node a pod goes to, and what becomes of it there."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.kinds import NODES, PODS
from provider.sandbox.cluster.nodes import NodeSpec
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.store import Key
from provider.sandbox.cluster.vessel import Vessel, requests

Json = dict[str, Any]
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


class Kubelet:
    """A vessel that hears of every change; `alarms` are the looks it asked for later, in seconds."""

    def __init__(self, objects: Objects, containers: Containers) -> None:
        self.objects, self.alarms = objects, list[tuple[float, Key]]()
        self.vessel = Vessel(
            objects,
            containers,
            lambda after_s, key: self.alarms.append((after_s, key)),
            ready_after_s=2,
            stop_after_s=3,
        )
        objects.store.listen(self.vessel.hear)

    def node(self, name: str, *, taint: Json | None = None, **rest: Any) -> None:
        made = NodeSpec(name, **rest).object()
        self.objects.create(NODES, "", made | {"spec": {"taints": [taint] if taint else []}}, Write())

    def pod(self, name: str, cpu: str = "1", image: str = "web:1", **spec: Any) -> None:
        container = {"name": "main", "image": image, "resources": {"requests": {"cpu": cpu}}}
        made = {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}
        self.objects.create(PODS, "default", made, Write())

    def look(self, name: str) -> Json:
        """A look after every alarm that was set has rung."""
        for _, key in self.alarms:
            self.vessel.rung(key)
        self.vessel.look("default", name)
        return self.objects.store.get("pods", "default", name) or {}


@pytest.fixture
def kubelet(objects: Objects, containers: Containers) -> Kubelet:
    return Kubelet(objects, containers)


def affine(operator: str, *values: str) -> Json:
    term = {"matchExpressions": [{"key": "zone", "operator": operator, "values": list(values)}]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    }


PLACES = {
    "the least loaded": ({}, "b-empty"),
    "the one with room": ({"cpu": "3500m"}, "c-large"),
    "none has so much": ({"cpu": "4001m"}, None),
    "a selector": ({"nodeSelector": {"zone": "eu"}}, "a-busy"),
    "a selector nobody answers": ({"nodeSelector": {"zone": "mars"}}, None),
    "an affinity": (affine("In", "us", "eu"), "a-busy"),
    "an affinity turned round": (affine("NotIn", "eu"), "b-empty"),
    "a taint is borne by value": (
        {"cpu": "3500m", "nodeSelector": {"gpus": "many"}, "tolerations": [TAINT | {"operator": "Equal"}]},
        "d-tainted",
    ),
    "a taint is borne whatever its value": (
        {"nodeSelector": {"gpus": "many"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]},
        "d-tainted",
    ),
    "a taint of another value": (
        {"nodeSelector": {"gpus": "many"}, "tolerations": [TAINT | {"value": "no"}]},
        None,
    ),
    "a taint not borne": ({"nodeSelector": {"gpus": "many"}}, None),
}


@pytest.mark.parametrize(("asked", "place"), PLACES.values(), ids=PLACES)
def test_the_node_a_pod_gets(kubelet: Kubelet, asked: Json, place: str | None) -> None:
    kubelet.node("a-busy", cpu_milli=2000, labels={"zone": "eu"})
    kubelet.node("b-empty", cpu_milli=2000)
    kubelet.node("c-large", cpu_milli=4000)
    kubelet.node("d-tainted", cpu_milli=8000, taint=TAINT, labels={"gpus": "many"})
    kubelet.pod("load", "500m", nodeName="a-busy")
    kubelet.pod("p", **asked)
    found = kubelet.look("p")
    assert found["spec"].get("nodeName") == place
    assert kubelet.vessel.waiting() == ([] if place else [("default", "p")])
    if place is None:
        assert found["status"]["conditions"][0]["reason"] == "Unschedulable"


def test_room_comes_back_when_a_pod_ends_or_goes(kubelet: Kubelet) -> None:
    kubelet.node("only", cpu_milli=1000)
    for name in ("first", "second", "third"):
        kubelet.pod(name)
    first = kubelet.look("first")
    assert "nodeName" not in kubelet.look("second")["spec"]
    kubelet.objects.write_status(PODS, first, {"phase": "Succeeded"})
    assert kubelet.look("second")["spec"]["nodeName"] == "only"
    assert "nodeName" not in kubelet.look("third")["spec"]
    kubelet.objects.remove(PODS, "default", "second")
    assert kubelet.look("third")["spec"]["nodeName"] == "only"


async def test_it_starts_after_a_moment_and_says_so(kubelet: Kubelet) -> None:
    kubelet.node("only")
    kubelet.vessel.broken_images.add("nowhere:1")
    kubelet.pod("good")
    kubelet.pod("bad", image="nowhere:1")
    reasons = []
    for name in ("good", "bad"):
        kubelet.look(name)
        state = kubelet.look(name)["status"]
        reasons.append(state["containerStatuses"][0]["state"]["waiting"]["reason"])
    assert reasons == ["ContainerCreating", "ImagePullBackOff"]
    assert kubelet.alarms == [(2, ("pods", "default", "good")), (2, ("pods", "default", "bad"))]
    good, bad = kubelet.look("good")["status"], kubelet.look("bad")["status"]
    assert (good["phase"], bad["phase"]) == ("Running", "Pending")
    assert {each["type"]: each["status"] for each in good["conditions"]}["Ready"] == "True"
    kubelet.pod("next")
    for _ in range(3):
        following = kubelet.look("next")["status"]
    assert good["podIP"] != following["podIP"]


@pytest.mark.parametrize("held", [False, True], ids=["free", "held by a finalizer"])
def test_it_stops_after_a_moment(kubelet: Kubelet, held: bool) -> None:
    kubelet.node("only")
    kubelet.pod("p")
    kubelet.look("p")
    if held:
        kubelet.objects.patch(PODS, "default", "p", Write(), "merge", {"metadata": {"finalizers": ["akp.test/hold"]}})
    kubelet.objects.delete(PODS, "default", "p", {})
    assert kubelet.look("p")["metadata"]["deletionGracePeriodSeconds"] == 30
    assert kubelet.alarms == [(3, ("pods", "default", "p"))]
    assert bool(kubelet.look("p")) is held


def test_what_a_pod_asks_for() -> None:
    first = {"resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}}}
    second = {"resources": {"requests": {"cpu": 1, "memory": "1M", "nvidia.com/gpu": "2"}}}
    asked = requests({"containers": [first, second, {}]})
    assert asked == {"pods": 1, "cpu": 2500, "memory": (1 << 30) + 10**6, "nvidia.com/gpu": 2}
