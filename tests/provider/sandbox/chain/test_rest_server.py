"""The REST gateway over HTTP: heights in headers, and troubles like those of the RPC."""

from __future__ import annotations

from typing import Any

import aiohttp

PATH = "/akash/market/v1beta5/params"


async def test_heights_travel_in_headers(node: Any) -> None:
    await node.step(3)
    async with aiohttp.ClientSession(node.rest_url) as http:
        for asked, served in (({}, "3"), ({"x-cosmos-block-height": "2"}, "2"), ({"x-cosmos-block-height": "x"}, "3")):
            async with http.get(PATH, headers=asked) as answer:
                assert answer.status == 200
                assert answer.headers["X-Cosmos-Block-Height"] == served
                assert answer.headers["Grpc-Metadata-X-Cosmos-Block-Height"] == served
                assert (await answer.json())["params"]["order_max_bids"] == 20
        async with http.get("/akash/discovery/v1/info") as answer:
            assert "X-Cosmos-Block-Height" not in answer.headers


async def test_bodies_that_are_no_json_are_refused(node: Any) -> None:
    async with aiohttp.ClientSession(node.rest_url) as http, http.post("/cosmos/tx/v1beta1/simulate", data=b"{") as no:
        assert (no.status, (await no.json())["code"]) == (400, 3)


async def test_an_outage_of_the_rpc_is_one_here_too(node: Any) -> None:
    node.chaos.fail_rpc(429)
    async with aiohttp.ClientSession(node.rest_url) as http, http.get(PATH) as answer:
        assert answer.status == 429
