"""Names and addresses as the rest of the daemon asks about them: over a cluster in memory."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from manifests.hostnames import static_host
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.resources import Cpu, Gpu, Resources, Storage
from manifests.resources import Memory as Ram
from provider.cluster.api.kinds import INGRESS, PROVIDER_HOST, PROVIDER_LEASED_IP, SERVICE
from provider.cluster.cluster import Cluster
from provider.cluster.reach import Outside
from provider.cluster.routes.claims import Taken
from provider.cluster.routes.waiting import Why
from provider.settings import ClusterSettings

from .conftest import Memory
from .samples import watched as cluster_of

MINE = LeaseID("akash1o", 1, 1, 1, "akash1p")
MY_OTHER = LeaseID("akash1o", 2, 1, 1, "akash1p")
THEIRS = LeaseID("akash1x", 3, 1, 1, "akash1p")
DOMAIN = "in.example"
SETTINGS = ClusterSettings(ingress_domain=DOMAIN, blocked_hostnames=("bad.example",), leased_ips=4)
SIZE = Resources(1, Cpu(500), Ram(1 << 30), (Storage("default", 1 << 30),), Gpu())

pytestmark = pytest.mark.looptime


def group(*hosts: str, ip: str = "") -> ManifestGroup:
    exposes = [Expose(8080, 80, "TCP", "", True, hosts, HttpOptions(), ip, 1 if ip else 0)]
    if ip:
        exposes.append(Expose(53, 0, "UDP", "", True, None, HttpOptions(), ip, 1))
    return ManifestGroup("west", (Service("web", "web:1", None, None, None, SIZE, 1, tuple(exposes)),))


def watched(
    memory: Memory, settings: ClusterSettings = SETTINGS, outside: Outside | None = None
) -> AbstractAsyncContextManager[Cluster]:
    return cluster_of(memory, settings, outside)


async def deploy(cluster: Cluster, lease: LeaseID, wanted: ManifestGroup) -> None:
    await cluster.store_manifest(lease, wanted, {})
    await cluster.deploy(lease, wanted, {}, "1")


def give(memory: Memory, lease: LeaseID, service: str, address: str) -> None:
    found = memory.objects[SERVICE, lease_namespace(lease), service]
    memory.put({**found, "status": {"loadBalancer": {"ingress": [{"ip": address}]}}})


async def test_a_manifest_with_names_that_cannot_be_had_is_objected_to(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, THEIRS, group("t.example"))
        objection = cluster.reach.objection
        assert objection(MINE, group("t.example")) == 'hostname not allowed: host "t.example" in use'
        assert (
            objection(MINE, group("bad.example")) == 'hostname not allowed: "bad.example" is blocked by this provider'
        )
        theirs = static_host(THEIRS, "web", DOMAIN)
        assert objection(MINE, group(theirs)) == f'hostname not allowed: "{theirs}" is blocked by this provider'
        assert objection(MINE, group("fine.example", static_host(MINE, "web", DOMAIN))) is None
        assert objection(LeaseID("akash1x", 9, 1, 1, "akash1p"), group("t.example")) is None, "the tenant may move it"


def served(name: str, namespace: str = "monitoring", **spec: Any) -> dict[str, Any]:
    """An Ingress of somebody's."""
    metadata = {"name": "grafana", "namespace": namespace}
    spec = {"rules": [{"host": name}], **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


async def test_a_name_that_somebody_elses_ingress_serves_is_nobodys_until_that_goes(memory: Memory) -> None:
    memory.put(served("a.example"))
    async with watched(memory) as cluster:
        said = 'hostname not allowed: "a.example" is blocked by this provider: Ingress monitoring/grafana serves it'
        assert cluster.reach.objection(MINE, group("a.example")) == said
        await deploy(cluster, MINE, group("a.example", "fine.example"))  # as a manifest stored before would be
        assert [(w.name, w.why, w.text) for w in cluster.reach.waiting(MINE)] == [("a.example", Why.BLOCKED, said)]
        assert (PROVIDER_HOST, "lease", "a.example") not in memory.objects
        assert (INGRESS, lease_namespace(MINE), "a.example") not in memory.objects
        assert (INGRESS, lease_namespace(MINE), "fine.example") in memory.objects
        memory.drop(INGRESS, "monitoring", "grafana")
        await memory.tell()
        await asyncio.sleep(5)
        assert cluster.reach.waiting(MINE) == ()
        assert (INGRESS, lease_namespace(MINE), "a.example") in memory.objects


async def test_a_lease_that_waits_below_a_pattern_is_told_when_that_goes(memory: Memory) -> None:
    memory.put(served("*.a.example"))
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("b.a.example"))
        await asyncio.sleep(1900)  # by now it is looked at again every five minutes only
        assert [w.why for w in cluster.reach.waiting(MINE)] == [Why.BLOCKED]
        memory.drop(INGRESS, "monitoring", "grafana")
        await memory.tell()
        await asyncio.sleep(5)
        assert cluster.reach.waiting(MINE) == ()
        assert (INGRESS, lease_namespace(MINE), "b.a.example") in memory.objects


