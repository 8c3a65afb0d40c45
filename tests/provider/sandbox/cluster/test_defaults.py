"""Defaults as the API reference documents them; those of a Deployment stand in tests/contract/test_workloads.py."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provider.sandbox.cluster.defaults import defaulted

Json = dict[str, Any]


def pod(*containers: Json, **spec: Any) -> Json:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers), **spec}}


def filled(*containers: Json, **spec: Any) -> Json:
    found: Json = defaulted("pods", pod(*containers, **spec))
    return found


PULLS = {
    "no tag": ("web", "Always"),
    "latest": ("web:latest", "Always"),
    "a tag": ("web:1.2", "IfNotPresent"),
    "no tag behind a registry's port": ("registry.test:5000/web", "Always"),
    "a tag behind a registry's port": ("registry.test:5000/web:1", "IfNotPresent"),
    "a digest": ("web@sha256:0a", "IfNotPresent"),
    "latest with a digest": ("web:latest@sha256:0a", "Always"),
}


@pytest.mark.parametrize(("image", "policy"), PULLS.values(), ids=PULLS)
def test_when_images_are_pulled(image: str, policy: str) -> None:
    found = filled({"name": "web", "image": image})
    assert found["spec"]["containers"][0]["imagePullPolicy"] == policy


QUALITIES: dict[str, tuple[list[Json], str]] = {
    "nothing asked": ([{}], "BestEffort"),
    "only a device": ([{"limits": {"nvidia.com/gpu": "1"}}], "BestEffort"),
    "zero is nothing": ([{"requests": {"cpu": "0"}}], "BestEffort"),
    "limits of both": ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
    "the same said differently": (
        [{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}],
        "Guaranteed",
    ),
    "requests below the limits": (
        [{"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}],
        "Burstable",
    ),
    "no limit of memory": ([{"limits": {"cpu": "1"}}], "Burstable"),
    "one container without": ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
}


@pytest.mark.parametrize(("resources", "quality"), QUALITIES.values(), ids=QUALITIES)
def test_quality_of_service(resources: list[Json], quality: str) -> None:
    found = filled(*({"name": f"c{n}", "image": "a:1", "resources": each} for n, each in enumerate(resources)))
    assert found["status"] == {"phase": "Pending", "qosClass": quality}


def test_a_pod_requests_what_it_limits_and_a_template_does_not() -> None:
    container = {"name": "web", "image": "a:1", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}
    asked = copy.deepcopy(container)
    asked["resources"]["requests"] = {"cpu": "1"}
    found = filled(container, asked)["spec"]["containers"]
    assert found[0]["resources"]["requests"] == {"cpu": "2", "memory": "1Gi"}
    assert found[1]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    template = {"spec": {"containers": [container]}}
    kept = defaulted("replicasets.apps", {"metadata": {"name": "w"}, "spec": {"template": template}})
    assert "requests" not in kept["spec"]["template"]["spec"]["containers"][0]["resources"]


def test_what_a_pod_has_and_a_template_has_not() -> None:
    alone = filled()["spec"]
    template = defaulted("deployments.apps", {"metadata": {}, "spec": {}})["spec"]["template"]["spec"]
    assert set(alone) - set(template) == {
        "containers",
        "enableServiceLinks",
        "serviceAccountName",
        "serviceAccount",
        "priority",
        "preemptionPolicy",
    }


def test_probes_ports_and_volumes() -> None:
    container = {
        "name": "web",
        "image": "a:1",
        "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
        "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 3},
    }
    found = filled(
        container, volumes=[{"name": "a"}, {"name": "b", "secret": {}}, {"name": "c", "hostPath": {"path": "/"}}]
    )
    web = found["spec"]["containers"][0]
    assert [port["protocol"] for port in web["ports"]] == ["TCP", "UDP"]
    assert web["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert web["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 3,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert found["spec"]["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "secret": {"defaultMode": 420}},
        {"name": "c", "hostPath": {"path": "/", "type": ""}},
    ]


def test_an_account_has_two_names() -> None:
    assert filled(serviceAccountName="x")["spec"]["serviceAccount"] == "x"
    assert filled(serviceAccount="x")["spec"]["serviceAccountName"] == "x"
    assert filled()["spec"]["serviceAccountName"] == "default"


SPECS: dict[str, tuple[str, Json, Json]] = {
    "an inner service": (
        "services",
        {"ports": [{"port": 80}, {"port": 81, "targetPort": "web"}]},
        {
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
            "ports": [
                {"port": 80, "protocol": "TCP", "targetPort": 80},
                {"port": 81, "protocol": "TCP", "targetPort": "web"},
            ],
        },
    ),
    "a load balancer": (
        "services",
        {"type": "LoadBalancer"},
        {
            "type": "LoadBalancer",
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
            "externalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": True,
        },
    ),
    "a name outside": (
        "services",
        {"type": "ExternalName", "externalName": "a.test"},
        {"type": "ExternalName", "externalName": "a.test", "sessionAffinity": "None"},
    ),
    "a policy without rules is about what comes in": (
        "networkpolicies.networking.k8s.io",
        {"podSelector": {}},
        {"podSelector": {}, "policyTypes": ["Ingress"]},
    ),
    "a policy with a way out is about both": (
        "networkpolicies.networking.k8s.io",
        {"egress": [{"ports": [{"port": 53}]}]},
        {"egress": [{"ports": [{"port": 53, "protocol": "TCP"}]}], "policyTypes": ["Ingress", "Egress"]},
    ),
    "a policy that says its types": (
        "networkpolicies.networking.k8s.io",
        {"egress": [{}], "policyTypes": ["Egress"]},
        {"egress": [{}], "policyTypes": ["Egress"]},
    ),
    "replacing all at once needs no pace": (
        "deployments.apps",
        {"strategy": {"type": "Recreate"}, "template": {"metadata": {}, "spec": {}}},
        {"strategy": {"type": "Recreate"}},
    ),
    "a definition": (
        "customresourcedefinitions.apiextensions.k8s.io",
        {"names": {"kind": "Manifest"}},
        {
            "names": {"kind": "Manifest", "listKind": "ManifestList", "singular": "manifest"},
            "conversion": {"strategy": "None"},
        },
    ),
}


@pytest.mark.parametrize(("resource", "spec", "expected"), SPECS.values(), ids=SPECS)
def test_specs(resource: str, spec: Json, expected: Json) -> None:
    found = defaulted(resource, {"metadata": {"name": "x"}, "spec": spec})["spec"]
    assert {name: found[name] for name in found if name in expected or resource != "deployments.apps"} == expected


def test_a_stateful_set_keeps_its_claims_and_updates_in_order() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {}}
    spec = defaulted("statefulsets.apps", {"metadata": {}, "spec": {"volumeClaimTemplates": [claim]}})["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert spec["podManagementPolicy"] == "OrderedReady"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    (kept,) = spec["volumeClaimTemplates"]
    assert (kept["kind"], kept["spec"]["volumeMode"], kept["status"]) == (
        "PersistentVolumeClaim",
        "Filesystem",
        {"phase": "Pending"},
    )


def test_plain_text_of_a_secret_wins_and_is_not_kept() -> None:
    secret = {"metadata": {"name": "s"}, "data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "new"}}
    assert defaulted("secrets", secret) == {
        "metadata": {"name": "s"},
        "type": "Opaque",
        "data": {"a": "bmV3", "b": "Yg=="},
    }


def test_people_have_a_group_and_accounts_have_not() -> None:
    subjects = [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "b"}]
    found = defaulted("rolebindings.rbac.authorization.k8s.io", {"roleRef": {"kind": "Role"}, "subjects": subjects})
    assert found["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert ["apiGroup" in each for each in found["subjects"]] == [True, False]


def test_a_namespace_is_labelled_with_its_name() -> None:
    found = defaulted("namespaces", {"metadata": {"name": "n", "labels": {"a": "b"}}})
    assert found["metadata"]["labels"] == {"a": "b", "kubernetes.io/metadata.name": "n"}


def test_what_was_given_is_not_touched() -> None:
    given = pod({"name": "web", "image": "a:1", "ports": [{"containerPort": 80}]})
    before = copy.deepcopy(given)
    assert defaulted("pods", given) != before
    assert given == before


def test_a_kind_without_defaults_comes_back_as_it_is() -> None:
    given = {"metadata": {"name": "c"}, "data": {"a": "b"}}
    assert defaulted("configmaps", given) is given
