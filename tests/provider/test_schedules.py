"""Two thousand random schedules of market life under faults and kill -9: no order missed, no double bid, no deposit
lost, the ledger equal to the chain at every settlement (schedules/invariants.py says it all).

Each chunk is a process of its own, because a schedule is the same again only when sets are walked in the same order. A
failure prints the schedule's events and the command that plays it again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from provider.market.bids.orders import Orders
from provider.market.leases.leases import Leases
from provider.market.money.moves import Moves
from tests.provider.schedules.__main__ import played

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEDULES, CHUNK = 2_000, 100


@pytest.mark.parametrize("first", range(0, SCHEDULES, CHUNK))
def test_whatever_happens_all_is_well_in_the_end(first: int) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.provider.schedules", "--seeds", f"{first}:{first + CHUNK}"],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    happened = {what: int(count) for count, what in re.findall(r"(\d+) ([a-z ]+)", done.stdout.splitlines()[-1])}
    for what in ("bids", "leases", "settlements compared", "killed"):
        assert happened[what] >= CHUNK // 3, f"too little happened: {done.stdout}"


async def _everything_is_over(*_: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("what", "instead", "found"),
    [
        ("provider.market.money.accounts.moves", lambda *_: Moves(), "AssertionError"),
        (f"{Orders.__module__}.Orders.look", lambda *_: None, "nothing was decided"),
        (f"{Leases.__module__}.Leases._end", lambda *_: _everything_is_over(), "still in the cluster"),
    ],
    ids=["money is not booked", "orders are not looked at", "nothing is torn down"],
)
def test_a_daemon_that_is_wrong_is_found_out(what: str, instead: Any, found: str) -> None:
    with mock.patch(what, instead):
        assert any(found in played(seed, set(), lambda _: None) for seed in range(20))
