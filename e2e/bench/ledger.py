"""`python -m e2e.bench ledger`: what a block costs the ledger while 10,000 leases run.

The daemon's own parts from a block to the disk: what it moved, whose it is, totals asked of a chain in memory, rows,
hashes, the cursor, one transaction that is on disk when it returns; and, beside it, what finding out costs which leases
a block concerns: whose bids it settled, whose income is due. In three kinds of blocks: quiet ones that concern
nobody, ordinary ones (a bid's fee and deposit, another that failed, one withdrawal), and now and then a burst of 50
withdrawals or a lease that begins or ends. Milliseconds are of the wall clock, the disk's part included, but for
those of finding out, which are of the processor; the questions to a real node are not. Memory is this process's, the
chain that it asks included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bidengine.commit import Commit
from bidengine.room import Room
from bidengine.views import (
    BidDeposit,
    EscrowAccount,
    EscrowPayment,
    Lease,
    MarketParams,
    OraclePrice,
    Order,
    Provider,
)
from e2e.bench.orders import usage
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID, OrderID
from manifests.resources import Cpu, Gpu, GroupSpec, Memory, Requirements, Resources, ResourceUnit, SignedBy, Storage
from provider import log
from provider.chain.events import BidCreated, Block, LeaseClosed, LeaseCreated, PriceTold, TxResult
from provider.chain.money import ESCROW, Movement, Purpose
from provider.chain.touches import Touch
from provider.cluster.health.workloads import ServiceHealth
from provider.ledger.books import Books, Head
from provider.ledger.store import Store
from provider.ledger.verify import verify
from provider.market.bids.outcomes import Outcomes
from provider.market.book import Book
from provider.market.leases.closing import Closing
from provider.market.money.accounts import Accounts
from provider.market.money.funds import Funds
from provider.settings import LeaseSettings

US = "akash1" + "us" * 19
RATE = DecCoin("uact", 1_234 * E18 + E18 // 3)
FEE, DEPOSIT = Coin("uakt", -4_000), Coin("uakt", -500_000)


@dataclass
class Chain:
    """Pays what is asked for; answers what the books ask."""

    paid: dict[LeaseID, int] = field(default_factory=dict)
    by_deployment: dict[DeploymentID, LeaseID] = field(default_factory=dict)
    by_owner: dict[str, list[DeploymentID]] = field(default_factory=dict)
    balance: dict[str, int] = field(default_factory=lambda: {"uakt": 10**13, "uact": 0})

    def open(self, lease: LeaseID) -> None:
        self.paid[lease] = 0
        self.by_deployment[lease.deployment] = lease
        self.by_owner.setdefault(lease.owner, []).append(lease.deployment)

    def pays(self, lease: LeaseID, amount: int) -> Movement:
        self.paid[lease] += amount
        return self.moved(Movement(US, Coin("uact", amount), other=ESCROW))

    def moved(self, move: Movement) -> Movement:
        self.balance[move.coin.denom] += move.coin.amount
        return move

    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]:
        lease = self.by_deployment[deployment]
        return [EscrowPayment(lease, "open", RATE, 0, 0, Coin("uact", self.paid[lease]))]

    async def open_payments(self, owner: str) -> list[EscrowPayment]:
        return [p for d in self.by_owner[owner] for p in await self.escrow_payments(d)]

    async def open_escrows(
        self, owner: str, dseq: int | None = None
    ) -> tuple[list[EscrowAccount], list[EscrowPayment]]:
        funds = (DecCoin("uact", 10**12 * E18),)
        theirs = [d for d in self.by_owner[owner] if dseq is None or d.dseq == dseq]
        accounts = [EscrowAccount(d, "open", 1_000_000, funds) for d in theirs]
        return accounts, [p for d in theirs for p in await self.escrow_payments(d)]

    async def balances(self, _: str) -> dict[str, int]:
        return {denom: amount for denom, amount in self.balance.items() if amount}

    async def bid_deposits(self, _: str, __: str) -> list[BidDeposit]:
        return []

    async def oracle_price(self, _: str = "akt") -> OraclePrice | None:
        return OraclePrice("akt", 125 * 10**16, 0, healthy=True)

    async def order(self, order: OrderID) -> Order:
        return _order(order)


class Running:
    """A cluster on which every lease runs."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def leases(self) -> dict[LeaseID, Lease]:
        return self._book.leases

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        return {"web": ServiceHealth(1, 1)}


