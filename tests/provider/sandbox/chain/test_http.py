"""A server that obeys the chaos switches, whatever it serves."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from provider.sandbox.chain.http import serve


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_outages_reach_all_paths_but_the_untroubled(node: Any) -> None:
    routes = [web.get("/a", hello), web.get("/b", hello)]
    async with serve(node, "127.0.0.1:0", routes, untroubled=("/b",)) as url, aiohttp.ClientSession(url) as http:
        node.chaos.fail_rpc(503)
        for path, status in (("/a", 503), ("/b", 200)):
            async with http.get(path) as answer:
                assert answer.status == status


async def test_cutting_breaks_off_whoever_waits(node: Any) -> None:
    reached = asyncio.Event()

    async def never(_request: web.Request) -> web.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serve(node, "127.0.0.1:0", [web.post("/a", never)]) as url, aiohttp.ClientSession(url) as http:
        waiting = asyncio.get_running_loop().create_task(http.post("/a").__aenter__())  # a GET would be tried again
        await reached.wait()
        node.cut_connections()
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_slowness_waits_before_it_answers(node: Any) -> None:
    async with serve(node, "127.0.0.1:0", [web.get("/a", hello)]) as url, aiohttp.ClientSession(url) as http:
        node.chaos.slow_s = 30
        with pytest.raises(TimeoutError):
            await http.get("/a", timeout=aiohttp.ClientTimeout(total=0.2))
        node.chaos.slow_s = 0
        async with http.get("/a") as answer:
            assert await answer.text() == "hello"


async def test_bodies_have_a_limit(node: Any) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with (
        serve(node, "127.0.0.1:0", [web.post("/", read)], max_body=10) as url,
        aiohttp.ClientSession(url) as http,
    ):
        for size, status in ((10, 200), (11, 413)):
            async with http.post("/", data=bytes(size)) as answer:
                assert answer.status == status