def ingress_class(name: str, default: bool) -> dict[str, Any]:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata}


@pytest.mark.parametrize(
    ("classes", "counts"),
    [
        ((), True),
        ((("akash-ingress-class", True), ("internal", False)), True),
        ((("akash-ingress-class", False), ("internal", True)), False),
        ((("akash-ingress-class", False),), True),
    ],
    ids=["no class is known", "ours is the default", "another is the default", "none is the default"],
)
async def test_whose_an_ingress_of_no_class_is(
    memory: Memory, classes: tuple[tuple[str, bool], ...], counts: bool
) -> None:
    for name, default in classes:
        memory.put(ingress_class(name, default))
    memory.put(served("a.example"))
    async with watched(memory) as cluster:
        assert (cluster.reach.objection(MINE, group("a.example")) is not None) is counts


async def test_what_another_class_serves_is_free(memory: Memory) -> None:
    memory.put(served("a.example", ingressClassName="internal"))
    async with watched(memory) as cluster:
        assert cluster.reach.objection(MINE, group("a.example")) is None


async def test_what_a_lease_has_is_not_taken_by_an_ingress_that_comes_later(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("a.example"))
        memory.put(served("a.example"))
        memory.put(served("b.example", namespace=lease_namespace(MINE)))  # an issuer's challenge
        await memory.tell()
        await asyncio.sleep(600)
        assert cluster.reach.waiting(MINE) == ()
        assert (INGRESS, lease_namespace(MINE), "a.example") in memory.objects
        assert cluster.reach.objection(MINE, group("a.example", "b.example")) is None
        assert cluster.reach.objection(THEIRS, group("a.example")) == 'hostname not allowed: host "a.example" in use'


async def test_a_service_may_not_name_what_is_generated_for_another_of_its_lease(memory: Memory) -> None:
    async with watched(memory) as cluster:
        (web,) = group(static_host(MINE, "api", DOMAIN)).services
        api = replace(web, name="api", expose=tuple(replace(e, hosts=None) for e in web.expose))
        said = cluster.reach.objection(MINE, ManifestGroup("west", (api, web)))
        assert said == f'hostname not allowed: "{static_host(MINE, "api", DOMAIN)}" is blocked by this provider'


async def test_a_service_for_http_needs_a_name_where_none_is_generated(memory: Memory) -> None:
    async with watched(memory, ClusterSettings(static_hosts=False)) as cluster:
        said = 'manifest rejected: service "web" exposed on 80:TCP must have a hostname'
        assert cluster.reach.objection(MINE, group()) == said
        assert cluster.reach.objection(MINE, group("a.example")) is None


async def test_what_a_move_is_about(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("a.example", ip="mine"))
        await deploy(cluster, MY_OTHER, group("a.example", ip="mine"))
        reach = cluster.reach
        assert reach.hosts(MY_OTHER).keys() == {"a.example", static_host(MY_OTHER, "web", DOMAIN)}
        assert [c["metadata"]["name"] for c in reach.endpoint(MY_OTHER, "mine")] == [
            "akash1o-ip-mine-tcp-80",
            "akash1o-ip-mine-udp-53",
        ]
        assert reach.endpoint(MY_OTHER, "other") == []
        assert reach.hosts(THEIRS) == {}
        assert reach.holders(reach.hosts(MY_OTHER).values()) == {(MINE, "web"), (MY_OTHER, "web")}


async def test_nothing_moves_when_one_is_another_tenants(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, MY_OTHER, group("a.example"))
        await deploy(cluster, THEIRS, group("t.example"))
        await deploy(cluster, MINE, group("a.example", "t.example"))
        claims = cluster.reach.hosts(MINE)
        with pytest.raises(Taken):
            await cluster.reach.move(MINE, [claims["a.example"], claims["t.example"]])
        assert cluster.reach.holders([claims["a.example"]]) == {(MY_OTHER, "web")}


async def test_a_move_before_the_new_manifest_is_deployed_is_not_undone(memory: Memory) -> None:
    """Stored is enough: what is deployed last does not know the name yet, and must not give it up."""
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("a.example"))
        await deploy(cluster, MY_OTHER, group("b.example"))
        await cluster.store_manifest(MY_OTHER, group("a.example", "b.example"), {})
        await cluster.reach.move(MY_OTHER, [cluster.reach.hosts(MY_OTHER)["a.example"]])
        await asyncio.sleep(600)
        assert cluster.reach.holders([cluster.reach.hosts(MY_OTHER)["a.example"]]) == {(MY_OTHER, "web")}
        assert [w.why for w in cluster.reach.waiting(MINE)] == [Why.ELSEWHERE]
        await deploy(cluster, MY_OTHER, group("b.example"))
        await asyncio.sleep(1)
        assert not cluster.reach.waiting(MINE), "given up, and back where it is wanted"