def _order(order: OrderID) -> Order:
    resources = Resources(1, Cpu(4_000), Memory(16 << 30), (Storage("default", 10 << 30),), Gpu(1, ()), ())
    return Order(order, "active", GroupSpec("g", Requirements(SignedBy(), ()), (ResourceUnit(resources, 1, RATE),)), 1)


class Market:
    """Blocks, and the book as it stands after each."""

    def __init__(self, leases: int, seed: int) -> None:
        self.random, self.chain, self.height = Random(seed), Chain(), 1_000_000
        self.next = 1
        self.book = Book(Provider(US, "https://us.test", ()), MarketParams((), 20, 0, 0), self.height, 0)
        for _ in range(leases):
            lease = self.new()
            self.book.leases[lease] = Lease(lease, "active", RATE, self.height)

    def new(self) -> LeaseID:
        lease = LeaseID(f"akash1{self.next % 997:038d}", self.next, 1, 1, US)
        self.next += 1
        self.chain.open(lease)
        self.book.orders[lease.order] = _order(lease.order)
        return lease

    def block(self, txs: Iterable[TxResult]) -> Block:
        self.height += 1
        return Block(self.height, self.height * 6 * 10**9, tuple(txs), (PriceTold("akt", 125 * 10**16),))

    def quiet(self) -> Block:
        return self.block(())

    def ordinary(self) -> Block:
        order = OrderID(f"akash1{self.height:038d}", self.height, 1, 1)
        paid, out = self.chain.moved(Movement(US, FEE, Purpose.FEE)), self.chain.moved
        bid = (paid, out(Movement(US, DEPOSIT, Purpose.DEPOSIT, ESCROW, order, US)))
        failed = (out(Movement(US, FEE, Purpose.FEE)),)
        return self.block(
            [
                self._tx(bid, events=(BidCreated(order.bid_of(US), RATE),)),
                self._tx(failed, code=5),
                self._withdraw(1),
            ]
        )

    def burst(self) -> Block:
        return self.block([self._withdraw(50)])

    def change(self) -> Block:
        over = self.random.choice(list(self.book.leases))
        new = self.new()
        money = (self.chain.pays(over, 77),)
        return self.block([self._tx(money, events=(LeaseCreated(new, RATE), LeaseClosed(over, 1)))])

    def _withdraw(self, count: int) -> TxResult:
        leases = self.random.sample(list(self.book.leases), count)
        money = (self.chain.moved(Movement(US, FEE, Purpose.FEE)), *(self.chain.pays(one, 1_234) for one in leases))
        return self._tx(money, touches=tuple(Touch(one.deployment, settles=True) for one in leases))

    def _tx(self, money: tuple[Movement, ...], code: int = 0, **more: Any) -> TxResult:
        hash_ = f"{self.random.getrandbits(256):064X}"
        return TxResult(
            hash_, code, "sdk" if code else "", "", 1, more.get("events", ()), money, more.get("touches", ())
        )


def _funds(market: Market) -> Funds:
    async def send(*_: Any, **__: Any) -> str:
        return ""

    async def unsure(_: Any) -> bool:
        return False

    return Funds(
        market.book, lambda _: market.chain, unsure, send, Closing(market.book, send), LeaseSettings(),
        Coin("uakt", 4_000), lambda: 6000,
    )  # fmt: skip


