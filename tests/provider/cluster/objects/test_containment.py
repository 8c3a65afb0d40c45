from __future__ import annotations

import copy
from typing import Any

import pytest

from provider.cluster.objects.containment import Path, contained, text

OURS: dict[str, Any] = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {
        "securityContext": {"runAsNonRoot": False},
        "containers": [
            {
                "name": "web",
                "image": "web:1",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "securityContext": {"capabilities": {"drop": ["MKNOD"]}},
            }
        ],
    },
}
CONTAINER = ("f:spec", "f:containers", 'k:{"name":"web"}')
SECURITY = (*CONTAINER, "f:securityContext")
MORE = ("f:spec", "f:containers", 'k:{"name":"more"}')


def put(*path: str, value: Any, of: dict[str, Any] = OURS) -> dict[str, Any]:
    """`path` in words of the template; `0` is the first item."""
    out = copy.deepcopy(of)
    at: Any = out
    for part in path[:-1]:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    at[path[-1]] = value
    return out


def in_web(*path: str, value: Any) -> dict[str, Any]:
    return put("spec", "containers", "0", *path, value=value)


def with_more(**fields: Any) -> dict[str, Any]:
    return put("spec", "containers", value=[*OURS["spec"]["containers"], {"name": "more", "image": "more:1", **fields}])


