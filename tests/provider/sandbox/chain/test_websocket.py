"""Subscriptions over a real websocket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from provider.sandbox.chain.node import Node
from provider.sandbox.chain.websocket import BUFFER


class Socket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.id = socket, 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.id += 1
        await self.socket.send_json({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        return await self.heard()

    async def heard(self) -> dict[str, Any]:
        async with asyncio.timeout(180):
            return await self.socket.receive_json()

    async def silent(self) -> bool:
        try:
            async with asyncio.timeout(0.1):
                await self.socket.receive()
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def socket(node: Node) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as http, http.ws_connect(node.rpc_url + "/websocket") as raw:
        yield Socket(raw)


async def test_new_block_headers_ring_with_the_id_of_the_subscription(node, socket) -> None:
    query = "tm.event='NewBlockHeader'"
    assert await socket.call("subscribe", query=query) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    await node.step(2)
    for height in ("1", "2"):
        push = await socket.heard()
        assert push["id"] == 1
        assert push["result"]["query"] == query
        assert push["result"]["data"]["type"] == "tendermint/event/NewBlockHeader"
        assert push["result"]["data"]["value"]["header"]["height"] == height
        assert push["result"]["events"] == {"tm.event": ["NewBlockHeader"]}


async def test_a_transaction_is_heard_by_who_asked_for_it(node, socket, wallet, tx_hash_of) -> None:
    await node.step()
    await socket.call("subscribe", query=f"tm.event='Tx' AND transfer.sender='{wallet.address}'")
    await socket.call("subscribe", query="tm.event='Tx' AND transfer.sender='akash1else'")
    await socket.call("subscribe", query="tm.event='NewBlock'")
    txs = [wallet.send(node.app), wallet.send(node.app)]
    for tx in txs:
        await socket.call("broadcast_tx_sync", tx=base64.b64encode(tx).decode())
    await node.step()
    block = await socket.heard()
    assert set(block["result"]["data"]["value"]) == {"block", "block_id", "result_finalize_block"}
    assert len(block["result"]["data"]["value"]["result_finalize_block"]["tx_results"]) == 2
    for index, tx in enumerate(txs):
        push = await socket.heard()
        result = push["result"]["data"]["value"]["TxResult"]
        assert push["id"] == 1
        assert (result["height"], result.get("index", 0)) == ("2", index)
        assert base64.b64decode(result["tx"]) == tx
        assert push["result"]["events"]["tx.hash"] == [tx_hash_of(tx)]
    assert await socket.silent()


async def test_counting_events(node, socket) -> None:
    await node.step()  # the first one has events of its own
    await socket.call("subscribe", query="tm.event='NewBlockEvents'")
    await node.step()
    value = (await socket.heard())["result"]["data"]["value"]
    assert value == {"height": "2", "events": [], "num_txs": "0"}


async def test_rules_of_subscribing(node, socket) -> None:
    async def refused(method: str, query: str) -> str:
        return (await socket.call(method, query=query))["error"]["data"]

    assert "failed to parse query" in await refused("subscribe", "rubbish")
    assert await refused("subscribe", "x" * 600) == "maximum query length exceeded"
    for height in range(5):
        await socket.call("subscribe", query=f"tx.height={height}")
    assert await refused("subscribe", "tx.height=9") == "max_subscriptions_per_client 5 reached"
    assert await refused("unsubscribe", "tx.height=9") == "subscription not found"
    assert (await socket.call("unsubscribe", query="tx.height=0"))["result"] == {}
    await socket.call("subscribe", query="tm.event='NewBlockHeader'")
    assert (await socket.call("unsubscribe_all"))["result"] == {}
    await node.step()
    assert await socket.silent()


async def test_every_method_works_here_too(node, socket) -> None:
    await node.step()
    assert (await socket.call("status"))["result"]["sync_info"]["latest_block_height"] == "1"
    assert (await socket.call("nope"))["error"]["code"] == -32601
    await socket.socket.send_str("rubbish")
    assert (await socket.heard())["error"]["code"] == -32700


async def test_silence_looks_like_a_healthy_socket(node, socket) -> None:
    await socket.call("subscribe", query="tm.event='NewBlockHeader'")
    node.chaos.silent_websockets = True
    await node.step(3)
    assert await socket.silent()
    assert (await socket.call("health"))["result"] == {}, "and yet it answers"
    node.chaos.silent_websockets = False
    await node.step()
    assert (await socket.heard())["result"]["data"]["value"]["header"]["height"] == "4"


async def test_a_lagging_node_rings_late(node, socket) -> None:
    await socket.call("subscribe", query="tm.event='NewBlockHeader'")
    await node.step(3)
    for _ in range(3):
        await socket.heard()
    node.chaos.lag_blocks = 2
    await node.step(2)
    assert await socket.silent()
    await node.step()
    assert (await socket.heard())["result"]["data"]["value"]["header"]["height"] == "4"
    node.chaos.lag_blocks = 0
    await node.step()
    heights = [(await socket.heard())["result"]["data"]["value"]["header"]["height"] for _ in range(3)]
    assert heights == ["5", "6", "7"], "what was held back comes in order"


async def test_fast_forwarding_rings_for_the_last_height_only(node, socket) -> None:
    await node.step()
    await socket.call("subscribe", query="tm.event='NewBlockHeader'")
    await node.fast_forward(1_000)
    heights = [(await socket.heard())["result"]["data"]["value"]["header"]["height"] for _ in range(2)]
    assert heights == ["2", "1001"]
    assert await socket.silent()


async def test_who_reads_too_slowly_loses_events_and_is_not_told(node, socket) -> None:
    """All the blocks come between two turns of the writer, as from a node that outruns its client."""
    await socket.call("subscribe", query="tm.event='NewBlockHeader'")
    for _ in range(BUFFER + 50):
        node._commit()
    heights = [(await socket.heard())["result"]["data"]["value"]["header"]["height"] for _ in range(BUFFER)]
    assert heights[-1] == str(BUFFER)
    assert await socket.silent()
    await node.step()
    assert (await socket.heard())["result"]["data"]["value"]["header"]["height"] == str(BUFFER + 51)


async def test_leaving_with_subscribers_is_quick(app) -> None:
    """Counted in turns of the loop, of which there are none while the machine stands still."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.1)
            turns += 1

    counting = asyncio.get_running_loop().create_task(count())
    async with aiohttp.ClientSession() as http:
        async with Node(app, block_time_s=0.01) as node:
            socket = Socket(await http.ws_connect(node.rpc_url + "/websocket"))
            await socket.call("subscribe", query="tm.event='NewBlockHeader'")
            await socket.heard()
            leaving = turns
        assert turns - leaving < 300, "a server that waits for its clients does so for 60 s"
        await socket.socket.close()
    counting.cancel()
