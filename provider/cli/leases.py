"""`akp leases`: every lease the ledger knows, its rate and what it has been paid; what it earned, `akp money leases`
tells. Its verbs have files of their own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

from bidengine.views import reason_name
from manifests.coins import format_decimal
from provider.cli import lease_conditions, lease_ending, lease_income, lease_render, lease_restart
from provider.cli.options import HERE, Data
from provider.ledger.books import Books, Head, LeaseRow
from provider.ledger.store import Store

app = typer.Typer(add_completion=False, help="Leases: how they stand, what they earn, and ending them.")
app.command("list")(lease_conditions.list_leases)
app.command("show")(lease_conditions.show_lease)
app.command("restart")(lease_restart.restart)
app.command("render")(lease_render.render_lease)
app.command()(lease_income.dry)
app.command()(lease_income.withdraw)
app.command()(lease_ending.reclaim)
app.command()(lease_ending.close)


@app.callback(invoke_without_command=True)
def leases(
    context: typer.Context,
    data: Data = HERE,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o")] = "table",
    live: Annotated[bool, typer.Option("--live", help="Only leases that still run.")] = False,
) -> None:
    """List leases with rate, blocks and payments. Reads the ledger; works while the daemon runs, and when it does
    not."""
    if context.invoked_subcommand is not None:
        return
    head, rows = asyncio.run(_read(data))
    rows = [row for row in rows if row.to_height is None or not live]
    height = head.height if head else 0
    if output == "json":
        print(json.dumps([_json(row, height) for row in rows], indent=2))
        return
    table = Table(Column("lease", no_wrap=True), "blocks", "rate per block", "paid", "state", box=None)
    for row in rows:
        table.add_row(
            str(row.lease), str(_blocks(row, height)), str(row.rate), f"{row.paid}{row.rate.denom}", state(row)
        )
    # An id that is cut short cannot be pasted into another command: rather let the terminal wrap the line.
    Console(width=max(Console().width, 220)).print(table)


async def _read(data: Path) -> tuple[Head | None, list[LeaseRow]]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        return await Books(store).head(), await Books(store).leases()


def _json(row: LeaseRow, height: int) -> dict[str, object]:
    return {
        "lease": str(row.lease),
        "from_height": row.from_height,
        "to_height": row.to_height,
        "blocks": _blocks(row, height),
        "rate": {"denom": row.rate.denom, "amount": format_decimal(row.rate.amount_e18)},
        "paid": {"denom": row.rate.denom, "amount": row.paid},
        "reason": row.reason,
    }


def _blocks(row: LeaseRow, height: int) -> int:
    return max(0, (row.to_height if row.to_height is not None else height) - row.from_height)


def state(row: LeaseRow) -> str:
    why = "" if row.reason is None else f" ({reason_name(row.reason)})"
    return "live" if row.to_height is None else f"ended at {row.to_height}{why}"
