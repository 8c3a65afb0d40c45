"""Broadcast and simulation over real gRPC, with a node's recorded answers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from manifests.coins import Coin
from provider.chain import wire
from provider.chain.keys import Key
from provider.chain.messages import CreateProvider
from provider.chain.nodes import Doubted, Nodes
from provider.chain.tx import build
from provider.chain.tx.broadcast import Answer, Found, Simulation, broadcast, find, simulate
from provider.chain.tx.gas import Belief
from provider.errors import Unreachable

SERVICE = "cosmos.tx.v1beta1.Service"
TX = build.raw(b"", build.auth_info(b"", 0, 1000, [Coin("uakt", 25)]), b"")
"""it pays 0.025 per unit of gas"""
MOST = 10**18
"""gas price"""


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
            return await broadcast(nodes, b"bytes", most_price_e18=MOST), taken
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
        answer = await broadcast(nodes, b"bytes", most_price_e18=MOST)
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
        assert (await broadcast(nodes, b"bytes", most_price_e18=MOST)).accepted


async def test_one_that_wants_a_price_above_all_bounds_is_passed_over(grpc_nodes: Any, grpc_of: Any) -> None:
    """Any other price is for who signs to pay."""
    dear, dearer, fair, bounds = [await _wants(grpc_nodes, price) for price in ("250", "300", "", "1")]
    for asked, taken in (
        ([dear, fair], True),
        ([dear, bounds, fair], False),
        ([dear, dearer], False),
        ([dear], False),
    ):
        async with Nodes(grpc_of(*(node.address for node in asked)), "sandbox") as nodes:
            answer = await broadcast(nodes, TX, most_price_e18=MOST)
            assert (answer.accepted, answer.code) == (taken, 0 if taken else 13)
    assert "BroadcastTx" in [m for m, _ in dearer.asked]
    assert [m for m, _ in fair.asked].count("BroadcastTx") == 1


@pytest.mark.parametrize("price", ["0.025", "0.001", "0"], ids=["what it pays", "less", "none"])
async def test_one_that_refuses_the_price_it_tells_is_passed_over(grpc_nodes: Any, grpc_of: Any, price: str) -> None:
    odd, fair = await _wants(grpc_nodes, price), await _wants(grpc_nodes, "")
    async with Nodes(grpc_of(odd.address, fair.address), "sandbox") as nodes:
        with capture_logs() as logs:
            assert (await broadcast(nodes, TX, most_price_e18=MOST)).accepted
    (told,) = [line for line in logs if "passed over" in line["event"]]
    assert told["asked"] == "BroadcastTx"
    assert told["why"].startswith("it refuses a fee of 25uakt, and ")
    async with Nodes(grpc_of(odd.address), "sandbox") as nodes:
        assert await broadcast(nodes, TX, most_price_e18=MOST) == Answer(13, "sdk", "")


async def test_the_price_of_the_one_that_refuses_is_told_not_that_of_one_passed_over(
    grpc_nodes: Any, grpc_of: Any
) -> None:
    odd, dear = await _wants(grpc_nodes, "0.025"), await _wants(grpc_nodes, "0.026")
    async with Nodes(grpc_of(odd.address, dear.address), "sandbox") as nodes:
        answer = await broadcast(nodes, TX, most_price_e18=MOST)
        assert answer == Answer(13, "sdk", "", wanted_e18=26 * 10**15)


async def test_and_after_a_silent_one_it_is_still_open_whether_that_took_it(grpc_nodes: Any, grpc_of: Any) -> None:
    dear = await _wants(grpc_nodes, "250")
    async with Nodes(grpc_of("127.0.0.1:1", dear.address), "sandbox") as nodes:
        with pytest.raises(Unreachable):
            await broadcast(nodes, b"bytes", most_price_e18=MOST)


async def _wants(grpc_nodes: Any, price: str) -> Any:
    """A node that refuses everything for its gas price, or nothing without one."""

    async def take(request: Any, context: Any) -> Any:
        answer = wire.message("cosmos.tx.v1beta1.BroadcastTxResponse")()
        if price:
            answer.tx_response.code, answer.tx_response.codespace = 13, "sdk"
        return answer

    async def config(request: Any, context: Any) -> Any:
        return wire.message("cosmos.base.node.v1beta1.ConfigResponse")(minimum_gas_price=f"{price}uakt")

    node = await grpc_nodes()
    node.answers(SERVICE, BroadcastTx=take)
    node.answers("cosmos.base.node.v1beta1.Service", Config=config)
    return await node.start()


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
        assert await simulate(nodes, b"good", Belief(4711)) == Simulation(gas_used=4711)
        assert await simulate(nodes, b"bad", Belief(4711)) == Simulation(error=text)
    async with Nodes(grpc_of(lacks.address), "sandbox") as nodes:
        assert await simulate(nodes, b"good", Belief(4711)) == Simulation(offered=False)
    async with Nodes(grpc_of("127.0.0.1:1"), "sandbox") as nodes:
        with pytest.raises(Unreachable):
            await simulate(nodes, b"good", Belief(4711), timeout=60)


async def test_a_node_that_says_more_gas_than_can_be_is_passed_over(grpc_nodes: Any, grpc_of: Any) -> None:
    far, near, right = [await _says(grpc_nodes, gas) for gas in (10**10, 101, 100)]
    async with Nodes(grpc_of(far, near, right), "sandbox") as nodes:
        assert await simulate(nodes, b"tx", Belief(100)) == Simulation(gas_used=100)
    async with Nodes(grpc_of(far, "127.0.0.1:1"), "sandbox") as nodes:
        with (
            capture_logs() as logs,
            pytest.raises(Doubted, match=rf"{far}: it simulates 10000000000 gas, above the 100"),
        ):
            await simulate(nodes, b"tx", Belief(100, agreed=10**10, alone=10**10))
    (told,) = [line for line in logs if "passed over" in line["event"]]
    assert told["log_level"] == "warning"
    assert "chain.max_gas_multiple" in told["why"]


@pytest.mark.parametrize(
    ("says", "believed", "because"),
    [
        ((1000, 1090), 1090, "two nodes say about the same"),
        ((1000, 7000, 950), 950, "two nodes say about the same"),
        ((1000, 1200), None, ""),
        ((2000, 2001), None, ""),
        ((1500,), 1500, "there is no second node"),
        ((1501,), None, ""),
    ],
    ids=["two", "two of three", "two that differ", "two, absurdly", "an only one", "an only one, absurdly"],
)
async def test_far_above_the_usual_is_believed_of_two_nodes_or_an_only_one(
    grpc_nodes: Any, grpc_of: Any, says: tuple[int, ...], believed: int | None, because: str
) -> None:
    """A deployment that ends with hundreds of bids takes that much."""
    addresses = [await _says(grpc_nodes, gas) for gas in says]
    async with Nodes(grpc_of(*addresses), "sandbox") as nodes:
        with capture_logs() as logs:
            if believed is None:
                with pytest.raises(Doubted):
                    await simulate(nodes, b"tx", Belief(100, agreed=1999, alone=1500))
                assert not [line for line in logs if "is believed" in line["event"]]
                return
            assert await simulate(nodes, b"tx", Belief(100, agreed=1999, alone=1500)) == Simulation(gas_used=believed)
    (told,) = [line for line in logs if "far above the usual is believed" in line["event"]]
    assert because in told["event"]
    assert told["gas"] == believed


async def _says(grpc_nodes: Any, gas: int) -> str:
    """The address of a node where everything uses that much."""

    async def run(request: Any, context: Any) -> Any:
        answer = wire.message("cosmos.tx.v1beta1.SimulateResponse")()
        answer.gas_info.gas_used = gas
        return answer

    node = await grpc_nodes()
    node.answers(SERVICE, Simulate=run)
    return str((await node.start()).address)


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
