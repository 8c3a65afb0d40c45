"""`akp ledger usage`: what a lease used and earned, per block and in sum, equal to the chain's own figure."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.sdl import Compiled
from provider.sandbox.town import living

OVER, LIVE = (f"akash1tenant/{n}/1/1/akash1us" for n in (7, 8))


def usage(akp: Callable[..., Any], ledger: Path, lease: str, *args: str) -> Any:
    said = akp("ledger", "usage", "--data", ledger, "--lease", lease, "-o", "json", *args)
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_a_settled_lease_adds_up_to_what_was_paid(akp: Callable[..., Any], ledger: Path) -> None:
    found = usage(akp, ledger, OVER)
    assert (found["lease"], found["from"], found["to"], found["blocks"]) == (OVER, 100, 110, 10)
    assert found["amount"] == found["paid"] == 45 + 68
    rows = found["per_block"]
    assert [row["height"] for row in rows] == list(range(101, 111))
    assert sum(row["amount"] for row in rows) == found["amount"]
    assert {row["amount"] for row in rows} == {11, 12}, "whole micro-units, block by block"
    assert rows[0] == {
        "height": 101, "rate": "11.407712000000000000", "amount": 11, "cpu_milli": 200, "memory_bytes": 64 << 20,
        "gpu_units": 1, "storage_bytes": 1 << 30,
    }  # fmt: skip
    assert found["cpu_milli_blocks"] == 2000
    assert found["gpu_blocks"] == 10
    assert found["accrued"] == {"uact": "114.077120000000000000"}


def test_a_live_lease_counts_to_the_last_block_seen(akp: Callable[..., Any], ledger: Path) -> None:
    found = usage(akp, ledger, LIVE)
    assert (found["from"], found["to"], found["blocks"]) == (120, 150, 30)
    assert (found["amount"], found["forecast"], found["paid"]) == (75, 50, 25)
    assert sum(row["amount"] for row in found["per_block"]) == 75


def test_intervals_add_up(akp: Callable[..., Any], ledger: Path) -> None:
    parts = [
        usage(akp, ledger, OVER, "--from", a, "--to", b) for a, b in (("100", "103"), ("103", "107"), ("107", "110"))
    ]
    whole = usage(akp, ledger, OVER)
    for figure in ("amount", "blocks", "gpu_blocks", "memory_byte_blocks"):
        assert sum(part[figure] for part in parts) == whole[figure]


def test_the_future_is_not_counted(akp: Callable[..., Any], ledger: Path) -> None:
    assert usage(akp, ledger, LIVE, "--to", "9999")["to"] == 150


def test_totals_alone(akp: Callable[..., Any], ledger: Path) -> None:
    found = usage(akp, ledger, OVER, "--totals")
    assert found["per_block"] == []
    assert found["amount"] == 113


def test_as_csv(akp: Callable[..., Any], ledger: Path) -> None:
    said = akp("ledger", "usage", "--data", ledger, "--lease", OVER, "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert len(rows) == 10
    assert sum(int(row["amount"]) for row in rows) == 113


def test_as_a_table(akp: Callable[..., Any], ledger: Path) -> None:
    said = akp("ledger", "usage", "--data", ledger, "--lease", OVER)
    assert f"lease {OVER}, blocks 101 to 110" in said.out
    assert "113uact" in said.out
    assert "the last 10 blocks:" in said.out


@pytest.mark.parametrize(
    ("lease", "args", "code", "words"),
    [
        ("nonsense", (), 2, "--lease: "),
        ("akash1tenant/7/1/1", (), 2, "`akp leases` lists them"),
        ("akash1tenant/9/1/1/akash1us", (), 1, "the ledger knows no lease akash1tenant/9/1/1/akash1us"),
        (OVER, ("--from", "110", "--to", "105"), 2, "--from: height 110 lies after 105"),
        (OVER, ("--from", "0", "--to", "x"), 2, "--to"),
    ],
    ids=["no id", "half an id", "unknown", "backwards", "no number"],
)
def test_what_cannot_be_answered(
    akp: Callable[..., Any], ledger: Path, lease: str, args: tuple[str, ...], code: int, words: str
) -> None:
    said = akp("ledger", "usage", "--data", ledger, "--lease", lease, *args)
    assert said.code == code
    assert words in said.err
    assert said.out == ""


def test_too_many_rows_are_refused_with_the_way_out(
    akp: Callable[..., Any], ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.cli.ledger.MOST_ROWS", 5)
    said = akp("ledger", "usage", "--data", ledger, "--lease", OVER, "-o", "json")
    assert said.code == 2
    assert "--totals" in said.err
    assert usage(akp, ledger, OVER, "--totals")["amount"] == 113


def test_after_a_real_life_it_is_the_chains_figure(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path, web: Compiled
) -> None:
    async def live() -> tuple[str, int, int]:
        async with in_town(block_s=0.1) as town, living(town.net):
            await town.life().run()
            lease = town.our_lease()
            (payment,) = await town.net.chain.latest.escrow_payments(lease.deployment)
            found = await town.net.chain.latest.lease(lease)
            return str(lease), payment.withdrawn.amount, found.closed_on - found.created_at

    lease, withdrawn, blocks = asyncio.run(live())
    found = usage(akp, tmp_path, lease)
    assert found["blocks"] == len(found["per_block"]) == blocks
    assert sum(row["amount"] for row in found["per_block"]) == found["amount"] == found["paid"] == withdrawn > 0
