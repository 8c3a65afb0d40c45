"""One name or address at a time: who gets it, who waits, and who never may."""

from __future__ import annotations

import asyncio

from manifests.ids import lease_namespace
from provider.cluster.routes.claims import in_part
from provider.cluster.routes.waiting import Why
from provider.mending import MOST_S
from provider.sandbox.cluster.kinds import SERVICES
from provider.sandbox.cluster.objects import Write

from .reached import HOST, MINE, MY_OTHER, THEIRS, address, group, process, until, world


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


async def test_half_an_address_that_could_not_be_given_back_is_given_up_at_the_next_look() -> None:
    """Each of two leases has got one port, and the API server went away before either could give it back."""
    async with world() as it:
        leased = it.kind("akash.network/v2beta2", "ProviderLeasedIP")
        for lease, port in ((MINE, 80), (MY_OTHER, 443)):
            await it.cluster.store_manifest(lease, address(80, 443), {})
            await until(lambda lease=lease: bool(it.cluster.reach.endpoint(lease, "mine")))
            claims = {claim["spec"]["external_port"]: claim for claim in it.cluster.reach.endpoint(lease, "mine")}
            it.server.objects.create(leased, "lease", in_part(claims[port]), Write(manager="akash-provider"))
        await until(lambda: len(it.cluster._mirrors.leased_ips) == 2)
        await asyncio.gather(*(it.cluster.deploy(lease, address(80, 443), {}, "1") for lease in (MINE, MY_OTHER)))
        await until(lambda: [*it.ports().values()] == [[80, 443]] and len(it.addresses()) == 1)
        waits = MY_OTHER if it.ports() == {1: [80, 443]} else MINE
        await until(lambda: it.why(waits) == [Why.ELSEWHERE, Why.ELSEWHERE])


async def test_a_port_that_led_in_is_kept_though_another_is_elsewhere_and_somebody_deletes_its_service() -> None:
    async with world() as it:
        await it.deploy(MY_OTHER, address(82))
        await it.deploy(MINE, address(80, 81))
        await until(lambda: it.ports() == {1: [80, 81], 2: [82]} and not it.why(MINE))
        await it.deploy(MINE, address(80, 81, 82))
        service = it.server.objects.get(SERVICES, lease_namespace(MINE), "web-ip-80-tcp")
        it.delete(SERVICES, lease_namespace(MINE), "web-ip-80-tcp")
        await until(
            lambda: any(
                o["metadata"]["name"] == "web-ip-80-tcp" and o["metadata"]["uid"] != service["metadata"]["uid"]
                for o in it.objects("services")
            )
        )
        assert it.ports() == {1: [80, 81], 2: [82]}


async def test_so_it_is_where_its_service_was_deleted_while_no_process_was_up() -> None:
    async with world() as it:
        await it.deploy(MY_OTHER, address(82))
        await it.deploy(MINE, address(80))
        await it.deploy(MINE, address(80, 82))
        await until(lambda: it.why(MINE) == [Why.ELSEWHERE])
        for lease in (MINE, MY_OTHER):
            await it.cluster.reach.routing.forget(lease)
        it.delete(SERVICES, lease_namespace(MINE), "web-ip-80-tcp")
        async with process(it.server) as next_one:
            await next_one.deploy(MY_OTHER, address(82), {}, "1")
            await next_one.deploy(MINE, address(80, 82), {}, "1")
            assert [w.why for w in next_one.reach.waiting(MINE)][-1:] == [Why.ELSEWHERE]
            assert it.ports() == {1: [80], 2: [82]}
            await until(lambda: it.server.store.get("services", lease_namespace(MINE), "web-ip-80-tcp") is not None)


async def test_an_address_moves_whole_also_where_it_is_looked_at_half_way() -> None:
    async with world() as it:
        await it.deploy(MINE, address(80, 443))
        await it.deploy(MY_OTHER, address(80, 443))
        await until(lambda: not it.why(MINE) and len(it.why(MY_OTHER)) == 2)
        reach = it.cluster.reach
        reach._address = lambda key: ""  # type: ignore[method-assign]  # it has none yet
        for port, claim in zip((80, 443), reach.endpoint(MY_OTHER, "mine"), strict=True):
            await reach.move(MY_OTHER, [claim])
            where = "services", lease_namespace(MY_OTHER), f"web-ip-{port}-tcp"
            await until(lambda where=where: it.server.store.get(*where) is not None)
        await until(lambda: it.ports() == {2: [80, 443]} and not it.why(MY_OTHER))


async def test_a_claim_that_somebody_changes_each_time_is_told_and_not_fought_over() -> None:
    async with world() as it:
        await it.deploy(MINE, group(HOST))
        await until(lambda: not it.why(MINE))
        kind, edits = it.kind("akash.network/v2beta2", "ProviderHost"), 0

        def left() -> bool:
            nonlocal edits
            if it.server.objects.get(kind, "lease", HOST)["spec"]["service_name"] == "web":
                it.edit(kind, "lease", HOST, spec={"service_name": "another"})
                edits += 1
            return it.why(MINE) == [Why.CHANGED]

        await until(left)
        assert edits <= 3
        assert it.leads_to() == [1]
        it.clock.ahead_s += MOST_S
        await until(lambda: not it.why(MINE))


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

    async with world(lookup, hostname_proof="txt", ingress_domain="in.example") as it:
        await it.deploy(MINE, group(HOST, "nice.in.example"))
        assert it.why(MINE) == [Why.UNPROVEN]
        assert it.leads_to("nice.in.example") == [1]
        await it.deploy(THEIRS, group(HOST))
        texts.add(THEIRS.owner)
        await until(lambda: it.leads_to() == [3])
        texts.add(MINE.owner)
        await until(lambda: it.why(MINE) == [Why.IN_USE])


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
