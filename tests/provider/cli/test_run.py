"""`akp run`: settings first, then the daemon, until it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chain: {idd: x}", "chain.idd: unknown key"),
        ("bid: {timeout_s: soon}", "bid.timeout_s"),
        ("- a list", "a mapping is expected"),
        ("{", "not YAML"),
    ],
    ids=["unknown key", "no number", "no mapping", "no YAML"],
)
def test_what_is_wrong_in_the_file_is_told_at_once(
    akp: Callable[..., Any], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "akp.yaml").write_text(text)
    said = akp("run", "--config", tmp_path / "akp.yaml")
    assert said.code == 2
    assert said.err.startswith("akp: ")
    assert words in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_until_it_is_told(number: signal.Signals, with_daemon: Callable[..., Any]) -> None:
    async with with_daemon() as (town, daemon):
        await daemon.ready()
        assert town.net.ledger.exists()
        daemon.process.send_signal(number)
        assert await daemon.process.wait() == 0
        assert '"event": "stopping"' in daemon.log
        assert "Traceback" not in daemon.log
        daemon.process = None


async def test_the_data_directory_can_be_given(with_daemon: Callable[..., Any], tmp_path: Path) -> None:
    async with with_daemon(flags=("--data", str(tmp_path / "elsewhere"))) as (town, daemon):
        await daemon.ready()
        assert (tmp_path / "elsewhere" / "ledger.db").exists()
        assert not town.net.ledger.exists()
