"""One node of the sandbox chain: the state machine behind real servers, making blocks by itself or step by step.

`async with Node(app, block_time_s=1.0) as node:` serves gRPC at `node.grpc_url`, CometBFT's RPC with its websocket at
`node.rpc_url`, and the REST gateway at `node.rest_url`. With `block_time_s=None` nothing happens until
`await node.step(n)`. Header times follow the real clock, or advance by `virtual_block_time_s` per block.

The one subtlety: everything a client may see goes through `tip`, `block` and `query`, which look through the chaos
switches; the chain itself never does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from provider.tasks import spawn

from .app import App, TxAnswer
from .blockstore import Block, BlockStore, HeightUnavailable, IncludedTx
from .chaos import Chaos
from .errors import QueryError
from .genesis import Genesis
from .grpc_server import serve_grpc
from .mempool import Mempool
from .rest_server import serve_rest
from .rpc import serve_rpc

SKIPPED_BLOCK_S = 6.0
"""between blocks that are fast-forwarded, unless told otherwise"""


class Node:
    def __init__(
        self,
        app_or_genesis: App | Genesis,
        *,
        block_time_s: float | None,
        virtual_block_time_s: float | None = None,
        rpc_listen: str = "127.0.0.1:0",
        grpc_listen: str = "127.0.0.1:0",
        rest_listen: str = "127.0.0.1:0",
        now_unix_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.app = App(app_or_genesis) if isinstance(app_or_genesis, Genesis) else app_or_genesis
        self.chaos = Chaos()
        self.store = BlockStore(self.app.chain_id)
        self.mempool = Mempool(self.app.check_tx)
        self._block_time_s, self._virtual_s, self._now = block_time_s, virtual_block_time_s, now_unix_ns
        self._listen = rpc_listen, grpc_listen, rest_listen
        self._announced = self.app.height
        self._listeners: list[Callable[[Block], None]] = []
        self._committed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._producer: asyncio.Task[Any] | None = None
        self._peers: list[Node] = []
        self._cut: list[Callable[[], None]] = []
        self.rpc_url = self.grpc_url = self.rest_url = ""

    async def __aenter__(self) -> Self:
        rpc_listen, grpc_listen, rest_listen = self._listen
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            self.grpc_url = await stack.enter_async_context(serve_grpc(self, grpc_listen))
            self.rpc_url = await stack.enter_async_context(serve_rpc(self, rpc_listen))
            self.rest_url = await stack.enter_async_context(serve_rest(self, rest_listen))
            if self._block_time_s is not None:
                self._producer = spawn(group, "sandbox blocks", self._produce(self._block_time_s))
                stack.callback(self._producer.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if isinstance(error, Exception):  # of the block, not ours: it goes on as it is, not inside a group
            await self._stack.aclose()
            return False
        return await self._stack.__aexit__(kind, error, trace)

    def peer(self) -> Node:
        """Another node of this network: the same chain at doors of its own, with troubles of its own."""
        other = Node(self.app, block_time_s=None)
        other.store, other.mempool = self.store, self.mempool
        self._peers.append(other)
        return other

    # Making blocks.

    async def step(self, blocks: int = 1) -> int:
        """Make so many blocks now, the first with everything that waits. Returns the height."""
        for _ in range(blocks):
            self._commit()
            await asyncio.sleep(0)  # let the announcements out
        return self.app.height

    async def fast_forward(self, blocks: int, *, block_time_s: float | None = None) -> int:
        """So many more heights at once, however many. What waits is included first; the rest are empty. Returns the
        height."""
        if blocks < 1:
            return self.app.height
        await self.step()
        if blocks > 1:
            step_ns = round((block_time_s or self._virtual_s or SKIPPED_BLOCK_S) * 1e9)
            first, time_ns = self.app.height + 1, self.app.time_unix_ns + step_ns
            self.app.skip(blocks - 1, step_ns)
            self.store.skip(first, self.app.height, time_ns, step_ns)
            self.mempool.update((), ())
            self._announced = max(self._announced, self.app.height - 1 - self.chaos.lag_blocks)
            self._announce()
        return self.app.height

    def include(self, time_unix_ns: int, txs: Sequence[bytes]) -> Block:
        """Make the next block of just these transactions, at this time."""
        answer = self.app.deliver_block(time_unix_ns, list(txs))
        block = Block(answer.height, time_unix_ns, tuple(txs), tuple(answer.results), tuple(answer.block_events))
        self.store.add(block)
        self.mempool.update(block.txs, block.results)
        self._announce()
        return block

    def on_block(self, listener: Callable[[Block], None]) -> Callable[[], None]:
        """Be told of each block that becomes visible; call what is returned to be told no more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_cut(self, cut: Callable[[], None]) -> None:
        """`cut` closes the connections of one server."""
        self._cut.append(cut)

    def cut_connections(self) -> None:
        """Chaos: every HTTP connection and websocket breaks off, as when a node or a proxy dies."""
        for cut in self._cut:
            cut()

    def reset(self) -> None:
        """Chaos: the chain starts anew under its old name, from its genesis and without a block, as a devnet does that
        lost its data. Who listens goes on listening.
        """
        self.app = App(self.app.genesis)
        self.store = BlockStore(self.app.chain_id)
        self.mempool = Mempool(self.app.check_tx)
        self._announced = 0

    # What clients may see.

    @property
    def tip(self) -> int:
        return max(self.app.height - self.chaos.lag_blocks, 0 if self.store.first is None else self.store.first)

    @property
    def earliest(self) -> int:
        """The lowest height that has not been pruned."""
        return max(self.store.first or self.app.height + 1, self.chaos.prune_below)

    def block(self, height: int | None) -> Block:
        """A visible block, None the latest; HeightUnavailable says why not."""
        tip, wanted = self.tip, self.tip if height is None else height
        if wanted <= 0 and height is not None:
            raise HeightUnavailable(f"height must be greater than 0, but got {height}")
        if wanted > tip:
            raise HeightUnavailable(
                f"height {wanted} must be less than or equal to the current blockchain height {tip}"
            )
        if wanted < self.earliest:
            raise HeightUnavailable(f"height {wanted} is not available, lowest height is {self.earliest}")
        found = self.store.get(wanted)
        if found is None:
            raise HeightUnavailable(f"could not find block for height #{wanted}")
        return found

    def results(self, height: int | None) -> Block:
        """Like `block`, but the newest may not be stored yet."""
        block = self.block(height)
        if block.height > self.tip - self.chaos.late_results:
            raise HeightUnavailable(f"could not find results for height #{block.height}")
        return block.doubled() if self.chaos.duplicate_events else block

    def included(self, hash_: str) -> IncludedTx | None:
        """A transaction in a visible block."""
        found = self.store.tx(hash_)
        return found if found is not None and self.earliest <= found.height <= self.tip else None

    async def await_tx(self, hash_: str) -> IncludedTx:
        while (found := self.included(hash_)) is None:
            await self._committed.wait()
        return found

    def served_height(self, height: int) -> int:
        """The height a query is answered at, 0 asking for the latest; QueryError for the future and for what is
        pruned."""
        if height > self.tip:
            text = "invalid height: cannot query with height in the future; please provide a valid height"
            raise QueryError("UNKNOWN", f"codespace sdk code 26: {text}")
        if height < 0:
            raise QueryError("UNKNOWN", "codespace sdk code 26: invalid height: height must be equal or greater than 0")
        served = height or self.tip
        if served < self.chaos.prune_below:
            text = f"failed to load state at height {served}; version does not exist (latest height: {self.tip})"
            raise QueryError("INVALID_ARGUMENT", f"codespace sdk code 18: invalid request: {text}")
        return served

    def broadcast(self, tx: bytes) -> TxAnswer:
        """Into the mempool, if CheckTx agrees; MempoolError otherwise."""
        if self.chaos.mempool_full:
            raise self.mempool.full()
        answer = self.mempool.add(tx)
        if answer.code == 0 and self.chaos.lose_txs > 0:
            self.chaos.lose_txs -= 1
            self.mempool.lose(tx)
        return answer

    # Inside.

    async def _produce(self, block_time_s: float) -> None:
        while True:
            await asyncio.sleep(block_time_s)
            if self.chaos.producing:
                self._commit()

    def _commit(self) -> None:
        self.include(self._next_time_ns(), self.mempool.reap())

    def _next_time_ns(self) -> int:
        if self._virtual_s is not None:
            return self.app.time_unix_ns + round(self._virtual_s * 1e9)
        return max(self._now(), self.app.time_unix_ns + 10**6)  # block time never stands still

    def _announce(self) -> None:
        for peer in self._peers:
            peer._announce()
        for height in range(self._announced + 1, self.tip + 1):
            block = self.store.get(height)
            self._announced = height
            if block is not None:
                for listener in list(self._listeners):
                    listener(block)
        self._committed.set()
        self._committed = asyncio.Event()
