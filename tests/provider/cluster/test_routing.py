"""Names and addresses lead to who has claimed them, whatever happens: over the embedded API server, whose addresses are
given out by MetalLB's rules. Two leases of one tenant and one of another want the same things.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Service
from manifests.render.crd import definitions
from manifests.resources import Cpu, Gpu, Memory, Resources, Storage
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.routes.waiting import Why
from provider.errors import Retry
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import DEFINITIONS, NAMESPACES, SERVICES
from provider.sandbox.cluster.objects import Write
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

MINE = LeaseID("akash1owner", 1, 1, 1, "akash1provider")
MY_OTHER = LeaseID("akash1owner", 2, 1, 1, "akash1provider")
THEIRS = LeaseID("akash1tenant", 3, 1, 1, "akash1provider")
HOST, PORT = "a.example", "akash1owner-ip-mine-tcp-80"
SIZE = Resources(1, Cpu(100), Memory(1 << 30), (Storage("default", 1 << 30),), Gpu())
HOSTS = "^(?!.*watch=)[^?]*/providerhosts"
ANYTHING = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
HTTP_ROUTES = {
    "metadata": {"name": "httproutes.gateway.networking.k8s.io"},
    "spec": {
        "group": "gateway.networking.k8s.io",
        "scope": "Namespaced",
        "names": {"plural": "httproutes", "singular": "httproute", "kind": "HTTPRoute", "listKind": "HTTPRouteList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": ANYTHING}],
    },
}


def group(*hosts: str, ip: str = "", port: int = 8080) -> ManifestGroup:
    expose = Expose(port, 80, "TCP", "", True, hosts, HttpOptions(), ip, 1 if ip else 0)
    return ManifestGroup("west", (Service("web", "web:1", None, None, None, SIZE, 1, (expose,)),))


def address(*ports: int) -> ManifestGroup:
    """One service with these ports on the address `mine`."""
    exposes = tuple(Expose(8000 + port, port, "TCP", "", True, (), HttpOptions(), "mine", 1) for port in ports)
    return ManifestGroup("west", (Service("web", "web:1", None, None, None, SIZE, 1, exposes),))


@dataclass
class World:
    server: EmbeddedCluster
    cluster: Cluster

    async def deploy(self, lease: LeaseID, wanted: ManifestGroup) -> None:
        await self.cluster.store_manifest(lease, wanted, {})
        await self.cluster.deploy(lease, wanted, {}, "1")

    def objects(self, resource: str) -> list[dict[str, Any]]:
        return list(self.server.store.list(resource))

    def owner(self, resource: str, name: str) -> int | None:
        found = self.server.store.get(resource, "lease", name)
        return int(found["metadata"]["labels"]["akash.network/lease.id.dseq"]) if found else None

    def leads_to(self, name: str = HOST) -> list[int]:
        """Deployments that have a route for a host name."""
        routes = [o for o in self.objects("ingresses.networking.k8s.io") if o["metadata"]["name"] == name]
        return [int(o["metadata"]["labels"]["akash.network/lease.id.dseq"]) for o in routes]

    def addresses(self) -> dict[int, str]:
        """Deployment -> the address its leased port has."""
        return {
            int(o["metadata"]["labels"]["akash.network/lease.id.dseq"]): o["status"]["loadBalancer"]["ingress"][0]["ip"]
            for o in self.objects("services")
            if (o.get("status", {}).get("loadBalancer") or {}).get("ingress")
        }

    def ports(self) -> dict[int, list[int]]:
        """Deployment -> ports of addresses that it has claimed."""
        out: dict[int, list[int]] = {}
        for o in self.objects("providerleasedips.akash.network"):
            dseq = int(o["metadata"]["labels"]["akash.network/lease.id.dseq"])
            out.setdefault(dseq, []).append(o["spec"]["external_port"])
        return {dseq: sorted(found) for dseq, found in out.items()}

    def why(self, lease: LeaseID) -> list[Why]:
        return [w.why for w in self.cluster.reach.waiting(lease)]

    def delete(self, kind: Any, namespace: str, name: str) -> None:
        self.server.objects.delete(kind, namespace, name, {})

    def kind(self, api_version: str, name: str) -> Any:
        return self.server.objects.kinds.by_kind(api_version, name)

    def edit(self, kind: Any, namespace: str, name: str, **change: Any) -> None:
        self.server.objects.patch(kind, namespace, name, Write(manager="somebody"), "merge", change)


@asynccontextmanager
async def process(server: EmbeddedCluster, **settings: Any) -> AsyncIterator[Cluster]:
    """A daemon's cluster part with its tasks, until the end of the block."""
    given = ClusterSettings(kubeconfig=server.kubeconfig, static_hosts=False, **settings)
    async with Kube.connect(given) as kube, following(kube, given) as cluster:
        # A test does not wait as long as an operator may.
        cluster.reach.routing.queue._first, cluster.reach.routing.queue._max = 0.02, 0.2
        yield cluster


