"""Pods that are fine, pods with several faults, and what differs between a pod and a template."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.defaults import pod_spec
from provider.sandbox.cluster.validate_pods import pod_template, spec_of_pod

Json = dict[str, Any]


def spec(*containers: Json, **more: Any) -> Json:
    found = {"containers": [{"name": f"c{n}", "image": "a:1", **each} for n, each in enumerate(containers)], **more}
    pod_spec(found)
    return found


def resources(limits: Json | None = None, requests: Json | None = None) -> Json:
    return {"resources": {"limits": limits or {}, "requests": requests or {}}}


def affinity(*terms: Json) -> Json:
    wanted = {"nodeSelectorTerms": [{"matchExpressions": [each]} for each in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": wanted}}


GPU, C = "nvidia.com/gpu", "s.containers[0]"
TERMS = "s.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
SPECS: dict[str, tuple[Json, list[str]]] = {
    "a plain one": (spec({}), []),
    "whole GPUs": (spec(resources({GPU: "2", "cpu": "500m"}, {GPU: "2", "cpu": "250m"})), []),
    "a whole GPU in thousandths": (spec(resources({GPU: "1000m"})), []),
    "half a GPU requested": (
        spec(resources({GPU: "1"}, {GPU: "500m"})),
        [f"{C}.resources.requests[{GPU}]", f"{C}.resources.requests"],
    ),
    "half a byte": (spec(resources({"memory": "1.5"})), []),
    "huge pages": (spec(resources({"hugepages-2Mi": "2Mi", "cpu": "1"})), []),
    "less than nothing": (spec(resources({"cpu": "-1"})), [f"{C}.resources.limits[cpu]"]),
    "the limit in other words": (spec(resources({"cpu": "1"}, {"cpu": "1000m"})), []),
    "no pods in pods": (spec(resources({"pods": "1"})), [f"{C}.resources.limits[pods]"]),
    "names of ports are a container's own": (
        spec(*[{"ports": [{"containerPort": 80, "name": "web"}]}] * 2),
        [],
    ),
    "a port's name twice in one": (
        spec({"ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81, "name": "web"}]}),
        [f"{C}.ports[1].name"],
    ),
    "ports without names": (spec({"ports": [{"containerPort": 80}, {"containerPort": 81}]}), []),
    "no port": (spec({"ports": [{}]}), [f"{C}.ports[0].containerPort"]),
    "names of variables": (
        spec({"env": [{"name": "a b!"}, {"name": ""}, {"name": "a=b"}, {"name": "a\tb"}]}),
        [
            f"{C}.env[1].name",
            f"{C}.env[2].name",
            f"{C}.env[3].name",
        ],
    ),
    "a variable with two values": (
        spec({"env": [{"name": "a", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
        [f"{C}.env[0].valueFrom"],
    ),
    "a mount of nothing, nowhere": (
        spec({"volumeMounts": [{}]}),
        [f"{C}.volumeMounts[0].name", f"{C}.volumeMounts[0].mountPath"],
    ),
    "a mount below": (
        spec({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a..b/c"}]}, volumes=[{"name": "v"}]),
        [],
    ),
    "a mount from the root": (
        spec({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "/a"}]}, volumes=[{"name": "v"}]),
        [f"{C}.volumeMounts.subPath"],
    ),
    "a volume twice": (spec({}, volumes=[{"name": "v"}, {"name": "v"}]), ["s.volumes[1].name"]),
    "a claim without a name": (
        spec({}, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": ""}}]),
        ["s.volumes[0].persistentVolumeClaim.claimName"],
    ),
    "any node of some": (spec({}, affinity=affinity({"key": "a", "operator": "Gt", "values": ["1"]})), []),
    "no node": (spec({}, affinity=affinity()), [TERMS]),
    "a toleration of everything": (spec({}, tolerations=[{"operator": "Exists"}]), []),
    "a toleration of no key": (spec({}, tolerations=[{"value": "a"}]), ["s.tolerations[0].operator"]),
    "a toleration of another effect": (
        spec({}, tolerations=[{"key": "a", "effect": "Always"}]),
        ["s.tolerations[0].effect"],
    ),
    "an account with a bad name": (spec({}, serviceAccountName="A b"), ["s.serviceAccountName"]),
    "a patience below zero is mended, not refused": (spec({}, terminationGracePeriodSeconds=-1), []),
}


@pytest.mark.parametrize(("pod", "fields"), SPECS.values(), ids=SPECS)
def test_specs(pod: Json, fields: list[str]) -> None:
    assert [cause.field for cause in spec_of_pod(pod, "s")] == fields


def test_a_pod_may_end_and_a_template_may_not() -> None:
    once = spec({}, restartPolicy="Never")
    assert list(spec_of_pod(once, "spec")) == []
    assert [cause.field for cause in pod_template({"spec": once})] == ["spec.template.spec.restartPolicy"]


def test_a_template_may_mount_what_its_set_claims() -> None:
    mounting = spec({"volumeMounts": [{"name": "data", "mountPath": "/data"}]})
    assert [cause.reason for cause in pod_template({"spec": mounting})] == ["FieldValueNotFound"]
    assert list(pod_template({"spec": mounting}, more_volumes={"data"})) == []
