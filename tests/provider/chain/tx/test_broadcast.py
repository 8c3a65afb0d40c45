"""Broadcast and simulation over real gRPC, with a node's recorded answers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from provider.chain import wire
from provider.chain.keys import Key
from provider.chain.messages import CreateProvider
from provider.chain.nodes import Nodes
from provider.chain.tx.broadcast import Answer, Found, Simulation, broadcast, find, simulate
from provider.errors import Unreachable

SERVICE = "cosmos.tx.v1beta1.Service"


@pytest.mark.parametrize("code", [0, 19], ids=["taken", "known already"])
async def test_the_same_bytes_go_to_the_next_node(grpc_nodes: Any, grpc_of: Any, code: int) -> None:
    answer, taken = await _after_silence(grpc_nodes, grpc_of, code)
    assert isinstance(answer, Answer)
    assert answer.accepted
    assert taken == [(b"bytes", 2)]


async def test_a_refusal_after_silence_leaves_it_open_whether_it_was_taken(grpc_nodes: Any, grpc_of: Any) -> None:
    """Signed anew it would do the same thing twice."""
    answer, _ = await _after_silence(grpc_nodes, grpc_of, 13)
    assert isinstance(answer, Unreachable)
    assert "insufficient fee" in str(answer)


async def _after_silence(grpc_nodes: Any, grpc_of: Any, code: int) -> tuple[Answer | Unreachable, list[Any]]:
    """What comes of a broadcast that a first node leaves unanswered and a second one answers with `code`."""
    taken: list[tuple[bytes, int]] = []

    async def take(request: Any, context: Any) -> Any:
        taken.append((request.tx_bytes, request.mode))
        answer = wire.message("cosmos.tx.v1beta1.BroadcastTxResponse")()
        answer.tx_response.code, answer.tx_response.codespace = code, "sdk"
        answer.tx_response.raw_log = "insufficient fee" if code else ""
        return answer

    async def fall_over(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")

    first, second = await grpc_nodes(), await grpc_nodes()
    first.answers(SERVICE, BroadcastTx=fall_over)
    second.answers(SERVICE, BroadcastTx=take)
    await first.start()
    await second.start()
    async with Nodes(grpc_of(first.address, second.address), "sandbox") as nodes:
        try:
            return await broadcast(nodes, b"bytes"), taken
        except Unreachable as unsure:
            return unsure, taken


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (Answer(0, "", ""), True),
        (Answer(19, "sdk", "tx already in mempool"), True),
        (Answer(19, "market", ""), False),
        (Answer(5, "sdk", ""), False),
    ],
)
def test_bytes_that_are_there_already_are_accepted(answer: Answer, accepted: bool) -> None:
    assert answer.accepted is accepted


async def test_a_proxy_that_forbids_took_nothing(grpc_nodes: Any, grpc_of: Any) -> None:
    async def forbid(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "read only")

    node = await grpc_nodes()
    node.answers(SERVICE, BroadcastTx=forbid)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        answer = await broadcast(nodes, b"bytes")
        assert not answer.accepted
        assert "read only" in answer.log


async def test_and_the_next_one_may_take_it(grpc_nodes: Any, grpc_of: Any) -> None:
    async def forbid(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "read only")

    async def take(request: Any, context: Any) -> Any:
        return wire.message("cosmos.tx.v1beta1.BroadcastTxResponse")()

    closed, open_ = await grpc_nodes(), await grpc_nodes()
    for node, does in (closed, forbid), (open_, take):
        node.answers(SERVICE, BroadcastTx=does)
        await node.start()
    async with Nodes(grpc_of(closed.address, open_.address), "sandbox") as nodes:
        assert (await broadcast(nodes, b"bytes")).accepted


async def test_a_simulation_is_gas_or_a_text_or_not_offered(grpc_nodes: Any, grpc_of: Any) -> None:
    text = "failed to execute message; message index: 0: order closed [x.go:1] with gas used: '5'"

    async def run(request: Any, context: Any) -> Any:
        if request.tx_bytes == b"bad":
            await context.abort(grpc.StatusCode.UNKNOWN, text)
        answer = wire.message("cosmos.tx.v1beta1.SimulateResponse")()
        answer.gas_info.gas_used = 4711
        return answer

    offers, lacks = await grpc_nodes(), await grpc_nodes()
    offers.answers(SERVICE, Simulate=run)
    await offers.start()
    await lacks.start()
    async with Nodes(grpc_of(offers.address), "sandbox") as nodes:
        assert await simulate(nodes, b"good") == Simulation(gas_used=4711)
        assert await simulate(nodes, b"bad") == Simulation(error=text)
    async with Nodes(grpc_of(lacks.address), "sandbox") as nodes:
        assert await simulate(nodes, b"good") == Simulation(offered=False)
    async with Nodes(grpc_of("127.0.0.1:1"), "sandbox") as nodes:
        with pytest.raises(Unreachable):
            await simulate(nodes, b"good", timeout=60)


async def test_a_transaction_is_found_by_its_hash_once_a_block_holds_it(on_sandbox: Any) -> None:
    key = Key.from_hex("42" * 32)
    town = await on_sandbox({key.address: {"uakt": 10**9}})
    assert await town.chain.find("AB" * 32) is None
    landed = await town.does(key, CreateProvider(key.address, "https://p.test:8443", ()))
    found = await town.chain.find(landed.hash)
    assert found == Found(landed.height, 0, "", "", landed.gas_used)


async def test_a_node_without_an_index_knows_of_none_and_a_silent_one_is_trouble(grpc_nodes: Any, grpc_of: Any) -> None:
    async def no_index(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.INTERNAL, "transaction indexing is disabled")

    async def away(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")

    node, silent = await grpc_nodes(), await grpc_nodes()
    node.answers(SERVICE, GetTx=no_index)
    silent.answers(SERVICE, GetTx=away)
    await node.start()
    await silent.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        assert await find(nodes, "AB") is None
    async with Nodes(grpc_of(silent.address), "sandbox") as nodes:
        with pytest.raises(Unreachable):
            await find(nodes, "AB")