async def _settle(funds: Funds) -> None:
    """What its readers and its sender do meanwhile."""
    while len(funds.queue):
        owner = await funds.queue.get()
        await funds.handle(owner)
        funds.queue.done(owner)
    await funds.flush()


async def run(leases: int, blocks: int, seed: int) -> dict[str, Any]:
    rss_mib = {"before": _rss_mib()}
    market = Market(leases, seed)
    kinds = {"quiet": market.quiet, "ordinary": market.ordinary, "burst": market.burst, "change": market.change}
    took: dict[str, list[float]] = {name: [] for name in kinds}
    finding: list[float] = []
    outcomes, funds = Outcomes(market.book, Running(market.book)), _funds(market)
    with tempfile.TemporaryDirectory(prefix="akp-") as work:
        path = Path(work) / "ledger.db"
        async with Store.open(path) as store:
            books = Books(store)
            accounts = Accounts(market.book, Room(Commit()), books, lambda _: market.chain)  # type: ignore[arg-type,return-value]
            began = time.perf_counter()
            found = await accounts.reconcile(None)
            await books.advance(Head(market.height, 0), found, accounts.usd)
            opening_s, rows, size = time.perf_counter() - began, await books.journal.newest(), await _size(store)
            rss_mib["opened"] = _rss_mib()
            for number in range(blocks):
                name = (
                    "burst"
                    if number % 100 == 99
                    else "change"
                    if number % 20 == 19
                    else ("ordinary", "quiet")[number % 2]
                )
                block = kinds[name]()
                begin = time.process_time()
                outcomes.of(block)
                found_ms = (time.process_time() - begin) * 1000
                touched = market.book.apply(block)
                begin = time.perf_counter()
                entries = await accounts.entries(block, touched)
                await books.advance(Head(block.height, block.time_unix_ns), entries, accounts.usd)
                took[name].append((time.perf_counter() - begin) * 1000)
                begin = time.process_time()
                funds.booked((), touched.closed, block.height)
                funds.opened(touched.opened)
                funds.tick(block.height)
                finding.append(found_ms + (time.process_time() - begin) * 1000)
                await _settle(funds)
            written, grown = await books.journal.newest() - rows, await _size(store) - size
            rss_mib["after_blocks"] = _rss_mib()
            equal = (await books.journal.balances())[US] == market.chain.balance
        verdict = await verify(path)
    every = sorted(ms for some in took.values() for ms in some)
    return {
        "leases": leases,
        "blocks": blocks,
        "opening_s": round(opening_s, 2),
        "ms_per_block": {
            "median": _ms(statistics.median(every)),
            "p99": _ms(every[int(len(every) * 0.99)]),
            "max": _ms(every[-1]),
        },
        "by_kind": {
            name: {"median": _ms(statistics.median(some)), "max": _ms(max(some))} for name, some in took.items() if some
        },
        "finding_cpu_ms_per_block": {"median": _ms(statistics.median(finding)), "max": _ms(max(finding))},
        "rows_per_1000_blocks": written * 1000 // blocks,
        "bytes_per_1000_blocks": grown * 1000 // blocks,
        "rss_mib": rss_mib | {"peak": int(usage(os.getpid())["peak_mib"])},
        "ledger_equals_chain": equal,
        "faults": list(verdict.faults),
    }


async def _size(store: Store) -> int:
    return int((await store.read("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))[0][0])


def _rss_mib() -> int:
    """Of this process; the book, the chain in memory and what Python itself needs included."""
    return int(usage(os.getpid())["rss_mib"])


def _ms(value: float) -> float:
    return round(value, 2)


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m e2e.bench ledger", description=__doc__)
    asked.add_argument("--leases", type=int, default=10_000)
    asked.add_argument("--blocks", type=int, default=2_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    log.configure("json", level="error")
    print(json.dumps(asyncio.run(run(given.leases, given.blocks, given.seed)), indent=2))
    return 0
