"""Calls over real gRPC to small nodes on loopback: failover, chain ids, lag, and what becomes of each status code."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from provider.chain import wire
from provider.chain.nodes import Barred, Lagging, NodeError, Nodes, NotOffered
from provider.errors import ConfigError, NotFound, Pruned, Refused, Retry, Unreachable

NODE = "cosmos.base.node.v1beta1.Service"
MARKET = "akash.market.v1beta5.Query"
NOBODY = "127.0.0.1:1"


def config(price: str) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        return wire.message("cosmos.base.node.v1beta1.ConfigResponse")(minimum_gas_price=price)

    return answer


def refusing(code: grpc.StatusCode, text: str) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        await context.abort(code, text)

    return answer


def ask_config() -> Any:
    return wire.message("cosmos.base.node.v1beta1.ConfigRequest")()


def ask_order() -> Any:
    return wire.message("akash.market.v1beta5.QueryOrderRequest")()


async def params(request: Any, context: Any) -> Any:
    return wire.message("akash.market.v1beta5.QueryParamsResponse")()


async def test_the_best_node_is_asked(grpc_nodes: Any, grpc_of: Any) -> None:
    first, second = await grpc_nodes(), await grpc_nodes()
    first.answers(NODE, Config=config("1uakt"))
    second.answers(NODE, Config=config("2uakt"))
    await first.start()
    await second.start()
    async with Nodes(grpc_of(first.address, second.address), "sandbox") as nodes:
        answer, _ = await nodes.call(NODE, "Config", ask_config())
        assert answer.minimum_gas_price == "1uakt"
        assert second.asked == []


async def test_when_it_is_silent_the_next_one_answers_and_stays_asked(grpc_nodes: Any, grpc_of: Any) -> None:
    second = await grpc_nodes()
    second.answers(NODE, Config=config("2uakt"))
    await second.start()
    async with Nodes(grpc_of(NOBODY, second.address), "sandbox") as nodes:
        for _ in range(3):
            answer, _ = await nodes.call(NODE, "Config", ask_config(), timeout=60)
            assert answer.minimum_gas_price == "2uakt"
        assert [m for m, _ in second.asked] == ["GetLatestBlock", "Config", "Config", "Config"]


async def test_when_nobody_answers_that_is_unreachable(grpc_of: Any) -> None:
    async with Nodes(grpc_of(NOBODY), "sandbox") as nodes:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            await nodes.call(NODE, "Config", ask_config(), timeout=60)


async def test_a_node_of_another_chain_is_refused_before_anything_is_asked(grpc_nodes: Any, grpc_of: Any) -> None:
    stranger = await grpc_nodes(chain_id="other-7")
    stranger.answers(NODE, Config=config("1uakt"))
    await stranger.start()
    async with Nodes(grpc_of(stranger.address), "sandbox") as nodes:
        with pytest.raises(ConfigError, match=r"'other-7'.*'sandbox'"):
            await nodes.call(NODE, "Config", ask_config())
        assert [m for m, _ in stranger.asked] == ["GetLatestBlock"]


async def test_a_node_that_changes_its_chain_is_passed_over_while_another_is_right(
    grpc_nodes: Any, grpc_of: Any
) -> None:
    stranger, good = await grpc_nodes(chain_id="other-7"), await grpc_nodes()
    for node in (stranger, good):
        node.answers(NODE, Config=config("1uakt"))
        await node.start()
    async with Nodes(grpc_of(stranger.address, good.address), "sandbox") as nodes:
        for _ in range(2):
            await nodes.call(NODE, "Config", ask_config())
    assert [m for m, _ in stranger.asked] == ["GetLatestBlock"]
    assert [m for m, _ in good.asked] == ["GetLatestBlock", "Config", "Config"]


async def test_a_height_that_one_has_thrown_away_is_asked_of_the_next(grpc_nodes: Any, grpc_of: Any) -> None:
    pruned, keeps = await grpc_nodes(), await grpc_nodes()
    gone = "failed to load state at height 42; version does not exist"
    pruned.answers(MARKET, Params=refusing(grpc.StatusCode.INVALID_ARGUMENT, gone))
    keeps.answers(MARKET, Params=params)
    await pruned.start()
    await keeps.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    async with Nodes(grpc_of(pruned.address, keeps.address), "sandbox") as nodes:
        assert (await nodes.call(MARKET, "Params", request, height=42))[1] == 42
    async with Nodes(grpc_of(pruned.address), "sandbox") as nodes:
        with pytest.raises(Pruned, match="height 42"):
            await nodes.call(MARKET, "Params", request, height=42)


async def test_one_node_alone_can_be_asked(grpc_nodes: Any, grpc_of: Any) -> None:
    first, second = await grpc_nodes(), await grpc_nodes()
    for node in (first, second):
        node.answers(MARKET, Params=params)
        await node.start()
    endpoints = grpc_of(first.address, second.address)
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    async with Nodes(endpoints, "sandbox") as nodes:
        await nodes.call(MARKET, "Params", request, of=endpoints.all[1])
    assert (len(first.asked), len(second.asked)) == (0, 2)


async def test_one_that_has_too_much_to_do_is_left_alone_for_a_while(grpc_nodes: Any, grpc_of: Any) -> None:
    busy, other = await grpc_nodes(), await grpc_nodes()
    busy.answers(MARKET, Params=refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests"))
    other.answers(MARKET, Params=params)
    await busy.start()
    await other.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    async with Nodes(grpc_of(busy.address, other.address), "sandbox") as nodes:
        for _ in range(3):
            await nodes.call(MARKET, "Params", request)
    assert [m for m, _ in busy.asked] == ["GetLatestBlock", "Params"]


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, "codespace market code 15: invalid order: order not found", NotFound),
        (grpc.StatusCode.INVALID_ARGUMENT, "invalid state value", Refused),
        (grpc.StatusCode.UNIMPLEMENTED, "unknown method Nope for service X", NotOffered),
        (grpc.StatusCode.UNKNOWN, "codespace oracle.v2 code 4: price stalled", NodeError),
        (
            grpc.StatusCode.UNKNOWN,
            "codespace sdk code 26: invalid height: cannot query with height in the future",
            Lagging,
        ),
        (grpc.StatusCode.UNAVAILABLE, "going away", Unreachable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "too slow", Unreachable),
        (grpc.StatusCode.PERMISSION_DENIED, "forbidden by a proxy", Barred),
        (grpc.StatusCode.UNAUTHENTICATED, "who are you", Barred),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests", Retry),
    ],
)
async def test_each_status_becomes_one_of_our_errors(
    grpc_nodes: Any, code: Any, text: str, error: type, grpc_of: Any
) -> None:
    node = await grpc_nodes()
    node.answers(MARKET, Order=refusing(code, text))
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        with pytest.raises(error, match=text.split(":")[0][:20]) as caught:
            await nodes.call(MARKET, "Order", ask_order())
        assert type(caught.value) is error


async def test_an_error_of_one_node_s_own_is_asked_of_the_next_but_for_a_simulation(
    grpc_nodes: Any, grpc_of: Any
) -> None:
    broken, well = await grpc_nodes(), await grpc_nodes()
    for node, answer in (broken, refusing(grpc.StatusCode.INTERNAL, "disk trouble")), (well, params):
        node.answers(MARKET, Params=answer)
        node.answers("cosmos.tx.v1beta1.Service", Simulate=refusing(grpc.StatusCode.UNKNOWN, "order closed"))
        await node.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    simulated = wire.message("cosmos.tx.v1beta1.SimulateRequest")()
    async with Nodes(grpc_of(broken.address, well.address), "sandbox") as nodes:
        assert await nodes.call(MARKET, "Params", request)
        with pytest.raises(NodeError, match="order closed"):
            await nodes.call("cosmos.tx.v1beta1.Service", "Simulate", simulated)
    assert "Simulate" not in [method for method, _ in well.asked]
    async with Nodes(grpc_of(broken.address, NOBODY), "sandbox") as nodes:
        with pytest.raises(NodeError, match="disk trouble"):  # an answer tells more than silence
            await nodes.call(MARKET, "Params", request, timeout=60)


async def test_behind_an_address_that_knows_no_method_there_is_no_node(grpc_nodes: Any, grpc_of: Any) -> None:
    """A proxy that has lost its node says UNIMPLEMENTED to everything."""
    proxy, well = grpc.aio.server(), await grpc_nodes()
    port = proxy.add_insecure_port("127.0.0.1:0")
    await proxy.start()
    well.answers(MARKET, Params=params)
    await well.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    endpoints = grpc_of(f"127.0.0.1:{port}", well.address)
    try:
        async with Nodes(endpoints, "sandbox") as nodes:
            assert await nodes.call(MARKET, "Params", request)
            assert endpoints.all[0].silent("grpc")
        once_well = grpc_of(f"127.0.0.1:{port}", well.address)
        once_well.all[0].grpc.checked = True
        async with Nodes(once_well, "sandbox") as nodes:
            assert await nodes.call(MARKET, "Params", request)
            with pytest.raises(NotOffered):  # there is a node, and it does not know the method
                await nodes.call(NODE, "Config", ask_config())
        async with Nodes(grpc_of(f"127.0.0.1:{port}"), "sandbox") as nodes:
            with pytest.raises(Unreachable, match="no node there"):
                await nodes.call(MARKET, "Params", request)
    finally:
        await proxy.stop(None)


async def test_a_clear_no_is_not_asked_of_the_next_node(grpc_nodes: Any, grpc_of: Any) -> None:
    first, second = await grpc_nodes(), await grpc_nodes()
    for node in (first, second):
        node.answers(MARKET, Order=refusing(grpc.StatusCode.NOT_FOUND, "order not found"))
        await node.start()
    async with Nodes(grpc_of(first.address, second.address), "sandbox") as nodes:
        with pytest.raises(NotFound):
            await nodes.call(MARKET, "Order", ask_order())
        assert second.asked == []


async def test_a_pinned_question_carries_its_height_and_the_answer_says_it(grpc_nodes: Any, grpc_of: Any) -> None:
    node = await grpc_nodes(height=100)
    node.answers(MARKET, Params=params)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
        assert (await nodes.call(MARKET, "Params", request, height=42))[1] == 42
        assert (await nodes.call(MARKET, "Params", request))[1] == 100
        assert node.asked[-2:] == [("Params", 42), ("Params", None)]


async def test_an_answer_older_than_what_was_seen_comes_from_another_node(grpc_nodes: Any, grpc_of: Any) -> None:
    slow, fresh = await grpc_nodes(height=90), await grpc_nodes(height=100)
    for node in (slow, fresh):
        node.answers(MARKET, Params=params, Order=refusing(grpc.StatusCode.NOT_FOUND, "order not found"))
        node.answers("cosmos.tx.v1beta1.Service", Simulate=refusing(grpc.StatusCode.UNKNOWN, "order not found"))
        await node.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    async with Nodes(grpc_of(slow.address, fresh.address), "sandbox") as nodes:
        nodes.floor = 95
        assert (await nodes.call(MARKET, "Params", request))[1] == 100
        with pytest.raises(NotFound):  # and the slow one's "not found" is not believed either
            await nodes.call(MARKET, "Order", ask_order())
        assert fresh.asked[-1][0] == "Order"
        with pytest.raises(NodeError):  # nor a simulation on a state in which the order does not exist yet
            await nodes.call(
                "cosmos.tx.v1beta1.Service", "Simulate", wire.message("cosmos.tx.v1beta1.SimulateRequest")()
            )
        assert fresh.asked[-1][0] == "Simulate"
        nodes.floor = 101
        with pytest.raises(Lagging, match="101 was already seen"):
            await nodes.call(MARKET, "Params", request)


async def test_blocks_that_come_while_a_node_answers_do_not_make_its_answer_a_late_one(
    grpc_nodes: Any, grpc_of: Any
) -> None:
    node = await grpc_nodes(height=100)
    held: list[Nodes] = []

    async def busy(request: Any, context: Any) -> Any:
        held[0].floor = 102  # two more blocks are followed meanwhile
        return await params(request, context)

    node.answers(MARKET, Params=busy)
    await node.start()
    request = wire.message("akash.market.v1beta5.QueryParamsRequest")()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        held.append(nodes)
        nodes.floor = 100
        assert (await nodes.call(MARKET, "Params", request))[1] == 100
        with pytest.raises(Lagging, match="102 was already seen"):
            await nodes.call(MARKET, "Params", request)


async def test_who_is_told_to_end_while_a_call_comes_to_its_end_does_end(
    grpc_nodes: Any, grpc_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What grpc does when both happen at once: it takes the cancellation for its own and answers."""
    node = await grpc_nodes()
    await node.start()
    began = asyncio.Event()

    class Ending:
        def __await__(self) -> Any:
            began.set()
            with suppress(asyncio.CancelledError):
                yield from asyncio.sleep(60).__await__()
            return wire.message("akash.market.v1beta5.QueryOrderResponse")()

        async def initial_metadata(self) -> Any:
            return ()

    async with Nodes(grpc_of(node.address), "sandbox") as nodes, asyncio.TaskGroup() as group:
        await nodes.look(nodes._endpoints.in_order("grpc")[0])
        monkeypatch.setattr(nodes, "_stub", lambda *_: SimpleNamespace(Order=lambda *_, **__: Ending()))
        request = wire.message("akash.market.v1beta5.QueryOrderRequest")()
        task = group.create_task(nodes.call("akash.market.v1beta5.Query", "Order", request))
        await began.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
