"""A lease as a whole: golden files, what a running reference created for the same manifest, and any manifest at all."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.gpus import GpuModel
from manifests.ids import lease_namespace
from manifests.manifest import Credentials, HttpOptions, ManifestGroup, Params, Permissions
from manifests.render import render
from manifests.render.crd import manifest_object, read_manifest
from manifests.render.isolation import Isolation
from manifests.render.site import ServicePlan, Site

GOLDEN = {
    "worked-example": lambda b: b.group(
        b.service(
            "web",
            b.expose(22),
            b.expose(80, hosts=("app.example.com",)),
            b.expose(8080, 9090, to="db"),
            env=("A=b=c", "EMPTY"),
            count=2,
        )
    ),
    "everything": lambda b: b.group(
        b.service(
            "db",
            b.expose(5432, to="web"),
            resources=b.resources(b.volume("default"), b.persistent("data"), b.persistent("logs", "default")),
            params=b.mounts(("data", "/var/lib/db"), ("logs", "/var/log"), ("default", "/tmp")),
            count=2,
        ),
        b.service(
            "train",
            resources=b.resources(b.volume("default"), b.ram("shm", 1 << 30), gpu=2, wish="vendor/nvidia/model/h100"),
            params=replace(b.mounts(("shm", "/dev/shm")), permissions=Permissions(("logs", "events"))),
            credentials=Credentials("registry.example.test", "", "user", "word"),
            command=("/bin/sh", "-c"),
            args=("train --all",),
        ),
        b.service(
            "web",
            b.expose(53, proto="TCP"),
            b.expose(53, proto="UDP"),
            b.expose(8080, 80, ip="mine"),
            b.expose(80, hosts=("a.example.com",), http=HttpOptions(1 << 20, 1500, 60000, 2, 100, ("502", ""), 16384)),
        ),
    ),
}
PLAN = {"train": ServicePlan("nvidia", GpuModel("nvidia", "h100", "80Gi", "sxm"), ("node-2", "node-1", "node-2"))}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_lease_is_rendered_as_its_golden_file_says(build, lease, site, golden, name):
    golden(name, render(lease, GOLDEN[name](build), PLAN, site, "771"))


def test_a_site_with_everything_set_otherwise(build, lease, golden):
    site = Site(
        manifest_namespace="elsewhere",
        network_policies=False,
        static_hosts=True,
        ingress_domain="elsewhere.example.net",
        overcommit_cpu_percent=50,
        overcommit_memory_percent=100,
        overcommit_storage_percent=25,
        image_pull_secret="ours",
        ingress_class="other",
        ip_pool="tenants",
        load_balancer_class="io.cilium/l2-announcer",
        load_balancer_annotations={"lbipam.cilium.io/sharing-key": "{key}"},
        ingress_mode="gateway-api",
        gateway_section="https",
        disruption_budgets=False,
        isolation=Isolation("", (), "", "gvisor", (), (), (), 0, "1G", "200M", 0, hide_gpus=False),
    )
    golden("another-site", render(lease, GOLDEN["everything"](build), PLAN, site, "771"))


def test_what_is_hardest_to_place_is_applied_first(build, lease, site):
    """The scheduler takes pods as they come: a small one must not take the only node of a large one."""
    sizes = {
        "small": {"cpu_milli": 100},
        "large": {"cpu_milli": 8000},
        "wide": {"memory_bytes": 1 << 36},
        "card": {"gpu": 1},
    }
    group = build.group(*(build.service(name, resources=build.resources(**size)) for name, size in sizes.items()))
    plan = {"card": ServicePlan("nvidia", GpuModel("nvidia", "t4"))}
    made = [o["metadata"]["name"] for o in render(lease, group, plan, site, "7") if o["kind"] == "Deployment"]
    assert made == ["card", "wide", "large", "small"]


def test_what_shields_comes_before_what_runs_and_routes_come_last(build, lease, site):
    order = list(dict.fromkeys(o["kind"] for o in render(lease, GOLDEN["everything"](build), PLAN, site, "7")))
    assert order[:2] == ["Namespace", "NetworkPolicy"]
    assert order[-3:] == ["Ingress", "ProviderHost", "ProviderLeasedIP"]
    assert order.index("ServiceAccount") < order.index("Secret") < order.index("Deployment")


# --- what the reference created -------------------------------------------------------------------------------------

CASES = [
    "01-basic",
    "02-several-services",
    "02-several-services-gateway-overcommit",
    "04-node-ports",
    "05-storage-beta2",
    "08-credentials",
    "11-gpu-exact",
    "14-leased-ip",
]


def recorded_site(name: str) -> Site:
    site = Site(
        ingress_domain="ingress.example.test",
        static_hosts=True,
        public_hostname="provider.example.test",
        api_servers=(("10.244.0.1", 17443),),
    )
    if name.endswith("gateway-overcommit"):  # 150 % acted as 100 there, 50 % as 0
        site = replace(
            site,
            network_policies=False,
            overcommit_cpu_percent=100,
            overcommit_memory_percent=100,
            image_pull_secret="global-pull",
        )
    return site


@pytest.mark.parametrize("name", CASES)
def test_the_status_of_the_reference_shows_the_same_names(recorded, name):
    case = recorded(name)
    stored = read_manifest(case.only("Manifest"))
    routes: dict[str, list[str]] = {}
    for obj in render(case.lease, case.group, stored.plan, recorded_site(name), "1"):
        if obj["kind"] == "ProviderHost":
            routes.setdefault(obj["spec"]["service_name"], []).append(obj["spec"]["hostname"])
    assert routes == {n: s["uris"] for n, s in case.status["services"].items() if s["uris"]}


@pytest.mark.parametrize("name", ["01-basic", "05-storage-beta2", "08-credentials", "11-gpu-exact"])
def test_nothing_but_containment_would_restart_what_is_taken_over(recorded, name):
    """Applied over the reference's workload, our pod template changes no field of it: the revision label it has and
    ours lacks stays, and "" is what an absent account is."""
    case = recorded(name)
    stored = read_manifest(case.only("Manifest"))
    bare = Isolation(seccomp_profile="", drop_capabilities=(), max_connections=0)
    site = replace(recorded_site(name), isolation=bare)
    for obj in render(case.lease, stored.group, stored.plan, site, "9999"):
        if obj["kind"] in ("Deployment", "StatefulSet"):
            theirs = case.objects[obj["kind"], obj["metadata"]["name"]]
            assert changed(theirs["spec"]["template"], obj["spec"]["template"]) == []
            assert theirs["spec"]["selector"] == obj["spec"]["selector"]
            assert changed(theirs["spec"], {"volumeClaimTemplates": obj["spec"].get("volumeClaimTemplates", [])}) == []


def changed(live, said, path=""):
    """Paths at which `said`, applied, would change `live`; a list counts as a whole unless its items pair up."""
    if isinstance(said, dict):
        live = live if isinstance(live, dict) else {}
        return [x for key, value in said.items() for x in changed(live.get(key), value, f"{path}.{key}")]
    if isinstance(said, list) and isinstance(live, list) and len(said) == len(live):
        return [x for i, (a, b) in enumerate(zip(live, said, strict=True)) for x in changed(a, b, f"{path}[{i}]")]
    return [] if live == said or (live is None and said in ("", [], False)) else [path]


# --- any manifest ---------------------------------------------------------------------------------------------------

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_manifest_renders_to_names_that_kubernetes_accepts(data, groups, lease, site):
    group: ManifestGroup = data.draw(groups)
    objects = render(lease, group, {}, site, "1")
    keys = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(set(keys)) == len(keys) or shares_a_host(group), "each object once"
    for obj in objects:
        name = obj["metadata"]["name"]
        pattern = {"Namespace": DNS_LABEL, "Service": SERVICE_NAME}.get(obj["kind"], SUBDOMAIN)
        assert pattern.fullmatch(name), (obj["kind"], name)
        assert all(LABEL_VALUE.fullmatch(v) for v in obj["metadata"]["labels"].values())
        if obj["kind"] not in ("Namespace", "ProviderHost", "ProviderLeasedIP"):
            assert obj["metadata"]["namespace"] == lease_namespace(lease)
        if obj["kind"] == "Service":
            ports = obj["spec"]["ports"]
            assert len({p["name"] for p in ports}) == len({(p["port"], p["protocol"]) for p in ports}) == len(ports)
            assert all(DNS_LABEL.fullmatch(p["name"]) for p in ports)
        if obj["kind"] in ("Deployment", "StatefulSet"):
            sound_pod(obj["spec"])
    assert render(lease, group, {}, site, "1") == objects, "and always the same"


def shares_a_host(group):
    """The gateway refuses a host name given twice (manifests/check.py); drawn groups may have one."""
    hosts = [h for s in group.services for h in {h for e in s.expose if e.is_ingress for h in e.hosts or ()}]
    return len(set(hosts)) < len(hosts)


def sound_pod(spec):
    pod = spec["template"]["spec"]
    (box,) = pod["containers"]
    assert DNS_LABEL.fullmatch(box["name"])
    assert len({e["name"] for e in box["env"]}) == len(box["env"])
    mounts = box.get("volumeMounts", [])
    assert len({m["mountPath"] for m in mounts}) == len(mounts)
    volumes = [v["name"] for v in pod.get("volumes", [])]
    volumes += [c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])]
    assert len(set(volumes)) == len(volumes)
    assert all(DNS_LABEL.fullmatch(v) for v in volumes)
    assert {m["name"] for m in mounts} <= set(volumes), "nothing is mounted that is not there"
    limits, requests = box["resources"]["limits"], box["resources"]["requests"]
    assert limits.keys() == requests.keys()


def test_a_stored_manifest_renders_to_the_same_objects(build, lease, site):
    group = GOLDEN["everything"](build)
    stored = read_manifest(manifest_object(lease, group, PLAN, site))
    assert render(lease, group, PLAN, site, "1") == render(stored.lease, stored.group, stored.plan, site, "1")


def test_params_without_anything_change_nothing(build, lease, site):
    bare, empty = build.service(), build.service(params=Params(None))
    assert render(lease, build.group(bare), {}, site, "1") == render(lease, build.group(empty), {}, site, "1")
