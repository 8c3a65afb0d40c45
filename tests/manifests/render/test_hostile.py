"""Manifests of somebody who means harm (kubernetes.md §11.3): refused with a reason, or contained, and nothing of
theirs reaches beyond their own lease."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from manifests.check import check_manifest
from manifests.errors import ManifestInvalid
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Credentials, HttpOptions, ManifestGroup, Params, Permissions
from manifests.render import check_admissible, render
from manifests.render.crd import manifest_object
from manifests.render.names import object_labels
from manifests.wire import manifest_json, parse_manifest

LEASE = LeaseID("akash1mallory", 666, 1, 1, "akash1provider")
VICTIM = LeaseID("akash1alice", 1, 1, 1, "akash1provider")

Make = Callable[[Any], ManifestGroup]


def web(build: Any, *expose: Any, **more: Any) -> ManifestGroup:
    return build.group(build.service("web", *(expose or (build.expose(80),)), **more))  # type: ignore[no-any-return]


def sized(build: Any, *volumes: Any, **more: Any) -> Any:
    return build.resources(build.volume("default"), *volumes, **more)


REFUSED: dict[str, tuple[Make, str]] = {
    # names
    "two services of one name": (
        lambda b: b.group(b.service("web", b.expose(80)), b.service("web")),
        "call one of them",
    ),
    "a name of 64 characters": (lambda b: b.group(b.service("w" * 64, b.expose(80))), "at most 63 characters"),
    "a name with a dot": (lambda b: b.group(b.service("web.kube-system", b.expose(80))), "service's name"),
    "a name that climbs": (lambda b: b.group(b.service("../kube-system", b.expose(80))), "service's name"),
    "a name with a newline": (lambda b: b.group(b.service("web\nkind: Secret", b.expose(80))), "service's name"),
    "a name another's node ports need": (
        lambda b: b.group(b.service("a", b.expose(22)), b.service("a-np", b.expose(81, to="a"))),
        "would both be the Service 'a-np'",
    ),
    "a name another's policy needs": (
        lambda b: b.group(b.service("apiserver-x", b.expose(22)), b.service("x-np", b.expose(23))),
        "would share the policy",
    ),
    # sizes
    "10,000 services": (
        lambda b: b.group(b.service("a", b.expose(80)), *(b.service(f"s{n:05}", count=0) for n in range(10_000))),
        "250 services here; this one has 10001",
    ),
    "1,000 exposes": (lambda b: web(b, *(b.expose(1 + n) for n in range(1000))), "250 exposes here"),
    "1,000 host names": (
        lambda b: web(b, b.expose(80, hosts=tuple(f"h{n}.example.com" for n in range(1000)))),
        "100 host names here",
    ),
    "a variable of two megabytes": (lambda b: web(b, env=("A=" + "x" * (2 << 20),)), "bytes"),
    # hosts
    "a wildcard host": (lambda b: web(b, b.expose(80, hosts=("*.example.com",))), "is not a host name"),
    "any host": (lambda b: web(b, b.expose(80, hosts=("*",))), "is not a host name"),
    "an address as a host": (lambda b: web(b, b.expose(80, hosts=("10.0.0.1",))), "is an address"),
    "a host with a path": (lambda b: web(b, b.expose(80, hosts=("a.example.com/admin",))), "is not a host name"),
    "a host with a directive": (lambda b: web(b, b.expose(80, hosts=("a.com;proxy_pass x",))), "is not a host name"),
    "one host twice": (
        lambda b: web(b, b.expose(80, hosts=("a.com", "a.com"))),
        "is already used by",
    ),
    # mounts
    "a mount over /proc": (lambda b: web(b, params=b.mounts(("default", "/proc"))), "is the kernel's"),
    "a mount over /sys by another way": (lambda b: web(b, params=b.mounts(("default", "//sys/./"))), "is the kernel's"),
    "a mount upwards": (lambda b: web(b, params=b.mounts(("default", "/data/../../dev"))), "leads upwards"),
    "a mount over tokens": (
        lambda b: web(b, params=b.mounts(("default", "/var/run/secrets/kubernetes.io/serviceaccount"))),
        "keeps tokens",
    ),
    "a mount without a root": (lambda b: web(b, params=b.mounts(("default", "etc"))), "no absolute path"),
    "a mount of what is not there": (lambda b: web(b, params=b.mounts(("host", "/data"))), "not a volume"),
    "two mounts at one path": (
        lambda b: web(b, resources=sized(b, b.ram("shm")), params=b.mounts(("default", "/d"), ("shm", "/d"))),
        "both mounted at",
    ),
    # the rest
    "no image": (lambda b: web(b, image=""), "has no image"),
    "an image with a newline": (lambda b: web(b, image="nginx\nprivileged: true"), "control characters"),
    "a variable with a blank name": (lambda b: web(b, env=("A B=1",)), "cannot be the name of a variable"),
    "port 0": (lambda b: web(b, b.expose(0)), "must be a port"),
    "port 65536 to the outside": (lambda b: web(b, b.expose(80, 65536)), "is no port"),
    "a protocol of its own": (lambda b: web(b, b.expose(80, proto="SCTP")), "must be TCP or UDP"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason_before_anything_is_applied(build: Any, site: Any, case: str) -> None:
    make, why = REFUSED[case]
    with pytest.raises(ManifestInvalid) as no:
        received(make(build), site)
    assert why in str(no.value)
    assert len(str(no.value)) < 1000, "an answer, not an echo"


CONTAINED: dict[str, Make] = {
    "a service called kubernetes": lambda b: b.group(b.service("kubernetes", b.expose(443))),
    "a service called default": lambda b: b.group(
        b.service("default", b.expose(80), params=Params(None, Permissions(("logs", "events", "deployment"))))
    ),
    "permissions that do not exist": lambda b: web(b, params=Params(None, Permissions(("*", "secrets", "logs")))),
    "labels in a variable": lambda b: web(b, env=('X="}},"labels":{"akash.network/namespace":"other"',)),
    "a variable for the loader": lambda b: web(b, env=("LD_PRELOAD=/proc/self/cwd/x.so", "PATH=/x")),
    "variables that choose cards": lambda b: web(b, env=("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_IMEX_CHANNELS=0")),
    "variables that choose AMD's cards": lambda b: web(b, env=("AMD_VISIBLE_DEVICES=all",)),
    "variables of ours and of Kubernetes": lambda b: web(
        b, env=("AKASH_OWNER=akash1alice", "KUBERNETES_SERVICE_HOST=evil", "AKASH_OWNER=akash1bob")
    ),
    "commands that look like YAML": lambda b: web(
        b, command=("\n---\nkind: Secret",), args=("{{ .Values.x }}", "$(X)")
    ),
    "proxy options with directives": lambda b: web(
        b, b.expose(80, http=HttpOptions(1, 1, 1, 1, 1, ("", "error; load_module x", "http_500\n}"), 1 << 31))
    ),
    "proxy options beyond all bounds": lambda b: web(
        b, b.expose(80, http=HttpOptions(*[(1 << 32) - 1] * 5, next_cases=("off",)))
    ),
    "a volume with a strange name": lambda b: web(
        b, resources=sized(b, b.volume("../../Etc", 1 << 20)), params=b.mounts(("../../Etc", "/data"))
    ),
    "a mount over the image's own files": lambda b: web(b, params=b.mounts(("default", "/etc"))),
    "a mount at the root": lambda b: web(b, params=b.mounts(("default", "/"))),
    "credentials that break out of JSON": lambda b: web(b, credentials=Credentials('"},"x":{"', "e@x", 'u":"', 'p"}}')),
    "credentials for everybody's registry": lambda b: web(b, credentials=Credentials("https://*", "", "u", "p")),
    "another lease's address": lambda b: web(b, b.expose(80, ip="akash1alice-ip-x")),
    "a service that exposes to another namespace": lambda b: web(
        b, b.expose(80), b.expose(81, to="db.other-namespace")
    ),
    "no replicas at all": lambda b: b.group(b.service("a", b.expose(80)), b.service("b", count=0)),
}

ANNOTATIONS = re.compile(
    r"(nginx\.ingress\.kubernetes\.io/proxy-[a-z-]+|metallb\.universe\.tf/allow-shared-ip"
    r"|qos\.projectcalico\.org/egressMaxConnections)"
)
FORBIDDEN = {
    *("hostPath", "hostNetwork", "hostPID", "hostIPC", "hostPort", "hostAliases", "hostIP", "externalIPs"),
    *("externalName", "loadBalancerIP", "nodePort", "nodeName", "priorityClassName", "shareProcessNamespace"),
    *("initContainers", "ephemeralContainers", "add", "sysctls", "procMount", "seLinuxOptions", "appArmorProfile"),
    *("envFrom", "valueFrom", "lifecycle", "volumeDevices", "dnsConfig", "subPath", "mountPropagation"),
    *("finalizers", "ownerReferences", "defaultBackend"),
}
"""Fields that no lease has: each is a way to the node, to other namespaces, or to what the provider decides."""


@pytest.mark.parametrize("case", CONTAINED)
def test_contained_in_its_own_lease(build: Any, site: Any, case: str) -> None:
    objects = received(CONTAINED[case](build), site)
    assert violations(objects) == []


def test_what_crosses_would_be_seen(build: Any, site: Any) -> None:
    """The check itself: each of these is a crossing."""
    for harm in (
        lambda o: o.update(metadata={**o["metadata"], "namespace": "kube-system"}),
        lambda o: o.update(metadata={**o["metadata"], "labels": object_labels(VICTIM, "1")}),
        lambda o: o["spec"]["template"]["spec"].update(hostNetwork=True),
        lambda o: o["spec"]["template"]["spec"].update(serviceAccountName="other", automountServiceAccountToken=True),
        lambda o: o["spec"]["template"]["spec"]["containers"][0]["securityContext"].update(privileged=True),
        lambda o: o["spec"]["template"]["metadata"]["labels"].update({"akash.network/namespace": "other"}),
        lambda o: o["metadata"].update(annotations={"nginx.ingress.kubernetes.io/configuration-snippet": "x"}),
    ):
        objects = received(web(build), site)
        (workload,) = [obj for obj in objects if obj["kind"] == "Deployment"]
        harm(workload)
        assert violations(objects)


def test_two_tenants_with_the_same_manifest_share_nothing_but_the_claim_on_a_name(build: Any, site: Any) -> None:
    """A host name both want is one ProviderHost, which only one of them gets (provider/cluster/routes/hostnames.py)."""
    group = web(build, build.expose(80, hosts=("shop.example.com",)), build.expose(22), build.expose(81, ip="mine"))
    keys = [
        {
            (o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])
            for o in render(lease, group, {}, site, "1")
        }
        for lease in (LEASE, VICTIM)
    ]
    assert keys[0] & keys[1] == {("ProviderHost", "lease", "shop.example.com")}


def received(group: ManifestGroup, site: Any) -> list[dict[str, Any]]:
    """What comes of it on the way a tenant's manifest takes: read, checked, stored and rendered."""
    text = json.dumps(manifest_json((group,))).encode()
    manifest = parse_manifest(text)
    check_manifest(manifest)
    check_admissible(manifest[0])
    made = render(LEASE, manifest[0], {}, site, "1")
    return json.loads(json.dumps([manifest_object(LEASE, manifest[0], {}, site), *made]))  # type: ignore[no-any-return]


