"""GET /status, /version, /address."""

from __future__ import annotations

import json


async def test_anybody_may_ask(gateway, desk) -> None:
    for path, answer in (
        ("/status", desk.status()),
        ("/version", desk.version()),
        ("/address", {"address": desk.provider}),
    ):
        status, kind, body = await gateway.call("GET", path)
        assert (status, kind, json.loads(body)) == (200, "application/json; charset=UTF-8", answer)


async def test_console_finds_the_versions_it_hides_bids_without(gateway) -> None:
    akash = json.loads((await gateway.call("GET", "/version"))[2])["akash"]
    assert akash["version"]
    assert akash["cosmos_sdk_version"]
