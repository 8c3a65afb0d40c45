"""Outages that end by themselves, and slowness; the switches are tested where they show (test_node.py)."""

from __future__ import annotations

import asyncio

import pytest

from provider.sandbox.chain.chaos import Chaos


@pytest.mark.looptime
async def test_an_outage_lasts_as_long_as_it_was_told() -> None:
    chaos = Chaos()
    assert (chaos.rpc_status, chaos.grpc_status) == (None, None)
    chaos.fail_rpc(429, for_s=5)
    chaos.fail_grpc(for_s=9, status="RESOURCE_EXHAUSTED")
    await asyncio.sleep(4.9)
    assert (chaos.rpc_status, chaos.grpc_status, chaos.grpc_down) == (429, "RESOURCE_EXHAUSTED", True)
    await asyncio.sleep(0.2)
    assert (chaos.rpc_status, chaos.grpc_status) == (None, "RESOURCE_EXHAUSTED")
    await asyncio.sleep(5)
    assert not chaos.grpc_down


@pytest.mark.looptime
async def test_an_outage_without_an_end_is_healed() -> None:
    chaos = Chaos()
    chaos.fail_rpc()
    chaos.fail_grpc()
    await asyncio.sleep(10**6)
    assert (chaos.rpc_status, chaos.grpc_status) == (503, "UNAVAILABLE")
    chaos.heal()
    assert (chaos.rpc_status, chaos.grpc_status) == (None, None)


@pytest.mark.looptime
async def test_slowness_takes_its_time() -> None:
    chaos, loop = Chaos(), asyncio.get_running_loop()
    start = loop.time()
    await chaos.dawdle()
    assert loop.time() == start
    chaos.slow_s = 7
    await chaos.dawdle()
    assert loop.time() - start == pytest.approx(7)
