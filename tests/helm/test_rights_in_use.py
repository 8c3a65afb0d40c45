"""The chart's rights are what the daemon uses, no fewer and no more: whole lives on a real API server under that
account alone, every request noted.

What the operator's own commands do with the same account (`akp node drain`, `akp volumes`, a restart, a preview) is
done here through the functions those commands call.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.asked import Asked, Noted
from e2e.cluster import Cluster, gatewayapi, require
from e2e.lives import Visit
from manifests.coins import Coin
from manifests.digest import revision
from manifests.ids import LeaseID, lease_namespace
from manifests.render.crd import definitions
from manifests.render.names import SELECTOR
from manifests.sdl import compile_sdl
from manifests.units import parse_quantity
from provider import daemon
from provider.cluster import cluster as daemons_cluster
from provider.cluster.api.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    ROLE,
    ROLE_BINDING,
    SECRET,
    STATEFUL_SET,
    Kind,
)
from provider.cluster.api.kube import FIELD_MANAGER, Kube
from provider.cluster.api.writers import REFERENCE
from provider.cluster.health.litter import Litter
from provider.cluster.objects import retained
from provider.cluster.objects.anchored import anchors
from provider.cluster.objects.emptying import cordon, evict, uncordon
from provider.sandbox.life import STEPS, Life, Surroundings
from provider.sandbox.network import Network, network
from provider.sandbox.town import living
from tests.helm.accounts import HOME, ONE_OF_EACH_BINDING, await_rights, kubeconfig_of
from tests.provider.cluster.following import following

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("rights")]
ACCOUNT = "provider-akash-provider"
KINDS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
Right = tuple[str, str, str]
"""verb, group, resource"""

LOOK = ("get", "list", "watch")
UNUSED: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {
    ("", "events"): (LOOK, "given to tenants who ask for it (manifests/render/rbac.py); nobody gives what he lacks"),
    ("", "pods"): (LOOK, "get, for the same reason"),
    ("", "pods/log"): (LOOK, "the same"),
    ("apps", "statefulsets"): (LOOK, "get, for the same reason"),
    ("apps", "deployments"): (LOOK, "get, for the same reason"),
}
"""(group, resource) -> verbs that need not be used by the daemon itself, and why they are there."""

SDL = """
version: "2.0"
endpoints: {front: {kind: ip}}
services:
  web:
    image: registry.example.com/team/web:1
    credentials: {host: registry.example.com, username: puller, password: only-an-example}
    params: {permissions: {read: [logs, deployment, events]}}
    expose:
      - {port: 8080, as: 80, accept: [rights.example.com], to: [{global: true}]}
      - {port: 22, to: [{global: true}]}
      - {port: 8443, as: 443, to: [{global: true, ip: front}]}
  db:
    image: docker.io/library/db:1
    expose: [{port: 5432, to: [{service: web}]}]
    params: {storage: {data: {mount: /data, readOnly: false}}}
profiles:
  compute:
    web: {resources: {cpu: {units: 10m}, memory: {size: 16Mi}, storage: {size: 16Mi}}}
    db:
      resources:
        cpu: {units: 10m}
        memory: {size: 16Mi}
        storage: [{size: 16Mi}, {name: data, size: 1Gi, attributes: {persistent: true, class: beta2}}]
  placement:
    here:
      attributes: {ip-lease: "true"}
      pricing: {web: {denom: uact, amount: 100000}, db: {denom: uact, amount: 100000}}
deployment:
  web: {here: {profile: web, count: 2}}
  db: {here: {profile: db, count: 1}}
