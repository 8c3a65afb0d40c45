"""Every recorded RPC answer of a real node (scenario S9) against ours, over the same blocks.

Compared verbatim, but for what only that very node can know: hashes, keys, its names and versions, sizes of its blocks.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provider.sandbox.chain.app import App, TxAnswer
from provider.sandbox.chain.blockstore import Block
from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node

NODE_KEYS = {"id", "listen_addr", "rpc_address", "moniker", "voting_power", "version", "node_version", "block_size"}
OPAQUE = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")
ELSEWHERE = {"commit", "validators", "consensus_params", "block_search"}
"""methods the sandbox does not serve"""


def events(found: list[dict[str, Any]]) -> list[AbciEvent]:
    return [AbciEvent(e["type"], [(a["key"], a["value"]) for a in e["attributes"]]) for e in found]


def answer(found: dict[str, Any]) -> TxAnswer:
    return TxAnswer(
        found["code"],
        found["codespace"],
        found["log"],
        base64.b64decode(found["data"] or ""),
        int(found["gas_wanted"]),
        int(found["gas_used"]),
        events(found["events"]),
    )


def comparable(value: Any, key: str = "") -> Any:
    """The same with opaque texts replaced by their form."""
    if isinstance(value, dict):
        return {k: comparable(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [comparable(v, key) for v in value]
    if key in NODE_KEYS and isinstance(value, str):
        return f"<{key}>"
    if isinstance(value, str) and OPAQUE.fullmatch(value) and key in COVERED:
        return f"<{len(value)} characters>"
    return value


COVERED = {
    *("hash", "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash"),
    *("last_results_hash", "evidence_hash", "proposer_address", "validator_address", "signature", "address", "value"),
    *("latest_block_hash", "latest_app_hash", "earliest_block_hash", "earliest_app_hash", "last_block_app_hash"),
}


@pytest.fixture(scope="session")
def recording(shared: Path) -> list[dict[str, Any]]:
    path = shared / "conformance" / "chain" / "S9-queries.jsonl"
    if not path.is_file():
        pytest.skip(f"the recorded queries are missing: conformance/chain/{path.name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def recorded(node: Node, recording, shared: Path) -> SimpleNamespace:
    """The node with the recorded blocks in its store, and behind it a state machine that went through the same
    transactions; its tip is as it was when the recorded questions were asked."""
    times = {height: nanoseconds(text) for height, text in recording[-1]["headers"]}
    genesis = Genesis.load(shared / "conformance/chain/genesis.json", nanoseconds(recording[0]["meta"]["genesis_time"]))
    node.app = App(genesis)
    node.store.chain_id = genesis.chain_id
    blocks = {line["height"]: line for line in recording if "results" in line}
    calls = [line["rpc"] for line in recording if "rpc" in line]
    # Block lines leave out what the chain does by itself; the answers to block_results have it.
    told = [c["result"] for c in calls if c["method"] == "block_results" and "result" in c]
    of_blocks = {int(found["height"]): events(found["finalize_block_events"]) for found in told}
    for height in range(1, 25):
        line = blocks.get(height, {"txs": [], "results": [], "finalize_block_events": []})
        txs = [base64.b64decode(t["bytes"]) for t in line["txs"]]
        node.app.deliver_block(times[height], txs)
        results, found = tuple(map(answer, line["results"])), tuple(of_blocks.get(height, ()))
        node.store.add(Block(height, times[height], tuple(txs), results, found))
    assert node.tip == 24
    return SimpleNamespace(node=node, lines=calls)


def nanoseconds(text: str) -> int:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)


async def test_recorded_answers(recorded, rpc) -> None:
    differences, compared = [], 0
    for line in recorded.lines:
        method, params = line["method"], line["params"]
        if method in ELSEWHERE or method.startswith("broadcast") or method == "abci_query":
            continue
        wanted = line.get("result", line.get("error"))
        got = await rpc(method, **params)
        compared += 1
        if comparable(got) != comparable(wanted):
            differences.append(f"{method} {params}\n  real {comparable(wanted)}\n  ours {comparable(got)}")
    assert not differences, "\n".join(differences)
    assert compared >= 20


async def test_recorded_abci_queries(recorded, rpc) -> None:
    """Values of single objects byte for byte, refusals with code and log."""
    compared = 0
    for line in recorded.lines:
        if line["method"] != "abci_query" or "Simulate" in line["params"]["path"]:
            continue
        wanted, got = line["result"]["response"], (await rpc("abci_query", **line["params"]))["response"]
        if wanted["log"] == "unexpected EOF: invalid request":  # each protobuf library has its own words for this
            wanted["log"] = got["log"]
            assert got["log"].endswith(": invalid request")
        if "auth" in line["params"]["path"]:  # the account lived on after these questions
            wanted["value"] = got["value"] = None
        assert got == wanted, line["params"]
        compared += 1
    assert compared >= 5


async def test_a_transaction_committed_on_request(node, rpc, wallet, tx_hash_of) -> None:
    await node.step()
    tx = wallet.send(node.app)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(rpc("broadcast_tx_commit", tx=base64.b64encode(tx).decode()))
        for _ in range(1_000):
            if len(node.mempool):
                break
            await asyncio.sleep(0.001)
        await node.step()
    found = waiting.result()
    assert (found["hash"], found["height"]) == (tx_hash_of(tx), "2")
    assert found["check_tx"]["code"] == found["tx_result"]["code"] == 0
    assert found["tx_result"]["events"]


async def test_commit_gives_up_and_says_so(node, rpc, wallet, monkeypatch) -> None:
    monkeypatch.setattr("provider.sandbox.chain.rpc_methods.COMMIT_PATIENCE_S", 0.05)
    await node.step()
    tx = base64.b64encode(wallet.send(node.app)).decode()
    assert (await rpc("broadcast_tx_commit", tx=tx))["data"] == "timed out waiting for tx to be included in a block"


async def test_sync_async_and_the_cache(node, rpc, wallet, tx_hash_of) -> None:
    await node.step()
    tx, bad = wallet.send(node.app), wallet.send(node.app, sequence=9)
    text = base64.b64encode(tx).decode()
    assert await rpc("broadcast_tx_sync", tx=text) == {
        "code": 0,
        "data": "",
        "log": "",
        "codespace": "",
        "hash": tx_hash_of(tx),
    }
    assert await rpc("broadcast_tx_sync", tx=text) == {
        "code": -32603,
        "message": "Internal error",
        "data": "tx already exists in cache",
    }
    assert (await rpc("num_unconfirmed_txs"))["n_txs"] == "1"
    assert (await rpc("unconfirmed_txs"))["txs"] == [text]
    refused = await rpc("broadcast_tx_sync", tx=base64.b64encode(bad).decode())
    assert (refused["codespace"], refused["code"]) == ("sdk", 32)
    assert (await rpc("broadcast_tx_async", tx=base64.b64encode(bad).decode()))["code"] == 0
    big = base64.b64encode(bytes(700_000)).decode()
    assert "code" in await rpc("broadcast_tx_sync", tx=big), "large, and still within the body limit"


async def test_search_pages(node, rpc, wallet) -> None:
    await node.step()
    for amount in range(1, 6):
        await rpc("broadcast_tx_sync", tx=base64.b64encode(wallet.send(node.app, amount)).decode())
        await node.step()
    query = f"message.sender='{wallet.address}'"

    async def heights(**params: str) -> list[str]:
        found = await rpc("tx_search", query=query, **params)
        assert found["total_count"] == "5"
        return [t["height"] for t in found["txs"]]

    assert await heights() == ["2", "3", "4", "5", "6"]
    assert await heights(order_by="desc", per_page="2") == ["6", "5"]
    assert await heights(page="3", per_page="2") == ["6"]
    assert (await rpc("tx_search", query=query, page="4", per_page="2"))[
        "data"
    ] == "page should be within [1, 3] range, given 4"
    assert (await rpc("tx_search", query="rubbish"))["code"] == -32603


async def test_blockchain_is_newest_first_and_at_most_twenty(node, rpc) -> None:
    await node.step(30)
    found = await rpc("blockchain", minHeight="1", maxHeight="0")
    assert [int(m["header"]["height"]) for m in found["block_metas"]] == list(range(30, 10, -1))
    found = await rpc("blockchain", minHeight="3", maxHeight="5")
    assert [int(m["header"]["height"]) for m in found["block_metas"]] == [5, 4, 3]
    assert "can't be greater than max height" in (await rpc("blockchain", minHeight="9", maxHeight="5"))["data"]
