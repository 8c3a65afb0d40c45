"""A payment that the chain leaves open though its lease is over (chain.md §5.6), over the sandbox chain's own rules and
a ledger on disk: it is collected once, whoever was killed in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.chain.messages import CloseLease, CreateBid, CreateDeployment, CreateLease, Msg, WithdrawLease
from provider.ledger.store import Store
from provider.market.leases.closing import Closing
from provider.market.money.funds import Funds
from provider.settings import LeaseSettings
from tests.provider.market.conftest import spec
from tests.provider.market.history import TENANT, US, Bookkeeper, Market


@pytest.mark.parametrize("killed", [False, True], ids=["one process", "killed before it was collected"])
async def test_it_is_collected_once(killed: bool, tmp_path: Path) -> None:
    market = Market(spec(price=100_000))
    await market.begin()
    lease = await leased(market)
    async with Store.open(tmp_path / "ledger.db") as store:
        keeper = Bookkeeper(market, store, keys=(US,))
        await keeper.start()
        funds = Cashier(keeper)
        tail = [await market.tx(US, [WithdrawLease(lease)]), await market.tx(TENANT, [CloseLease(lease)])]
        assert await funds.take(market, *tail) == []
        (payment,) = await market.at().escrow_payments(lease.deployment)
        assert payment.state == "open", "as the chain does it"
        if killed:
            await keeper.start()
            funds = Cashier(keeper, await keeper.books.journal.uncollected())
        assert await funds.take(market) == [WithdrawLease(lease)]
        assert await funds.take(market, await market.tx(US, [WithdrawLease(lease)])) == []
        (after,) = await market.at().escrow_payments(lease.deployment)
        assert after.withdrawn.amount > payment.withdrawn.amount
        await keeper.is_equal()
        assert await keeper.books.journal.uncollected() == []
        for _ in range(25):
            assert await funds.take(market) == []
        await keeper.start()
        funds = Cashier(keeper, await keeper.books.journal.uncollected())
        assert await funds.take(market) == []


async def leased(market: Market) -> LeaseID:
    deployment = DeploymentID(TENANT.address, 7)
    lease = LeaseID(TENANT.address, 7, 1, 1, US.address)
    for key, msg in (
        (TENANT, CreateDeployment(deployment, (market.spec,), b"h" * 32, Coin("uact", 5_000_000))),
        (US, CreateBid(lease, DecCoin("uact", 5 * E18), Coin("uakt", 500_000))),
        (TENANT, CreateLease(lease)),
    ):
        (result,) = (await market.put(await market.tx(key, [msg]))).txs  # type: ignore[list-item]
        assert result.code == 0, result.log
    return lease


class Cashier:
    """The funds of one process; `take` is a block as the follower takes it, and what it makes them send."""

    def __init__(self, keeper: Bookkeeper, uncollected: Any = ()) -> None:
        assert keeper.book is not None
        self.keeper, self.book, self.sent = keeper, keeper.book, list[Msg]()
        self.funds = Funds(
            self.book, keeper.market.at, self._unsure, self._send, Closing(self.book, self._send),
            LeaseSettings(withdraw_fee_multiple=0), Coin("uakt", 4), lambda: 6000,
        )  # fmt: skip
        self.funds.booked((), uncollected, self.book.height)

    async def take(self, market: Market, *txs: bytes) -> list[Msg]:
        begin, before = len(self.sent), set(self.book.leases)
        block = await market.put(*txs)
        assert [tx.code for tx in block.txs] == [0] * len(txs), block.txs
        had = {row.lease: row.paid for row in await self.keeper.books.leases()}
        await self.keeper.take(block)
        paid = [row.lease for row in await self.keeper.books.leases() if row.paid > had.get(row.lease, 0)]
        self.funds.booked(paid, before - set(self.book.leases), block.height)
        self.funds.tick(block.height)
        while self.funds.queue._waiting:
            key = await self.funds.queue.get()
            await self.funds.handle(key)
            self.funds.queue.done(key)
        await self.funds.flush()
        return self.sent[begin:]

    async def _send(self, *msgs: Msg, **_: Any) -> str:
        self.sent += msgs
        return "HASH"

    async def _unsure(self, _: Any) -> bool:
        return False
