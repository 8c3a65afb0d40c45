"""The gas price nodes demand, and the bound it is believed within, over real gRPC."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain import wire
from provider.chain.nodes import Doubted, Nodes
from provider.chain.tx.price import demanded

SERVICE = "cosmos.base.node.v1beta1.Service"
MOST = 10**18


async def node_of(grpc_nodes: Any, price: str) -> Any:
    async def config(request: Any, context: Any) -> Any:
        return wire.message("cosmos.base.node.v1beta1.ConfigResponse")(minimum_gas_price=price)

    node = await grpc_nodes()
    node.answers(SERVICE, Config=config)
    return await node.start()


@pytest.mark.parametrize(
    ("config", "price"),
    [
        ("0.025000000000000000uakt", 25 * 10**15),
        ("1ufoo,0.5uakt", 5 * 10**17),
        ("", 0),
        ("0.1ufoo", 0),
        ("1uakt", MOST),
    ],
)
async def test_the_price_of_a_node(grpc_nodes: Any, grpc_of: Any, config: str, price: int) -> None:
    node = await node_of(grpc_nodes, config)
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        assert await demanded(nodes, MOST) == price


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("250uakt", r"wants 250uakt for a unit of gas, above 1uakt \(chain\.max_gas_price_uakt\)"),
        ("1.000000000000000001uakt", "above 1uakt"),
        ("0.0250000000000000000uakt", "cannot be read"),
        ("9" * 5000 + "uakt", "cannot be read: '9{60}'"),
        ("1.2.3uakt", "cannot be read"),
    ],
    ids=["far above", "a little above", "nineteen digits", "thousands of digits", "two points"],
)
async def test_one_that_is_not_believed_is_passed_over_and_without_another_it_is_trouble(
    grpc_nodes: Any, grpc_of: Any, config: str, says: str
) -> None:
    odd, even = await node_of(grpc_nodes, config), await node_of(grpc_nodes, "0.5uakt")
    async with Nodes(grpc_of(odd.address, even.address), "sandbox") as nodes:
        assert await demanded(nodes, MOST) == 5 * 10**17
    async with Nodes(grpc_of(odd.address), "sandbox") as nodes:
        with pytest.raises(Doubted, match=f"Config at {odd.address}: .*{says}"):
            await demanded(nodes, MOST)


async def test_one_node_alone_may_be_asked(grpc_nodes: Any, grpc_of: Any) -> None:
    dear, cheap = await node_of(grpc_nodes, "0.5uakt"), await node_of(grpc_nodes, "0.025uakt")
    endpoints = grpc_of(dear.address, cheap.address)
    async with Nodes(endpoints, "sandbox") as nodes:
        assert [await demanded(nodes, MOST, of=e) for e in endpoints.all] == [5 * 10**17, 25 * 10**15]
        with pytest.raises(Doubted):
            await demanded(nodes, 10**17, of=endpoints.all[0])
