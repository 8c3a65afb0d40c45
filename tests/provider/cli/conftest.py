"""A ledger with two leases in it, and `akp` called in this process."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from bidengine.notation import parse_group
from bidengine.recorded import order_json
from bidengine.usage import Span
from bidengine.views import Order
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.chain.client import Chain
from provider.chain.keys import Key
from provider.chain.messages import CreateBid, CreateDeployment, CreateLease, CreateProvider, Msg
from provider.chain.tx import build, once
from provider.cli import main as cli
from provider.ledger.books import Books, Ended, Entry, Head, Opened, Paid, Settled
from provider.ledger.decisions import Decided, Seen
from provider.ledger.store import Store
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node
from provider.settings import ChainSettings, NodeSettings

OVER = LeaseID("akash1tenant", 7, 1, 1, "akash1us")
LIVE = LeaseID("akash1tenant", 8, 1, 1, "akash1us")
HEAD = 150


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def akp(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Said]]:
    """`akp("ledger", "usage", …)`: exit code and what was printed. Commands that set up logging have it undone."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(noun: str, *args: str | Path) -> Said:
        capsys.readouterr()  # what the test itself has said so far
        code = cli.run(noun, [str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield call
    structlog.reset_defaults()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """`OVER` ran from 100 to 110 at 11.407712 per block and was settled at 104 and 110; `LIVE` runs since 120 at 2.5
    and was paid once, at 130. The last block is 150."""

    def span(lease: LeaseID, start: int, rate_e18: int) -> Opened:
        return Opened(
            Span(lease, start, None, DecCoin("uact", rate_e18), 200, 64 << 20, 1, "nvidia/a100", (("beta3", 1 << 30),))
        )

    def paid(lease: LeaseID, height: int, total: int, why: str) -> list[Entry]:
        coin = Coin("uact", total)
        return [Settled(lease, height, coin, why if why == "closed" else "open"), Paid(lease, height, coin, why)]

    async def write() -> None:
        async with Store.open(tmp_path / "ledger.db") as store:
            books, rate = Books(store), 11_407_712 * 10**12
            first = 4 * rate // E18
            await books.advance(Head(100, 1), [span(OVER, 100, rate)])
            await books.advance(Head(104, 2), paid(OVER, 104, first, "withdraw"))
            total = first + 6 * rate // E18
            await books.advance(Head(110, 3), [Ended(OVER, 110, 1), *paid(OVER, 110, total, "closed")])
            await books.advance(Head(120, 4), [span(LIVE, 120, 25 * E18 // 10)])
            await books.advance(Head(130, 5), paid(LIVE, 130, 25, "withdraw"))
            await books.advance(Head(HEAD, 6))

    asyncio.run(write())
    return tmp_path


H100 = "vendor/nvidia/model/h100"
RIVAL = "akash1rival"


def order(dseq: int, text: str = "1cpu,1Gi") -> Order:
    spec = parse_group(text)
    priced = tuple(replace(unit, price=DecCoin("uact", 100 * E18)) for unit in spec.resources)
    return Order(OrderID("akash1tenant", dseq, 1, 1), "open", replace(spec, resources=priced), 100 + dseq)


@pytest.fixture
def decided(tmp_path: Path) -> Path:
    """A ledger at height 200 (time 12,000,000 s) that has seen four orders: 1 had no room, 2 was lost on price, 3 was
    won, ran 40 blocks and is over, 4 waits for an answer; and 5 of version 1, of which little was noted."""

    def seen(dseq: int, height: int, text: str = "1cpu,1Gi") -> Seen:
        one = order(dseq, text)
        return Seen(one.id, one.created_at, height, 12_000_000 - 6 * (200 - height), json.dumps(order_json(one)))

    def at(dseq: int, height: int, outcome: str, detail: str = "", **more: Any) -> Decided:
        return Decided(order(dseq).id, height, outcome, detail, 12_000_000 - 6 * (200 - height), **more)

    ours, theirs = DecCoin("uact", 12 * E18), DecCoin("uact", 9 * E18)
    facts = {"placement": ["unit 1: 1 on n1 with nvidia/h100"], "price": ["unit 1 gpu: 7"], "strategy": "tariff"}
    won = {"price": ours, "winner": "akash1us", "winner_price": ours}

    async def write() -> None:
        async with Store.open(tmp_path / "ledger.db") as store:
            books = Books(store)
            await books.advance(Head(200, 12_000_000 * 10**9))
            await books.decisions.note(
                seen(1, 101, "9xh100"),
                at(1, 101, "skip.capacity.gpu_model", "needs 9, 8 are free"),
                at(1, 105, "skip.capacity.gpu_model", "needs 9, 7 are free"),
                seen(2, 110, "2xh100,16cpu,64Gi"),
                at(2, 110, "bid", price=ours, tx_hash="ABCD", facts=facts, gpu_model=H100),
                at(2, 115, "lost.price", "akash1rival got it", price=ours, winner=RIVAL, winner_price=theirs),
                seen(3, 120),
                at(3, 120, "bid", price=ours),
                at(3, 125, "won", "at 12uact per block", leased_at=125, **won),
                at(3, 130, "won", "all services run", started_at=130),
                at(3, 165, "won", "the lease ended (owner)", ended_at=165),
                seen(4, 190),
                at(4, 190, "bid", price=ours),
                Decided(order(5).id, 20, "lost.unknown"),
            )

    asyncio.run(write())
    return tmp_path


OWNER, HOT = Key.from_hex("1" * 64), Key.from_hex("2" * 64)


@dataclass
class ChainTown:
    """A sandbox chain in a thread of its own, since commands have their own loop; and settings files for it."""

    work: Path
    settings: ChainSettings
    owner: Key = OWNER
    hot: Key = HOT
    written: int = field(default=0)

    def config(self, signer: Key = OWNER, /, **sections: Any) -> Path:
        """A settings file by which `signer` signs; sections are merged in."""
        self.written += 1
        secret = self.work / f"key-{self.written}.hex"
        secret.write_text(("1" if signer is OWNER else "2") * 64)
        chain = {
            "id": self.settings.id,
            "nodes": [node.model_dump() for node in self.settings.nodes],
            "tx_timeout_s": 590,
        }
        values = {"chain": chain, "data": str(self.work), "key": {"hex_file": str(secret), **sections.pop("key", {})}}
        path = self.work / f"akp-{self.written}.yaml"
        path.write_text(json.dumps({**values, **sections}))
        return path

    def does(self, key: Key, *msgs: Msg) -> once.Landed:
        """Another program of the same account."""

        async def send() -> once.Landed:
            async with Chain.connect(self.settings) as chain:
                return await once.send(chain, key, await once.draft(chain, key, msgs, self.settings))

        return asyncio.run(send())

    def does_boxes(self, key: Key, boxes: list[Any]) -> None:
        """The same with messages as they were read from a file, whatever they are."""

        async def send() -> None:
            async with Chain.connect(self.settings) as chain:
                account = await chain.account(key.address)
                assert account is not None
                timeout, fee = (await chain.head()).time_unix_ns + 590 * 10**9, Coin("uakt", 100_000)
                body = build.body(boxes, timeout_unix_ns=timeout, unordered=True)
                auth_info = build.auth_info(key.public_key, 0, 4_000_000, [fee])
                document = build.sign_doc(body, auth_info, chain.id, account.number)
                await once.send(chain, key, once.Draft(body, auth_info, document, 4_000_000, fee, timeout))

        asyncio.run(send())

    def ask(self, what: Callable[[Any], Any]) -> Any:
        """`what(query)` at the latest height."""

        async def asked() -> Any:
            async with Chain.connect(self.settings) as chain:
                return await what(chain.latest)

        return asyncio.run(asked())


TENANT = Key.from_hex("3" * 64)
RIVALS = sorted((Key.from_hex(digit * 64) for digit in "56789"), key=lambda key: key.address)
BOND = Coin("uakt", 500_000)


@dataclass
class MarketTown(ChainTown):
    """`OWNER` is a registered provider here, `TENANT` has money, and there are rivals."""

    def posts(self, dseq: int, deposit: int = 1_000_000) -> OrderID:
        spec = parse_group("1cpu,1Gi,1Gi:ephemeral")
        priced = tuple(replace(unit, price=DecCoin("uact", 1000 * E18)) for unit in spec.resources)
        key = DeploymentID(TENANT.address, dseq)
        group = replace(spec, resources=priced)
        self.does(TENANT, CreateDeployment(key, (group,), bytes(32), Coin("uact", deposit)))
        return OrderID(TENANT.address, dseq, 1, 1)

    def bids(self, order: OrderID, *bidders: Key, window_s: int | None = None) -> LeaseID:
        for key in bidders:
            bid = order.bid_of(key.address)
            self.does(key, CreateBid(bid, DecCoin("uact", 100 * E18), BOND, (), window_s))
        return order.bid_of(bidders[0].address)

    def leases(self, dseq: int, *, window_s: int | None = None, deposit: int = 1_000_000) -> LeaseID:
        lease = self.bids(self.posts(dseq, deposit), OWNER, window_s=window_s)
        self.does(TENANT, CreateLease(lease))
        return lease

    def loses(self, dseq: int) -> LeaseID:
        """A bid of ours that the chain has left open though another won: of two losers it ends the first alone."""
        order = self.posts(dseq)
        first, winner = RIVALS[0], RIVALS[-1]
        assert first.address < OWNER.address
        ours = self.bids(order, OWNER, first, winner)
        self.does(TENANT, CreateLease(order.bid_of(winner.address)))
        return ours


@pytest.fixture
def chain_town(tmp_path: Path) -> Iterator[ChainTown]:
    rich = {"uakt": 10**9}
    with _running({k.address: rich for k in (OWNER, HOT)}) as settings:
        yield ChainTown(tmp_path, settings)


@pytest.fixture
def market_town(tmp_path: Path) -> Iterator[MarketTown]:
    rich = {"uakt": 10**9, "uact": 10**9}
    balances = {k.address: rich for k in (OWNER, HOT, TENANT, *RIVALS)}
    with _running(balances, min_reclamation_window_ns=10**9) as settings:
        town = MarketTown(tmp_path, settings)
        for key in (OWNER, RIVALS[0], RIVALS[-1]):
            town.does(key, CreateProvider(key.address, "https://p.test:8443", ()))
        yield town


@contextmanager
def _running(balances: dict[str, dict[str, int]], **params: Any) -> Iterator[ChainSettings]:
    genesis = Genesis.default(balances, genesis_time_unix_ns=time.time_ns(), **params)
    up, found = threading.Event(), list[tuple[str, str]]()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def live() -> None:
        async with Node(genesis, block_time_s=0.1, virtual_block_time_s=1.0) as node:
            found.append((node.grpc_url, node.rpc_url))
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    assert up.wait(600), "the sandbox chain did not come up"
    grpc, rpc = found[0]
    settings = ChainSettings(id=genesis.chain_id, nodes=(NodeSettings(rpc=rpc, grpc=grpc),), tx_timeout_s=590)
    yield settings
    loop.call_soon_threadsafe(stop.set)
    thread.join(600)
    loop.close()
