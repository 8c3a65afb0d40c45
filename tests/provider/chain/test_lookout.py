"""What is found out about nodes, at start and beside the work: small nodes on loopback."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from provider.chain.comet import Comet
from provider.chain.endpoints import Endpoints
from provider.chain.lookout import Lookout
from provider.chain.nodes import Nodes
from provider.errors import ConfigError, Unreachable
from provider.settings import NodeSettings
from provider.tasks import spawn

NOBODY = NodeSettings(rpc="127.0.0.1:1", grpc="127.0.0.1:1")


@pytest.fixture
async def pair(grpc_nodes: Any, rpc_node: Any) -> Any:
    """`await pair(rpc=…, grpc=…)`: a node whose doors tell these heights."""

    async def make(rpc: int = 100, grpc: int = 100, chain_id: str = "sandbox", **sync: Any) -> NodeSettings:
        door = await (await grpc_nodes(chain_id=chain_id, height=grpc)).start()
        return NodeSettings(rpc=(await rpc_node(tip=rpc, chain_id=chain_id, **sync)).address, grpc=door.address)

    return make


@pytest.fixture
async def looking() -> Any:
    async with AsyncExitStack() as open_:

        async def make(*pairs: NodeSettings, every_s: float = 10.0) -> tuple[Endpoints, Lookout]:
            endpoints = Endpoints(pairs, asyncio.get_running_loop().time)
            nodes = await open_.enter_async_context(Nodes(endpoints, "sandbox"))
            comet = await open_.enter_async_context(Comet(endpoints, "sandbox"))
            return endpoints, Lookout(endpoints, comet, nodes, every_s=every_s)

        yield make


async def test_at_start_one_good_node_is_enough_but_a_wrong_chain_is_not_overlooked(pair: Any, looking: Any) -> None:
    good = await pair()
    endpoints, lookout = await looking(NOBODY, good)
    await lookout.check()
    assert endpoints.current is endpoints.all[1]
    _, lookout = await looking(good, await pair(chain_id="other-7"), NOBODY)
    with pytest.raises(ConfigError, match=r"other-7.*sandbox"):
        await lookout.check()


async def test_at_start_both_doors_are_needed(pair: Any, looking: Any) -> None:
    good = await pair()
    for missing in ({"rpc": "127.0.0.1:1"}, {"grpc": "127.0.0.1:1"}):
        _, lookout = await looking(good.model_copy(update=missing))
        with pytest.raises(Unreachable, match=r"no node answers: .*127\.0\.0\.1:1.*chain\.nodes"):
            await lookout.check()


async def test_a_node_whose_doors_disagree_lags(pair: Any, looking: Any) -> None:
    endpoints, lookout = await looking(await pair(rpc=100, grpc=60), await pair())
    await lookout.look(endpoints.all)
    await lookout.look(endpoints.all)
    assert not endpoints.in_step(endpoints.all[0])
    assert endpoints.current is endpoints.all[1]


async def test_what_a_node_that_catches_up_shows_is_no_measure_for_others(pair: Any, looking: Any) -> None:
    endpoints, lookout = await looking(await pair(rpc=900, grpc=90, catching_up=True), await pair())
    await lookout.look(endpoints.all)
    await lookout.look(endpoints.all)
    assert endpoints.current is endpoints.all[1]
    assert endpoints.in_step(endpoints.all[1])


async def test_nodes_nobody_asks_are_looked_at_and_those_in_use_are_not(
    pair: Any, looking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, idle = await pair(), await pair()
    endpoints, lookout = await looking(used, idle, every_s=0.02)
    await lookout.check()
    first, second = endpoints.all
    now = endpoints.now() + 60
    monkeypatch.setattr(endpoints, "now", lambda: now)  # and stands still: a slow machine neglects nobody
    for kind in ("rpc", "grpc"):
        endpoints.answered(first, kind)  # somebody works with it
    seen, before = second.grpc.seen, first.rpc.latency_s
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "lookout", lookout.run())
        for _ in range(20_000):
            if second.grpc.seen != seen:
                break
            await asyncio.sleep(0.005)
        assert second.grpc.seen != seen
        assert first.rpc.latency_s == before
        task.cancel()
