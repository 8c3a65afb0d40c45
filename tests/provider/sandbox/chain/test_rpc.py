"""The HTTP door: bodies, batches, URIs."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from provider.chain.wire import message, unpack


class Http:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def post(self, body: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.url, data=data) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
async def http(node) -> AsyncIterator[Http]:
    await node.step(3)
    async with aiohttp.ClientSession() as session:
        yield Http(session, node.rpc_url)


async def test_uris(http, node, wallet, tx_hash_of) -> None:
    status, reply = await http.get("/block_results?height=2")
    assert (status, reply["id"], reply["result"]["height"]) == (200, -1, "2")
    status, reply = await http.get("/block?height=99")
    assert (status, reply["error"]["code"]) == (500, -32603)
    assert (await http.get("/status"))[1]["result"]["sync_info"]["latest_block_height"] == "3"
    tx = wallet.send(node.app)
    assert (await http.get(f"/broadcast_tx_sync?tx=0x{tx.hex()}"))[1]["result"]["hash"] == tx_hash_of(tx)
    await node.step()
    assert (await http.get(f"/tx?hash=0x{tx_hash_of(tx)}&prove=false"))[1]["result"]["height"] == "4"
    query = f"%22tx.hash='{tx_hash_of(tx)}'%22"
    assert (await http.get(f"/tx_search?query={query}&page=1"))[1]["result"]["total_count"] == "1"
    path = '"/akash.market.v1beta5.Query/Params"'
    assert (await http.get(f"/abci_query?path={path}&data=0x"))[1]["result"]["response"]["code"] == 0
    assert (await http.get("/nope"))[0] == 404
    assert "block_results height" in (await http.get("/"))[1]


async def test_batches(http) -> None:
    def one(n: int) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": n, "method": "block_results", "params": {"height": "2"}}

    status, replies = await http.post([one(n) for n in range(10)])
    assert (status, [r["id"] for r in replies]) == (200, list(range(10)))
    status, reply = await http.post([one(n) for n in range(11)])
    assert (status, reply["error"]["code"]) == (500, -32600)
    assert await http.post([{"jsonrpc": "2.0", "method": "status"}]) == (200, ""), "notifications get no reply"


async def test_bodies_that_are_no_requests(http) -> None:
    status, reply = await http.post(b"{")
    assert (status, reply["error"]["code"]) == (500, -32700)
    assert (await http.post({"id": 1}))[1]["error"]["code"] == -32600
    assert (await http.post(b"x" * 1_000_001))[0] == 413


async def test_an_abci_query_is_the_query(http, node, wallet) -> None:
    ask = message("cosmos.auth.v1beta1.QueryAccountRequest")(address=wallet.address).SerializeToString()
    body = {"jsonrpc": "2.0", "id": "x", "method": "abci_query"}
    params = {"path": "/cosmos.auth.v1beta1.Query/Account", "data": ask.hex(), "height": "2", "prove": False}
    response = (await http.post(body | {"params": params}))[1]["result"]["response"]
    assert (response["code"], response["height"]) == (0, "2")
    value = base64.b64decode(response["value"])
    account = unpack(message("cosmos.auth.v1beta1.QueryAccountResponse").FromString(value).account)
    assert account.address == wallet.address
    future = (await http.post(body | {"params": params | {"height": "99"}}))[1]["result"]["response"]
    assert (future["code"], future["codespace"]) == (26, "sdk")