@asynccontextmanager
async def world(**settings: Any) -> AsyncIterator[World]:
    async with AsyncExitStack() as open_:
        server = await open_.enter_async_context(
            EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0, addresses=[f"10.0.0.{n}" for n in range(1, 5)])
        )
        for definition in (*definitions(), HTTP_ROUTES):
            server.objects.create(DEFINITIONS, "", definition, Write(manager="test"))
        server.objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write(manager="test"))
        yield World(server, await open_.enter_async_context(process(server, **settings)))


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - the cluster is asked, it tells nobody
            await asyncio.sleep(0.01)


async def test_the_second_lease_of_a_tenant_waits_is_told_and_takes_over_when_the_first_ends() -> None:
    async with world() as it:
        await it.deploy(MINE, group(HOST, ip="mine"))
        await it.deploy(MY_OTHER, group(HOST, ip="mine"))
        await until(lambda: it.addresses() == {1: "10.0.0.1"} and not it.why(MINE))
        assert it.why(MY_OTHER) == [Why.ELSEWHERE, Why.ELSEWHERE]
        host, port = (w.text for w in it.cluster.reach.waiting(MY_OTHER))
        assert host.startswith("host name a.example leads to your deployment 1, group 1")
        assert port.startswith("port 80/TCP of the address 'mine' leads to your deployment 1, group 1")
        await it.cluster.teardown(MINE)
        await until(lambda: it.leads_to() == [2] and it.addresses() == {2: "10.0.0.1"} and not it.why(MY_OTHER))
        assert it.owner("providerleasedips.akash.network", PORT) == 2


async def test_another_tenants_name_is_told_and_taken_when_it_is_given_up_by_an_update() -> None:
    async with world() as it:
        await it.deploy(THEIRS, group(HOST, "t.example", ip="mine"))
        await it.deploy(MINE, group(HOST, ip="mine"))
        await until(lambda: len(it.addresses()) == 2)
        assert len(set(it.addresses().values())) == 2, "one name of an address, two tenants, two addresses"
        await until(lambda: it.why(MINE) == [Why.IN_USE])
        assert it.leads_to() == [3]
        await it.deploy(THEIRS, group("t.example", ip="mine"))
        await until(lambda: it.leads_to() == [1] and not it.why(MINE))


async def test_of_two_that_claim_at_the_same_moment_one_gets_it_whole() -> None:
    async with world() as it:
        await asyncio.gather(*(it.deploy(lease, group(HOST, "x.example")) for lease in (MINE, MY_OTHER, THEIRS)))
        await until(lambda: len(it.leads_to(HOST)) == 1 and len(it.leads_to("x.example")) == 1)
        for name in (HOST, "x.example"):
            assert it.leads_to(name) == [it.owner("providerhosts.akash.network", name)]
        told = sum(len(it.why(lease)) for lease in (MINE, MY_OTHER, THEIRS))
        assert told == 4, "each of the two names leads to one and is told to two"


async def test_of_two_that_want_the_same_ports_of_an_address_one_gets_them_all() -> None:
    async with world() as it:
        for _ in range(10):
            await asyncio.gather(*(it.deploy(lease, address(80, 443, 8080)) for lease in (MINE, MY_OTHER)))
            await until(lambda: len(it.why(MINE)) + len(it.why(MY_OTHER)) == 3)
            assert [*it.ports().values()] == [[80, 443, 8080]]
            first, second = (MINE, MY_OTHER) if it.why(MY_OTHER) else (MY_OTHER, MINE)
            assert set(it.why(second)) == {Why.ELSEWHERE}
            await it.cluster.teardown(first)
            await until(lambda first=first, second=second: it.ports() == {second.dseq: [80, 443, 8080]})
            await it.cluster.teardown(second)
            await until(lambda: it.ports() == {} and not it.cluster.namespaces())


