"""A small market to play with: values to build views from, and a chain in memory that answers what the book asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.room import HoldState, Room
from bidengine.views import (
    Bid,
    BidDeposit,
    Deployment,
    Deposit,
    EscrowAccount,
    EscrowPayment,
    Group,
    Lease,
    LockedBid,
    MarketParams,
    OraclePrice,
    Order,
    Provider,
)
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import (
    Attributes,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    Storage,
)
from provider.chain.messages import Msg
from provider.errors import NotFound, Refused
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.market.bids.orders import Orders
from provider.market.bids.promises import Promises
from provider.market.bids.wallet import Wallet
from provider.market.book import Book
from provider.market.policy.policy import Policies
from provider.market.pricing import Pricing
from provider.market.pricing.prices import Prices
from provider.market.pricing.tariff import FromTariff
from provider.metrics import Metrics
from provider.settings import BidSettings

US, TENANT, RIVAL = "akash1us", "akash1tenant", "akash1rival"
PARAMS = MarketParams((Coin("uakt", 500_000),), 20, 3600, 2_592_000)

PRICES = """
currency: uact
usdPerMonth: {cpu: 1.60, memoryGiB: 0.80, storageGiB: {ephemeral: 0.02}, endpoint: 0.05, gpu: {"*": 100}}
"""


def spec(cpu_milli: int = 100, price: int = 1000) -> GroupSpec:
    resources = Resources(
        1,
        Cpu(cpu_milli),
        Memory(64 << 20),
        (Storage("default", 128 << 20),),
        Gpu(),
        (Endpoint(EndpointKind.SHARED_HTTP),),
    )
    return GroupSpec("here", Requirements(), (ResourceUnit(resources, 1, DecCoin("uact", price * E18)),))


def order_id(dseq: int, oseq: int = 1) -> OrderID:
    return OrderID(TENANT, dseq, 1, oseq)


@dataclass
class MemoryChain:
    """What is on chain, as dictionaries; counts the questions it is asked."""

    us: Provider = field(default_factory=lambda: Provider(US, "https://us.test:8443", ()))
    orders_: dict[OrderID, Order] = field(default_factory=dict)
    bids_: dict[BidID, Bid] = field(default_factory=dict)
    leases_: dict[LeaseID, Lease] = field(default_factory=dict)
    payments_: dict[LeaseID, EscrowPayment] = field(default_factory=dict)
    accounts_: dict[DeploymentID, EscrowAccount] = field(default_factory=dict)
    locked_: dict[BidID, tuple[Deposit, ...]] = field(default_factory=dict)
    audited_: dict[str, Attributes] = field(default_factory=dict)
    balances_: dict[str, int] = field(default_factory=dict)
    deposits_: list[BidDeposit] = field(default_factory=list)
    price_: OraclePrice | None = None
    unreadable_: set[OrderID] = field(default_factory=set)
    """orders of a kind that only a later version knows"""
    asked: list[str] = field(default_factory=list)

    def add_order(self, dseq: int, *, state: str = "open", at: int = 1, **kw: int) -> OrderID:
        key = order_id(dseq)
        self.orders_[key] = Order(key, state, spec(**kw), at)
        return key

    def add_bid(self, order: OrderID, *, state: str = "open", at: int = 2, by: str = US, price: int = 5) -> BidID:
        bid = order.bid_of(by)
        self.bids_[bid] = Bid(bid, state, DecCoin("uact", price * E18), at)
        return bid

    def add_lease(self, order: OrderID, *, state: str = "active", at: int = 3, price: int = 5) -> LeaseID:
        lease = order.bid_of(US)
        self.leases_[lease] = Lease(lease, state, DecCoin("uact", price * E18), at)
        return lease

    async def orders(self, state: str = "open", owner: str = "") -> list[Order]:
        self.asked.append("orders")
        found = [o for o in self.orders_.values() if o.state == state and owner in ("", o.id.owner)]
        return [o for o in found if o.id not in self.unreadable_]

    async def order(self, order: OrderID) -> Order:
        self.asked.append("order")
        if order in self.unreadable_:
            raise Refused("unknown endpoint kind 7")
        return _found(self.orders_, order)

    async def over(self, order: OrderID) -> bool:
        return order not in self.orders_ or self.orders_[order].state != "open"

    async def bids(self, provider: str = "", state: str = "") -> list[Bid]:
        return [b for b in self.bids_.values() if b.state == state and b.id.provider == provider]

    async def bid(self, bid: BidID) -> Bid:
        return _found(self.bids_, bid)

    async def leases(self, provider: str = "", state: str = "", *, owner: str = "") -> list[Lease]:
        if owner:
            self.asked.append("leases of owner")
        return [
            one
            for one in self.leases_.values()
            if state in ("", one.state) and provider in ("", one.id.provider) and owner in ("", one.id.owner)
        ]

    async def lease(self, lease: LeaseID) -> Lease:
        self.asked.append("lease")
        return _found(self.leases_, lease)

    async def deployment(self, deployment: DeploymentID) -> Deployment:
        group = GroupID(deployment.owner, deployment.dseq, 1)
        return Deployment(deployment, "active", b"\1" * 32, (Group(group, "open", spec()),))

    async def provider(self, owner: str) -> Provider:
        if owner != self.us.owner:
            raise NotFound("invalid provider: address not found")
        return self.us

    async def audited(self, owner: str) -> dict[str, Attributes]:
        return dict(self.audited_) if owner == US else {}

    async def balances(self, address: str) -> dict[str, int]:
        return dict(self.balances_) if address == US else {}

    async def bid_deposits(self, provider: str, state: str) -> list[BidDeposit]:
        return [d for d in self.deposits_ if d.bid.provider == provider and self.bids_[d.bid].state == state]

    async def oracle_price(self, denom: str = "akt") -> OraclePrice | None:
        return self.price_

    async def market_params(self) -> MarketParams:
        return PARAMS

    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]:
        self.asked.append("payments")
        return [p for p in self.payments_.values() if p.lease.deployment == deployment]

    async def open_payments(self, owner: str) -> list[EscrowPayment]:
        self.asked.append("open payments")
        return [p for p in self.payments_.values() if p.lease.owner == owner and p.state == "open"]

    async def escrow_account(self, deployment: DeploymentID) -> EscrowAccount:
        return _found(self.accounts_, deployment)

    async def locked_bids(self, provider: str, state: str = "open") -> list[LockedBid]:
        bids = await self.bids(provider, state)
        return [LockedBid(bid, "open", self.locked_.get(bid.id, ())) for bid in bids]

    async def open_escrows(
        self, owner: str, dseq: int | None = None
    ) -> tuple[list[EscrowAccount], list[EscrowPayment]]:
        self.asked.append("escrows")
        prefix = f"{owner}/{'' if dseq is None else dseq}"
        return (
            [a for a in self.accounts_.values() if str(a.deployment).startswith(prefix) and a.state == "open"],
            [p for p in self.payments_.values() if str(p.lease).startswith(prefix) and p.state == "open"],
        )


def _found(table: dict[Any, Any], key: Any) -> Any:
    if key not in table:
        raise NotFound(f"{key} not found")
    return table[key]


@pytest.fixture
def chain() -> MemoryChain:
    return MemoryChain()


@pytest.fixture
def make_spec() -> Callable[..., GroupSpec]:
    return spec


@dataclass
class Play:
    """One provider with one node of one core, over a real room, a real price file and a ledger."""

    chain: Any
    orders: Orders
    sent: list[Msg] = field(default_factory=list)
    answer: Exception | None = None

    @property
    def book(self) -> Book:
        return self.orders.book

    @property
    def room(self) -> Room:
        return self.orders.room

    async def send(self, msg: Msg) -> str:
        if self.answer is not None:
            raise self.answer
        self.sent.append(msg)
        return "HASH"

    async def order(self, dseq: int = 1, **kw: int) -> OrderID:
        key: OrderID = self.chain.add_order(dseq, **kw)
        self.book.orders[key] = self.chain.orders_[key]
        await self.orders.handle(key)
        return key

    def policy(self, text: str) -> None:
        """The operator writes it; the next block takes it over."""
        self.orders.judge.policies._file.path.write_text(text)  # type: ignore[union-attr]
        self.tick()

    def tick(self) -> None:
        self.book.height += 1
        self.book.time_unix_ns += 6 * 10**9
        self.orders.tick(self.book.height)

    def state(self, key: OrderID) -> HoldState | None:
        hold = self.room.holds.get(key)
        return hold.state if hold else None


@pytest.fixture
async def play(chain: Any, tmp_path: Path) -> AsyncIterator[Play]:
    (tmp_path / "prices.yaml").write_text(PRICES)
    (tmp_path / "policy.yaml").write_text("{}")
    room = Room(Commit())
    room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10))
    book = await Book.load(chain, US, 7, 70)
    metrics = Metrics()
    async with Store.open(tmp_path / "ledger.db") as store:
        made: list[Play] = []
        orders = Orders(
            book,
            room,
            Pricing(FromTariff(Prices(tmp_path / "prices.yaml"), lambda: 6000), metrics),
            Books(store),
            lambda msg: made[0].send(msg),
            chain.bid,
            chain.over,
            BidSettings(timeout_s=60),
            metrics,
            lambda: 6000,
            Policies(tmp_path / "policy.yaml", tmp_path),
            Wallet(book, Promises(book, room), lambda _: chain, BidSettings()),
        )
        made.append(Play(chain, orders))
        yield made[0]


@dataclass
class ListServer:
    """Serves one list of tenants under /list, with an ETag; can be told to misbehave."""

    text: str | bytes = "# nobody\n"
    status: int = 200
    etag: str = '"1"'
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """the headers of each question"""
    url: str = ""
    slow: asyncio.Event | None = None
    """no answer until it is set"""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        if self.slow is not None:
            await self.slow.wait()
        if self.status == 200 and self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        body = self.text.encode() if isinstance(self.text, str) else self.text
        headers = {**self.headers, **({"ETag": self.etag} if self.etag else {})}
        return web.Response(status=self.status, body=body, headers=headers)


@pytest.fixture
async def list_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ListServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    serves = ListServer()
    app = web.Application()
    app.router.add_get("/list", serves.answer)
    async with TestServer(app) as server:
        serves.url = str(server.make_url("/list"))
        yield serves