async def test_figures_and_lists(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("a.example", ip="mine"))
        await deploy(cluster, MY_OTHER, group("a.example", ip="other"))
        foreign = {
            "metadata": {"name": "f", "namespace": "n"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 1}]},
        }
        given = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}}
        memory.put({"apiVersion": "v1", "kind": "Service", **foreign, **given})
        for service in ("web-ip-80-tcp", "web-ip-53-udp"):
            give(memory, MINE, service, "10.0.0.1")
        await memory.tell()
        assert cluster.leased_addresses() == {"total": 3, "used": 1, "free": 2}
        assert (cluster.reach.claimed("host"), cluster.reach.claimed("ip")) == (3, 4)
        await asyncio.sleep(1)
        assert sorted(w.why for w in cluster.reach.all_waiting()) == [Why.ELSEWHERE, Why.NO_ADDRESS, Why.NO_ADDRESS]
        rows = [row for row in cluster.reach.listed() if row.name in ("a.example", "akash1o-ip-mine-tcp-80")]
        assert [(r.name, r.lease, r.service, r.address, r.held_by, r.waits) for r in rows] == [
            ("a.example", MINE, "web", "", None, False),
            ("a.example", MY_OTHER, "", "", MINE, True),
            ("akash1o-ip-mine-tcp-80", MINE, "web", "10.0.0.1", None, False),
        ]


async def test_the_end_of_a_lease_leaves_no_claim_also_of_one_that_has_nothing_else_left(memory: Memory) -> None:
    async with watched(memory) as cluster:
        await deploy(cluster, MINE, group("a.example", ip="mine"))
        orphan = {**memory.objects[PROVIDER_HOST, "lease", "a.example"], "kind": "ProviderHost"}
        await cluster.teardown(MINE)
        assert not [key for key in memory.objects if key[0] in (PROVIDER_HOST, PROVIDER_LEASED_IP)]
        assert await cluster.teardown(MINE)
        memory.put({**orphan, "apiVersion": "akash.network/v2beta2"})
        await memory.tell()
        assert cluster.traces() == {MINE}, "so that it is looked at"
        assert await cluster.teardown(MINE)
        assert memory.objects == {}


async def test_a_name_to_be_proved_is_asked_about_as_long_as_a_lease_wants_it(memory: Memory) -> None:
    asked: list[str] = []

    async def lookup(name: str) -> frozenset[str]:
        asked.append(name)
        return frozenset()

    settings = SETTINGS.model_copy(update={"hostname_proof": "txt"})
    async with watched(memory, settings, Outside(lookup)) as cluster:
        await deploy(cluster, MINE, group("a.example"))
        await asyncio.sleep(1)
        assert [w.why for w in cluster.reach.waiting(MINE)] == [Why.UNPROVEN]
        assert "akash1o" in cluster.reach.waiting(MINE)[0].text
        assert set(asked) == {"_akash-challenge.a.example"}, "not the generated one"
        await cluster.teardown(MINE)
        await asyncio.sleep(600)
        before = len(asked)
        await asyncio.sleep(3600)
        assert len(asked) == before


async def test_names_that_an_update_drops_are_looked_up_no_more_and_a_proof_ends_with_the_wish(memory: Memory) -> None:
    asked: list[str] = []

    async def lookup(name: str) -> frozenset[str]:
        asked.append(name)
        return frozenset({MINE.owner}) if "mine" in name else frozenset()

    settings = SETTINGS.model_copy(update={"hostname_proof": "txt"})
    async with watched(memory, settings, Outside(lookup)) as cluster:
        for update in range(10):
            await deploy(cluster, MINE, group(f"mine-{update}.example", *(f"u{update}-{n}.example" for n in range(9))))
        await deploy(cluster, MY_OTHER, group("u9-0.example", "u0-0.example"))
        await asyncio.sleep(600)
        assert len(cluster.reach.proof._said) == 10 + 1
        asked.clear()
        await asyncio.sleep(3600)
        assert {name.removeprefix("_akash-challenge.") for name in asked} == {
            *(f"u9-{n}.example" for n in range(9)),
            "u0-0.example",
        }
        await cluster.teardown(MINE)
        assert {host for host, _ in cluster.reach.proof._said} == {"u9-0.example", "u0-0.example"}
        await deploy(cluster, MY_OTHER, group("mine-9.example"))
        assert [(w.name, w.why) for w in cluster.reach.waiting(MY_OTHER)] == [("mine-9.example", Why.UNPROVEN)]
        await cluster.teardown(MY_OTHER)
        assert cluster.reach.proof._said == {}
