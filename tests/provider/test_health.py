"""The door for machines tells metrics, life and readiness, and names what is missing."""

from __future__ import annotations

import httpx
import pytest

from provider.errors import ConfigError
from provider.health import Health
from provider.metrics import Metrics


async def test_the_three_pages() -> None:
    metrics, missing = Metrics(), ["the last block taken in is 300 s old"]
    metrics.blocks.inc()
    async with (
        Health("127.0.0.1:0", metrics, lambda: missing) as health,
        httpx.AsyncClient(trust_env=False, timeout=180) as http,
    ):
        base = f"http://127.0.0.1:{health.port}"
        assert "akp_blocks_total 1.0" in (await http.get(f"{base}/metrics")).text
        assert (await http.get(f"{base}/healthz")).status_code == 200
        unready = await http.get(f"{base}/readyz")
        assert (unready.status_code, unready.text) == (503, "the last block taken in is 300 s old\n")
        missing.clear()
        assert (await http.get(f"{base}/readyz")).status_code == 200


async def test_it_can_be_turned_off() -> None:
    async with Health(None, Metrics(), list) as health:
        assert health.port == 0


async def test_an_address_in_use_is_told_with_the_cure() -> None:
    async with Health("127.0.0.1:0", Metrics(), list) as first:
        with pytest.raises(ConfigError, match=r"metrics\.listen: cannot listen on .*Choose a free address"):
            await Health(f"127.0.0.1:{first.port}", Metrics(), list).__aenter__()