async def test_ports_of_one_address_may_belong_to_two_leases_where_they_want_different_ones() -> None:
    async with world() as it:
        await asyncio.gather(it.deploy(MINE, address(80, 81)), it.deploy(MY_OTHER, address(443, 444)))
        await until(lambda: not it.why(MINE) and not it.why(MY_OTHER))
        assert it.ports() == {1: [80, 81], 2: [443, 444]}
        assert set(it.addresses().values()) == {"10.0.0.1"}


async def test_who_lacks_one_port_of_an_address_takes_none_of_the_free_ones_and_keeps_what_it_has() -> None:
    async with world() as it:
        await it.deploy(MINE, address(80, 81))
        await it.deploy(MY_OTHER, address(81, 82))
        await until(lambda: not it.why(MINE))
        assert it.ports() == {1: [80, 81]}
        assert it.why(MY_OTHER) == [Why.ELSEWHERE, Why.ELSEWHERE]
        assert "port 82/TCP of the address 'mine' waits" in it.cluster.reach.waiting(MY_OTHER)[1].text
        await it.deploy(MY_OTHER, address(82))
        await until(lambda: it.ports() == {1: [80, 81], 2: [82]})
        await it.deploy(MINE, address(80, 81, 82, 83))
        await until(lambda: it.why(MINE) == [Why.ELSEWHERE, Why.ELSEWHERE])
        assert it.ports() == {1: [80, 81], 2: [82]}
        await it.cluster.teardown(MY_OTHER)
        await until(lambda: it.ports() == {1: [80, 81, 82, 83]} and not it.why(MINE))


async def test_what_is_deleted_or_edited_by_hand_comes_back_and_costs_nothing_when_idle() -> None:
    async with world() as it:
        await it.deploy(MINE, group(HOST, ip="mine"))
        await until(lambda: it.addresses() == {1: "10.0.0.1"} and not it.why(MINE))
        ns = lease_namespace(MINE)
        ingress, host = it.kind("networking.k8s.io/v1", "Ingress"), it.kind("akash.network/v2beta2", "ProviderHost")
        leased = it.kind("akash.network/v2beta2", "ProviderLeasedIP")
        found = it.server.objects.get(ingress, ns, HOST)
        it.delete(ingress, ns, HOST)
        await until(lambda: it.leads_to() == [1])
        it.edit(ingress, ns, HOST, spec={"ingressClassName": "another"})
        await until(lambda: it.server.objects.get(ingress, ns, HOST)["spec"] == found["spec"])
        it.delete(host, "lease", HOST)
        await until(lambda: it.owner("providerhosts.akash.network", HOST) == 1)
        it.edit(leased, "lease", PORT, spec={"port": 1})
        await until(lambda: it.server.objects.get(leased, "lease", PORT)["spec"]["port"] == 8080)
        it.delete(leased, "lease", PORT)
        await until(lambda: it.owner("providerleasedips.akash.network", PORT) == 1)
        it.delete(SERVICES, ns, "web-ip-80-tcp")
        await until(lambda: it.addresses() == {1: "10.0.0.1"})
        it.edit(SERVICES, ns, "web-ip-80-tcp", metadata={"annotations": {"metallb.universe.tf/allow-shared-ip": "x"}})
        await until(
            lambda: (
                it.server.objects.get(SERVICES, ns, "web-ip-80-tcp")["metadata"]["annotations"][
                    "metallb.universe.tf/allow-shared-ip"
                ]
                == "akash1owner-ip-mine"
            )
        )
        await until(lambda: it.cluster.reach.routing.queue.idle and not it.why(MINE))
        version = it.server.store.version
        assert await it.cluster.reach.routing.settle(MINE)
        assert it.server.store.version == version


async def test_what_somebody_keeps_otherwise_is_not_fought_over() -> None:
    """A port added by hand has another owner in server-side apply's books: applying does not take it away."""
    async with world() as it:
        await it.deploy(MINE, group(ip="mine"))
        await until(lambda: not it.why(MINE))
        ports = [
            {"name": "web-ip-80-tcp", "port": 80, "targetPort": 8080, "protocol": "TCP"},
            {"name": "more", "port": 81, "protocol": "TCP"},
        ]
        it.edit(SERVICES, lease_namespace(MINE), "web-ip-80-tcp", spec={"ports": ports})
        await until(lambda: bool(it.cluster.reach.routing._stubborn))
        await asyncio.sleep(0.3)
        version = it.server.store.version
        assert await it.cluster.reach.routing.settle(MINE)
        assert it.server.store.version == version


