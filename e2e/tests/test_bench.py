"""The benchmarks run: they are not used every day, and the parts of the daemon that they put together change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bidengine.packing import Strategy
from e2e.bench import catchup, ledger, pack, screen

ROOT = Path(__file__).resolve().parents[2]


async def test_ordinary_orders_are_considered_and_others_are_declined() -> None:
    found = await screen.run(20, 1)
    assert found["answers"] == {"considered": 16, "skip.audit_signature": 2, "skip.owner_denied": 2}


def test_orders_are_placed_and_every_one_is_counted() -> None:
    found = pack.measure(Strategy.BEST_FIT, nodes=16, leases=4, orders=30, seed=1)
    assert found["gpus"] == 16 * 8
    assert found["fits"] + sum(found["declines"].values()) == 30


async def test_the_ledger_writes_what_changed_and_nothing_for_each_lease() -> None:
    few, many = [await ledger.run(leases, 100, 1) for leases in (60, 300)]
    assert few["ledger_equals_chain"]
    assert many["ledger_equals_chain"]
    assert few["faults"] == many["faults"] == []
    assert few["rows_per_1000_blocks"] == many["rows_per_1000_blocks"]


async def test_every_block_is_caught_up_with_and_the_rivals_orders_come_and_go() -> None:
    found = await catchup.catch_up(101)
    assert (found["blocks"], found["transactions"]) == (100, 78)
    assert found["orders_left"] == 1


def test_the_command_knows_its_subjects() -> None:
    done = subprocess.run([sys.executable, "-m", "e2e.bench"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        "catchup", "ledger", "orders", "pack", "screen", "sdl",
    ]  # fmt: skip
