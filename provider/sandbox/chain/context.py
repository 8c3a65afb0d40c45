"""What a handler works with: metered state, the block it runs in, the events it leaves, and the registry of what the
chain can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from provider.chain.wire import message

from .errors import QueryError
from .events import EventLog
from .gas import READ, ROW, WRITE, WRITE_PER_BYTE, Meter
from .genesis import Genesis
from .store import Key, Layer, Reader


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of record: protobuf messages under tuple keys, stored as bytes so that no reader can change them."""

    name: str
    record: str

    def get(self, reader: Reader, key: Key) -> Any:
        data = reader.get(self.name, key)
        return None if data is None else message(self.record).FromString(data)

    def scan(self, reader: Reader, prefix: Key = (), *, text: bool = False) -> Iterator[tuple[Key, Any]]:
        for key, data in reader.scan(self.name, prefix, text=text):
            yield key, message(self.record).FromString(data)


@dataclass(slots=True)
class Context:
    """State and block of one running message; also a `Reader`, every access of which costs gas."""

    store: Layer
    height: int
    time_unix_ns: int
    genesis: Genesis
    registry: Registry
    gas: Meter
    log: EventLog = field(default_factory=EventLog)

    def get(self, table: str, key: Key) -> Any:
        self.gas.use(READ, "ReadFlat")
        return self.store.get(table, key)

    def scan(self, table: str, prefix: Key = (), *, text: bool = False) -> Iterator[tuple[Key, Any]]:
        for row in list(self.store.scan(table, prefix, text=text)):
            self.gas.use(ROW, "IterNextFlat")
            yield row

    def put(self, table: Table, key: Key, record: Any) -> None:
        self.write(table.name, key, record.SerializeToString(deterministic=True))

    def write(self, table: str, key: Key, value: Any) -> None:
        self.gas.use(WRITE.get(table, READ), "WriteFlat")
        if isinstance(value, bytes):
            self.gas.use(WRITE_PER_BYTE * len(value), "WritePerByte")
        self.store.put(table, key, value)

    def erase(self, table: str, key: Key) -> None:
        self.gas.use(READ, "Delete")
        self.store.put(table, key, None)

    def inside(self, store: Layer, log: EventLog) -> Context:
        return replace(self, store=store, log=log)


@dataclass(frozen=True, slots=True)
class View:
    """What a query sees: the state at a height, and the settings of the chain."""

    state: Reader
    height: int
    genesis: Genesis


@dataclass(frozen=True, slots=True)
class MessageKind:
    module: str
    signer: Callable[[Any], str]
    check: Callable[[Any], None]
    """the stateless check, run before anything else (CheckTx sees its refusals)"""
    run: Callable[[Context, Any], Any]
    """does it; may return the response, None standing for an empty one"""

    def respond(self, ctx: Context, msg: Any) -> Any:
        """Do it, and the response message."""
        return self.run(ctx, msg) or message(f"{msg.DESCRIPTOR.full_name}Response")()


@dataclass(slots=True)
class Registry:
    """One entry per message type and query method; every module brings its own with `register(registry)`."""

    messages: dict[str, MessageKind] = field(default_factory=dict)
    queries: dict[str, Callable[[View, Any], Any]] = field(default_factory=dict)
    account_closed: list[Callable[[Context, Any], None]] = field(default_factory=list)
    """called with an escrow account that was closed or overdrawn"""
    payment_closed: list[Callable[[Context, Any], None]] = field(default_factory=list)
    """called with an escrow payment that was closed or overdrawn, after its account"""
    begin_block: list[Callable[[Context], None]] = field(default_factory=list)
    end_block: list[Callable[[Context], None]] = field(default_factory=list)
    """what a module does in every block, in the order of the node"""

    def message(
        self,
        name: str,
        signer: Callable[[Any], str],
        run: Callable[[Context, Any], Any],
        check: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.messages[f"/{name}"] = MessageKind(name.split(".")[1], signer, check, run)

    def query(self, method: str, answer: Callable[[View, Any], Any]) -> None:
        self.queries[method] = answer

    def ask(self, view: View, method: str, request: Any) -> Any:
        answer = self.queries.get(method)
        if answer is None:
            service, _, name = method.lstrip("/").rpartition("/")
            raise QueryError("UNIMPLEMENTED", f"unknown method {name} for service {service}")
        return answer(view, request)
