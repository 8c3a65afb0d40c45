"""What a node answers besides the modules' queries: transactions, itself, discovery (chain.md §1.3, §1.12, §4.5).

One table for two doors: gRPC and CometBFT's abci_query both ask `ask`, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from provider.chain.wire import POOL, message

from .app import TxAnswer
from .blockstore import HeightUnavailable, IncludedTx, tx_hash
from .comet_json import time_text
from .errors import QueryError, SimulateError
from .events import AbciEvent
from .mempool import MempoolError
from .search import QueryInvalid, parse

if TYPE_CHECKING:
    from .node import Node

NODE_VERSION = "v2.1.0"
COMET_VERSION = "0.38.21"
MONIKER = "sandbox"
_UNLIMITED_GAS = (1 << 64) - 1
_MODULES = (
    ("audit", "v1"),
    ("bme", "v1"),
    ("cert", "v1"),
    ("deployment", "v1beta4"),
    ("escrow", "v1"),
    ("market", "v1beta5"),
    ("oracle", "v2"),
    ("provider", "v1beta4"),
    ("take", "v1"),
    ("wasm", "v1"),
)


class Services:
    """`ask(method, request bytes, height)` answers any full gRPC method the node knows."""

    def __init__(self, node: Node) -> None:
        self._node = node
        tx, base = "/cosmos.tx.v1beta1.Service/", "/cosmos.base."
        self._own: dict[str, Callable[[Any], Message]] = {
            f"{tx}Simulate": self._simulate,
            f"{tx}BroadcastTx": self._broadcast,
            f"{tx}GetTx": self._get_tx,
            f"{tx}GetTxsEvent": self._get_txs_event,
            f"{base}node.v1beta1.Service/Config": self._config,
            f"{base}node.v1beta1.Service/Status": self._status,
            f"{base}tendermint.v1beta1.Service/GetLatestBlock": self._latest_block,
            f"{base}tendermint.v1beta1.Service/GetBlockByHeight": self._block_by_height,
            f"{base}tendermint.v1beta1.Service/GetSyncing": self._syncing,
            f"{base}tendermint.v1beta1.Service/GetNodeInfo": self._node_info,
            "/akash.discovery.v1.Discovery/GetInfo": self._discovery,
        }

    def ask(self, method: str, request: bytes, height: int = 0) -> tuple[bytes, int | None]:
        """(the response's bytes, the height it was answered at). QueryError; `at_height` tells whether it knows one."""
        own = self._own.get(method)
        if own is None and method not in self._node.app.query_methods():
            service, _, name = method.lstrip("/").rpartition("/")
            services = {m.lstrip("/").rpartition("/")[0] for m in (*self._own, *self._node.app.query_methods())}
            what = (
                f"unknown method {name} for service {service}" if service in services else f"unknown service {service}"
            )
            raise QueryError("UNIMPLEMENTED", what)
        served = self._node.served_height(height)
        described = POOL.FindMethodByName(method.lstrip("/").replace("/", "."))
        try:
            parsed = message(described.input_type.full_name).FromString(request)
        except DecodeError as broken:
            raise QueryError("INVALID_ARGUMENT", f"proto: {broken}: invalid request") from None
        answer = own(parsed) if own is not None else self._node.app.query(method, parsed, served)
        return answer.SerializeToString(), None if "discovery" in method else served

    def discovery_json(self) -> dict[str, Any]:
        """The answer of the JSON-RPC method `akash`."""
        modules = [{"module": m, "version": v} for m, v in _MODULES]
        return {
            "client_info": {"api_version": "v1beta3"},
            "supported_versions": [
                {"api_version": api, "modules": modules, "features": None} for api in ("v1beta4", "v1beta3")
            ],
            "chain_id": self._node.app.chain_id,
            "node_version": NODE_VERSION,
            "min_client_version": "",
        }

    def _simulate(self, request: Any) -> Message:
        tx = request.tx_bytes or (request.tx.SerializeToString() if request.HasField("tx") else b"")
        if not tx:
            raise QueryError("INVALID_ARGUMENT", "empty txBytes is not allowed")
        if self._node.chaos.refuse_simulations > 0:
            self._node.chaos.refuse_simulations -= 1
            raise QueryError("UNKNOWN", "refused by chaos [sandbox] with gas used: '0'")
        try:
            answer = self._node.app.simulate(tx)
        except SimulateError as no:
            raise QueryError("UNKNOWN", no.text) from None
        out = message("cosmos.tx.v1beta1.SimulateResponse")()
        out.gas_info.gas_wanted, out.gas_info.gas_used = _UNLIMITED_GAS, answer.gas_used
        out.result.data, out.result.log = answer.data, answer.log
        out.result.events.extend(_events(answer.events, indexed=False))
        data = message("cosmos.base.abci.v1beta1.TxMsgData").FromString(answer.data)
        out.result.msg_responses.extend(data.msg_responses)
        return out  # type: ignore[no-any-return]

    def _broadcast(self, request: Any) -> Message:
        if not request.tx_bytes:
            raise QueryError("INVALID_ARGUMENT", "invalid empty tx")
        if request.mode not in (2, 3):
            raise QueryError(
                "INVALID_ARGUMENT", "unsupported return type; supported types: sync, async: invalid request"
            )
        out = message("cosmos.tx.v1beta1.BroadcastTxResponse")()
        response = out.tx_response
        response.txhash = tx_hash(request.tx_bytes)
        try:
            answer = self._node.broadcast(request.tx_bytes)
        except MempoolError as no:
            response.codespace, response.code = "sdk", no.code
            return out  # type: ignore[no-any-return]
        if request.mode == 2:
            response.code, response.codespace, response.raw_log = answer.code, answer.codespace, answer.log
            response.data = answer.data.hex().upper()
        return out  # type: ignore[no-any-return]

    def _get_tx(self, request: Any) -> Message:
        if not request.hash:
            raise QueryError("INVALID_ARGUMENT", "tx hash cannot be empty")
        found = self._node.included(request.hash)
        if found is None:
            raise QueryError("NOT_FOUND", f"tx not found: {request.hash}")
        out = message("cosmos.tx.v1beta1.GetTxResponse")()
        out.tx.CopyFrom(_tx(found.tx))
        out.tx_response.CopyFrom(self._tx_response(found))
        return out  # type: ignore[no-any-return]

    def _get_txs_event(self, request: Any) -> Message:
        query = request.query or " AND ".join(request.events)
        if not query:
            raise QueryError("INVALID_ARGUMENT", "query cannot be empty")
        try:
            conditions = parse(query)
        except QueryInvalid as broken:
            raise QueryError("UNKNOWN", str(broken)) from None
        found = list(self._node.store.search(conditions, lowest=self._node.earliest, highest=self._node.tip))
        if request.order_by == 2:
            found.reverse()
        limit, page = request.limit or 100, request.page or 1
        out = message("cosmos.tx.v1beta1.GetTxsEventResponse")()
        out.total = len(found)
        for tx in found[(page - 1) * limit : page * limit]:
            out.txs.append(_tx(tx.tx))
            out.tx_responses.append(self._tx_response(tx))
        return out  # type: ignore[no-any-return]

    def _config(self, _request: Any) -> Message:
        price = self._node.app.genesis.params.min_gas_price_e18
        text = f"{price // 10**18}.{price % 10**18:018d}uakt"
        return message("cosmos.base.node.v1beta1.ConfigResponse")(  # type: ignore[no-any-return]
            minimum_gas_price=text, pruning_keep_recent="0", pruning_interval="0"
        )

    def _status(self, _request: Any) -> Message:
        out = message("cosmos.base.node.v1beta1.StatusResponse")()
        out.earliest_store_height, out.height = self._node.chaos.prune_below, self._node.tip
        _set_time(out.timestamp, self._tip_time())
        out.app_hash = self._node.store.digest(self._node.tip, "app")
        out.validator_hash = self._node.store.digest(0, "validators")
        return out  # type: ignore[no-any-return]

    def _latest_block(self, _request: Any) -> Message:
        out = message("cosmos.base.tendermint.v1beta1.GetLatestBlockResponse")()
        self._set_header(out.sdk_block.header, self._node.tip, self._tip_time())
        return out  # type: ignore[no-any-return]

    def _block_by_height(self, request: Any) -> Message:
        try:
            block = self._node.block(request.height)
        except HeightUnavailable as no:
            raise QueryError("INVALID_ARGUMENT", str(no)) from None
        out = message("cosmos.base.tendermint.v1beta1.GetBlockByHeightResponse")()
        self._set_header(out.sdk_block.header, block.height, block.time_unix_ns)
        return out  # type: ignore[no-any-return]

    def _set_header(self, header: Any, height: int, time_unix_ns: int) -> None:
        header.chain_id, header.height = self._node.app.chain_id, height
        _set_time(header.time, time_unix_ns)

    def _syncing(self, _request: Any) -> Message:
        syncing = self._node.chaos.catching_up
        return message("cosmos.base.tendermint.v1beta1.GetSyncingResponse")(syncing=syncing)  # type: ignore[no-any-return]

    def _node_info(self, _request: Any) -> Message:
        out = message("cosmos.base.tendermint.v1beta1.GetNodeInfoResponse")()
        info, version = out.default_node_info, out.application_version
        info.network, info.version, info.moniker = self._node.app.chain_id, COMET_VERSION, MONIKER
        version.name, version.app_name, version.version = "akash", "akash", NODE_VERSION
        return out  # type: ignore[no-any-return]

    def _discovery(self, _request: Any) -> Message:
        out = message("akash.discovery.v1.GetInfoResponse")()
        out.info.client_info.api_version = "v1beta3"
        out.info.chain_id, out.info.node_version = self._node.app.chain_id, NODE_VERSION
        for api in ("v1beta4", "v1beta3"):
            bundle = out.info.supported_versions.add(api_version=api)
            for module, version in _MODULES:
                bundle.modules.add(module=module, version=version)
        return out  # type: ignore[no-any-return]

    def _tip_time(self) -> int:
        block = self._node.store.get(self._node.tip)
        return block.time_unix_ns if block is not None else self._node.app.time_unix_ns

    def _tx_response(self, found: IncludedTx) -> Any:
        result: TxAnswer = found.result
        out = message("cosmos.base.abci.v1beta1.TxResponse")(
            height=found.height,
            txhash=found.hash,
            codespace=result.codespace,
            code=result.code,
            data=result.data.hex().upper(),
            raw_log=result.log,
            gas_wanted=result.gas_wanted,
            gas_used=result.gas_used,
        )
        out.tx.type_url, out.tx.value = "/cosmos.tx.v1beta1.Tx", found.tx
        block = self._node.store.get(found.height)
        out.timestamp = time_text((block.time_unix_ns if block else 0) // 10**9 * 10**9)
        out.events.extend(_events(result.events))
        return out


def _tx(raw: bytes) -> Any:
    """TxRaw and Tx are the same on the wire."""
    return message("cosmos.tx.v1beta1.Tx").FromString(raw)


def _events(events: list[AbciEvent], *, indexed: bool = True) -> list[Any]:
    """Only what is in a block is indexed."""
    event, attribute = message("tendermint.abci.Event"), message("tendermint.abci.EventAttribute")
    return [
        event(type=e.type, attributes=[attribute(key=k, value=v, index=indexed) for k, v in e.attributes])
        for e in events
    ]


def _set_time(timestamp: Any, unix_ns: int) -> None:
    timestamp.seconds, timestamp.nanos = divmod(unix_ns, 10**9)
