"""The network with the daemon in it: one life in one call, and a daemon that is up exactly as long as it is needed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from manifests.sdl import Compiled
from provider.errors import ConfigError
from provider.sandbox.life import STEPS
from provider.sandbox.town import living, one_life, stay


async def test_one_life_in_one_call(tmp_path: Path, web: Compiled) -> None:
    said: list[str] = []
    steps: list[str] = []
    timeline = await one_life(
        tmp_path, web, block_s=0.1, patience_s=300, on_step=lambda entry: steps.append(entry["step"]), say=said.append
    )
    assert steps == [entry["step"] for entry in timeline] == list(STEPS)
    assert len(said) == 1
    assert "no container" in said[0], "nobody takes the stand-in for a cluster"


async def test_the_daemon_is_gone_after_its_block(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        async with living(town.net) as running:
            _, writer = await asyncio.open_connection("127.0.0.1", running.gateway_port)
            writer.close()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", running.gateway_port)


async def test_the_daemon_is_gone_after_an_error_in_its_block(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        with pytest.raises(BaseExceptionGroup) as found:
            async with living(town.net) as running:
                raise KeyError("of the block")
        assert found.group_contains(KeyError)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", running.gateway_port)


async def test_a_daemon_that_cannot_start_says_why(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        (town.work / "prices.yaml").write_text("currency: 7\n")
        with pytest.raises(BaseExceptionGroup) as found:
            async with living(town.net):
                raise AssertionError("it is up")
        assert found.group_contains(ConfigError)


async def test_staying_shows_the_market_until_it_is_stopped(tmp_path: Path, web: Compiled, until: Any) -> None:
    out = io.StringIO()
    console = Console(file=out, width=160)
    task = asyncio.get_running_loop().create_task(stay(tmp_path, web, where="embedded", block_s=0.1, console=console))

    async def lived() -> bool:
        assert not task.done()
        return "the first order" in out.getvalue()

    try:
        await until("the first order came to its end", lived)
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)
    assert "lived its whole life" in out.getvalue()
    text = out.getvalue()
    assert "gateway   https://127.0.0.1:" in text
    assert "price per block" in text
    assert "our daemon" in text