"""
POOL = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ipaddresspools.metallb.io"},
    "spec": {
        "group": "metallb.io",
        "scope": "Namespaced",
        "names": {"plural": "ipaddresspools", "singular": "ipaddresspool", "kind": "IPAddressPool"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
ADDRESSES = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "IPAddressPool",
    "metadata": {"name": "default", "namespace": HOME},
    "spec": {"addresses": ["192.0.2.0/28"]},
}
DISKS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "beta2"},
    "provisioner": "sandbox.akash.network/none",
    "allowVolumeExpansion": True,
}


def disk(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"disk-{number}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "beta2",
            "persistentVolumeReclaimPolicy": "Delete",
            "csi": {"driver": "sandbox.akash.network", "volumeHandle": f"disk-{number}"},
        },
    }


@pytest.fixture(scope="module")
def rendered(objects: Callable[..., dict[tuple[str, str], Any]]) -> list[dict[str, Any]]:
    """With each right that is optional."""
    found = objects("minimal", "--set", "config.cluster.retain_volumes_h=1")
    return [o for (kind, _), o in found.items() if kind in KINDS]


@pytest.fixture(scope="module")
def cluster(rendered: list[dict[str, Any]]) -> Iterable[Cluster]:
    """One of its own: whoever else works on a cluster would be seen by the daemon here."""
    reason = require("kwok:2")
    if reason:
        pytest.skip(f"no real cluster: {reason}")
    with Cluster("kwok:2") as found:
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
        put(found, home, *rendered, *definitions(), *gatewayapi.definitions(), POOL, DISKS, *map(disk, range(8)))
        crds = [POOL, *definitions(), *gatewayapi.definitions()]
        found.await_served(*(crd["metadata"]["name"] for crd in crds))
        who = ("--as", f"system:serviceaccount:{HOME}:{ACCOUNT}")
        await_rights(found, who, *ONE_OF_EACH_BINDING)
        put(found, ADDRESSES)
        yield found


def put(cluster: Cluster, *objects: dict[str, Any]) -> None:
    text = yaml.dump_all(objects, Dumper=yaml.SafeDumper)
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


@pytest.fixture
def account(cluster: Cluster, tmp_path: Path) -> Path:
    """A kubeconfig of the chart's account, and of nothing else."""
    return kubeconfig_of(cluster, ACCOUNT, tmp_path / "account")


