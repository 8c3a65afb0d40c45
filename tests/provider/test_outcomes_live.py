"""What becomes of the daemon's bids on a live market: a rival bids too, tenants choose, wait, leave or never send a
manifest; the ledger tells each by its code. A block counts thirty seconds, so patience of five minutes is ten blocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bidengine.views import Bid
from manifests.coins import Coin, DecCoin
from manifests.ids import OrderID
from provider.chain.messages import CreateBid, CreateProvider
from provider.chain.tx.signer import Signer
from provider.ledger.decisions import Decisions, OrderRow
from provider.ledger.store import Store
from provider.sandbox.network import Network, tell
from provider.sandbox.town import living
from provider.tasks import spawn

DEPOSIT = Coin("uact", 50_000_000)


@dataclass
class Market:
    town: Any
    rival: Signer
    until: Callable[..., Any]

    async def post(self, dseq: int) -> Bid:
        """An order, and our bid on it."""
        net, order = self.town.net, self.town.order(dseq)
        await net.tenant.post(self.town.compiled, dseq, DEPOSIT)

        async def ours() -> Bid | None:
            bids = await net.chain.latest.bids_on(order)
            return next((bid for bid in bids if bid.id.provider == net.provider.address), None)

        return await self.until(f"our bid on {order}", ours)  # type: ignore[no-any-return]

    async def rival_gets(self, bid: Bid, percent: int) -> None:
        """The rival bids so much of our price, and the tenant takes it."""
        price = DecCoin(bid.price.denom, bid.price.amount_e18 * percent // 100)
        theirs = bid.id.order.bid_of(self.town.net.auditor.address)
        await self.rival.send(CreateBid(theirs, price, Coin("uakt", 500_000), bid.offer, None))

        async def there() -> bool:
            return len(await self.town.net.chain.latest.bids_on(bid.id.order)) == 2

        await self.until("the rival's bid", there)
        await self.town.net.tenant.lease(theirs)

    async def becomes(self, order: OrderID, code: str) -> OrderRow:
        async def look() -> OrderRow | None:
            async with Store.open(self.town.net.ledger, readonly=True) as store:
                row = await Decisions(store).row(order)
                return row if row is not None and row.outcome == code else None

        return await self.until(f"{order} becomes {code}", look)  # type: ignore[no-any-return]


def patient(net: Network, *, bid_s: int = 0, lease_s: int = 0) -> Network:
    """With a daemon that gives up a bid or a lease after so many seconds, 0 never."""
    bid = net.settings.bid.model_copy(update={"timeout_s": bid_s})
    lease = net.settings.lease.model_copy(update={"manifest_timeout_s": lease_s})
    return replace(net, settings=net.settings.model_copy(update={"bid": bid, "lease": lease}))


@asynccontextmanager
async def market(in_town: Callable[..., Any], until: Callable[..., Any]) -> AsyncIterator[Market]:
    async with in_town(block_s=0.15, chain_block_s=30.0) as town:
        net = town.net
        rival = Signer(net.chain, net.auditor, net.settings.chain)
        async with asyncio.TaskGroup() as tasks:
            running = [spawn(tasks, "rival", rival.run()), spawn(tasks, "its blocks", tell(net.chain, [rival]))]
            attributes = (await net.chain.latest.provider(net.provider.address)).attributes
            await rival.send(CreateProvider(net.auditor.address, "https://127.0.0.1:1", attributes))
            yield Market(town, rival, until)
            for task in running:
                task.cancel()


async def test_who_got_it_and_at_what_price(in_town: Callable[..., Any], until: Callable[..., Any]) -> None:
    async with market(in_town, until) as there, living(patient(there.town.net)):
        net = there.town.net
        cheaper, dearer, left, won = [await there.post(dseq) for dseq in (1, 2, 3, 4)]
        await there.rival_gets(cheaper, 80)
        await there.rival_gets(dearer, 120)
        await net.tenant.close(left.id.dseq)
        await net.tenant.lease(won.id)

        row = await there.becomes(cheaper.id.order, "lost.price")
        assert (row.winner, row.price_e18) == (net.auditor.address, cheaper.price.amount_e18)
        assert row.winner_price_e18 == cheaper.price.amount_e18 * 80 // 100
        row = await there.becomes(dearer.id.order, "lost.not_price")
        assert row.winner_price_e18 == dearer.price.amount_e18 * 120 // 100
        await there.becomes(left.id.order, "lost.order_closed")
        await there.becomes(won.id.order, "won")
        async with Store.open(net.ledger, readonly=True) as store:
            assert [row.order.dseq for row in await Decisions(store).priced(since_height=0)] == [1, 2, 4]


async def test_patience_that_runs_out(in_town: Callable[..., Any], until: Callable[..., Any]) -> None:
    """Of the daemon with bids, then with leases: a tenant that must be quick might come too late."""
    async with market(in_town, until) as there:
        async with living(patient(there.town.net, bid_s=300)):
            unanswered = await there.post(1)
            await there.becomes(unanswered.id.order, "lost.timeout")
        async with living(patient(there.town.net, lease_s=300)):
            silent = await there.post(2)
            await there.town.net.tenant.lease(silent.id)  # and never sends a manifest
            row = await there.becomes(silent.id.order, "won.no_manifest")
        assert row.leased_at is not None
        assert row.ended_at is not None
        async with Store.open(there.town.net.ledger, readonly=True) as store:
            chain = [link.outcome for link in await Decisions(store).of(silent.id.order)]
            assert chain == ["bid", "won", "won.no_manifest"]


async def test_a_life_is_noted_with_its_heights(in_town: Callable[..., Any], until: Callable[..., Any]) -> None:
    async with in_town(block_s=0.15) as town, living(town.net):
        await town.life().run()
        lease = await town.net.chain.latest.lease(town.our_lease())
        async with Store.open(town.net.ledger, readonly=True) as store:
            row = await Decisions(store).row(town.order())
    assert row is not None
    assert (row.outcome, row.leased_at, row.ended_at) == ("won", lease.created_at, lease.closed_on)
    assert row.started_at is not None
    assert lease.created_at <= row.started_at <= lease.closed_on


async def test_what_happens_while_the_daemon_is_away_is_found_out(
    in_town: Callable[..., Any], until: Callable[..., Any]
) -> None:
    async with market(in_town, until) as there:
        net = there.town.net
        async with living(patient(net)):
            lost, left, won = [await there.post(dseq) for dseq in (1, 2, 3)]
        await there.rival_gets(lost, 90)
        await net.tenant.close(left.id.dseq)
        await net.tenant.lease(won.id)
        head = await net.chain.head()

        async def passed() -> bool:
            return (await net.chain.head()).height > head.height + 2

        await until("blocks nobody read", passed)
        async with living(patient(net)):
            row = await there.becomes(lost.id.order, "lost.price")
            assert row.winner == net.auditor.address
            await there.becomes(left.id.order, "lost.order_closed")
            await there.becomes(won.id.order, "won")
