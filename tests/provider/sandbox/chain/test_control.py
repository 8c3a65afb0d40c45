"""Trouble on order from outside the process, over HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from provider.sandbox.chain import control
from provider.sandbox.chain.rpc import CHAOS


async def post(node: Any, orders: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession(node.rpc_url) as http, http.post(CHAOS, json=orders) as answer:
        return answer.status, await answer.json()


async def test_switches_are_set_and_shown(node: Any) -> None:
    status, told = await post(node, {"lag_blocks": 3, "silent_websockets": True, "slow_s": 0})
    assert status == 200
    assert (told["lag_blocks"], told["silent_websockets"], told["catching_up"]) == (3, True, False)
    assert (node.chaos.lag_blocks, node.chaos.silent_websockets) == (3, True)
    async with aiohttp.ClientSession(node.rpc_url) as http, http.get(CHAOS) as answer:
        assert await answer.json() == told


async def test_outages_begin_and_end_and_do_not_reach_this_door(node: Any) -> None:
    _, told = await post(
        node, {"fail_rpc": {"status": 429, "for_s": 60}, "fail_grpc": {"status": "RESOURCE_EXHAUSTED"}}
    )
    assert (told["rpc_status"], told["grpc_status"]) == (429, "RESOURCE_EXHAUSTED")
    _, told = await post(node, {"heal": True})
    assert (told["rpc_status"], told["grpc_status"]) == (None, None)


async def test_the_chain_starts_anew_on_order(node: Any) -> None:
    await node.step(5)
    await post(node, {"reset": True})
    assert node.app.height == 0


async def test_cutting_ends_the_very_connection_that_asked(node: Any) -> None:
    with pytest.raises(aiohttp.ClientError):
        await post(node, {"cut": True})


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        ([], "orders are a JSON object"),
        ({"lag": 3}, "lag is unknown. There are lag_blocks, "),
        ({"_rpc_until": 3}, "_rpc_until is unknown"),
        ({"lag_blocks": "3"}, "lag_blocks is a int"),
        ({"lag_blocks": 1.5}, "lag_blocks is a int"),
        ({"catching_up": 1}, "catching_up is a bool"),
        ({"slow_s": True}, "slow_s is a float"),
        ({"cut": False}, "cut can only be true"),
        ({"fail_rpc": True}, "fail_rpc takes an object with status and for_s"),
        ({"fail_rpc": {"status": "429"}}, "fail_rpc takes an object with status and for_s"),
        ({"fail_grpc": {"status": "NO_SUCH"}}, "NO_SUCH is no status of gRPC"),
    ],
)
async def test_orders_are_carried_out_all_or_none(node: Any, orders: Any, text: str) -> None:
    status, told = await post(node, {"catching_up": True} | orders if isinstance(orders, dict) else orders)
    assert status == 400
    assert text in told["error"]
    if "catching_up" not in orders:
        assert not node.chaos.catching_up


async def test_every_switch_can_be_ordered(node: Any) -> None:
    told = control.switches(node)
    control.order(node, {name: value for name, value in told.items() if not name.endswith("_status")})
    assert control.switches(node) == told