async def test_the_daemon_needs_each_right_it_has_and_no_other(
    cluster: Cluster, account: Path, rendered: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[Asked] = []

    class Door(Noted):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.asked = noted

    monkeypatch.setattr(daemon, "Kube", Door)
    for dseq, mode in enumerate(("ingress", "gateway-api"), 1):
        work = tmp_path / mode
        work.mkdir()
        await one_life(cluster, account, work, Door, dseq, mode)

    assert not [one for one in noted if one.status in (401, 403)]
    used = {(verb, one.group, one.resource) for one in noted for verb in one.verbs}
    given = rights(rendered)
    assert used <= given
    spare = {(verb, *what) for what, (verbs, _) in UNUSED.items() for verb in verbs}
    assert given - used - spare == set()


def rights(rendered: Iterable[dict[str, Any]]) -> set[Right]:
    rules = [rule for one in rendered if one["kind"] in ("Role", "ClusterRole") for rule in one["rules"]]
    return {
        (verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def one_life(cluster: Cluster, account: Path, work: Path, door: type[Noted], dseq: int, mode: str) -> None:
    sdl = SDL.replace("rights.", f"rights-{dseq}.")
    asked = compile_sdl(sdl).groups
    site = {"ingress_mode": mode, "retain_volumes_h": 1, "ip_pool": "default"}
    async with network(work, where=cluster.kubeconfig, block_s=0.5, asked=asked, site=site) as made:
        limited = made.settings.cluster.model_copy(update={"kubeconfig": account})
        net = replace(made, settings=made.settings.model_copy(update={"cluster": limited}))

        async def look(step: dict[str, Any]) -> None:
            if step["step"] == "lease":
                leases.extend(map(LeaseID.parse, step["leases"]))
            if step["step"] == "ready":
                async with await net.tenant.gateway(leases[0].provider) as gateway:
                    await middle_of_life(Visit(net, running, cluster, gateway, leases[0]), sdl, door)

        leases: list[LeaseID] = []
        around = Surroundings(net.chain, net.kube, net.ledger, net.why_no_bid)
        life = Life(
            net.tenant, around, net.played(compile_sdl(sdl)), dseq=dseq, deposit=Coin("uact", 50_000_000),
            patience_s=600, on_step=look,
        )  # fmt: skip
        async with living(net) as running:
            timeline = await life.run()
        assert tuple(step["step"] for step in timeline) == STEPS
        async with watching(net, door) as ours:
            await volumes(ours.kube, leases[0])
            await change(ours, replace(leases[0], dseq=leases[0].dseq + 2000), sdl)


async def middle_of_life(visit: Visit, sdl: str, door: type[Noted]) -> None:
    """What its tenant, its operator and the Go provider before us may do to a lease."""
    kube, namespace, lease = visit.net.kube, visit.namespace, visit.lease

    async def deployed(image: str) -> bool:
        found = await kube.get(DEPLOYMENT, namespace, "web")
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"]) == image

    async with watching(visit.net, door) as ours:
        group = compile_sdl(sdl).manifest[0]
        await ours.preview(lease, group, {}, revision(group))
        pods = ours.pods(lease, "web")  # before a restart, which makes some that are on no node yet
        await ours.restart(lease, "web", dt.datetime.now(dt.UTC).isoformat())
        await anchors(ours.kube, ours.pods(lease))
        await cordon(ours.kube, pods[0].node, "test")
        await evict(ours.kube, pods[:1])
        await uncordon(ours.kube, pods[0].node)
        await ours.discard(Litter(namespace, pods[-1].name, "", "ended"))

    await of_the_go_provider(kube, DEPLOYMENT, namespace, "web")
    await of_the_go_provider(kube, STATEFUL_SET, namespace, "db")
    await visit.update(sdl.replace("web:1", "web:2").encode())
    await visit.until("what the Go provider made to be replaced", lambda: deployed("registry.example.com/team/web:2"))


async def of_the_go_provider(kube: Kube, kind: Kind, namespace: str, name: str) -> None:
    """As if that had written what we did."""
    metadata = (await kube.get(kind, namespace, name))["metadata"]
    fields = [
        {**one, "manager": REFERENCE, "operation": "Update"} if one["manager"] == FIELD_MANAGER else one
        for one in metadata["managedFields"]
    ]
    await kube.patch(kind, namespace, name, {"metadata": {"managedFields": fields}})


@asynccontextmanager
async def watching(net: Network, door: type[Noted]) -> AsyncIterator[daemons_cluster.Cluster]:
    """The cluster as the operator's commands see it."""
    async with door.connect(net.settings.cluster) as kube, following(kube, net.settings.cluster, mark=False) as cluster:
        yield cluster


async def volumes(kube: Kube, lease: LeaseID) -> None:
    """`akp volumes list | give | delete`, after the lease."""
    found = [retained.retained(obj) for obj in await kube.all(PERSISTENT_VOLUME, None, retained.KEPT)]
    mine = [volume for volume in found if volume.lease == lease]
    assert mine, "it was kept"
    await retained.give(kube, mine[0].name, replace(lease, dseq=lease.dseq + 1000))
    await until("it waits for its claim", partial(available, kube, mine[0].name))
    await retained.delete(kube, mine[0].name)


async def available(kube: Kube, volume: str) -> bool:
    return bool((await kube.get(PERSISTENT_VOLUME, None, volume))["status"]["phase"] == "Available")


async def change(ours: daemons_cluster.Cluster, lease: LeaseID, sdl: str) -> None:
    """What no order of today's chain can ask for: a volume that grows, and all that goes when a service has little."""
    sdl = sdl.replace("rights-", "changed-")
    small = compile_sdl(sdl).manifest[0]
    large = compile_sdl(sdl.replace("size: 1Gi", "size: 2Gi")).manifest[0]
    (web,) = (service for service in small.services if service.name == "web")
    bare = replace(small, services=(replace(web, count=1, expose=(), params=None, credentials=None),))
    less = replace(large, services=tuple(service for service in large.services if service.name == "db"))
    for group, sizes in ((small, ["1Gi"]), (large, ["2Gi"]), (less, ["2Gi"]), (bare, ["2Gi"])):
        await ours.store_manifest(lease, group, {})
        await ours.deploy(lease, group, {}, revision(group))
        await until("claims are bound", partial(bound, ours.kube, lease, sizes))
    for kind in (DISRUPTION_BUDGET, SECRET, ROLE, ROLE_BINDING, INGRESS, HTTP_ROUTE):
        assert not await ours.kube.all(kind, lease_namespace(lease), SELECTOR), kind
    await until("it is gone", partial(ours.teardown, lease))


async def bound(kube: Kube, lease: LeaseID, sizes: list[str]) -> bool:
    claims = await kube.all(PERSISTENT_VOLUME_CLAIM, lease_namespace(lease))
    found = [one["spec"]["resources"]["requests"]["storage"] for one in claims if one["status"]["phase"] == "Bound"]
    return [*map(parse_quantity, found)] == [*map(parse_quantity, sizes)]


async def until(what: str, good: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(3000):
        if await good():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not within minutes: {what}")
