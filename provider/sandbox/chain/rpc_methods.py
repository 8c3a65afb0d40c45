"""What CometBFT's RPC answers, method by method, without knowing how it was asked (chain.md §3.4; texts:
chain-probes.md §2).

Parameters arrive here decoded: numbers as int, transactions and hashes as bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .app import TxAnswer
from .blockstore import HeightUnavailable, tx_hash
from .comet_json import (
    CONSENSUS_PARAMS,
    b64,
    block_id_json,
    block_json,
    block_results_json,
    commit_json,
    header_json,
    included_tx_json,
    time_text,
    tx_result_json,
    validator_json,
)
from .errors import QueryError
from .mempool import MempoolError
from .search import Condition, QueryInvalid, parse
from .services import COMET_VERSION, MONIKER, NODE_VERSION, Services

if TYPE_CHECKING:
    from .node import Node

T = TypeVar("T")
COMMIT_PATIENCE_S = 10.0
_NOT_RUN = TxAnswer(0, "", "", b"", 0, 0)
_ABCI_CODES = {"NOT_FOUND": 22, "INVALID_ARGUMENT": 18, "FAILED_PRECONDITION": 18, "UNAUTHENTICATED": 4}
_REGISTERED = re.compile(r"codespace (?P<codespace>\S+) code (?P<code>\d+): (?P<text>.*)", re.DOTALL)
_ABCI_TEXTS = {22: "key not found", 18: "invalid request", 4: "unauthorized", 6: "unknown request"}


class MethodFailed(Exception):
    """JSON-RPC error -32603; the text is its `data`."""


@dataclass(frozen=True, slots=True)
class Method:
    params: Mapping[str, str]
    """name -> kind: int, bool, str, bytes (base64), hex"""
    run: Callable[..., Awaitable[Any]]


class RpcMethods:
    """`table[name]` is a Method; its `run` takes the parameters by name and raises MethodFailed."""

    def __init__(self, node: Node) -> None:
        self._node, self._services = node, Services(node)
        self.table: dict[str, Method] = {
            "health": Method({}, self._health),
            "status": Method({}, self._status),
            "net_info": Method({}, self._net_info),
            "abci_info": Method({}, self._abci_info),
            "akash": Method({}, self._akash),
            "block": Method({"height": "int"}, self._block),
            "header": Method({"height": "int"}, self._header),
            "blockchain": Method({"minHeight": "int", "maxHeight": "int"}, self._blockchain),
            "block_results": Method({"height": "int"}, self._block_results),
            "commit": Method({"height": "int"}, self._commit),
            "validators": Method({"height": "int", "page": "int", "per_page": "int"}, self._validators),
            "consensus_params": Method({"height": "int"}, self._consensus_params),
            "block_search": Method(
                {"query": "str", "page": "int", "per_page": "int", "order_by": "str"}, self._block_search
            ),
            "tx": Method({"hash": "bytes", "prove": "bool"}, self._tx),
            "tx_search": Method(
                {"query": "str", "prove": "bool", "page": "int", "per_page": "int", "order_by": "str"}, self._tx_search
            ),
            "num_unconfirmed_txs": Method({}, self._num_unconfirmed_txs),
            "unconfirmed_txs": Method({"limit": "int"}, self._unconfirmed_txs),
            "broadcast_tx_sync": Method({"tx": "bytes"}, self._broadcast_sync),
            "broadcast_tx_async": Method({"tx": "bytes"}, self._broadcast_async),
            "broadcast_tx_commit": Method({"tx": "bytes"}, self._broadcast_commit),
            "abci_query": Method({"path": "str", "data": "hex", "height": "int", "prove": "bool"}, self._abci_query),
        }

    async def _health(self) -> Any:
        return {}

    async def _status(self) -> Any:
        """Complete enough for cosmjs, which decodes every field (chain.md §7.4)."""
        node, store = self._node, self._node.store
        tip, earliest = node.store.get(node.tip), node.store.get(node.earliest)
        id_ = store.digest(0, "node")[:20].hex()
        return {
            "node_info": {
                "protocol_version": {"p2p": "8", "block": "11", "app": "0"},
                "id": id_,
                "listen_addr": "tcp://127.0.0.1:26656",
                "network": node.app.chain_id,
                "version": COMET_VERSION,
                "channels": "40202122233038606100",
                "moniker": MONIKER,
                "other": {"tx_index": "on", "rpc_address": "tcp://127.0.0.1:26657"},
            },
            "sync_info": {
                "latest_block_hash": store.digest(node.tip).hex().upper(),
                "latest_app_hash": store.digest(node.tip, "app").hex().upper(),
                "latest_block_height": str(node.tip),
                "latest_block_time": time_text(tip.time_unix_ns if tip else node.app.time_unix_ns),
                "earliest_block_hash": store.digest(node.earliest).hex().upper(),
                "earliest_app_hash": store.digest(node.earliest, "app").hex().upper(),
                "earliest_block_height": str(node.earliest),
                "earliest_block_time": time_text(earliest.time_unix_ns if earliest else node.app.time_unix_ns),
                "catching_up": node.chaos.catching_up,
            },
            "validator_info": validator_json(store),
        }

    async def _net_info(self) -> Any:
        return {"listening": True, "listeners": ["Listener(@)"], "n_peers": "0", "peers": []}

    async def _abci_info(self) -> Any:
        node = self._node
        app_hash = b64(node.store.digest(node.tip, "app"))
        return {
            "response": {
                "data": "akash",
                "version": NODE_VERSION,
                "last_block_height": str(node.tip),
                "last_block_app_hash": app_hash,
            },
        }

    async def _akash(self) -> Any:
        return self._services.discovery_json()

    async def _block(self, height: int | None = None) -> Any:
        block = _found(lambda: self._node.block(height))
        store = self._node.store
        return {"block_id": block_id_json(store, block.height), "block": block_json(block, store)}

    async def _header(self, height: int | None = None) -> Any:
        return {"header": header_json(_found(lambda: self._node.block(height)), self._node.store)}

    async def _blockchain(self, minHeight: int = 0, maxHeight: int = 0) -> Any:  # noqa: N803 - the wire's names
        node, store = self._node, self._node.store
        if minHeight < 0 or maxHeight < 0:
            raise MethodFailed("height must be non-negative")
        highest = min(node.tip, maxHeight) if maxHeight else node.tip
        lowest = max(minHeight, node.earliest, highest - 19)
        if lowest > highest:
            raise MethodFailed(f"min height {lowest} can't be greater than max height {highest}: invalid request")
        metas = []
        for height in range(highest, lowest - 1, -1):
            block = _found(lambda height=height: node.block(height))  # type: ignore[misc]
            metas.append(
                {
                    "block_id": block_id_json(store, height),
                    "block_size": str(500 + sum(map(len, block.txs))),
                    "header": header_json(block, store),
                    "num_txs": str(len(block.txs)),
                }
            )
        return {"last_height": str(node.tip), "block_metas": metas}

    async def _block_results(self, height: int | None = None) -> Any:
        return block_results_json(_found(lambda: self._node.results(height)), self._node.store)

    async def _commit(self, height: int | None = None) -> Any:
        """What the next block says of this one; for the newest, what has been seen so far."""
        block, store = _found(lambda: self._node.block(height)), self._node.store
        following = store.get(block.height + 1) if block.height < self._node.tip else None
        signed = {"header": header_json(block, store), "commit": commit_json(block, following, store)}
        return {"signed_header": signed, "canonical": following is not None}

    async def _validators(self, height: int | None = None, page: int = 1, per_page: int = 30) -> Any:
        block, store = _found(lambda: self._node.block(height)), self._node.store
        _page_of(1, page, per_page)
        return {
            "block_height": str(block.height),
            "validators": [{**validator_json(store), "proposer_priority": "0"}],
            "count": "1",
            "total": "1",
        }

    async def _consensus_params(self, height: int | None = None) -> Any:
        block = _found(lambda: self._node.block(height))
        params = CONSENSUS_PARAMS | {"version": {"app": "0"}, "abci": {"vote_extensions_enable_height": "0"}}
        return {"block_height": str(block.height), "consensus_params": params}

    async def _block_search(self, query: str = "", page: int = 1, per_page: int = 30, order_by: str = "") -> Any:
        store = self._node.store
        found = store.search_blocks(_conditions(query), lowest=self._node.earliest, highest=self._node.tip)
        listed = _ordered(found, order_by)
        blocks = [
            {"block_id": block_id_json(store, block.height), "block": block_json(block, store)}
            for block in listed[_page_of(len(listed), page, per_page)]
        ]
        return {"blocks": blocks, "total_count": str(len(listed))}

    async def _tx(self, hash: bytes = b"", prove: bool = False) -> Any:  # noqa: A002 - the wire's name
        found = self._node.included(hash.hex())
        if found is None:
            raise MethodFailed(f"tx ({hash.hex().upper()}) not found")
        return included_tx_json(found)

    async def _tx_search(
        self, query: str = "", prove: bool = False, page: int = 1, per_page: int = 30, order_by: str = ""
    ) -> Any:
        found = self._node.store.search(_conditions(query), lowest=self._node.earliest, highest=self._node.tip)
        listed = _ordered(found, order_by)
        txs = [included_tx_json(tx) for tx in listed[_page_of(len(listed), page, per_page)]]
        return {"txs": txs, "total_count": str(len(listed))}

    async def _num_unconfirmed_txs(self) -> Any:
        pool = self._node.mempool
        return {"n_txs": str(len(pool)), "total": str(len(pool)), "total_bytes": str(pool.total_bytes), "txs": None}

    async def _unconfirmed_txs(self, limit: int = 30) -> Any:
        pool = self._node.mempool
        txs = [b64(tx) for tx in pool.reap()[: min(max(limit, 1), 100)]]
        return {"n_txs": str(len(txs)), "total": str(len(pool)), "total_bytes": str(pool.total_bytes), "txs": txs}

    async def _broadcast_sync(self, tx: bytes = b"") -> Any:
        answer = self._accept(tx)
        return {
            "code": answer.code,
            "data": answer.data.hex().upper(),
            "log": answer.log,
            "codespace": answer.codespace,
            "hash": tx_hash(tx),
        }

    async def _broadcast_async(self, tx: bytes = b"") -> Any:
        self._accept(tx)
        return {"code": 0, "data": "", "log": "", "codespace": "", "hash": tx_hash(tx)}

    async def _broadcast_commit(self, tx: bytes = b"") -> Any:
        checked = self._accept(tx)
        answer = {"check_tx": tx_result_json(checked) | {"data": "", "events": []}, "hash": tx_hash(tx)}
        if checked.code != 0:
            return answer | {"tx_result": tx_result_json(_NOT_RUN), "height": "0"}
        try:
            async with asyncio.timeout(COMMIT_PATIENCE_S):
                included = await self._node.await_tx(tx_hash(tx))
        except TimeoutError:
            raise MethodFailed("timed out waiting for tx to be included in a block") from None
        return answer | {"tx_result": tx_result_json(included.result), "height": str(included.height)}

    async def _abci_query(self, path: str = "", data: bytes = b"", height: int = 0, prove: bool = False) -> Any:
        code, log, value, served = 0, "", None, height
        try:
            response, at = self._services.ask(path, data, height)
            value, served = b64(response) or None, at or self._node.tip
        except QueryError as no:
            if no.status == "UNIMPLEMENTED":
                code, log = 6, "unknown query path: unknown request"
            else:
                code, log = _abci_refusal(no)
                served = height or self._node.tip
        return {
            "response": {
                "code": code,
                "log": log,
                "info": "",
                "index": "0",
                "key": None,
                "value": value,
                "proofOps": None,
                "height": str(served),
                "codespace": "sdk" if code else "",
            }
        }

    def _accept(self, tx: bytes) -> Any:
        try:
            return self._node.broadcast(tx)
        except MempoolError as no:
            raise MethodFailed(no.text) from None


def _abci_refusal(no: QueryError) -> tuple[int, str]:
    """(code of codespace sdk, log): what the SDK makes of a gRPC error that has to pass through ABCI."""
    own = _REGISTERED.match(no.text)
    if own is not None and own["codespace"] == "sdk":
        return int(own["code"]), own["text"]
    code = _ABCI_CODES.get(no.status, 6)
    if own is not None:
        return code, f"{own['text']}: {_ABCI_TEXTS[code]}"
    if no.text.startswith("proto: "):
        return code, no.text.removeprefix("proto: ")
    name = "".join(word.capitalize() for word in no.status.split("_"))
    return code, f"rpc error: code = {name} desc = {no.text}: {_ABCI_TEXTS[code]}"


def _conditions(query: str) -> tuple[Condition, ...]:
    try:
        return parse(query)
    except QueryInvalid as broken:
        raise MethodFailed(str(broken)) from None


def _ordered(found: Iterable[T], order_by: str) -> list[T]:
    if order_by not in ("", "asc", "desc"):
        raise MethodFailed("expected order_by to be either `asc` or `desc` or empty")
    return list(found)[:: -1 if order_by == "desc" else 1]


def _page_of(count: int, page: int, per_page: int) -> slice:
    size = 30 if per_page < 1 else min(per_page, 100)
    pages = max(1, -(-count // size))
    if not 1 <= page <= pages:
        raise MethodFailed(f"page should be within [1, {pages}] range, given {page}")
    return slice((page - 1) * size, page * size)


def _found(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except HeightUnavailable as no:
        raise MethodFailed(str(no)) from None
