"""Income over the sandbox chain with a real signer: what is counted is on the chain, not in our memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from manifests.coins import E18, Coin, DecCoin, parse_decimal
from manifests.ids import DeploymentID, LeaseID
from provider.chain.client import Chain
from provider.chain.events import Block
from provider.chain.keys import Key
from provider.chain.messages import CreateBid, CreateDeployment, CreateLease, CreateProvider, Deposit, Msg
from provider.chain.tx.signer import Signer
from provider.market.book import Book
from provider.market.leases.closing import Closing
from provider.market.money.funds import Funds
from provider.sandbox.chain.genesis import Genesis, OracleParams
from provider.sandbox.chain.node import Node
from provider.settings import ChainSettings, LeaseSettings, NodeSettings
from provider.tasks import spawn

TENANT, US = Key.from_hex("3" * 64), Key.from_hex("4" * 64)
PERIOD_BLOCKS = 60
"""of a second each"""
YEAR_NS = 365 * 86_400 * 10**9


class Stage:
    """A chain, a tenant, and of the daemon the book, the signer and the funds. A block is made when told to."""

    def __init__(self, node: Node, chain: Chain, settings: ChainSettings, make_spec: Any, until: Any) -> None:
        self.until = until
        self.node, self.chain, self.settings, self.spec = node, chain, settings, make_spec(price=100_000)
        self.signers = {key.address: Signer(chain, key, settings) for key in (TENANT, US)}
        self.blocks: list[Block] = []
        self.book: Book | None = None
        self.funds: Funds | None = None

    async def follow(self) -> None:
        async for block in self.chain.follow(after=0):
            for signer in self.signers.values():
                assert not signer.look(block)
            self.blocks.append(block)
            if self.book is not None and self.funds is not None and block.height > self.book.height:
                touched = self.book.apply(block)
                await self.book.fill(self.chain.at(block.height), touched)
                paid = []
                for lease in [one for one in self.book.leases if one.deployment in self.funds._sent]:
                    payments = await self.chain.at(block.height).escrow_payments(lease.deployment)
                    paid += [lease for p in payments if p.lease == lease and p.withdrawn.amount]
                self.funds.booked(paid, touched.closed, block.height)
                self.funds.opened(touched.opened)
                self.funds.closing.tick(block.height)
                self.funds.tick(block.height)

    async def does(self, *msgs: Msg) -> None:
        """In blocks, before this returns."""
        signer = self.signers[US.address if isinstance(msgs[0], CreateBid | CreateProvider) else TENANT.address]
        await signer.send(*msgs)
        await self.until("they are in blocks", still(lambda: not signer.pending))

    async def block(self) -> None:
        """One more, and everything it makes the funds do, sent."""
        await self.node.step()
        assert self.book is not None
        assert self.funds is not None
        tip, us = (await self.chain.head()).height, self.signers[US.address]
        book, funds = self.book, self.funds
        await self.until("it is taken in", still(lambda: book.height >= tip))
        queues = funds.queue, funds.closing.queue
        await self.until("all is decided", still(lambda: not any(map(len, queues)) and not funds._ready))
        await self.until("all is sent", still(lambda: not us.pending or len(self.node.mempool) > 0))

    async def leases(self, count: int, deposit: int, rate: str = "100") -> list[LeaseID]:
        deployments = [DeploymentID(TENANT.address, 1000 + n) for n in range(count)]
        bids = [LeaseID(d.owner, d.dseq, 1, 1, US.address) for d in deployments]
        await self.does(*(CreateDeployment(d, (self.spec,), bytes(32), Coin("uact", deposit)) for d in deployments))
        await self.does(
            *(CreateBid(b, DecCoin("uact", parse_decimal(rate)), Coin("uakt", 500_000), (), None) for b in bids)
        )
        await self.does(*(CreateLease(b) for b in bids))
        return bids

    async def opens(self, **lease: Any) -> Funds:
        """As the daemon does, at the tip."""
        head = await self.chain.head()
        self.book = await Book.load(self.chain.at(head.height), US.address, head.height, head.time_unix_ns)
        send = self.signers[US.address].send
        self.funds = Funds(
            self.book, self.chain.at, self.chain.confirmed_wedge, send, Closing(self.book, send),
            LeaseSettings(**lease), Coin("uakt", 3563), lambda: 1000,
        )  # fmt: skip
        return self.funds


@pytest.fixture
def stage(make_spec: Any, until: Any) -> Callable[..., Any]:
    @asynccontextmanager
    async def open_() -> AsyncIterator[Stage]:
        rich = {"uakt": 10**12, "uact": 10**12}
        # Collateral there is none, so minting is halted, and the price is good: uakt stands in for uact.
        oracle = OracleParams(start_prices=(("akt", 5 * 10**17),), staleness_ns=YEAR_NS, retention_ns=YEAR_NS)
        genesis = Genesis.default(
            {k.address: rich for k in (TENANT, US)}, genesis_time_unix_ns=time.time_ns(), oracle=oracle
        )
        async with AsyncExitStack() as stack:
            node = await stack.enter_async_context(Node(genesis, block_time_s=0.1, virtual_block_time_s=1.0))
            settings = ChainSettings(
                id=genesis.chain_id, nodes=(NodeSettings(grpc=node.grpc_url, rpc=node.rpc_url),), tx_timeout_s=590
            )
            chain = await stack.enter_async_context(Chain.connect(settings))
            made = Stage(node, chain, settings, make_spec, until)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = [spawn(tasks, f"signer {n}", s.run()) for n, s in enumerate(made.signers.values())]
            running.append(spawn(tasks, "blocks", made.follow()))
            try:
                await made.does(CreateProvider(US.address, "https://us.test:8443", ()))
                yield made
            finally:
                for task in running:
                    task.cancel()

    return open_


async def test_three_hundred_leases_are_withdrawn_in_six_transactions(stage: Any) -> None:
    """product.md D12"""
    async with stage() as on, asyncio.TaskGroup() as tasks:
        leases = await on.leases(300, 500_000)
        on.node.chaos.producing = False
        for _ in range(PERIOD_BLOCKS):
            await on.node.step()
        funds = await on.opens(withdraw_period_s=PERIOD_BLOCKS, withdraw_fee_multiple=0)
        running = spawn(tasks, "funds", funds.run())
        begin, paid = funds.book.height, dict[LeaseID, int]()
        while not all(paid.get(lease) for lease in leases):
            await on.block()
            _, payments = await on.chain.latest.open_escrows(TENANT.address)
            paid = {p.lease: p.withdrawn.amount for p in payments}
        running.cancel()
        txs = [tx for block in on.blocks if block.height > begin for tx in block.txs]
        assert [tx.code for tx in txs] == [0] * len(txs)
        assert len(txs) <= 6, "nobody else sends anything here"


async def test_when_the_money_ends_the_lease_ends_in_the_next_block(stage: Any) -> None:
    async with stage() as on, asyncio.TaskGroup() as tasks:
        (lease,) = await on.leases(1, 503_000, rate="20000.5")
        funds = await on.opens(withdraw_period_s=10**6, withdraw_fee_multiple=0)
        running = spawn(tasks, "funds", funds.run())
        on.node.chaos.producing = False
        while lease in on.book.leases:
            await on.block()
            for forecast in funds.forecast():
                dry_at = forecast.dry_at
        running.cancel()
        found = await on.chain.latest.lease(lease)
        (payment,) = await on.chain.latest.escrow_payments(lease.deployment)
        assert (found.state, found.reason, found.closed_on) == ("insufficient_funds", 20_000, dry_at + 1)
        assert payment.withdrawn == Coin("uact", 503_000)
        assert payment.unsettled_e18 < 2 * 20_001 * E18, "it ran unpaid for the rest of a block, and one more"
        sent = [tx for block in on.blocks[begin_of(on, found.created_at) :] for tx in block.txs]
        assert [tx.code for tx in sent] == [0, 0], "one before the end, one at it"


async def test_a_lease_that_uakt_has_wedged_is_closed(stage: Any) -> None:
    """chain-probes.md §6: the fallback pays once, and never again."""
    async with stage() as on, asyncio.TaskGroup() as tasks:
        (lease,) = await on.leases(1, 503_000, rate="20000.5")
        await on.does(Deposit(TENANT.address, lease.deployment, Coin("uakt", 10**9)))
        funds = await on.opens(withdraw_period_s=10**6, withdraw_fee_multiple=0)
        running = [spawn(tasks, "funds", funds.run()), spawn(tasks, "closing", funds.closing.run())]
        on.node.chaos.producing = False
        seen_wedged = 0
        while lease in on.book.leases:
            await on.block()
            seen_wedged += len(funds.wedged)
        for task in running:
            task.cancel()
        found = await on.chain.latest.lease(lease)
        assert (found.state, found.reason) == ("closed", 10_002)
        account = await on.chain.latest.escrow_account(lease.deployment)
        assert account.wedged
        assert account.settled_at + 5 >= found.closed_on, "seen at once, closed a few blocks later"
        assert seen_wedged


def begin_of(on: Any, created_at: int) -> int:
    return next(n for n, block in enumerate(on.blocks) if block.height > created_at)


def still(look: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def looks() -> bool:
        return look()

    return looks
