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


def node_affinity(expression: Json) -> Json:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def ingress(host: str = "web.test", **path: Any) -> Json:
    rule = {"host": host, "http": {"paths": [path]}}
    return {"metadata": {"name": "web"}, "spec": {"rules": [rule]}}


POD = "spec.template.spec"
C = f"{POD}.containers[0]"
TERMS = f"{POD}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
WAY: Json = {"path": "/", "pathType": "Prefix", "backend": BACKEND}
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
    "a port name of 16 letters": (
        "apps/deployments",
        deployment(container(ports=[{"containerPort": 80, "name": "x" * 16}])),
        f"{C}.ports[0].name",
    ),
    "a port name without a letter": (
        "apps/deployments",
        deployment(container(ports=[{"containerPort": 80, "name": "80"}])),
        f"{C}.ports[0].name",
    ),
    "an env name with a line break": (
        "apps/deployments",
        deployment(container(env=[{"name": "a\nb"}])),
        f"{C}.env[0].name",
    ),
    "an env name with a letter beyond ASCII": (
        "apps/deployments",
        deployment(container(env=[{"name": "ä"}])),
        f"{C}.env[0].name",
    ),
    "half a GPU": (
        "apps/deployments",
        deployment(container(resources={"limits": {"nvidia.com/gpu": "500m"}})),
        f"{C}.resources.limits[nvidia.com/gpu]",
    ),
    "a GPU requested without a limit": (
        "apps/deployments",
        deployment(container(resources={"requests": {"nvidia.com/gpu": "1"}})),
        f"{C}.resources.limits",
    ),
    "fewer GPUs requested than the limit": (
        "apps/deployments",
        deployment(container(resources={"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "2"}})),
        f"{C}.resources.requests",
    ),
    "a resource nobody knows": (
        "apps/deployments",
        deployment(container(resources={"limits": {"gpu": "1"}})),
        f"{C}.resources.limits[gpu]",
    ),
    "a path below that climbs out": (
        "apps/deployments",
        deployment(
            container(volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "../x"}]),
            pod={"volumes": [{"name": "v", "emptyDir": {}}]},
        ),
        f"{C}.volumeMounts.subPath",
    ),
    "a volume of two kinds": (
        "apps/deployments",
        deployment(container(), pod={"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}),
        f"{POD}.volumes[0].hostPath",
    ),
    "a bad node label": (
        "apps/deployments",
        deployment(container(), pod={"nodeSelector": {"a": "b c"}}),
        f"{POD}.nodeSelector",
    ),
    "a runtime with a bad name": (
        "apps/deployments",
        deployment(container(), pod={"runtimeClassName": "A b"}),
        f"{POD}.runtimeClassName",
    ),
    "a toleration of a value that may be any": (
        "apps/deployments",
        deployment(container(), pod={"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}),
        f"{POD}.tolerations[0].operator",
    ),
    "a node chosen among none": (
        "apps/deployments",
        deployment(container(), pod=node_affinity({"key": "a", "operator": "In"})),
        f"{TERMS}[0].matchExpressions[0].values",
    ),
    "a selector with an operator of its own": (
        "apps/deployments",
        deployment(container(), selector={"matchExpressions": [{"key": "app", "operator": "Is", "values": ["web"]}]}),
        "spec.selector.matchExpressions[0].operator",
    ),
    "a stateful set with a dot in its name": (
        "apps/statefulsets",
        deployment(container()) | {"metadata": {"name": "a.b"}},
        "metadata.name",
    ),
    "a second finalizer without a domain": (
        "configmaps",
        {"metadata": {"name": "a", "finalizers": ["a/b", "c"]}},
        "metadata.finalizers[1]",
    ),
    "annotations of more than 256 KiB": (
        "configmaps",
        {"metadata": {"name": "a", "annotations": {"a": "x" * 262_144}}},
        "metadata.annotations",
    ),
    "a port number twice": (
        "services",
        service({"name": "a", "port": 80}, {"name": "b", "port": 80}),
        "spec.ports[1]",
    ),
    "a node port of an inner service": (
        "services",
        service({"port": 80, "nodePort": 30500}),
        "spec.ports[0].nodePort",
    ),
    "a target with too long a name": (
        "services",
        service({"port": 80, "targetPort": "x" * 16}),
        "spec.ports[0].targetPort",
    ),
    "an external service that names nothing": ("services", service(type="ExternalName"), "spec.externalName"),
    "an exposed service without an address": (
        "services",
        service({"port": 80}, type="NodePort", clusterIP="None"),
        "spec.clusterIPs[0]",
    ),
    "a claim for nothing": (
        "persistentvolumeclaims",
        {
            "metadata": {"name": "a"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0"}}},
        },
        "spec.resources[storage]",
    ),
    "a claim with a mode of its own": (
        "persistentvolumeclaims",
        {"metadata": {"name": "a"}, "spec": {"accessModes": ["Some"], "resources": {"requests": {"storage": "1"}}}},
        "spec.accessModes",
    ),
    "an ingress for an address": ("net/ingresses", ingress("1.2.3.4", **WAY), "spec.rules[0].host"),
    "an ingress to nowhere": (
        "net/ingresses",
        ingress(path="/", pathType="Prefix"),
        "spec.rules[0].http.paths[0].backend",
    ),
    "an ingress to a service with a digit first": (
        "net/ingresses",
        ingress(**WAY | {"backend": {"service": {"name": "1a", "port": {"number": 80}}}}),
        "spec.rules[0].http.paths[0].backend.service.name",
    ),
    "an ingress path that climbs": (
        "net/ingresses",
        ingress(**WAY | {"path": "/a/../b"}),
        "spec.rules[0].http.paths[0].path",
    ),
    "an exception outside its block": (
        "net/networkpolicies",
        policy(egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.1.0.0/24"]}}]}]),
        "spec.egress[0].to[0].ipBlock.except[0]",
    ),
    "ports that end before they begin": (
        "net/networkpolicies",
        policy(ingress=[{"ports": [{"port": 80, "endPort": 70}]}]),
        "spec.ingress[0].ports[0].endPort",
    ),
    "a policy for labels that cannot be": (
        "net/networkpolicies",
        {"metadata": {"name": "web"}, "spec": {"podSelector": {"matchLabels": {"a": "b c"}}}},
        "spec.podSelector.matchLabels",
    ),
    "a rule without resources": (
        "rbac/roles",
        {"metadata": {"name": "a"}, "rules": [{"apiGroups": [""], "verbs": ["get"]}]},
        "rules[0].resources",
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


WELCOME: dict[str, tuple[str, Json]] = {
    "a block with bits behind its mask": (
        "net/networkpolicies",
        policy(egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.1/24"}}]}]),
    ),
    "an annotation of a domain in capitals": ("configmaps", {"metadata": {"name": "a", "annotations": {"A.b/c": "x"}}}),
    "a wildcard host": ("net/ingresses", ingress("*.web.test", **WAY)),
    "one port number, two protocols": (
        "services",
        service({"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}),
    ),
    "an env name with a space": ("apps/deployments", deployment(container(env=[{"name": "a b"}]))),
    "an env name twice": ("apps/deployments", deployment(container(env=[{"name": "a"}, {"name": "a"}]))),
}


@pytest.mark.parametrize(("short", "body"), WELCOME.values(), ids=WELCOME)
async def test_what_looks_bad_and_is_not(api, short: str, body: Json) -> None:
    made = await api.create(short, body, dryRun="All")
    assert made.code == 201, made


async def test_a_bound_claim_does_not_shrink(api) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "2Gi"}}}
    await api.create("persistentvolumeclaims", {"metadata": {"name": "a"}, "spec": spec})
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "2Gi"}}}

    async def shrunk() -> Any:
        """A real controller sees that it is not bound and says so, maybe before the change comes."""
        await api.merge("persistentvolumeclaims/a/status", bound)
        return await api.merge("persistentvolumeclaims/a", {"spec": {"resources": {"requests": {"storage": "1Gi"}}}})

    refused = await api.eventually(shrunk, lambda answer: answer.fields() != {"spec"})
    assert (refused.code, refused.fields()) == (422, {"spec.resources.requests.storage"}), refused


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
