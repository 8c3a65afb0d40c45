"""Blocks by themselves and step by step, and every chaos switch as a client sees it."""

from __future__ import annotations

import asyncio
import base64
import time

import aiohttp
import grpc
import pytest

from provider.chain.wire import channel, message, stub
from provider.sandbox.chain.blockstore import Block
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node


async def until(true, patience_s: float = 180.0) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not become true"
        await asyncio.sleep(0.005)


async def broadcast(rpc, tx: bytes):
    return await rpc("broadcast_tx_sync", tx=base64.b64encode(tx).decode())


async def height_of(rpc) -> int:
    return int((await rpc("status"))["sync_info"]["latest_block_height"])


async def test_a_node_makes_blocks_by_itself_until_told_to_stop(app) -> None:
    async with Node(app, block_time_s=0.01) as node:
        before = time.time_ns()
        await until(lambda: node.tip >= 3)
        assert before < node.block(3).time_unix_ns <= time.time_ns(), "headers follow the real clock"
        node.chaos.producing = False
        await asyncio.sleep(0.05)
        stopped = node.tip
        await asyncio.sleep(0.05)
        assert node.tip == stopped
        assert await node.step() == stopped + 1
        node.chaos.producing = True
        await until(lambda: node.tip > stopped + 1)


async def test_a_node_starts_from_a_genesis_with_a_virtual_clock(wallet) -> None:
    genesis = Genesis.default({wallet.address: {"uakt": 5}}, chain_id="mine", genesis_time_unix_ns=10**18)
    async with Node(genesis, block_time_s=None, virtual_block_time_s=6) as node:
        await node.step(10)
        assert node.app.chain_id == "mine"
        assert node.block(10).time_unix_ns == 10**18 + 60 * 10**9
    async with Node(genesis, block_time_s=0.01, virtual_block_time_s=0.5) as node:
        await until(lambda: node.tip >= 2)
        assert node.block(2).time_unix_ns == 10**18 + 10**9


async def test_block_time_always_advances(app) -> None:
    async with Node(app, block_time_s=None, now_unix_ns=lambda: 0) as node:
        await node.step(3)
        times = [node.block(h).time_unix_ns for h in (1, 2, 3)]
        assert times == sorted(set(times))


async def test_fast_forward_costs_nothing_and_includes_what_waits(node, rpc, wallet, tx_hash_of) -> None:
    await node.step()
    tx = wallet.send(node.app)
    await broadcast(rpc, tx)
    made: list[Block] = []
    node.on_block(made.append)
    assert await node.fast_forward(100_000) == 100_001
    assert len(made) <= 2, "one of its own for what waits, and the last"
    assert node.included(tx_hash_of(tx)).height == 2
    assert node.block(100_001).time_unix_ns - node.block(2).time_unix_ns == 99_999 * 6 * 10**9
    assert (await rpc("block_results", height="50000"))["txs_results"] is None
    assert (await rpc("header", height="50000"))["header"]["last_block_id"]["hash"] == (
        await rpc("block", height="49999")
    )["block_id"]["hash"]
    assert await node.step() == 100_002
    assert await node.fast_forward(0) == 100_002


async def test_leaving_closes_the_doors(app) -> None:
    async with Node(app, block_time_s=0.01) as node:
        url = node.rpc_url
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(url)


async def test_an_error_of_the_block_comes_out_as_it_went_in(app) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Node(app, block_time_s=0.01):
            raise ZeroDivisionError


async def test_a_state_machine_that_breaks_ends_the_node(app, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "deliver_block", broken)
    with pytest.raises(ExceptionGroup) as caught:
        async with Node(app, block_time_s=0.01):
            await asyncio.sleep(5)
    assert caught.group_contains(ZeroDivisionError)


# Chaos, one switch after the other.


async def test_lag(node, rpc) -> None:
    await node.step(10)
    node.chaos.lag_blocks = 3
    assert await height_of(rpc) == 7
    assert (await rpc("block_results", height="8"))["data"] == (
        "height 8 must be less than or equal to the current blockchain height 7"
    )
    async with channel(node.grpc_url) as chan:
        call = stub(chan, "akash.market.v1beta5.Query").Orders(message("akash.market.v1beta5.QueryOrdersRequest")())
        await call
        assert dict(await call.initial_metadata())["x-cosmos-block-height"] == "7"
    node.chaos.lag_blocks = 99
    assert await height_of(rpc) == 1
    node.chaos.lag_blocks = 0
    assert await height_of(rpc) == 10