async def test_d17_trouble_with_one_name_lasts_as_long_as_it_lasts_and_stops_no_other() -> None:
    async with world() as it:
        await it.deploy(MINE, group("z.example"))
        it.server.faults.fail_next(10, 403, path=r"ingresses/bad\.example")
        await it.deploy(MINE, group("bad.example", "good.example", "z.example"))
        assert it.why(MINE) == [Why.REFUSED]
        assert "ingresses" in it.cluster.reach.waiting(MINE)[0].text
        assert it.leads_to("good.example") == it.leads_to("z.example") == [1]
        await it.deploy(THEIRS, group("theirs.example"))
        assert it.leads_to("theirs.example") == [3]
        await until(lambda: it.leads_to("bad.example") == [1] and not it.why(MINE))
        assert it.server.faults.waiting == 0, "more often than the reference's three times"


async def test_blocked_names_lead_nowhere_also_when_they_did_before() -> None:
    async with world() as it:
        await it.deploy(MINE, group("evil.example", "good.example"))
        await until(lambda: not it.why(MINE))
        async with process(it.server, blocked_hostnames=("evil.example",)) as stricter:
            await stricter.deploy(MINE, group("evil.example", "good.example"), {}, "1")
            await it.cluster.reach.routing.forget(MINE)  # the daemon before has ended
            await until(lambda: it.leads_to("evil.example") == [])
            assert [w.why for w in stricter.reach.waiting(MINE)] == [Why.BLOCKED]
            assert it.leads_to("good.example") == [1]


async def test_a_name_that_must_be_proved_is_routed_once_it_is() -> None:
    texts: set[str] = set()

    async def lookup(name: str) -> frozenset[str]:
        return frozenset(texts if name == "_akash-challenge.a.example" else ())

    async with world(hostname_proof="txt", ingress_domain="in.example") as it:
        it.cluster.reach.proof._lookup = lookup
        it.cluster.reach.proof.queue._first = 0.02
        it.cluster.reach.proof.queue._max = 0.2
        await it.deploy(MINE, group(HOST, "nice.in.example"))
        assert it.why(MINE) == [Why.UNPROVEN]
        assert it.leads_to("nice.in.example") == [1]
        await it.deploy(THEIRS, group(HOST))
        texts.add(THEIRS.owner)
        await until(lambda: it.leads_to() == [3])
        texts.add(MINE.owner)
        await until(lambda: it.why(MINE) == [Why.IN_USE])


async def test_moving_takes_the_name_and_the_address_along() -> None:
    async with world() as it:
        await it.deploy(THEIRS, group(ip="theirs"))  # has the first address
        await it.deploy(MINE, group(HOST, ip="mine"))
        await it.deploy(MY_OTHER, group(HOST, ip="mine", port=9090))
        await until(lambda: it.addresses() == {3: "10.0.0.1", 1: "10.0.0.2"})
        await it.cluster.teardown(THEIRS)  # now the first is free, and would be given to who asks for any
        reach = it.cluster.reach
        claims = [reach.hosts(MY_OTHER)[HOST], *reach.endpoint(MY_OTHER, "mine")]
        assert reach.holders(claims) == {(MINE, "web")}
        await reach.move(MY_OTHER, claims)
        await until(lambda: it.leads_to() == [2] and it.addresses() == {2: "10.0.0.2"})
        await until(lambda: it.why(MINE) == [Why.ELSEWHERE, Why.ELSEWHERE] and not it.why(MY_OTHER))
        assert (
            it.server.objects.get(SERVICES, lease_namespace(MY_OTHER), "web-ip-80-tcp")["spec"]["ports"][0][
                "targetPort"
            ]
            == 9090
        )
        await reach.move(MINE, [reach.hosts(MINE)[HOST], *reach.endpoint(MINE, "mine")])
        await until(lambda: it.leads_to() == [1] and it.addresses() == {1: "10.0.0.2"})


