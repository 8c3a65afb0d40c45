"""The chain as one object: transactions in, blocks out, queries at any height. Nothing here does I/O or asks a clock.

Three states lie on the committed one: `check` (what CheckTx has accepted since the last block; simulations look at it
too) is dropped at each commit, the block's own layer becomes the next version, and each tx and each of its message
lists has a layer that is merged only on success.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provider.chain.wire import message, pack

from . import (
    accounts,
    audit,
    authz,
    bank,
    bids,
    bme,
    bme_queries,
    cert,
    deployment,
    deployment_queries,
    deposits,
    epochs,
    escrow_queries,
    feegrant,
    leases,
    market_queries,
    oracle,
    oracle_queries,
)
from . import provider as provider_module
from .ante import Mode, ante, forget_expired
from .context import Context, Registry, View
from .errors import ChainError, QueryError, SimulateError
from .events import AbciEvent, EventLog, of_block, of_message
from .gas import UNLIMITED, Meter
from .genesis import AT_START, BME, Genesis
from .store import Layer, Store
from .tx import Tx, check_messages, decode

_MODULES = (
    accounts,
    bank,
    provider_module,
    cert,
    audit,
    deployment,
    deployment_queries,
    bids,
    leases,
    market_queries,
    deposits,
    escrow_queries,
    epochs,
    authz,
    bme,
    bme_queries,
    oracle,
    oracle_queries,
    feegrant,
)
"""what they do in each block comes in this order: prices after the breaker, which thus moves one block later"""


@dataclass(frozen=True, slots=True)
class TxAnswer:
    """Code 0 is success. `data` is a TxMsgData, empty on failure; a failed tx keeps the events of its ante checks
    only.
    """

    code: int
    codespace: str
    log: str
    data: bytes
    gas_wanted: int
    gas_used: int
    events: list[AbciEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BlockAnswer:
    height: int
    results: list[TxAnswer]
    block_events: list[AbciEvent]


class App:
    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis
        self._store = Store()
        self._registry = Registry()
        for module in _MODULES:
            module.register(self._registry)
        self._height = 0
        self._time_unix_ns = genesis.genesis_time_unix_ns
        start = Layer(self._store.at(0))
        for address, coins in genesis.balances.items():
            accounts.ensure(start, address)
            bank.credit(start, address, tuple(coins.items()))
            bank.issue(start, tuple(coins.items()))
        for address in AT_START:
            accounts.ensure(start, address)
        oracle.start(start, genesis)
        self._store.write(0, start.changes)
        self._check = Layer(self._store.at(0))

    @property
    def chain_id(self) -> str:
        return self._genesis.chain_id

    @property
    def genesis(self) -> Genesis:
        return self._genesis

    @property
    def height(self) -> int:
        return self._height

    @property
    def time_unix_ns(self) -> int:
        return self._time_unix_ns

    def check_tx(self, tx: bytes) -> TxAnswer:
        """Run it on the last committed height without keeping anything; SimulateError has the text a node gives."""
        meter = Meter(0)
        layer = Layer(self._check)
        try:
            parsed, meter = self._admit(tx)
            ctx = self._context(layer, meter, self._height, self._time_unix_ns)
            ante(ctx, parsed, Mode.CHECK)
        except ChainError as no:
            return _refusal(no, meter, [])
        layer.merge(self._check)
        return TxAnswer(0, "", "", b"", meter.wanted, meter.used, ctx.log.events)

    def simulate(self, tx: bytes) -> TxAnswer:
        """Run it on the last committed height without keeping anything; SimulateError carries the text a node would
        give.
        """
        meter = Meter(UNLIMITED)
        try:
            parsed = decode(self._registry, tx)
            check_messages(parsed)
            ctx = self._context(Layer(self._check), meter, self._height, self._time_unix_ns)
            ante(ctx, parsed, Mode.SIMULATE)
            data, events = self._run(ctx, parsed)
        except ChainError as no:
            raise SimulateError(f"{no.text} [sandbox] with gas used: '{meter.used}'", meter.used) from None
        return TxAnswer(0, "", "", data, meter.wanted, meter.used, ctx.log.events + events)

    def deliver_block(self, time_unix_ns: int, txs: list[bytes]) -> BlockAnswer:
        """Commit the next height with these transactions, in this order."""
        height = self._height + 1
        block = Layer(self._store.at(self._height))
        around = self._context(block, Meter(UNLIMITED), height, time_unix_ns)
        events = self._hooks(around, "BeginBlock", self._registry.begin_block)
        results = [self._deliver(block, tx, height, time_unix_ns) for tx in txs]
        events += self._hooks(around, "EndBlock", self._registry.end_block)
        forget_expired(around)
        self._store.write(height, block.changes)
        self._height, self._time_unix_ns = height, time_unix_ns
        self._check = Layer(self._store.at(height))
        return BlockAnswer(height, results, events)

    def skip(self, blocks: int, block_time_ns: int) -> None:
        """As many empty blocks at once. Only where prices are named or a vault mints does anything happen in them by
        itself; there each one is made, elsewhere the last stands for all.
        """
        if self._genesis.params.oracle.sources or BME in self._genesis.balances:
            for _ in range(blocks):
                self.deliver_block(self._time_unix_ns + block_time_ns, [])
        elif blocks > 0:
            self._height += blocks - 1
            self.deliver_block(self._time_unix_ns + blocks * block_time_ns, [])

    def query_methods(self) -> set[str]:
        return set(self._registry.queries)

    def query(self, method: str, request: Any, height: int | None = None) -> Any:
        """Answer a full gRPC method at a height (None or 0: the latest); QueryError is what a client would be told."""
        if height is not None and height > self._height:
            text = "invalid height: cannot query with height in the future; please provide a valid height"
            raise QueryError("UNKNOWN", f"codespace sdk code 26: {text}")
        if height is not None and height < 0:
            raise QueryError("UNKNOWN", "codespace sdk code 26: invalid height: height must be equal or greater than 0")
        at = height or self._height
        return self._registry.ask(View(self._store.at(at), at, self._genesis), method, request)

    def _deliver(self, block: Layer, tx: bytes, height: int, time_unix_ns: int) -> TxAnswer:
        meter = Meter(0)
        layer = Layer(block)
        events: list[AbciEvent] = []
        try:
            parsed, meter = self._admit(tx)
            ctx = self._context(layer, meter, height, time_unix_ns)
            ante(ctx, parsed, Mode.DELIVER)
            layer.merge(block)
            events = ctx.log.events
            run = Layer(block)
            data, more = self._run(ctx.inside(run, EventLog()), parsed)
        except ChainError as no:
            return _refusal(no, meter, events)
        run.merge(block)
        return TxAnswer(0, "", "", data, meter.wanted, meter.used, events + more)

    def _hooks(self, ctx: Context, mode: str, hooks: list[Callable[[Context], None]]) -> list[AbciEvent]:
        log = of_block(mode)
        for hook in hooks:
            hook(ctx.inside(ctx.store, log))
        return log.events

    def _admit(self, tx: bytes) -> tuple[Tx, Meter]:
        parsed = decode(self._registry, tx)
        check_messages(parsed)
        return parsed, Meter(parsed.gas_limit)

    def _run(self, ctx: Context, tx: Tx) -> tuple[bytes, list[AbciEvent]]:
        """All messages or none; a panic and running out of gas end the tx without naming the message."""
        events: list[AbciEvent] = []
        answer = message("cosmos.base.abci.v1beta1.TxMsgData")()
        for index, (kind, msg) in enumerate(tx.messages):
            log = of_message(index)
            name = msg.DESCRIPTOR.full_name
            log.plain("message", ("action", f"/{name}"), ("sender", kind.signer(msg)), ("module", kind.module))
            try:
                response = kind.respond(ctx.inside(ctx.store, log), msg)
            except ChainError as no:
                if no.ends_tx:
                    raise
                raise no.wrap(f"failed to execute message; message index: {index}") from None
            events += log.events
            answer.msg_responses.append(pack(response))
        return answer.SerializeToString(deterministic=True), events

    def _context(self, layer: Layer, meter: Meter, height: int, time_unix_ns: int) -> Context:
        return Context(layer, height, time_unix_ns, self._genesis, self._registry, meter)


def _refusal(no: ChainError, meter: Meter, events: list[AbciEvent]) -> TxAnswer:
    return TxAnswer(no.code, no.codespace, no.text, b"", meter.wanted, meter.used, events)
