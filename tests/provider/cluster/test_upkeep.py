"""What leads in by a claim stays as it was rendered."""

from __future__ import annotations

import asyncio

import pytest

from manifests.ids import LeaseID, lease_namespace
from provider.cluster.routes.waiting import Why
from provider.cluster.upkeep import PINNED_S
from provider.mending import MOST_S
from provider.sandbox.cluster.kinds import SERVICES
from provider.sandbox.cluster.objects import Write

from .reached import HOST, MINE, MY_OTHER, PORT, group, until, world


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
        await until(lambda: bool(it.cluster.reach.routing._opening._upkeep._stubborn))
        await asyncio.sleep(0.3)
        version = it.server.store.version
        assert await it.cluster.reach.routing.settle(MINE)
        assert it.server.store.version == version


async def test_a_change_that_comes_back_each_time_is_undone_less_and_less_often() -> None:
    async with world() as it:
        await it.deploy(MINE, group(HOST))
        await until(lambda: not it.why(MINE))
        ns, ingress = lease_namespace(MINE), it.kind("networking.k8s.io/v1", "Ingress")

        def led() -> str:
            return str(it.server.objects.get(ingress, ns, HOST)["spec"]["ingressClassName"])

        rendered, edits = led(), 0

        def left() -> bool:
            nonlocal edits
            if led() == rendered:
                it.edit(ingress, ns, HOST, spec={"ingressClassName": "another"})
                edits += 1
            return it.why(MINE) == [Why.CHANGED]

        await until(left)
        assert edits <= 3
        await asyncio.sleep(0.3)
        assert led() == "another", "it is looked at all the while, and nothing is written"
        await it.deploy(MINE, group(HOST, port=9090))
        assert led() == "another", "the route is rendered as before"
        it.clock.ahead_s += MOST_S
        await until(lambda: led() == rendered and not it.why(MINE))


async def test_what_is_rendered_otherwise_by_now_is_nobodys_change(capsys: pytest.CaptureFixture[str]) -> None:
    async with world() as it:
        await it.deploy(MINE, group(ip="mine"))
        await until(lambda: not it.why(MINE))
        for port in (9090, 9091):
            await it.deploy(MINE, group(ip="mine", port=port))
            found = it.server.objects.get(SERVICES, lease_namespace(MINE), "web-ip-80-tcp")
            assert found["spec"]["ports"][0]["targetPort"] == port, "at once"
        assert "changed by somebody" not in capsys.readouterr().out


async def test_of_a_lease_that_is_over_nothing_is_remembered() -> None:
    async with world() as it:
        await it.deploy(MINE, group(HOST, ip="mine"))
        upkeep = it.cluster.reach.routing._opening._upkeep
        assert upkeep._written._as
        await it.cluster.teardown(MINE)
        assert not upkeep._written._as


async def test_an_address_that_cannot_be_had_again_is_asked_for_only_so_long() -> None:
    async with world() as it:
        await it.deploy(MINE, group(ip="mine"))
        await until(lambda: it.addresses() == {1: "10.0.0.1"})
        await it.deploy(MY_OTHER, group(ip="mine"))
        reach = it.cluster.reach
        reach._address = lambda key: "10.9.9.9"  # type: ignore[method-assign]  # of a pool that is gone
        await reach.move(MY_OTHER, reach.endpoint(MY_OTHER, "mine"))
        await until(lambda: it.why(MY_OTHER) == [Why.NO_ADDRESS])
        it.clock.ahead_s += PINNED_S + 1
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
