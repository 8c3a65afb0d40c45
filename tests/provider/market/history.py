"""A market's history in this process: the sandbox chain's own rules, blocks as the follower reads them, questions as
the daemon asks them, and the ledger's part of the daemon over it. No sockets, no clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bidengine.commit import Commit
from bidengine.room import Room
from bidengine.usage import told_of, usage
from manifests.coins import E18, Coin, DecCoin, trunc
from manifests.ids import DeploymentID, LeaseID, OrderID
from manifests.resources import GroupSpec
from provider.chain import follow
from provider.chain.comet import RawBlock
from provider.chain.events import Block
from provider.chain.keys import Key
from provider.chain.messages import (
    CloseBid,
    CloseDeployment,
    CloseLease,
    CreateBid,
    CreateDeployment,
    CreateLease,
    CreateProvider,
    Deposit,
    Grant,
    Msg,
    Send,
    WithdrawLease,
)
from provider.chain.nodes import NodeError
from provider.chain.query import Query
from provider.chain.tx import build
from provider.errors import NotFound
from provider.ledger.books import Books, Head
from provider.ledger.store import Store
from provider.market.book import Book
from provider.market.money.accounts import Accounts
from provider.sandbox.chain.app import App
from provider.sandbox.chain.comet_json import events_json, tx_result_json
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.genesis import Genesis

US, HOT, RIVAL, TENANT, FRIEND = (Key.from_hex(f"{n:064x}") for n in range(1, 6))
SECOND = 10**9


class InProcess:
    """What `Query` needs of `Nodes`."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def call(self, service: str, method: str, request: Any, *, height: int | None = None, **_: Any) -> Any:
        try:
            return self.app.query(f"/{service}/{method}", request, height), height or self.app.height
        except QueryError as no:
            raise (NotFound if no.status == "NOT_FOUND" else lambda text: NodeError(text, text))(no.text) from None


