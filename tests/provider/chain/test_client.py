"""The whole client on loopback: gRPC and JSON-RPC of one small node."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from provider.chain import wire
from provider.chain.client import Chain
from provider.chain.comet import Head, parse_time
from provider.chain.nodes import Lagging
from provider.errors import ConfigError, Refused, Unreachable
from provider.settings import ChainSettings

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
