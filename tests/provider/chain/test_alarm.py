"""The alarm clock against a small websocket on loopback: it rings, it gives up waiting, it comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from provider.chain import alarm as alarm_module
from provider.chain.alarm import Alarm
from provider.tasks import spawn

PUSH = {"jsonrpc": "2.0", "id": 1, "result": {"data": {"type": "tendermint/event/NewBlockHeader", "value": {}}}}


class Bell:
    """A node's websocket: confirms the subscription; `ring` pushes to everybody; `hang_up` closes all."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.queries: list[str] = []
        self.subscribed = asyncio.Event()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.queries.append(json.loads(message.data)["params"]["query"])
            await socket.send_json({"jsonrpc": "2.0", "id": 1, "result": {}})
            self.sockets.append(socket)
            self.subscribed.set()
        return socket

    async def ring(self) -> None:
        for socket in self.sockets:
            await socket.send_json(PUSH)

    async def hang_up(self) -> None:
        self.subscribed.clear()
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()


@pytest.fixture
async def bell() -> AsyncIterator[tuple[Bell, str]]:
    found = Bell()
    app = web.Application()
    app.router.add_get("/websocket", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield found, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_it_rings_at_each_header_and_only_then(bell: Any) -> None:
    node, address = bell
    clock = Alarm(lambda: address)
    async with asyncio.TaskGroup() as group:
        running = spawn(group, "alarm", clock.run())
        async with asyncio.timeout(180):
            await node.subscribed.wait()
        assert not await clock.wait(0.05), "the answer to the subscription is no block"
        await node.ring()
        assert await clock.wait(180)
        assert not await clock.wait(0.05)
        running.cancel()
    assert node.queries == ["tm.event='NewBlockHeader'"]


async def test_a_ring_between_two_waits_is_not_missed() -> None:
    clock = Alarm(lambda: "http://nowhere")
    clock.ring()
    assert await clock.wait(0)
    assert not await clock.wait(0.001)


async def test_after_a_hang_up_it_connects_again(bell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_module, "FIRST_REST_S", 0.01)
    node, address = bell
    clock = Alarm(lambda: address)
    async with asyncio.TaskGroup() as group:
        running = spawn(group, "alarm", clock.run())
        async with asyncio.timeout(180):
            await node.subscribed.wait()
            await node.hang_up()
            await node.subscribed.wait()
        await node.ring()
        assert await clock.wait(180)
        running.cancel()


async def test_after_a_ring_it_changes_over_to_the_node_that_is_used_now(
    bell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_module, "FIRST_REST_S", 0.01)
    node, address = bell
    used = [address]
    clock = Alarm(lambda: used[0])
    async with asyncio.TaskGroup() as group:
        running = spawn(group, "alarm", clock.run())
        async with asyncio.timeout(180):
            await node.subscribed.wait()
            node.subscribed.clear()
            used[0] = address.replace("http:", "HTTP:")  # the same node under another name
            await node.ring()
            await node.subscribed.wait()
        running.cancel()


async def test_a_silent_socket_is_opened_anew(bell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_module, "FIRST_REST_S", 0.01)
    node, address = bell
    clock = Alarm(lambda: address, quiet_s=0.05)
    async with asyncio.TaskGroup() as group:
        running = spawn(group, "alarm", clock.run())
        async with asyncio.timeout(180):
            for _ in range(3):
                await node.subscribed.wait()
                node.subscribed.clear()
        running.cancel()


async def test_it_follows_the_address_it_is_given(bell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_module, "FIRST_REST_S", 0.01)
    node, address = bell
    addresses = iter(["http://127.0.0.1:1", "not an address"])
    clock = Alarm(lambda: next(addresses, address))
    async with asyncio.TaskGroup() as group:
        running = spawn(group, "alarm", clock.run())
        async with asyncio.timeout(180):
            await node.subscribed.wait()
        running.cancel()
