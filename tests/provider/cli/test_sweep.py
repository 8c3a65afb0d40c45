"""`akp money sweep`: look at it, and stop it in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from manifests.coins import Coin
from provider.ledger.store import Store
from provider.ledger.sweeps import Sweeps


def propose(ledger: Path) -> None:
    async def write() -> None:
        async with Store.open(ledger / "ledger.db") as store:
            coin = Coin("uakt", 5_000_000)
            await Sweeps(store).propose(
                coin, "akash1cold", due_unix_s=1_796_000_060, height=7, now_unix_s=1_796_000_000
            )

    asyncio.run(write())


def status(akp: Callable[..., Any], ledger: Path) -> Any:
    return json.loads(akp("money", "sweep", "status", "--data", ledger, "-o", "json").out)


def test_nothing_yet(akp: Callable[..., Any], ledger: Path) -> None:
    assert status(akp, ledger) == []
    said = akp("money", "sweep", "cancel", "--data", ledger)
    assert said.code == 1
    assert "no sweep is waiting" in said.err


def test_one_is_stopped_once(akp: Callable[..., Any], ledger: Path) -> None:
    propose(ledger)
    (row,) = status(akp, ledger)
    assert (row["state"], row["amount"], row["to"]) == (
        "proposed",
        {"denom": "uakt", "amount": 5_000_000},
        "akash1cold",
    )
    assert row["due"] == "2026-11-30T00:54:20+00:00"
    said = akp("money", "sweep", "cancel", "--data", ledger)
    assert (said.code, said.out) == (0, "cancelled: 5000000uakt to akash1cold\n")
    assert [(r["state"], r["why"]) for r in status(akp, ledger)] == [("cancelled", "by akp")]
    assert akp("money", "sweep", "cancel", "--data", ledger).code == 1


def test_without_a_ledger_none_is_made(akp: Callable[..., Any], tmp_path: Path) -> None:
    assert akp("money", "sweep", "cancel", "--data", tmp_path).code == 2
    assert list(tmp_path.iterdir()) == []
