"""`akp money sweep`: what is about to be sent to the operator's own account, and how to stop it."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import typer

from provider.cli.lists import OutputOption, show
from provider.cli.options import HERE, Data
from provider.errors import NotFound
from provider.ledger.store import Store
from provider.ledger.sweeps import SweepRow, Sweeps

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What goes to your own account: look, or stop it.")
COLUMNS = {
    "id": "id",
    "state": "state",
    "amount": "amount",
    "to": "to",
    "due": "due",
    "transaction": "tx",
    "why": "why",
}


@app.command()
def status(data: Data = HERE, output: OutputOption = "table") -> None:
    """The last sweeps, newest first. One that is proposed is sent when it is due."""
    rows = asyncio.run(_newest(data))
    show([_row(row) for row in rows], output, COLUMNS, nothing="nothing was ever swept; see sweep.addresses")


@app.command()
def cancel(data: Data = HERE) -> None:
    """Stop the sweep that is proposed. The next one is proposed in a moment, unless sweep.addresses is emptied, and
    waits its whole time again."""
    row = asyncio.run(_cancel(data))
    print(f"cancelled: {row.coin} to {row.recipient}")


async def _newest(data: Path) -> list[SweepRow]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        return await Sweeps(store).newest()


async def _cancel(data: Path) -> SweepRow:
    path = data / "ledger.db"
    async with Store.open(path, readonly=True):  # a file that is none is not made
        pass
    async with Store.open(path) as store:
        row = await Sweeps(store).open()
        if row is None or row.state != "proposed" or not await Sweeps(store).end(row, "cancelled", "by akp"):
            raise NotFound("no sweep is waiting; `akp money sweep status` shows the last ones")
        return row


def _row(row: SweepRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "amount": {"denom": row.coin.denom, "amount": row.coin.amount},
        "to": row.recipient,
        "proposed": dt.datetime.fromtimestamp(row.proposed_unix_s, dt.UTC).isoformat(),
        "due": dt.datetime.fromtimestamp(row.due_unix_s, dt.UTC).isoformat(),
        "tx": row.tx,
        "why": row.why,
    }