def violations(objects: list[dict[str, Any]]) -> list[str]:
    """What of the objects reaches beyond the lease."""
    out = []
    home = lease_namespace(LEASE)
    for obj in objects:
        kind, meta = obj["kind"], obj["metadata"]
        where = f"{kind}/{meta['name']}"
        claims = kind in ("Manifest", "ProviderHost", "ProviderLeasedIP")
        if kind == "Namespace":
            out += [f"{where} is not the lease's"] if meta["name"] != home else []
        elif meta["namespace"] != ("lease" if claims else home):
            out.append(f"{where} is in {meta['namespace']}")
        whose = {key: value for key, value in meta["labels"].items() if ".id." in key}
        if whose != {key: value for key, value in object_labels(LEASE, "1").items() if ".id." in key}:
            out.append(f"{where} says it is {whose}")
        if any(not ANNOTATIONS.fullmatch(key) for key in meta.get("annotations", {})):
            out.append(f"{where} has annotations {sorted(meta['annotations'])}")
        out += [f"{where} has {key}" for key in _keys(obj["spec"] if not claims and "spec" in obj else {}) & FORBIDDEN]
        if kind in ("Deployment", "StatefulSet"):
            out += _of_pods(where, home, obj["spec"])
        if kind == "RoleBinding":
            out += [f"{where} binds {s}" for s in obj["subjects"] if s["namespace"] != home]
            out += [f"{where} gives {obj['roleRef']}"] if obj["roleRef"]["kind"] != "Role" else []
        if kind == "Role":
            verbs = {verb for rule in obj["rules"] for verb in rule["verbs"]}
            out += [f"{where} may {verbs}"] if not verbs <= {"get", "list", "watch"} else []
            resources = {resource for rule in obj["rules"] for resource in rule["resources"]}
            out += [f"{where} sees {resources}"] if resources & {"*", "secrets"} else []
    return out