async def test_late_results(node, rpc) -> None:
    await node.step(5)
    node.chaos.late_results = 1
    assert await height_of(rpc) == 5
    assert (await rpc("block_results", height="5"))["data"] == "could not find results for height #5"
    assert (await rpc("block_results", height="4"))["height"] == "4"


async def test_catching_up(node, rpc) -> None:
    node.chaos.catching_up = True
    assert (await rpc("status"))["sync_info"]["catching_up"] is True


async def test_pruning(node, rpc) -> None:
    await node.step(10)
    node.chaos.prune_below = 6
    assert (await rpc("status"))["sync_info"]["earliest_block_height"] == "6"
    assert (await rpc("block_results", height="5"))["data"] == "height 5 is not available, lowest height is 6"
    assert (await rpc("block_results", height="6"))["height"] == "6"
    async with channel(node.grpc_url) as chan:
        orders = stub(chan, "akash.market.v1beta5.Query").Orders
        with pytest.raises(grpc.aio.AioRpcError) as no:
            await orders(
                message("akash.market.v1beta5.QueryOrdersRequest")(), metadata=[("x-cosmos-block-height", "5")]
            )
        assert "failed to load state at height 5" in no.value.details()


@pytest.mark.parametrize("status", [429, 503])
async def test_an_outage_of_the_rpc_until_healed(node, status) -> None:
    node.chaos.fail_rpc(status)
    async with aiohttp.ClientSession() as http:
        for path in ("/status", "/", "/websocket"):
            async with http.get(node.rpc_url + path) as answer:
                assert answer.status == status
        async with http.post(node.rpc_url, json={}) as answer:
            assert answer.status == status
        node.chaos.heal()
        async with http.get(node.rpc_url + "/status") as answer:
            assert answer.status == 200


async def test_an_outage_ends_by_itself(node, monkeypatch) -> None:
    node.chaos.fail_rpc(503, for_s=3600)
    node.chaos.fail_grpc(for_s=3600)
    assert node.chaos.grpc_down
    assert node.chaos.rpc_status == 503
    loop = asyncio.get_running_loop()
    before = loop.time
    monkeypatch.setattr(loop, "time", lambda: before() + 3600)
    assert not node.chaos.grpc_down
    assert node.chaos.rpc_status is None


async def test_an_outage_of_grpc(node) -> None:
    await node.step()
    async with channel(node.grpc_url) as chan:
        orders = stub(chan, "akash.market.v1beta5.Query").Orders
        node.chaos.fail_grpc()
        with pytest.raises(grpc.aio.AioRpcError) as no:
            await orders(message("akash.market.v1beta5.QueryOrdersRequest")())
        assert no.value.code() is grpc.StatusCode.UNAVAILABLE
        node.chaos.heal()
        await orders(message("akash.market.v1beta5.QueryOrdersRequest")())


async def test_a_lost_transaction(node, rpc, wallet, tx_hash_of) -> None:
    await node.step()
    node.chaos.lose_txs = 1
    lost, kept = wallet.send(node.app), wallet.send(node.app)
    assert (await broadcast(rpc, lost))["code"] == 0
    assert (await broadcast(rpc, kept))["code"] == 0
    await node.step(2)
    assert node.included(tx_hash_of(lost)) is None
    assert (await broadcast(rpc, lost))["data"] == "tx already exists in cache"


async def test_a_full_mempool(node, rpc, wallet) -> None:
    await node.step()
    tx = wallet.send(node.app)
    node.chaos.mempool_full = True
    assert (await broadcast(rpc, tx))["data"].startswith("mempool is full: number of txs 5000 (max: 5000)")
    async with channel(node.grpc_url) as chan:
        ask = message("cosmos.tx.v1beta1.BroadcastTxRequest")(tx_bytes=tx, mode=2)
        refused = (await stub(chan, "cosmos.tx.v1beta1.Service").BroadcastTx(ask)).tx_response
        assert (refused.codespace, refused.code) == ("sdk", 20)
    node.chaos.mempool_full = False
    assert (await broadcast(rpc, tx))["code"] == 0, "it is not remembered"