@dataclass
class Market:
    """`await put(block of transactions)`; `at(height)` asks."""

    spec: GroupSpec
    app: App = field(
        default_factory=lambda: App(
            Genesis.default(
                {k.address: {"uakt": 10**10, "uact": 10**10} for k in (US, HOT, RIVAL, TENANT, FRIEND)},
                genesis_time_unix_ns=1_700_000_000 * SECOND,
            )
        )
    )
    blocks: list[Block] = field(default_factory=list)
    _sequences: dict[str, int] = field(default_factory=dict)

    def at(self, height: int | None = None) -> Query:
        return Query(InProcess(self.app), height)  # type: ignore[arg-type]

    @property
    def height(self) -> int:
        return self.app.height

    async def tx(self, key: Key, msgs: Iterable[Msg], *, gas: int = 4_000_000) -> bytes:
        """Signed bytes, one after another of each account; messages of other accounts travel in a MsgExec."""
        boxes = [build.box(m, key.address) for m in msgs]
        account = await self.at().account(key.address)
        assert account is not None
        sequence = max(self._sequences.get(key.address, 0), account.sequence)
        self._sequences[key.address] = sequence + 1
        body = build.body(boxes)
        auth = build.auth_info(key.public_key, sequence, gas, [Coin("uakt", gas // 40)])
        document = build.sign_doc(body, auth, self.app.chain_id, account.number)
        return build.raw(body, auth, await key.signature(document))

    async def put(self, *txs: bytes, after_s: int = 6) -> Block:
        made = self.app.deliver_block(self.app.time_unix_ns + after_s * SECOND, list(txs))
        self._sequences.clear()  # one that was refused before it was charged has not counted
        raw = RawBlock(
            made.height, self.app.time_unix_ns, self.app.chain_id, str(made.height), str(made.height - 1),
            tuple(build.tx_hash(tx) for tx in txs), tuple(tx_result_json(r) for r in made.results),
            tuple(events_json(made.block_events)), txs,
        )  # fmt: skip
        block = follow.read(raw)
        self.blocks.append(block)
        return block

    async def begin(self) -> None:
        """Two providers are registered, and the hot key may do for us what it must."""
        for key in (US, RIVAL):
            url = f"https://{key.address[-4:]}.test:8443"
            block = await self.put(await self.tx(key, [CreateProvider(key.address, url, ())]))
            assert block.txs[0].code == 0, block.txs[0].log
        kinds = ("MsgCreateBid", "MsgCloseBid", "MsgWithdrawLease")
        grants = [Grant(US.address, HOT.address, f"/akash.market.v1beta5.{kind}") for kind in kinds]
        assert (await self.put(await self.tx(US, grants))).txs[0].code == 0


@dataclass
class Bookkeeper:
    """The daemon's ledger part: takes blocks as the follower does, and can die and come back at any height."""

    market: Market
    store: Store
    book: Book | None = None
    accounts: Accounts | None = None
    began: int = 0
    keys: tuple[Key, ...] = (US, HOT)
    """whose balances are kept"""

    @property
    def books(self) -> Books:
        return Books(self.store)

    async def start(self, height: int | None = None) -> None:
        """At the ledger's height, or as after a long absence at a later one."""
        head = await self.books.head()
        if height is None:
            height = head.height if head is not None else self.market.height
        self.began = self.began or height
        book = await Book.load(self.market.at(height), US.address, height, 0)
        self.book, room = book, Room(Commit())
        self.accounts = Accounts(book, room, self.books, self.market.at, {HOT.address})
        found = await self.accounts.reconcile(head)
        await self.books.advance(Head(height, height * 6 * SECOND), found, self.accounts.usd)

    async def take(self, block: Block) -> None:
        assert self.book is not None
        assert self.accounts is not None
        touched = self.book.apply(block)
        await self.book.fill(self.market.at(block.height), touched)
        found = await self.accounts.entries(block, touched)
        await self.books.advance(Head(block.height, block.height * 6 * SECOND), found, self.accounts.usd)

    async def is_equal(self) -> None:
        """Every figure of the ledger is the chain's of the same height."""
        head = await self.books.head()
        assert head is not None
        chain, journal = self.market.at(head.height), self.books.journal
        balances = await journal.balances()
        for key in self.keys:
            has = await chain.balances(key.address)
            kept = {d: n for d, n in balances[key.address].items() if n}
            assert kept == has, f"at {head.height} {kept} and not {has}"
        out: Counter[tuple[str, str, str]] = Counter()
        for state in ("open", "active"):
            for one in await chain.bid_deposits(US.address, state):
                out[str(one.bid), one.account, one.coin.denom] += one.coin.amount
        assert {(str(b), a, d): n for (b, a, d), n in (await journal.deposits()).items()} == out
        known = {row.lease for row in await self.books.leases()}
        for lease in await chain.leases(US.address):
            if lease.created_at <= self.began and lease.id not in known:
                continue  # over before the books began
            payments = {p.lease: p for p in await chain.escrow_payments(lease.id.deployment)}
            paid, settled = await journal.paid(lease.id), await journal.credited(lease.id)
            total = payments[lease.id].withdrawn
            assert paid.get(total.denom, 0) == total.amount, f"{lease.id} at {head.height}"
            there = total.amount + trunc(payments[lease.id].balance_e18)
            assert settled == there, f"{lease.id} at {head.height}: {settled} and not {there}"
            if spans := await self.books.spans(lease.id):
                told = await self.books.settlements(lease.id)
                used = usage(spans, told, *told_of(spans, told, head.height))
                credit = sum(used.earned.values()) - sum(used.forecast.values())
                assert credit == there, f"{lease.id} at {head.height}: {used.earned} told and not {there}"
                assert not used.forecast or lease.live, f"{lease.id} is over, nothing is forecast"
        live = {lease.id for lease in await chain.leases(US.address) if lease.live}
        assert await self.books.open_leases() == live


@dataclass
class Crowd:
    """Tenants and providers who do anything the chain might accept, and much that it will not."""

    market: Market
    dice: random.Random
    dseq: int = 0
    orders: list[OrderID] = field(default_factory=list)
    bids: list[LeaseID] = field(default_factory=list)

    async def some(self) -> list[bytes]:
        """The transactions of one block."""
        made = []
        for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
            key, msgs = self._one()
            if msgs:
                made.append(await self.market.tx(key, msgs))
        return made

    def _one(self) -> tuple[Key, list[Msg]]:
        d = self.dice
        what = d.choice(
            ("deploy", "deploy", "bid", "bid", "bid", "lease", "lease", "withdraw", "withdraw", "close lease",
             "close bid", "close deployment", "deposit", "send", "fail", "several")
        )  # fmt: skip
        ours, order = d.choice((US, US, HOT)), d.choice(self.orders) if self.orders else None
        bid = d.choice(self.bids) if self.bids else None
        if what == "deploy":
            self.dseq += d.choice((1, 9, 10))  # so that one number is the beginning of another
            deployment = DeploymentID(TENANT.address, self.dseq)
            groups = tuple(replace(self.market.spec, name=f"g{n}") for n in range(d.choice((1, 1, 2))))
            self.orders += [OrderID(TENANT.address, self.dseq, n + 1, 1) for n in range(len(groups))]
            return TENANT, [CreateDeployment(deployment, groups, b"h" * 32, Coin("uact", d.choice((500_000, 900_000))))]
        if what == "send":
            key, to = d.sample([US, HOT, FRIEND], 2)
            return key, [Send(key.address, to.address, Coin("uakt", d.randint(1, 999)))]
        if what == "fail":
            return US, [Send(US.address, FRIEND.address, Coin("uakt", 10**15))]
        if order is not None and what == "bid":
            who = d.choice((ours, ours, RIVAL))
            name = RIVAL if who is RIVAL else US
            self.bids.append(order.bid_of(name.address))
            price = DecCoin("uact", d.choice((400 * E18, 10_000 * E18, 70_000 * E18 + 5 * E18 // 10, E18 // 3)))
            return who, [CreateBid(order.bid_of(name.address), price, Coin("uakt", d.choice((500_000, 600_000))))]
        if bid is None:
            return US, []
        mine = ours if bid.provider == US.address else RIVAL
        match what:
            case "lease":
                return TENANT, [CreateLease(bid)]
            case "withdraw":
                return mine, [WithdrawLease(bid)]
            case "close lease":
                self.orders.append(replace(bid.order, oseq=bid.oseq + 1))
                return TENANT, [CloseLease(bid)]
            case "close bid":
                return mine, [CloseBid(bid, 10001)]
            case "close deployment":
                return TENANT, [CloseDeployment(bid.deployment)]
            case "deposit":
                who = d.choice((TENANT, FRIEND, US))
                return who, [Deposit(who.address, bid.deployment, Coin("uact", d.choice((1, 70_000, 500_000))))]
            case "several":
                others = d.sample(self.bids, min(3, len(self.bids)))
                return ours, [WithdrawLease(b) for b in others if b.provider == US.address]
        return US, []
