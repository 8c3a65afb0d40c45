"""The chain, as the rest of the daemon holds it: who it is, where it stands, questions, blocks and transactions.

`async with Chain.connect(settings.chain) as chain:` checks every node's chain id first and owns the connections and
the alarm clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TypeVar

from bidengine.views import Lease
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.chain.alarm import Alarm
from provider.chain.comet import Comet, Head, NoLonger
from provider.chain.confirm import confirmed
from provider.chain.convert.records import Account
from provider.chain.endpoints import Endpoints, Sample
from provider.chain.events import Block
from provider.chain.follow import POLL_S, GapTooWide, follow, gap_after
from provider.chain.lookout import Lookout
from provider.chain.nodes import Nodes
from provider.chain.query import Query
from provider.chain.tx import broadcast, price
from provider.chain.tx.broadcast import Answer, Found, Simulation
from provider.chain.tx.gas import Belief
from provider.errors import NotFound
from provider.settings import ChainSettings
from provider.tasks import insist, spawn

_USUAL_BLOCK_MS = 6_000
Gauges = Callable[[], Iterator[Sample]]
T = TypeVar("T")


class Chain:
    def __init__(self, settings: ChainSettings, endpoints: Endpoints, nodes: Nodes, comet: Comet, alarm: Alarm) -> None:
        self._id, self._most_price_e18, self.endpoints = settings.id, settings.most_gas_price_e18, endpoints
        self._nodes, self._comet, self._alarm = nodes, comet, alarm
        self._last: Block | None = None
        self._block_ms: float | None = None

    @staticmethod
    @asynccontextmanager
    async def connect(
        settings: ChainSettings, *, patient: bool = False, watch: Callable[[Gauges], None] = lambda gauges: None
    ) -> AsyncIterator[Chain]:
        """ConfigError when a node serves another chain. When none answers: waited for if `patient`, else
        Unreachable. `watch` is handed what the nodes are like before any is asked."""
        ended: BaseException | None = None
        endpoints = Endpoints(settings.nodes, asyncio.get_running_loop().time)
        watch(endpoints.gauges)
        async with Nodes(endpoints, settings.id) as nodes, Comet(endpoints, settings.id) as comet:
            lookout = Lookout(endpoints, comet, nodes)
            await insist("the nodes of the chain", lookout.check, patient=patient)
            alarm = Alarm(lambda: comet.address)
            async with asyncio.TaskGroup() as group:
                tasks = spawn(group, "chain alarm", alarm.run()), spawn(group, "chain lookout", lookout.run())
                try:
                    yield Chain(settings, endpoints, nodes, comet, alarm)
                except BaseException as error:
                    ended = error
                finally:
                    for task in tasks:
                        task.cancel()
        if ended is not None:
            raise ended

    @property
    def id(self) -> str:
        return self._id

    @property
    def latest(self) -> Query:
        """Questions about the latest state, never older than the last block followed."""
        return Query(self._nodes)

    def at(self, height: int) -> Query:
        """Questions about one height: several answers fit together."""
        return Query(self._nodes, height)

    async def confirmed(
        self, ask: Callable[[Query], Awaitable[T]], alike: Callable[[T], object] = lambda answer: answer
    ) -> T:
        """The latest state as two different nodes tell it, where there are two (confirm.py). Retry when they
        disagree or the second does not answer."""
        nodes = {e.grpc.address: e for e in reversed(self.endpoints.in_order("grpc"))}
        return await confirmed(
            [(e.name, partial(ask, Query(self._nodes, of=e))) for e in reversed(nodes.values())], alike
        )

    async def confirmed_lease(self, lease: LeaseID) -> Lease:
        """Evidence enough to take a lease down, when it is over."""
        return await self.confirmed(lambda query: query.lease(lease), alike=lambda found: found.state)

    async def confirmed_order_over(self, order: OrderID) -> bool:
        """Evidence enough to give up a bid on it: the order is gone, or not open any more."""
        return await self.confirmed(lambda query: _over(query, order))

    async def confirmed_wedge(self, deployment: DeploymentID) -> bool:
        """Whether its escrow pays no more, which is a reason to close its leases."""
        return await self.confirmed(lambda query: _wedged(query, deployment))

    @property
    def block_time_ms(self) -> int:
        """Moving average over the blocks followed; six seconds until there are two."""
        return round(self._block_ms) if self._block_ms is not None else _USUAL_BLOCK_MS

    async def measure(self, blocks: int = 100) -> None:
        """Take the block time from two blocks far apart: for who asks one question and follows nothing."""
        status = await self._comet.status()
        first = max(status.earliest, status.height - blocks)
        if first < status.height:
            older = await self._comet.block(first)
            self._block_ms = (status.time_unix_ns - older.time_unix_ns) / 1e6 / (status.height - first)

    async def head(self) -> Head:
        status = await self._comet.status()
        return Head(status.height, status.time_unix_ns)

    async def time_at(self, height: int) -> int | None:
        """Of the block there, nanoseconds since 1970; None when no node keeps it any more."""
        try:
            return (await self._comet.block(height)).time_unix_ns
        except NoLonger:
            return None

    async def follow(
        self, after: int, *, after_unix_ns: int | None = None, most: int | None = None, poll_s: float = POLL_S
    ) -> AsyncGenerator[Block, None]:
        """Every block from after+1 on, once, in order; see follow.py for how it ends."""
        self._nodes.floor = max(self._nodes.floor, after)
        found = follow(self._comet, self._alarm, self._id, after, after_unix_ns=after_unix_ns, most=most, poll_s=poll_s)
        async with aclosing(found) as blocks:
            async for block in blocks:
                self._measure(block)
                self._nodes.floor = max(self._nodes.floor, block.height)
                yield block

    async def gap_after(self, height: int) -> GapTooWide | None:
        """Why the block after `height` cannot be read any more, None when it can."""
        return await gap_after(self._comet, height)

    async def account(self, address: str) -> Account | None:
        return await self.latest.account(address)

    async def minimum_gas_price(self) -> int:
        """In uakt per unit of gas, ×10^18; never above the settings' bound (price.py)."""
        return await price.demanded(self._nodes, self._most_price_e18)

    async def simulate(self, tx: bytes, belief: Belief) -> Simulation:
        return await broadcast.simulate(self._nodes, tx, belief)

    async def broadcast(self, tx: bytes) -> Answer:
        return await broadcast.broadcast(self._nodes, tx, most_price_e18=self._most_price_e18)

    async def find(self, tx_hash: str) -> Found | None:
        """The transaction, if a block holds it."""
        return await broadcast.find(self._nodes, tx_hash)

    def _measure(self, block: Block) -> None:
        if self._last is not None and block.height == self._last.height + 1:
            ms = (block.time_unix_ns - self._last.time_unix_ns) / 1e6
            self._block_ms = ms if self._block_ms is None else self._block_ms + (ms - self._block_ms) / 8
        self._last = block


async def _over(query: Query, order: OrderID) -> bool:
    try:
        return await query.order_state(order) != "open"
    except NotFound:
        return True


async def _wedged(query: Query, deployment: DeploymentID) -> bool:
    return (await query.escrow_account(deployment)).wedged
