"""`akp reconcile` over a lived sandbox, beside the running daemon: nothing differs; and what is made to differ is found
and booked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bidengine.outcomes import BID
from manifests.coins import Coin
from manifests.ids import OrderID
from provider.cli.reconcile import standing
from provider.intents import Intent, Moment
from provider.ledger.books import Books, Head
from provider.ledger.decisions import Decided
from provider.ledger.journal import Kind, Posting
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.ledger.verify import verify
from provider.sandbox.town import living


async def reconcile(akp: Callable[..., Any], work: Path, *args: str) -> tuple[int, list[dict[str, Any]]]:
    said = await asyncio.to_thread(akp, "reconcile", "--config", work / "akp.yaml", "-o", "json", *args)
    assert said.code in (0, 4), said.err
    return said.code, json.loads(said.out)


async def booked(ledger: Path, *postings: Posting) -> None:
    async with Store.open(ledger) as store:
        head = await Books(store).head()
        assert head is not None
        await Books(store).correct(Head(head.height, head.time_unix_ns), postings)


async def test_beside_a_daemon(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path, until: Any
) -> None:
    async with in_town(block_s=0.1) as town:
        async with living(town.net):
            await town.life().run()

            async def equal() -> bool:
                return await reconcile(akp, tmp_path) == (0, [])

            await until("chain, ledger and cluster agree", equal)
            us, ledger = town.net.provider.address, town.net.ledger
            await booked(ledger, Posting(Kind.TRANSFER, 1, "made up", Coin("uakt", 77), us))
            code, drifts = await reconcile(akp, tmp_path, "--dry-run")
            assert code == 4
            (drift,) = [d for d in drifts if d["what"] == "balance"]
            have, should = (int(drift[side].removesuffix("uakt")) for side in ("here", "chain"))
            assert have - should == 77
            code, _ = await reconcile(akp, tmp_path)
            assert code == 4, "that it differed is told although it was mended"
            await until("the correction is booked", equal)
            assert (await verify(ledger)).faults == ()
        await lost(akp, town, tmp_path, until)


def lose(work: Path) -> None:
    for file in work.glob("ledger.db*"):
        file.unlink()


async def lost(akp: Callable[..., Any], town: Any, work: Path, until: Any) -> None:
    """Without the file: a new daemon opens the books with what there is, and the history is fetched."""
    ledger, lease = town.net.ledger, town.our_lease()
    async with Store.open(ledger, readonly=True) as store:
        before = await Books(store).leases()
    lose(work)
    async with living(town.net):

        async def begun() -> bool:
            try:
                async with Store.open(ledger, readonly=True) as store:
                    return await Books(store).head() is not None
            except Exception:  # not made yet
                return False

        await until("a new ledger has begun", begun)
        code, drifts = await reconcile(akp, work)
        assert code == 4
        assert {d["what"] for d in drifts} <= {"lease", "income", "bid"}
        async with Store.open(ledger, readonly=True) as store:
            assert await Books(store).leases() == before
            (payment,) = await town.net.chain.latest.escrow_payments(lease.deployment)
            assert await Books(store).journal.paid(lease) == {"uact": payment.withdrawn.amount}
        assert [d for d in (await reconcile(akp, work))[1] if d["what"] != "bid"] == []


async def test_a_bid_on_its_way_is_no_drift(tmp_path: Path) -> None:
    sent, seen = OrderID("akash1tenant", 1, 1, 1), OrderID("akash1tenant", 2, 1, 1)
    async with Store.open(tmp_path / "ledger.db") as store:
        books, outbox = Books(store), Outbox(store)
        await books.decisions.note(Decided(sent, 5, BID, "", 1), Decided(seen, 5, BID, "", 1))
        keys = [f"bid/{order}" for order in (sent, seen)]
        await outbox.store([Intent(key, "CreateBid", b"", 3) for key in keys], Moment(5, 10**9))
        outbox.ended(keys[1:], "done", "", Moment(6, 2 * 10**9))
        await books.advance(Head(6, 2 * 10**9), [])
        assert await standing(books) == {seen}


def test_without_a_ledger(akp: Callable[..., Any], chain_town: Any) -> None:
    config = chain_town.config()
    said = akp("reconcile", "--config", config, "--no-cluster")
    assert said.code == 2
    assert "ledger" in said.err