async def test_refused_simulations(node, wallet) -> None:
    await node.step()
    ask = message("cosmos.tx.v1beta1.SimulateRequest")(tx_bytes=wallet.send(node.app, signed=False))
    node.chaos.refuse_simulations = 2
    async with channel(node.grpc_url) as chan:
        simulate = stub(chan, "cosmos.tx.v1beta1.Service").Simulate
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as no:
                await simulate(ask)
            assert (no.value.code(), "refused by chaos" in no.value.details()) == (grpc.StatusCode.UNKNOWN, True)
        assert (await simulate(ask)).gas_info.gas_used > 0


async def test_duplicate_events(node, rpc, wallet) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(node.rpc_url + "/websocket") as socket:
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event='Tx'"}})
        assert (await socket.receive_json())["result"] == {}
        await node.step()
        await broadcast(rpc, wallet.send(node.app))
        node.chaos.duplicate_events = True
        await node.step()
        told = [await socket.receive_json() for _ in range(2)]
        assert told[0] == told[1]
    doubled = (await rpc("block_results", height="2"))["txs_results"][0]["events"]
    first = (await rpc("block_results", height="1"))["finalize_block_events"]
    node.chaos.duplicate_events = False
    plain = (await rpc("block_results", height="2"))["txs_results"][0]["events"]
    assert doubled == [event for event in plain for _ in (0, 1)]
    assert len(first) == 2 * len((await rpc("block_results", height="1"))["finalize_block_events"])


async def test_slow_answers_come_late_over_every_door(node, rpc) -> None:
    node.chaos.slow_s = 30
    async with channel(node.grpc_url) as chan, aiohttp.ClientSession() as http:
        orders = stub(chan, "akash.market.v1beta5.Query").Orders
        with pytest.raises(grpc.aio.AioRpcError) as no:
            await orders(message("akash.market.v1beta5.QueryOrdersRequest")(), timeout=0.1)
        assert no.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        for url in (f"{node.rpc_url}/health", f"{node.rest_url}/akash/market/v1beta5/params"):
            with pytest.raises(TimeoutError):
                await http.get(url, timeout=aiohttp.ClientTimeout(total=0.1))
        node.chaos.slow_s = 0
        assert await rpc("health") == {}


async def test_a_chain_that_starts_anew(node, rpc, wallet, tx_hash_of) -> None:
    await node.step(3)
    tx = wallet.send(node.app)
    await broadcast(rpc, tx)
    await node.step()
    before = (await rpc("block", height="1"))["block_id"]["hash"]
    node.reset()
    assert await height_of(rpc) == 0
    assert node.included(tx_hash_of(tx)) is None
    await node.step(2)
    assert await height_of(rpc) == 2
    assert (await rpc("block", height="1"))["block_id"]["hash"] != before, "another chain of the same name"
    assert (await rpc("block_results", height="4"))["code"] == -32603
    assert (await broadcast(rpc, tx))["code"] == 0, "nothing is remembered, and the account is as new"


async def test_subscribers_stay_through_a_new_start(node) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(node.rpc_url + "/websocket") as socket:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event='NewBlockHeader'"}}
        await socket.send_json(ask)
        await socket.receive_json()
        for heights in ((1, 2), (1,)):
            await node.step(len(heights))
            for height in heights:
                told = (await socket.receive_json())["result"]["data"]["value"]["header"]["height"]
                assert told == str(height)
            node.reset()


async def test_too_many_requests_over_grpc(node) -> None:
    node.chaos.fail_grpc(status="RESOURCE_EXHAUSTED")
    async with channel(node.grpc_url) as chan:
        with pytest.raises(grpc.aio.AioRpcError) as no:
            await stub(chan, "akash.market.v1beta5.Query").Orders(message("akash.market.v1beta5.QueryOrdersRequest")())
        assert no.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_cut_connections(node) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(node.rpc_url + "/websocket") as socket:
        node.cut_connections()
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        async with http.get(node.rpc_url + "/status") as answer:
            assert answer.status == 200, "the next connection is welcome"
