"""Refusals: which bad objects are 422, which are 400, and which field is blamed."""

from __future__ import annotations

from typing import Any

import pytest

Json = dict[str, Any]


def container(**more: Any) -> Json:
    return {"name": "web", "image": "web:1", **more}


def deployment(*containers: Json, labels: Json | None = None, pod: Json | None = None, **spec: Any) -> Json:
    template = {
        "metadata": {"labels": labels or {"app": "web"}},
        "spec": {"containers": list(containers), **(pod or {})},
    }
    return {
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def service(*ports: Json, **spec: Any) -> Json:
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": list(ports), **spec}}


def policy(**spec: Any) -> Json:
    return {"metadata": {"name": "web"}, "spec": {"podSelector": {}, **spec}}


def ingress(**path: Any) -> Json:
    rule = {"host": "web.test", "http": {"paths": [path]}}
    return {"metadata": {"name": "web"}, "spec": {"rules": [rule]}}


POD = "spec.template.spec"
C = f"{POD}.containers[0]"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
UNPROCESSABLE: dict[str, tuple[str, Json, str]] = {
    "no name": ("configmaps", {"metadata": {}}, "metadata.name"),
    "a name with capitals": ("configmaps", {"metadata": {"name": "Web"}}, "metadata.name"),
    "a service named with a digit first": (
        "services",
        service({"port": 80}) | {"metadata": {"name": "1a"}},
        "metadata.name",
    ),
    "a bad label value": ("configmaps", {"metadata": {"name": "a", "labels": {"k": "a b"}}}, "metadata.labels"),
    "a label value of 64 letters": (
        "configmaps",
        {"metadata": {"name": "a", "labels": {"k": "x" * 64}}},
        "metadata.labels",
    ),
    "a bad label key": ("configmaps", {"metadata": {"name": "a", "labels": {"a/b/c": "x"}}}, "metadata.labels"),
    "a bad data key": ("configmaps", {"metadata": {"name": "a"}, "data": {"a b": "x"}}, "data[a b]"),
    "no container": ("apps/deployments", deployment(), f"{POD}.containers"),
    "no image": ("apps/deployments", deployment({"name": "web"}), f"{C}.image"),
    "a container named twice": ("apps/deployments", deployment(container(), container()), f"{POD}.containers[1].name"),
    "a container with a bad name": ("apps/deployments", deployment(container(name="We_b")), f"{C}.name"),
    "a selector that misses": (
        "apps/deployments",
        deployment(container(), labels={"app": "other"}),
        "spec.template.metadata.labels",
    ),
    "negative replicas": ("apps/deployments", deployment(container(), replicas=-1), "spec.replicas"),
    "a mount without a volume": (
        "apps/deployments",
        deployment(container(volumeMounts=[{"name": "v", "mountPath": "/v"}])),
        f"{C}.volumeMounts[0].name",
    ),
    "two mounts at one path": (
        "apps/deployments",
        deployment(
            container(volumeMounts=[{"name": "a", "mountPath": "/v"}, {"name": "b", "mountPath": "/v"}]),
            pod={"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]},
        ),
        f"{C}.volumeMounts[1].mountPath",
    ),
    "a request above its limit": (
        "apps/deployments",
        deployment(container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}})),
        f"{C}.resources.requests",
    ),
    "a container port out of range": (
        "apps/deployments",
        deployment(container(ports=[{"containerPort": 70000}])),
        f"{C}.ports[0].containerPort",
    ),
    "an unknown pull policy": (
        "apps/deployments",
        deployment(container(imagePullPolicy="Maybe")),
        f"{C}.imagePullPolicy",
    ),
    "a restart policy of a job": (
        "apps/deployments",
        deployment(container(), pod={"restartPolicy": "Never"}),
        f"{POD}.restartPolicy",
    ),
    "a service without ports": ("services", service(), "spec.ports"),
    "a port out of range": ("services", service({"port": 0}), "spec.ports[0].port"),
    "two ports without names": ("services", service({"port": 1}, {"port": 2}), "spec.ports[0].name"),
    "a port name twice": (
        "services",
        service({"name": "a", "port": 1}, {"name": "a", "port": 2}),
        "spec.ports[1].name",
    ),
    "an unknown protocol": ("services", service({"port": 1, "protocol": "ICMP"}), "spec.ports[0].protocol"),
    "an unknown service type": ("services", service({"port": 1}, type="Public"), "spec.type"),
    "a node port out of range": (
        "services",
        service({"port": 1, "nodePort": 80}, type="NodePort"),
        "spec.ports[0].nodePort",
    ),
    "a claim without a size": (
        "persistentvolumeclaims",
        {"metadata": {"name": "a"}, "spec": {"accessModes": ["ReadWriteOnce"]}},
        "spec.resources[storage]",
    ),
    "a claim without a mode": (
        "persistentvolumeclaims",
        {"metadata": {"name": "a"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}},
        "spec.accessModes",
    ),
    "registry credentials that are missing": (
        "secrets",
        {"metadata": {"name": "a"}, "type": "kubernetes.io/dockerconfigjson"},
        "data[.dockerconfigjson]",
    ),
    "registry credentials that are no JSON": (
        "secrets",
        {"metadata": {"name": "a"}, "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{"}},
        "data[.dockerconfigjson]",
    ),
    "an ingress path without a type": (
        "net/ingresses",
        ingress(path="/", backend=BACKEND),
        "spec.rules[0].http.paths[0].pathType",
    ),
    "a relative ingress path": (
        "net/ingresses",
        ingress(path="x", pathType="Prefix", backend=BACKEND),
        "spec.rules[0].http.paths[0].path",
    ),
    "an empty ingress": ("net/ingresses", {"metadata": {"name": "web"}, "spec": {}}, "spec"),
    "a policy of a third type": ("net/networkpolicies", policy(policyTypes=["Sideways"]), "spec.policyTypes[0]"),
    "a block that is no network": (
        "net/networkpolicies",
        policy(egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]),
        "spec.egress[0].to[0].ipBlock.cidr",
    ),
    "a rule without verbs": (
        "rbac/roles",
        {"metadata": {"name": "a"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": []}]},
        "rules[0].verbs",
    ),
}


@pytest.mark.parametrize(("short", "body", "field"), UNPROCESSABLE.values(), ids=UNPROCESSABLE)
async def test_422_names_the_field(api, short: str, body: Json, field: str) -> None:
    refused = await api.create(short, body)
    assert (refused.code, refused.body["reason"]) == (422, "Invalid"), refused
    assert field in refused.fields(), refused


WRONG_TYPES: dict[str, tuple[str, Json]] = {
    "replicas in words": ("apps/deployments", deployment(container(), replicas="two")),
    "a port in words": ("services", service({"port": "http"})),
    "a target port that is true": ("services", service({"port": 80, "targetPort": True})),
    "an env value that is a number": ("apps/deployments", deployment(container(env=[{"name": "A", "value": 1}]))),
    "labels in a list": ("configmaps", {"metadata": {"name": "a", "labels": ["x"]}}),
    "memory that is no quantity": ("apps/deployments", deployment(container(resources={"limits": {"memory": "much"}}))),
    "a list for an object": ("configmaps", {"metadata": {"name": "a"}, "data": []}),
}


@pytest.mark.parametrize(("short", "body"), WRONG_TYPES.values(), ids=WRONG_TYPES)
async def test_a_wrong_type_is_400(api, short: str, body: Json) -> None:
    refused = await api.create(short, body)
    assert (refused.code, refused.body["reason"]) == (400, "BadRequest"), refused


async def test_several_faults_are_told_at_once(api) -> None:
    refused = await api.create("apps/deployments", deployment({"name": "We_b"}, replicas=-1))
    assert refused.fields() >= {"spec.replicas", f"{C}.name", f"{C}.image"}
    assert refused.body["message"].startswith('Deployment.apps "web" is invalid: [')


async def test_the_selector_of_a_deployment_stays(api) -> None:
    made = await api.create("apps/deployments", deployment(container(), labels={"app": "web", "b": "c"}, replicas=0))
    assert made.code == 201
    refused = await api.merge("apps/deployments/web", {"spec": {"selector": {"matchLabels": {"b": "c"}}}})
    assert (refused.code, refused.fields()) == (422, {"spec.selector"})
    assert refused.body["message"].endswith("field is immutable")


async def test_a_stateful_set_keeps_its_volumes_and_its_name_service(api) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    mounted = container(volumeMounts=[{"name": "data", "mountPath": "/data"}])
    body = deployment(mounted, replicas=0, volumeClaimTemplates=[claim])
    made = await api.apply("apps/statefulsets/web", body | {"apiVersion": "apps/v1", "kind": "StatefulSet"})
    assert made.code == 201, made
    bigger = claim | {"spec": claim["spec"] | {"resources": {"requests": {"storage": "2Gi"}}}}
    refused = await api.merge("apps/statefulsets/web", {"spec": {"volumeClaimTemplates": [bigger]}})
    assert (refused.code, refused.fields()) == (422, {"spec"})
    again = await api.apply("apps/statefulsets/web", body | {"apiVersion": "apps/v1", "kind": "StatefulSet"})
    assert (again.code, again.body["metadata"]["generation"]) == (200, 1)
    assert (
        await api.merge("apps/statefulsets/web", {"spec": {"template": {"metadata": {"labels": {"n": "1"}}}}})
    ).code == 200


async def test_a_binding_keeps_its_role(api) -> None:
    group = "rbac.authorization.k8s.io"
    body = {
        "metadata": {"name": "a"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "one"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": api.ns}],
    }
    assert (await api.create("rbac/rolebindings", body)).code == 201
    other = body | {"roleRef": {"apiGroup": group, "kind": "Role", "name": "two"}}
    refused = await api.update("rbac/rolebindings/a", other)
    assert (refused.code, refused.fields()) == (422, {"roleRef"})
