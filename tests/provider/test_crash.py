"""Kill -9 at every step of a lease's life, and in between: after the restart the same end, no second bid, no lost
lease, no leaked room.

The daemon is a process of its own, killed without warning; chain, cluster and tenant live in the test and go on
meanwhile. Nothing here looks inside the daemon: the chain's blocks, the cluster's objects, the ledger's file and the
gateway's answers decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from manifests.coins import Coin
from manifests.ids import DeploymentID
from provider.chain.messages import CreateDeployment
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.sandbox.life import STEPS
from provider.tasks import spawn

Opens = Callable[..., Any]
BURST = 50


async def all_is_well(town: Any, daemon: Any, until: Any) -> None:
    """The end state every life must come to, whatever happened on the way."""

    async def nothing_pending() -> bool:
        return bool(await daemon.metric("akp_transactions_pending") == 0)

    async def nothing_left() -> bool:
        return not await town.left_over() and not await town.held()

    await daemon.ready()
    await until("no transaction is pending", nothing_pending)
    await until("nothing is left in the cluster, no room is held", nothing_left)
    bids, failed = await town.history()
    assert bids == {town.order(): 1}
    assert failed == []
    await town.settled_well()


async def known(town: Any, daemon: Any, until: Any) -> None:
    """The daemon is up, and what it sends by itself is on chain."""

    async def certificate() -> bool:
        return bool(await town.net.chain.latest.certificates(town.net.provider.address))

    await daemon.ready()
    await until("its certificate is on chain", certificate)


@pytest.mark.parametrize("step", STEPS)
async def test_killed_right_after(step: str, with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon):

        async def kill_once(entry: dict[str, Any]) -> None:
            if entry["step"] == step:
                await daemon.kill()
                await daemon.start()

        timeline = await town.life(on_step=kill_once).run()
        assert [entry["step"] for entry in timeline] == list(STEPS)
        assert daemon.starts == 2
        await all_is_well(town, daemon, until)


async def test_killed_at_every_step_of_one_life(with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon):

        async def kill(entry: dict[str, Any]) -> None:
            await daemon.kill()
            await daemon.start()

        await town.life(on_step=kill).run()
        assert daemon.starts == 1 + len(STEPS)
        await all_is_well(town, daemon, until)


async def test_killed_again_while_it_starts_anew(with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon):

        async def kill_twice(entry: dict[str, Any]) -> None:
            if entry["step"] in ("bid", "manifest"):
                for moment_s in (0.8, 1.2):  # about when it opens its ledger, and when it is nearly up
                    await daemon.kill()
                    await daemon.start()
                    await asyncio.sleep(moment_s)

        await town.life(on_step=kill_twice).run()
        assert daemon.starts == 5
        await all_is_well(town, daemon, until)


@pytest.mark.parametrize("included", ["while it is away", "when it is back"])
async def test_killed_with_its_bid_on_the_way(included: str, with_daemon: Opens, until: Any) -> None:
    """The one moment at which nobody but the mempool knows what the dead process has promised."""
    async with with_daemon() as (town, daemon), asyncio.TaskGroup() as tasks:
        node = town.net.node
        await known(town, daemon, until)
        node.chaos.producing = False

        async def room_is_held(entry: dict[str, Any]) -> None:
            if entry["step"] == "bid":

                async def held() -> bool:
                    return bool(await town.held() == ["pending"])

                await daemon.ready()
                await asyncio.sleep(1)  # long enough for a mistaken release
                await until("room is held for the bid that is open", held)

        async def something_waits() -> bool:
            return len(node.mempool) > 0

        life = spawn(tasks, "life", town.life(on_step=room_is_held).run())
        await until("the order is on its way", something_waits)
        await node.step()
        await until("the bid is on its way", something_waits)
        await daemon.kill()
        if included == "while it is away":
            await node.step()
        await daemon.start()
        await daemon.ready()
        node.chaos.producing = True
        await life
        bids, failed = await town.history()
        assert bids == {town.order(): 1}
        assert failed == [], "what was on its way was not sent a second time"
        await town.settled_well()


async def test_killed_between_the_manifest_and_the_first_object(with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon), AsyncExitStack() as stall:
        await stall.enter_async_context(town.net.embedded.faults.stalled("/api/v1/namespaces/[a-v0-9]{40,}"))

        async def kill(entry: dict[str, Any]) -> None:
            if entry["step"] == "manifest":
                await daemon.kill()
                left = {line.split()[0] for line in await town.left_over()}
                assert "manifests.akash.network" in left
                assert "namespaces" not in left
                await stall.aclose()
                await daemon.start()

        await town.life(on_step=kill).run()
        await all_is_well(town, daemon, until)


async def test_killed_half_way_through_the_clearing(with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon):

        async def only_the_manifest_is_left() -> bool:
            return [line.split()[0] for line in await town.left_over()] == ["manifests.akash.network"]

        async def kill(entry: dict[str, Any]) -> None:
            if entry["step"] == "usage":
                # The namespace goes, the Manifest cannot: by it a restart must find the rest.
                town.net.embedded.faults.fail_next(10**6, 503, method="DELETE", path="/manifests/")
            if entry["step"] == "closed":
                await until("the lease is half cleared", only_the_manifest_is_left)
                await daemon.kill()
                town.net.embedded.faults.heal()
                await daemon.start()

        await town.life(on_step=kill).run()
        await all_is_well(town, daemon, until)


@pytest.mark.parametrize(("gone", "back"), [("bid", "lease"), ("usage", "closed")])
async def test_away_while_the_market_goes_on(gone: str, back: str, with_daemon: Opens, until: Any) -> None:
    """The tenant takes our bid, or closes, while nobody is there. What is missed is read from the blocks."""
    async with with_daemon() as (town, daemon):

        async def away(entry: dict[str, Any]) -> None:
            if entry["step"] == gone:
                await daemon.kill()
                async with Store.open(town.net.ledger, readonly=True) as store:
                    assert await Books(store).head() is not None, "the ledger of a dead process can be read"
            elif entry["step"] == back:
                await daemon.start()

        await town.life(on_step=away).run()
        await all_is_well(town, daemon, until)


@pytest.mark.parametrize("included", ["while it is away", "when it is back"])
async def test_killed_during_a_burst(included: str, with_daemon: Opens, until: Any) -> None:
    """Fifty orders in one block, killed when the first bids are on their way: in the end one bid for each."""
    async with with_daemon() as (town, daemon):
        node, owner = town.net.node, town.net.tenant.key.address
        await known(town, daemon, until)
        node.chaos.producing = False
        c = town.compiled
        orders = [
            CreateDeployment(DeploymentID(owner, n + 1), c.groups, c.version, Coin("uact", 500_000))
            for n in range(BURST)
        ]
        await town.net.tenant.signer.send(*orders)
        await node.step()

        async def a_bid_waits() -> bool:
            return len(node.mempool) > 0

        async def all_bids() -> bool:
            return len((await town.history())[0]) == BURST

        async def all_held() -> bool:
            return bool(await town.held() == ["pending"] * BURST)

        await until("bids are on their way", a_bid_waits)
        await daemon.kill()
        if included == "while it is away":
            node.chaos.producing = True
        await daemon.start()
        if included == "when it is back":
            await daemon.ready()
            await asyncio.sleep(1)  # long enough for bids on their way to be asked for a second time
            node.chaos.producing = True
        await until("every order has a bid", all_bids)
        await daemon.ready()
        await until("room is held for each", all_held)
        bids, failed = await town.history()
        assert bids == {town.order(n + 1): 1 for n in range(BURST)}
        assert failed == [], "what was on its way was not sent a second time"


async def test_told_to_stop_it_stops_at_once_and_goes_on_later(with_daemon: Opens, until: Any) -> None:
    async with with_daemon() as (town, daemon):

        async def stop(entry: dict[str, Any]) -> None:
            if entry["step"] in ("bid", "ready"):
                await daemon.ready()
                code, seconds = await daemon.terminate()
                assert code == 0
                assert seconds < 30, "Kubernetes would have killed it"
                await daemon.start()

        await town.life(on_step=stop).run()
        await all_is_well(town, daemon, until)
