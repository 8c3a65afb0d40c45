"""What is rendered, applied to a real API server: only it knows how apply merges with what stands there already."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Params, Permissions
from manifests.render import render
from manifests.render.crd import definitions, manifest_object, read_manifest
from manifests.render.isolation import Isolation
from manifests.render.names import REVISION
from manifests.render.site import Site

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]

TAKEN_OVER = [
    "01-basic",
    "02-several-services",
    "04-node-ports",
    "05-storage-beta2",
    "08-credentials",
    "11-gpu-exact",
]


@pytest.fixture(scope="module")
def cluster(real_cluster):
    """With our definitions and the namespace of manifests, as an installation leaves it."""
    here = Here(real_cluster)
    here.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease"}}, *definitions()])
    real_cluster.await_served(*(d["metadata"]["name"] for d in definitions()))
    return here


@pytest.fixture(scope="module")
def golden_everything(request):
    home = request.path.parents[2] / "golden" / "render"
    return list(yaml.safe_load_all((home / "everything.yaml").read_text()))


class Here:
    def __init__(self, real) -> None:
        self.real = real

    def apply(self, objects):
        """As the daemon does: server-side, by force, under its own name."""
        text = yaml.safe_dump_all(json.loads(json.dumps(objects)))
        command = ["apply", "--server-side", "--force-conflicts", "--field-manager", "akash-provider", "-f", "-"]
        self.real.kubectl(*command, stdin=text)

    def create(self, *objects):
        self.real.kubectl(
            "create", "--field-manager", "provider-services", "-f", "-", stdin=yaml.safe_dump_all(objects)
        )

    def get(self, obj):
        meta = obj["metadata"]
        where = ["--namespace", meta["namespace"]] if "namespace" in meta else []
        group, _, version = obj["apiVersion"].rpartition("/")
        kind = f"{obj['kind']}.{version}.{group}" if group else obj["kind"]
        return json.loads(self.real.kubectl("get", kind, meta["name"], *where, "-o", "json"))


def test_a_lease_is_accepted_and_applying_it_again_changes_nothing(cluster, golden_everything):
    cluster.apply(golden_everything)
    before = [cluster.get(o)["metadata"].get("generation") for o in golden_everything]
    cluster.apply(golden_everything)
    assert [cluster.get(o)["metadata"].get("generation") for o in golden_everything] == before


def test_a_stored_manifest_comes_back_whole(cluster, lease, build, site):
    web = build.service("web", build.expose(80), command=(), args=None, params=Params(None, Permissions(())))
    made = manifest_object(lease, build.group(web), {}, site)
    cluster.apply([made])
    assert read_manifest(cluster.get(made)) == read_manifest(made)


def test_a_service_that_gives_up_its_permissions_runs_without_an_account(cluster, build, site):
    lease = LeaseID("akash1permissions", 1, 1, 1, "akash1provider")
    reader = build.service("web", params=Params(None, Permissions(("logs",))))
    for service, account in ((reader, "web"), (build.service("web"), None)):
        objects = render(lease, build.group(service), {}, site, "1")
        cluster.apply(objects)
        (workload,) = [cluster.get(o) for o in objects if o["kind"] == "Deployment"]
        pod = workload["spec"]["template"]["spec"]
        assert (pod.get("serviceAccountName"), pod.get("serviceAccount")) == (account, account)


def test_an_account_the_reference_gave_goes_when_the_permissions_go(cluster, build, site):
    lease = LeaseID("akash1adopted", 1, 1, 1, "akash1provider")
    reader = build.service("web", params=Params(None, Permissions(("logs",))))
    objects = render(lease, build.group(reader), {}, site, "1")
    cluster.apply([o for o in objects if o["kind"] == "Namespace"])
    (theirs,) = [o for o in objects if o["kind"] == "Deployment"]
    cluster.create(theirs)
    assert cluster.get(theirs)["spec"]["template"]["spec"]["serviceAccount"] == "web"
    cluster.apply(render(lease, build.group(build.service("web")), {}, site, "2"))
    assert not {"serviceAccount", "serviceAccountName"} & cluster.get(theirs)["spec"]["template"]["spec"].keys()


def test_a_node_port_stays_when_another_port_comes_before_it(cluster, build, site):
    lease = LeaseID("akash1ports", 1, 1, 1, "akash1provider")

    def node_ports(*exposes):
        objects = render(lease, build.group(build.service("web", *exposes)), {}, site, "1")
        cluster.apply(objects)
        (service,) = [cluster.get(o) for o in objects if o["metadata"]["name"] == "web-np"]
        return {(p["port"], p["protocol"]): p["nodePort"] for p in service["spec"]["ports"]}

    first = node_ports(build.expose(53), build.expose(53, proto="UDP"))
    assert len(first) == 2
    then = node_ports(build.expose(22), build.expose(53), build.expose(53, proto="UDP"))
    assert first.items() <= then.items()
    assert len(then) == 3


@pytest.mark.parametrize("name", TAKEN_OVER)
def test_workloads_of_the_reference_are_taken_over(cluster, recorded, name):
    """Nothing would restart but for containment, which waits for a manifest (provider/cluster/objects/adopt.py), except
    where the reference wrote ports that server-side apply does not take as they were (one
    twice, or UDP told as TCP)."""
    case = recorded(name)
    stored = read_manifest(case.only("Manifest"))
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lease_namespace(case.lease)}}])
    theirs = [o for (kind, _), o in case.objects.items() if kind in ("Deployment", "StatefulSet", "Service")]
    theirs = [without_addresses(o) for o in theirs]
    cluster.create(*theirs)
    before = {o["metadata"]["name"]: cluster.get(o) for o in theirs if o["kind"] != "Service"}
    site = Site(ingress_domain="ingress.example.test", static_hosts=True, public_hostname="provider.example.test")
    bare = replace(site, isolation=Isolation(seccomp_profile="", drop_capabilities=(), max_connections=0))
    cluster.apply(render(case.lease, stored.group, stored.plan, bare, "9999"))
    restarted = {
        name for name, old in before.items() if cluster.get(old)["spec"]["template"] != old["spec"]["template"]
    }
    assert restarted == {"02-several-services": {"api", "db"}, "04-node-ports": {"dns"}}.get(name, set())
    for old in before.values():
        new = cluster.get(old)
        assert new["metadata"]["labels"][REVISION] == "9999"
        assert new["spec"]["template"]["metadata"]["labels"] == old["spec"]["template"]["metadata"]["labels"]


def without_addresses(obj):
    out = json.loads(json.dumps(obj))
    out["metadata"].pop("generation", None)
    if obj["kind"] == "Service":
        out["spec"] = {k: out["spec"][k] for k in ("type", "selector", "ports")}
        for port in out["spec"]["ports"]:
            port.pop("nodePort", None)
    return out