async def test_an_address_that_cannot_be_had_again_is_asked_for_only_so_long(monkeypatch: Any) -> None:
    monkeypatch.setattr("provider.cluster.routing.PINNED_S", 0.1)
    async with world() as it:
        await it.deploy(MINE, group(ip="mine"))
        await until(lambda: it.addresses() == {1: "10.0.0.1"})
        await it.deploy(MY_OTHER, group(ip="mine"))
        reach = it.cluster.reach
        reach._address = lambda key: "10.9.9.9"  # type: ignore[method-assign]  # of a pool that is gone
        await reach.move(MY_OTHER, reach.endpoint(MY_OTHER, "mine"))
        await until(lambda: it.addresses() == {2: "10.0.0.1"} and not it.why(MY_OTHER))


async def test_a_port_without_an_address_is_told() -> None:
    async with world() as it:
        it.server.objects.create(
            SERVICES, "default", {"metadata": {"name": "b"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 1}]}},
            Write(manager="test"),
        )  # fmt: skip
        for n in range(10, 14):
            await it.deploy(LeaseID("akash1owner", n, 1, 1, "akash1provider"), group(ip=f"ip{n}"))
        last = LeaseID("akash1owner", 13, 1, 1, "akash1provider")
        await until(lambda: it.why(last) == [Why.NO_ADDRESS])
        assert it.cluster.reach.waiting(last)[0].text == "port 80/TCP of the address 'ip13' waits for an address"
        status = it.cluster.lease_status(last)
        assert status is not None
        assert status["ips"] is None, "and the status can be asked for all the same"
        it.delete(SERVICES, "default", "b")
        await until(lambda: not it.why(last))


async def test_killed_at_each_step_of_a_move_one_lease_has_the_name_and_the_next_process_finishes() -> None:
    for step in itertools.count():
        if await finished_although_killed(step):
            break
    assert step > 4, "there was something to be killed in"


async def finished_although_killed(step: int) -> bool:
    """Move a name and an address with a process that reaches nothing any more after so many requests, let another one
    take over, and see that each leads to exactly one lease. Whether the first had finished."""
    async with world() as it:
        await it.deploy(MINE, group(HOST, ip="mine"))
        await it.deploy(MY_OTHER, group(HOST, ip="mine"))
        await until(lambda: it.addresses() == {1: "10.0.0.1"} and not it.why(MINE))
        claims = [it.cluster.reach.hosts(MY_OTHER)[HOST], *it.cluster.reach.endpoint(MY_OTHER, "mine")]
        # Watches and lists go on: what a killed process reads does not matter.
        it.server.faults.fail_next(10**6, 503, path=r"^(?!.*(watch=|limit=)).*/namespaces/", after=step)
        (order,) = it.server.faults._orders

        def done() -> bool:
            return it.leads_to() == [2] and it.addresses() == {2: "10.0.0.1"}

        moved = True
        try:
            await it.cluster.reach.move(MY_OTHER, claims)
        except Retry:
            moved = False
        await until(lambda: done() or order.left < 10**6)
        finished = done()
        for lease in (MINE, MY_OTHER):
            await it.cluster.reach.routing.forget(lease)
        it.server.faults.heal()
        async with process(it.server) as next_one:
            for lease in (MINE, MY_OTHER):
                await next_one.deploy(lease, group(HOST, ip="mine"), {}, "1")
            host = it.owner("providerhosts.akash.network", HOST)
            port = it.owner("providerleasedips.akash.network", PORT)
            assert host is not None
            assert port is not None
            assert not moved or (host, port) == (2, 2)
            await until(lambda: it.leads_to() == [host] and it.addresses() == {port: "10.0.0.1"})
    return finished


async def test_names_are_kept_by_http_routes_as_well() -> None:
    async with world(ingress_mode="gateway-api") as it:
        await it.deploy(MINE, group(HOST))
        assert await it.cluster.reach.routing.settle(MINE)
        assert it.leads_to() == [], "by another kind"
        ns = lease_namespace(MINE)
        kind = it.kind("gateway.networking.k8s.io/v1", "HTTPRoute")
        assert it.server.objects.get(kind, ns, HOST)["spec"]["hostnames"] == [HOST]
        await it.deploy(MY_OTHER, group(HOST))
        await it.cluster.reach.move(MY_OTHER, [it.cluster.reach.hosts(MY_OTHER)[HOST]])
        await until(
            lambda: (
                [o["metadata"]["namespace"] for o in it.objects("httproutes.gateway.networking.k8s.io")]
                == [lease_namespace(MY_OTHER)]
            )
        )
