"""How CometBFT writes things as JSON: 64-bit numbers quoted, bytes in base64, hashes in upper-case hex, nothing as
null (chain.md §3.4)."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable
from typing import Any

from .app import TxAnswer
from .blockstore import Block, BlockStore, IncludedTx
from .events import AbciEvent

CONSENSUS_PARAMS: dict[str, Any] = {
    "block": {"max_bytes": "22020096", "max_gas": "-1"},
    "evidence": {"max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576"},
    "validator": {"pub_key_types": ["ed25519"]},
}
_EMPTY_SHA256 = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def time_text(unix_ns: int) -> str:
    """RFC 3339 with as many decimals as there are."""
    seconds, ns = divmod(unix_ns, 10**9)
    text = dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ns:09d}".rstrip("0").rstrip(".") + "Z" if ns else f"{text}Z"


def events_json(events: Iterable[AbciEvent]) -> list[dict[str, Any]]:
    return [
        {"type": e.type, "attributes": [{"key": k, "value": v, "index": True} for k, v in e.attributes]} for e in events
    ]


def tx_result_json(answer: TxAnswer) -> dict[str, Any]:
    return {
        "code": answer.code,
        "data": b64(answer.data) if answer.data else None,
        "log": answer.log,
        "info": "",
        "gas_wanted": str(answer.gas_wanted),
        "gas_used": str(answer.gas_used),
        "events": events_json(answer.events),
        "codespace": answer.codespace,
    }


def block_results_json(block: Block, store: BlockStore) -> dict[str, Any]:
    return {
        "height": str(block.height),
        "txs_results": [tx_result_json(r) for r in block.results] or None,
        "finalize_block_events": events_json(block.events) or None,
        "validator_updates": None,
        "consensus_param_updates": CONSENSUS_PARAMS | {"version": {}, "abci": {}},
        "app_hash": b64(store.digest(block.height, "app")),
    }


def included_tx_json(tx: IncludedTx) -> dict[str, Any]:
    return {
        "hash": tx.hash,
        "height": str(tx.height),
        "index": tx.index,
        "tx_result": tx_result_json(tx.result),
        "tx": b64(tx.tx),
    }


def block_id_json(store: BlockStore, height: int) -> dict[str, Any]:
    if height < 1:
        return {"hash": "", "parts": {"total": 0, "hash": ""}}
    return {
        "hash": store.digest(height).hex().upper(),
        "parts": {"total": 1, "hash": store.digest(height, "parts").hex().upper()},
    }


def header_json(block: Block, store: BlockStore) -> dict[str, Any]:
    def digest(what: str) -> str:
        return store.digest(0 if what in ("validators", "consensus") else block.height, what).hex().upper()

    return {
        "version": {"block": "11"},
        "chain_id": store.chain_id,
        "height": str(block.height),
        "time": time_text(block.time_unix_ns),
        "last_block_id": block_id_json(store, block.height - 1),
        "last_commit_hash": digest("commit"),
        "data_hash": digest("data") if block.txs else _EMPTY_SHA256,
        "validators_hash": digest("validators"),
        "next_validators_hash": digest("validators"),
        "consensus_hash": digest("consensus"),
        "app_hash": store.digest(block.height - 1, "app").hex().upper(),
        "last_results_hash": digest("results"),
        "evidence_hash": _EMPTY_SHA256,
        "proposer_address": validator_address(store),
    }


def block_json(block: Block, store: BlockStore) -> dict[str, Any]:
    return {
        "header": header_json(block, store),
        "data": {"txs": [b64(tx) for tx in block.txs]},
        "evidence": {"evidence": []},
        "last_commit": _commit_json(block.height - 1, block, store),
    }


def commit_json(block: Block, following: Block | None, store: BlockStore) -> dict[str, Any]:
    """The signatures under a block, as the following one carries them."""
    return _commit_json(block.height, following or block, store)


def _commit_json(height: int, signed_in: Block, store: BlockStore) -> dict[str, Any]:
    signature = {
        "block_id_flag": 2,
        "validator_address": validator_address(store),
        "timestamp": time_text(signed_in.time_unix_ns),
        "signature": b64(store.digest(height + 1, "r") + store.digest(height + 1, "s")),
    }
    return {
        "height": str(height),
        "round": 0,
        "block_id": block_id_json(store, height),
        "signatures": [signature] if height > 0 else [],
    }


def validator_json(store: BlockStore) -> dict[str, Any]:
    return {
        "address": validator_address(store),
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": b64(validator_key(store))},
        "voting_power": "1000",
    }


def validator_key(store: BlockStore) -> bytes:
    return store.digest(0, "validator key")


def validator_address(store: BlockStore) -> str:
    return store.digest(0, "validator address")[:20].hex().upper()
