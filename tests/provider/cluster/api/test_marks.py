from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api import kinds
from provider.cluster.api.kinds import Kind
from provider.cluster.api.marks import ABSENT, RESTARTED, mark, mark_of_workload

KUBECTL = "kubectl.kubernetes.io/restartedAt"
PSS = "pod-security.kubernetes.io/enforce"
OBJECTS: dict[Kind, dict[str, Any]] = {
    kinds.NAMESPACE: {"metadata": {"labels": {"akash.network": "true", PSS: "baseline"}}},
    kinds.SERVICE: {"metadata": {}, "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}},
    kinds.SECRET: {"metadata": {}, "type": "Opaque", "data": {"a": "Yg=="}},
    kinds.SERVICE_ACCOUNT: {"metadata": {}},
    kinds.ROLE: {"metadata": {}, "rules": [{"verbs": ["get"]}]},
    kinds.ROLE_BINDING: {"metadata": {}, "roleRef": {"name": "web"}, "subjects": [{"name": "web"}]},
    kinds.DEPLOYMENT: {"metadata": {"generation": 3}, "spec": {"replicas": 1, "template": {"spec": {"x": "y"}}}},
    kinds.STATEFUL_SET: {"metadata": {"generation": 3}, "spec": {"replicas": 1, "template": {"spec": {"x": "y"}}}},
    kinds.NETWORK_POLICY: {"metadata": {"generation": 3}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (kinds.NAMESPACE, {"metadata": {"labels": {PSS: "privileged"}}}),
        (kinds.NAMESPACE, {"metadata": {"labels": {"akash.network/namespace": "another"}}}),
        (kinds.SERVICE, {"spec": {"selector": {"a": "c"}}}),
        (kinds.SERVICE, {"spec": {"ports": [{"port": 81}]}}),
        (kinds.SERVICE, {"spec": {"externalIPs": ["192.0.2.1"]}}),
        (kinds.SECRET, {"data": {"a": "Yw=="}}),
        (kinds.SERVICE_ACCOUNT, {"automountServiceAccountToken": False}),
        (kinds.ROLE, {"rules": [{"verbs": ["*"]}]}),
        (kinds.ROLE_BINDING, {"subjects": []}),
        (kinds.DEPLOYMENT, {"spec": {"template": {"spec": {"x": "z"}}}}),
        (kinds.DEPLOYMENT, {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}),
        (kinds.STATEFUL_SET, {"spec": {"replicas": 0}}),
        (kinds.NETWORK_POLICY, {"metadata": {"generation": 4}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_change_of_what_was_rendered_changes_it(kind: Kind, change: dict[str, Any]) -> None:
    assert mark(kind, merged(OBJECTS[kind], change)) not in (mark(kind, OBJECTS[kind]), ABSENT)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (kinds.NAMESPACE, {"metadata": {"labels": {"field.cattle.io/projectId": "p-1"}, "resourceVersion": "9"}}),
        (kinds.SERVICE, {"spec": {"clusterIP": "10.0.0.7"}, "status": {"loadBalancer": {}}}),
        (kinds.SECRET, {"metadata": {"annotations": {"a": "b"}}}),
        (kinds.SERVICE_ACCOUNT, {"secrets": [{"name": "x"}], "imagePullSecrets": [{"name": "y"}]}),
        (kinds.DEPLOYMENT, {"status": {"replicas": 3}}),
        (kinds.DEPLOYMENT, {"metadata": {"annotations": {"policy.example/seen": "1"}, "generation": 4}}),
        (kinds.STATEFUL_SET, {"spec": {"template": {"metadata": {"annotations": {RESTARTED: "now"}}}}}),
        (kinds.DEPLOYMENT, {"spec": {"template": {"metadata": {"annotations": {KUBECTL: "now"}}}}}),
    ],
    ids=str,
)  # fmt: skip
def test_what_controllers_write_does_not(kind: Kind, change: dict[str, Any]) -> None:
    assert mark(kind, merged(OBJECTS[kind], change)) == mark(kind, OBJECTS[kind])


def test_it_is_the_same_by_whichever_way_it_is_asked_for() -> None:
    web = OBJECTS[kinds.DEPLOYMENT]
    assert mark(kinds.DEPLOYMENT, web) == mark(kinds.STATEFUL_SET, web) == mark_of_workload(web)


def test_the_order_of_fields_says_nothing() -> None:
    secret = OBJECTS[kinds.SECRET]
    assert mark(kinds.SECRET, dict(reversed(secret.items()))) == mark(kinds.SECRET, secret)


def merged(obj: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    out = dict(obj)
    for key, value in change.items():
        out[key] = merged(out.get(key, {}), value) if isinstance(value, dict) else value
    return out
