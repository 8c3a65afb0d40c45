"""Anybody may pay into the escrow of a bid of ours (chain-probes.md "Escrow" 12): his is his, and the books are equal
to the chain while it lies there and after it went back, over the sandbox chain's own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.coins import E18, Coin, DecCoin
from manifests.ids import BidID, DeploymentID, OrderID
from provider.chain.keys import Key
from provider.chain.messages import CloseLease, CreateBid, CreateDeployment, CreateLease
from provider.chain.tx import build
from provider.chain.wire import message, pack
from provider.ledger.journal import Kind
from provider.ledger.store import Store
from provider.ledger.verify import verify
from provider.market.money.deposits import Deposits
from tests.provider.market.conftest import spec
from tests.provider.market.history import FRIEND, HOT, TENANT, US, Bookkeeper, Market

GIFT = Coin("uakt", 1)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("who", [FRIEND, HOT, US], ids=["a stranger", "our hot key", "ourselves"])
async def test_it_is_no_deposit_of_ours(who: Key, restarted: bool, tmp_path: Path) -> None:
    market, bid = Market(spec(price=100_000)), OrderID(TENANT.address, 7, 1, 1).bid_of(US.address)
    await market.begin()
    async with Store.open(tmp_path / "ledger.db") as store:
        keeper = Bookkeeper(market, store)
        await keeper.start()

        async def put(tx: bytes) -> None:
            block = await market.put(tx)
            assert block.txs[0].code == 0, block.txs[0].log
            await keeper.take(block)
            await keeper.is_equal()

        deployment = CreateDeployment(
            DeploymentID(TENANT.address, 7), (market.spec,), b"h" * 32, Coin("uact", 900_000)
        )  # fmt: skip
        await put(await market.tx(TENANT, [deployment]))
        await put(await market.tx(US, [CreateBid(bid, DecCoin("uact", 400 * E18), Coin("uakt", 500_000))]))
        await put(await market.tx(TENANT, [CreateLease(bid)]))
        await put(await paying(market, who, bid))
        assert keeper.book is not None
        deposits = Deposits(keeper.book, market.at, lambda _: None)
        await deposits.read()
        assert [value for name, _, value in deposits.gauges() if name == "akp_deposits_locked_utokens"] == [500_000]
        if restarted:
            await keeper.start()
            await keeper.is_equal()
        before = (await market.at().balances(who.address))["uakt"]
        await put(await market.tx(TENANT, [CloseLease(bid)]))
        assert (await market.at().balances(who.address))["uakt"] >= before + GIFT.amount, "the chain gave it back"
        rows = [row async for row in keeper.books.journal.rows()]
        assert [(row.account, row.amount) for row in rows if row.kind == Kind.REFUND] == [(US.address, 500_000)]
        assert not [row for row in rows if row.kind == Kind.CORRECTION]
    assert (await verify(tmp_path / "ledger.db")).faults == ()


async def paying(market: Market, who: Key, bid: BidID) -> bytes:
    """Signed bytes of a deposit into the bid's escrow, which the daemon has no message for."""
    wanted = message("akash.escrow.v1.MsgAccountDeposit")()
    wanted.signer = who.address
    wanted.id.scope = 2  # bid
    wanted.id.xid = f"{bid.owner}/{bid.dseq}/{bid.gseq}/{bid.oseq}/{bid.provider}"
    wanted.deposit.amount.denom, wanted.deposit.amount.amount = GIFT.denom, str(GIFT.amount)
    wanted.deposit.sources.append(1)  # balance
    account, gas = await market.at().account(who.address), 4_000_000
    assert account is not None
    body = build.body([pack(wanted)])
    auth = build.auth_info(who.public_key, account.sequence, gas, [Coin("uakt", gas // 40)])
    return build.raw(body, auth, await who.signature(build.sign_doc(body, auth, market.app.chain_id, account.number)))
