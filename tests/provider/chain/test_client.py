"""The whole client on loopback: gRPC and JSON-RPC of one small node."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from manifests.ids import LeaseID, OrderID
from provider.chain import wire
from provider.chain.client import Chain
from provider.chain.comet import Head, parse_time
from provider.chain.familiar import gone
from provider.chain.keys import Key
from provider.chain.messages import CreateProvider, UpdateProvider
from provider.chain.nodes import Lagging
from provider.errors import ConfigError, NotFound, Refused, Retry, Unreachable
from provider.settings import ChainSettings, NodeSettings

MARKET = "akash.market.v1beta5"


@pytest.fixture
async def node(grpc_nodes: Any, rpc_node: Any) -> Any:
    async def params(request: Any, context: Any) -> Any:
        answer = wire.message(f"{MARKET}.QueryParamsResponse")()
        answer.params.order_max_bids = 20
        return answer

    found = await grpc_nodes(height=10)
    found.answers(f"{MARKET}.Query", Params=params)
    await found.start()
    found.rpc = await rpc_node(tip=10)
    return found


def settings(node: Any, **more: Any) -> ChainSettings:
    pair = {"rpc": node.rpc.address, "grpc": node.address}
    return ChainSettings(**{"id": "sandbox", "nodes": (pair,), **more})


async def test_who_it_is_where_it_stands_and_what_it_is_asked(node: Any) -> None:
    async with Chain.connect(settings(node)) as chain:
        assert chain.id == "sandbox"
        assert await chain.head() == Head(10, parse_time("2026-11-21T00:00:10.5Z"))
        assert (await chain.latest.market_params()).order_max_bids == 20
        await chain.at(7).market_params()
    assert [h for m, h in node.asked if m == "Params"] == [None, 7]


async def test_blocks_are_followed_and_their_time_is_measured(node: Any) -> None:
    async with Chain.connect(settings(node)) as chain:
        assert chain.block_time_ms == 6000, "the usual, until known"
        heights = []
        async with aclosing(chain.follow(4)) as blocks:
            async for block in blocks:
                heights.append(block.height)
                if block.height == 10:
                    break
        assert heights == [5, 6, 7, 8, 9, 10]
        assert chain.block_time_ms == 1000


async def test_who_follows_nothing_measures_two_blocks(node: Any) -> None:
    async with Chain.connect(settings(node)) as chain:
        await chain.measure(blocks=4)
        assert chain.block_time_ms == 1000


async def test_when_a_block_was_as_long_as_it_is_kept(node: Any) -> None:
    async with Chain.connect(settings(node)) as chain:
        assert await chain.time_at(4) == parse_time("2026-11-21T00:00:04.5Z")
        gone = {"code": -32603, "message": "Internal error", "data": "height 4 is not available, lowest height is 5"}
        node.rpc.answers["block"] = {"error": gone}
        assert await chain.time_at(4) is None


async def test_after_a_block_was_followed_older_answers_are_not_believed(node: Any) -> None:
    node.rpc.tip = 12
    async with Chain.connect(settings(node)) as chain:
        async with aclosing(chain.follow(11)) as blocks:
            assert (await anext(blocks)).height == 12
        with pytest.raises(Lagging, match="height 10, 12 was already seen"):
            await chain.latest.market_params()
        await chain.at(10).market_params()


async def test_the_wrong_chain_id_ends_it_at_the_door(node: Any) -> None:
    with pytest.raises(ConfigError, match=r"'sandbox'.*'akashnet-2'"):
        async with Chain.connect(settings(node, id="akashnet-2")):
            pytest.fail("must not get here")


async def test_nobody_there_is_unreachable(node: Any) -> None:
    with pytest.raises(Unreachable):
        async with Chain.connect(settings(node, nodes=({"rpc": "127.0.0.1:1", "grpc": node.address},))):
            pytest.fail("must not get here")


async def test_an_error_inside_comes_out_as_it_is(node: Any) -> None:
    with pytest.raises(Refused, match="as it is"):
        async with Chain.connect(settings(node)):
            raise Refused("as it is")


@pytest.fixture
async def two(on_sandbox: Any) -> Any:
    """A sandbox chain and a client that knows both its nodes; our account is registered as a provider, and has
    changed its address since the first block."""
    us = Key.from_hex("1" * 64)
    town = await on_sandbox({us.address: {"uakt": 10**9}})
    await town.does(us, CreateProvider(us.address, "https://p.test:8443", ()))
    await town.does(us, UpdateProvider(us.address, "https://q.test:8443", ()))
    async with town.node.peer() as peer:
        doors = tuple(NodeSettings(rpc=n.rpc_url, grpc=n.grpc_url) for n in (town.node, peer))
        async with Chain.connect(ChainSettings(id="sandbox", nodes=doors)) as chain:
            yield chain, us.address, town.node, peer


async def test_what_cannot_be_taken_back_is_asked_of_two_nodes(two: Any) -> None:
    chain, us, first, second = two
    assert (await chain.confirmed(lambda query: query.provider(us))).owner == us
    with pytest.raises(NotFound):
        await chain.confirmed(lambda query: query.provider(Key.from_hex("2" * 64).address))
    for trouble in (first, second):
        trouble.chaos.fail_grpc()
        with pytest.raises(Retry, match="no second node confirms it"):
            await chain.confirmed(lambda query: query.provider(us))
        trouble.chaos.heal()
    second.chaos.lag_blocks = 10**6  # it still stands at the first block
    with pytest.raises(Retry, match=r"nodes disagree: .* says https://q.test:8443"):
        await chain.confirmed(lambda query: query.provider(us), alike=lambda found: found.host_uri)


async def test_two_settings_for_one_address_are_one_node(two: Any) -> None:
    _, us, first, _ = two
    doors = NodeSettings(rpc=first.rpc_url, grpc=first.grpc_url)
    async with Chain.connect(ChainSettings(id="sandbox", nodes=(doors, doors))) as chain:
        assert (await chain.confirmed(lambda query: query.provider(us))).owner == us


async def test_a_lease_nobody_knows_is_confirmed_as_unknown(two: Any) -> None:
    chain, us, _, _ = two
    with pytest.raises(NotFound):
        await chain.confirmed_lease(LeaseID.parse(f"{us}/7/1/1/{us}"))


@pytest.mark.parametrize(
    ("states", "over"),
    [
        pytest.param((None, None), True, id="both know nothing of it"),
        pytest.param(("active", "active"), True, id="another has it"),
        pytest.param(("closed", None), True, id="over, one way or the other"),
        pytest.param(("open", "open"), False, id="it is open"),
        pytest.param((None, "open"), None, id="one knows nothing of it"),
        pytest.param(("open", "closed"), None, id="one says that it is closed"),
    ],
)
async def test_whether_an_order_is_over(
    two: Any, monkeypatch: Any, states: tuple[str | None, str | None], over: bool | None
) -> None:
    chain, us, _, _ = two
    left = list(states)

    async def says(query: Any, order: OrderID) -> str:
        if (state := left.pop(0)) is None:
            raise NotFound("order not found")
        return state

    monkeypatch.setattr("provider.chain.query.Query.order_state", says)
    ask = chain.confirmed_order_over(OrderID(us, 7, 1, 1))
    if over is None:
        with pytest.raises(Retry, match="nodes disagree"):
            await ask
    else:
        assert await ask is over


async def test_an_order_nobody_knows_is_over(two: Any) -> None:
    chain, us, _, _ = two
    assert await chain.confirmed_order_over(OrderID(us, 7, 1, 1))


async def test_the_software_tells_its_versions(two: Any) -> None:
    chain, _, _, _ = two
    found = await chain.latest.software()
    assert found.modules["market"] == {"v1beta5"}
    assert gone(found.modules) == []


async def test_blocks_go_on_when_their_node_dies_and_the_other_is_shown_in_use(two: Any) -> None:
    chain, _, first, second = two
    start = (await chain.head()).height
    heights = []
    async with aclosing(chain.follow(start)) as blocks:
        async for block in blocks:
            heights.append(block.height)
            if len(heights) == 3:
                first.chaos.fail_rpc(503)
                first.chaos.fail_grpc()
            if len(heights) == 8:
                break
    assert heights == list(range(start + 1, start + 9))
    used = {labels["node"]: value for name, labels, value in chain.endpoints.gauges() if name == "akp_node_in_use"}
    assert used == {first.rpc_url.removeprefix("http://"): 0.0, second.rpc_url.removeprefix("http://"): 1.0}


async def test_the_block_after_one_can_be_read_or_it_is_told_why_not(two: Any) -> None:
    chain, _, first, second = two
    assert await chain.gap_after(0) is None
    first.chaos.prune_below = second.chaos.prune_below = 2
    gap = await chain.gap_after(0)
    assert gap is not None
    assert gap.first_available == 2
