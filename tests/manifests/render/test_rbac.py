from __future__ import annotations

import pytest

from manifests.manifest import Params, Permissions
from manifests.render.rbac import access


def service_that_reads(build, *permissions):
    return build.service("log", params=Params(None, Permissions(permissions)))


@pytest.mark.parametrize(
    "params", [None, Params(None), Params(None, Permissions(None)), Params(None, Permissions(()))], ids=str
)
def test_without_permissions_there_is_no_account(build, lease, params):
    assert access(lease, build.service(params=params), "7") == []


def test_account_role_and_binding_are_named_after_the_service_and_refer_to_each_other(build, lease):
    account, role, binding = access(lease, service_that_reads(build, "logs"), "7")
    assert [o["kind"] for o in (account, role, binding)] == ["ServiceAccount", "Role", "RoleBinding"]
    assert {o["metadata"]["name"] for o in (account, role, binding)} == {"log"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "log"}
    namespace = account["metadata"]["namespace"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "log", "namespace": namespace}]
    assert account["metadata"] is not role["metadata"], "no two objects share a dict"


@pytest.mark.parametrize(
    ("permission", "resources"),
    [
        ("logs", {"pods", "pods/log", "deployments"}),
        ("events", {"events"}),
        ("deployment", {"deployments", "statefulsets"}),
        ("secrets", set()),
    ],
)
def test_a_permission_lets_read_and_never_write(build, lease, permission, resources):
    role = access(lease, service_that_reads(build, permission), "7")[1]
    assert {r for rule in role["rules"] for r in rule["resources"]} == resources
    assert {v for rule in role["rules"] for v in rule["verbs"]} <= {"get", "list", "watch"}