def _of_pods(where: str, home: str, spec: dict[str, Any]) -> list[str]:
    out = []
    labels, pod = spec["template"]["metadata"]["labels"], spec["template"]["spec"]
    if labels != spec["selector"]["matchLabels"] or labels["akash.network/namespace"] != home:
        out.append(f"{where}: pods are labelled {labels}")
    (box,) = pod["containers"]
    security = box["securityContext"]
    if security["privileged"] or security["allowPrivilegeEscalation"] or set(security["capabilities"]) != {"drop"}:
        out.append(f"{where}: {security}")
    if pod["automountServiceAccountToken"] is not bool(pod["serviceAccountName"]):
        out.append(f"{where}: a token that nobody asked for")
    if pod["serviceAccountName"] not in ("", box["name"]):
        out.append(f"{where}: runs as {pod['serviceAccountName']}")
    if {e["name"] for e in box["env"]} & {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_IMEX_CHANNELS", "AMD_VISIBLE_DEVICES"}:
        out.append(f"{where}: chooses its cards")
    sources = {key for volume in pod.get("volumes", []) for key in volume} - {"name"}
    return out + ([f"{where}: volumes from {sources}"] if sources - {"emptyDir"} else [])


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(key for inner in value.values() for key in _keys(inner))}
    return {key for inner in value for key in _keys(inner)} if isinstance(value, list) else set()
