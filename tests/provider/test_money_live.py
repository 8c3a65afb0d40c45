"""Money on a live market: deposits that come back whatever became of the bid, and a lease taken back with the notice
that was promised."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from bidengine.views import Bid
from manifests.coins import Coin, DecCoin
from manifests.ids import OrderID
from provider.chain.messages import CreateBid, CreateProvider
from provider.chain.tx.signer import Signer
from provider.errors import Refused
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.sandbox.network import tell
from provider.sandbox.town import living
from provider.tasks import spawn

Opens = Callable[..., Any]
DEPOSIT, BOND = Coin("uact", 50_000_000), Coin("uakt", 500_000)
FEES = 60_000
"""uakt; a dozen transactions' worth, and far from a deposit"""


class Rivals:
    """Two other providers. Of two losers the chain ends the first by address alone: the auditor's comes before ours."""

    def __init__(self, town: Any, until: Any, first: Signer, winner: Signer) -> None:
        self.town, self.until, self.first, self.winner = town, until, first, winner

    async def win(self, bid: Bid) -> None:
        """Both bid where we have bid, and one gets it."""
        net, price = self.town.net, DecCoin(bid.price.denom, bid.price.amount_e18 // 2)
        for one in (self.first, self.winner):
            await one.send(CreateBid(bid.id.order.bid_of(one.address), price, BOND, bid.offer, None))

        async def all_there() -> bool:
            return len(await net.chain.latest.bids_on(bid.id.order)) == 3

        await self.until("three bids", all_there)
        await net.tenant.lease(bid.id.order.bid_of(self.winner.address))

        async def it_is_so() -> bool:
            return bool((await net.chain.latest.order(bid.id.order)).state == "active")

        await self.until("the rival's lease", it_is_so)


@asynccontextmanager
async def rivals(town: Any, until: Any) -> AsyncIterator[Rivals]:
    net = town.net
    first, winner = (Signer(net.chain, key, net.settings.chain) for key in (net.auditor, net.rival))
    assert first.address < net.provider.address
    async with asyncio.TaskGroup() as tasks:
        running = [spawn(tasks, f"rival {n}", one.run()) for n, one in enumerate((first, winner))]
        running.append(spawn(tasks, "their blocks", tell(net.chain, [first, winner])))
        attributes = (await net.chain.latest.provider(net.provider.address)).attributes
        for one in (first, winner):
            await one.send(CreateProvider(one.address, "https://127.0.0.1:1", attributes))
        yield Rivals(town, until, first, winner)
        for task in running:
            task.cancel()


async def our_bid(town: Any, until: Any, order: OrderID) -> Bid:
    async def there() -> Bid | None:
        bids = await town.net.chain.latest.bids_on(order)
        return next((bid for bid in bids if bid.id.provider == town.net.provider.address), None)

    return await until(f"our bid on {order}", there)  # type: ignore[no-any-return]


async def locked(town: Any) -> list[str]:
    chain, us = town.net.chain.latest, town.net.provider.address
    return [str(found.bid.id) for state in ("open", "active") for found in await chain.locked_bids(us, state)]


async def test_every_deposit_comes_back(in_town: Opens, until: Any) -> None:
    """product.md D3: of an order that its tenant gives up; and of bids that the chain has left open for a loser, told
    nobody about, and would never free, both while the daemon runs and when it comes back."""
    async with in_town() as town, rivals(town, until) as others:
        net = town.net

        async def nothing_is_locked() -> bool:
            return not await locked(town)

        async def spendable() -> int:
            return int((await net.chain.latest.balances(net.provider.address))["uakt"])

        before = await spendable()
        async with living(net):
            bids = []
            for dseq in (1, 2, 3):
                await net.tenant.post(town.compiled, dseq, DEPOSIT)
                bids.append(await our_bid(town, until, town.order(dseq)))
            assert len(await locked(town)) == 3
            assert await spendable() < before - 3 * 500_000
            await net.tenant.close(1)
            await others.win(bids[1])

            async def one_is_locked() -> bool:
                return await locked(town) == [str(bids[2].id)]

            await until("the deposits of orders 1 and 2 are back", one_is_locked)
            assert (await net.chain.latest.bid(bids[1].id)).state == "closed", "by us: the chain had left it open"
        await others.win(bids[2])
        assert await locked(town) == [str(bids[2].id)], "nobody told us, nobody freed it"
        async with living(net):
            await until("the deposit of order 3 is back", nothing_is_locked)
        assert before - FEES < await spendable() < before


async def test_a_lease_is_taken_back_with_the_notice_that_was_promised(
    with_daemon: Opens, until: Any, command: Any, web: Any
) -> None:
    """AEP-82, the whole way: demanded by the tenant, offered, given by the operator, kept over a restart, and then the
    lease is closed, its namespace gone, its room free, its money settled and its deposit back."""
    async with with_daemon(compiled=replace(web, reclamation_min_window_s=100)) as (town, daemon):
        net, lease = town.net, town.our_lease()
        config = str(town.work / "akp.yaml")
        await daemon.ready()
        await net.tenant.post(town.compiled, 7, DEPOSIT)
        assert (await our_bid(town, until, town.order())).reclamation_window_s == 100
        await net.tenant.lease(lease)

        async def running() -> bool:
            async with await net.tenant.gateway(net.provider.address) as gateway:
                with suppress(Refused):  # it has not seen the lease yet
                    await gateway.send_manifest(lease.dseq, town.compiled)
                status = await gateway.lease_status(lease)
                return bool(status and all(s["available"] for s in status["services"].values()))

        await until("it runs", running)

        net.node.chaos.producing = False  # the chain's clock stands still meanwhile
        async with asyncio.TaskGroup() as tasks:
            blocks = spawn(tasks, "blocks", whenever_something_waits(net.node))
            said = await command("leases", "close", str(lease), "--config", config, "--yes")
            blocks.cancel()
        assert "1m 40s of notice were promised, which begin now" in said
        found = await net.chain.latest.lease(lease)
        assert found.state == "reclaiming"
        deadline_s = found.reclamation.deadline_unix_s

        await daemon.kill()
        await daemon.start()
        await daemon.ready()
        assert (await net.chain.latest.lease(lease)).state == "reclaiming"
        assert await daemon.metric("akp_leases") == 1, "under notice it lives"
        assert await town.held() == ["active"]
        await until("it runs still", running)
        told = json.loads(await command("leases", "reclaim", str(lease), "--config", config, "--yes", "-o", "json"))
        assert told["state"] == "reclaiming"
        net.node.chaos.producing = True

        async def over() -> Any:
            last = await net.chain.latest.lease(lease)
            return last if not last.live else None

        last = await until("its notice is over and it is closed", over)
        assert (last.state, last.reason) == ("closed", 10_002)
        assert last.reclamation.deadline_unix_s == deadline_s
        async for block in net.chain.follow(after=last.closed_on - 1):
            assert block.time_unix_ns >= deadline_s * 10**9
            break

        async def nothing_left() -> bool:
            return not await town.left_over() and not await town.held() and not await locked(town)

        await until("nothing is left, no room held, no deposit locked", nothing_left)
        (payment,) = await net.chain.latest.escrow_payments(lease.deployment)
        async with Store.open(net.ledger, readonly=True) as store:
            settlements = await Books(store).settlements(lease)
        assert sum(coin.amount for s in settlements for coin in s.paid) == payment.withdrawn.amount > 0


async def whenever_something_waits(node: Any) -> None:
    """Makes a block for it, and no other: so the chain's clock hardly moves."""
    while True:
        if len(node.mempool) > 0:
            await node.step()
        await asyncio.sleep(0.02)