WEAK: dict[str, tuple[dict[str, Any], Path]] = {
    **{
        field: (put("spec", field, value=True), ("f:spec", f"f:{field}"))
        for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace",
                      "automountServiceAccountToken")
    },
    "an account": (put("spec", "serviceAccountName", value="admin"), ("f:spec", "f:serviceAccountName")),
    "root, by the pod": (
        put("spec", "securityContext", "runAsUser", value=0), ("f:spec", "f:securityContext", "f:runAsUser")),
    "no seccomp, by the pod": (
        put("spec", "securityContext", "seccompProfile", value={"type": "Unconfined"}),
        ("f:spec", "f:securityContext", "f:seccompProfile")),
    "privileged": (in_web("securityContext", "privileged", value=True), (*SECURITY, "f:privileged")),
    "escalation": (
        in_web("securityContext", "allowPrivilegeEscalation", value=True), (*SECURITY, "f:allowPrivilegeEscalation")),
    "capabilities": (
        in_web("securityContext", "capabilities", "add", value=["SYS_ADMIN"]), (*SECURITY, "f:capabilities", "f:add")),
    "no AppArmor": (
        in_web("securityContext", "appArmorProfile", value={"type": "Unconfined"}), (*SECURITY, "f:appArmorProfile")),
    "SELinux": (in_web("securityContext", "seLinuxOptions", value={"type": "spc_t"}), (*SECURITY, "f:seLinuxOptions")),
    "no AppArmor, by a note": (
        put("metadata", "annotations", value={"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}),
        ("f:metadata", "f:annotations", "f:container.apparmor.security.beta.kubernetes.io/web")),
    "a port of the host": (
        in_web("ports", "0", "hostPort", value=80),
        (*CONTAINER, "f:ports", 'k:{"containerPort":80,"protocol":"TCP"}', "f:hostPort")),
    "a volume of the host": (
        put("spec", "volumes", value=[{"name": "h", "hostPath": {"path": "/"}}]),
        ("f:spec", "f:volumes", 'k:{"name":"h"}', "f:hostPath", "f:path")),
    "a token": (
        put("spec", "volumes", value=[{"name": "t", "projected": {"sources": [{"serviceAccountToken": {}}]}}]),
        ("f:spec", "f:volumes", 'k:{"name":"t"}', "f:projected", "f:sources")),
    "a container with rights": (with_more(securityContext={"privileged": True}),
                                (*MORE, "f:securityContext", "f:privileged")),
}  # fmt: skip


@pytest.mark.parametrize(("template", "path"), WEAK.values(), ids=WEAK)
def test_what_weakens_containment_is_taken_out_where_somebody_holds_it(template: dict[str, Any], path: Path) -> None:
    before = copy.deepcopy(template)
    found, cut = contained(template, {path, (*MORE, "f:name")})
    assert found == OURS
    assert len(cut) == 1
    assert text(path).startswith(next(iter(cut)))
    assert template == before
    assert contained(template, {("f:spec", "f:nodeSelector")}) == (template, frozenset()), "a webhook's, held by nobody"


HARMLESS: dict[str, tuple[dict[str, Any], Path]] = {
    "a selector": (put("spec", "nodeSelector", value={"a": "b"}), ("f:spec", "f:nodeSelector", "f:a")),
    "a priority": (put("spec", "priorityClassName", value="p"), ("f:spec", "f:priorityClassName")),
    "a user": (
        put("spec", "securityContext", "runAsUser", value=1000), ("f:spec", "f:securityContext", "f:runAsUser")),
    "not on the host": (put("spec", "hostNetwork", value=False), ("f:spec", "f:hostNetwork")),
    "seccomp": (
        in_web("securityContext", "seccompProfile", value={"type": "RuntimeDefault"}),
        (*SECURITY, "f:seccompProfile", "f:type")),
    "a volume": (
        put("spec", "volumes", value=[{"name": "v", "emptyDir": {}}]),
        ("f:spec", "f:volumes", 'k:{"name":"v"}', "f:emptyDir")),
    "a sidecar": (with_more(), (*MORE, "f:name")),
}  # fmt: skip


@pytest.mark.parametrize(("template", "path"), HARMLESS.values(), ids=HARMLESS)
def test_all_else_stays(template: dict[str, Any], path: Path) -> None:
    assert contained(template, {path}) == (template, frozenset())


def test_a_mount_goes_with_its_volume_and_all_else_stays() -> None:
    mounts = [{"name": "h", "mountPath": "/h"}, {"name": "v", "mountPath": "/v"}]
    volumes = [{"name": "h", "hostPath": {"path": "/"}}, {"name": "v", "emptyDir": {}}]
    template = put("spec", "volumes", value=volumes, of=in_web("volumeMounts", value=mounts))
    held = {("f:spec", "f:volumes", 'k:{"name":"h"}', "f:hostPath", "f:path")}
    found, cut = contained(template, held)
    assert found["spec"]["volumes"] == volumes[1:]
    assert found["spec"]["containers"][0]["volumeMounts"] == mounts[1:]
    assert cut == {'.spec.volumes[{"name":"h"}]', '.spec.containers[{"name":"web"}].volumeMounts[{"mountPath":"/h"}]'}


def test_of_a_container_that_a_webhook_put_there_only_what_a_hand_has_added_goes() -> None:
    template = with_more(securityContext={"privileged": True, "readOnlyRootFilesystem": True})
    found, cut = contained(template, {(*MORE, "f:securityContext", "f:privileged")})
    assert found == with_more(securityContext={"readOnlyRootFilesystem": True})
    assert cut == {'.spec.containers[{"name":"more"}].securityContext.privileged'}


def test_with_the_hosts_network_go_the_ports_that_the_api_server_wrote_for_it_and_no_sidecar() -> None:
    written = {"containerPort": 9, "protocol": "TCP", "hostPort": 9}
    template = put("spec", "hostNetwork", value=True, of=with_more(ports=[written]))
    template = put("spec", "containers", "0", "ports", "0", "hostPort", value=80, of=template)
    port = (*MORE, "f:ports", 'k:{"containerPort":9,"protocol":"TCP"}', "f:hostPort")
    found, cut = contained(template, {("f:spec", "f:hostNetwork"), port, (*MORE, "f:name")})
    assert found == with_more(ports=[{"containerPort": 9, "protocol": "TCP"}])
    assert cut == {".spec.hostNetwork"}
