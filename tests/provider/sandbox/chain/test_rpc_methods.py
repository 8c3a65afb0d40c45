"""What CometBFT's RPC answers. Recorded answers of a real node are compared in test_recordings.py; here is what no
recording shows.
"""

from __future__ import annotations

import asyncio
import base64


async def test_a_transaction_committed_on_request(node, rpc, wallet, tx_hash_of, monkeypatch) -> None:
    monkeypatch.setattr("provider.sandbox.chain.rpc_methods.COMMIT_PATIENCE_S", 600)
    await node.step()
    tx = wallet.send(node.app)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(rpc("broadcast_tx_commit", tx=base64.b64encode(tx).decode()))
        while not len(node.mempool):  # noqa: ASYNC110 - the mempool tells nobody
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
