"""Names and addresses lead to who has claimed them, whatever happens."""

from __future__ import annotations

import itertools

import pytest

from manifests.ids import lease_namespace
from provider.cluster.routes.waiting import Why
from provider.errors import Retry
from provider.sandbox.cluster.kinds import SERVICES

from .reached import HOST, MINE, MY_OTHER, PORT, THEIRS, address, group, process, until, world


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


async def test_after_a_restart_too_a_port_is_given_up_only_when_nothing_leads_in_by_it_any_more() -> None:
    """The process was killed between storing the new manifest and deploying it; one Service cannot be deleted yet."""
    async with world() as it:
        await it.deploy(MINE, address(80, 81, 82))
        await until(lambda: it.ports() == {1: [80, 81, 82]} and not it.why(MINE))
        await it.cluster.reach.routing.forget(MINE)
        await it.cluster.store_manifest(MINE, address(80), {})
        async with process(it.server) as next_one:
            it.server.faults.fail_next(10**6, 503, path="services/web-ip-82-tcp")
            with pytest.raises(Retry):
                await next_one.deploy(MINE, address(80), {}, "2")
            await until(lambda: it.ports() == {1: [80, 82]})
            assert not await next_one.reach.routing.settle(MINE)
            assert it.ports() == {1: [80, 82]}, "its Service still stands"
            it.server.faults.heal()
            await next_one.deploy(MINE, address(80), {}, "2")
            await until(lambda: it.ports() == {1: [80]})


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
