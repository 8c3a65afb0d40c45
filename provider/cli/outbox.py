"""`akp tx list` and `akp tx show`: what the daemon asks of the chain, and what became of it, from the ledger's file."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

from bidengine.owners import shown_time
from provider.chain.tx.json_form import packed
from provider.chain.tx.priority import Priority
from provider.cli.options import HERE, MOST, Data
from provider.errors import ConfigError, NotFound
from provider.ledger.outbox import IntentRow, Outbox, TxRow
from provider.ledger.store import Store

Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o")]
STATES = ("open", "waiting", "signed", "done", "failed", "refused", "expired", "dropped")


def list_(
    beginning: Annotated[str, typer.Argument(help="Only keys that begin so: bid/, withdraw/akash1…, cli/.")] = "",
    state: Annotated[str, typer.Option(help=f"Only those in one state: {', '.join(STATES)}.")] = "",
    newest: Annotated[int, typer.Option("--newest", "-n", min=1, max=MOST, help="At most so many.")] = 50,
    data: Data = HERE,
    output: Output = "table",
) -> None:
    """What was asked of the chain: open ones first, then the newest. Works beside a running daemon."""
    if state and state not in STATES:
        raise ConfigError("--state", f"there is no state {state!r}", f"One of {', '.join(STATES)}.")
    rows = asyncio.run(_list(data, state, beginning, newest))
    if output == "json":
        print(json.dumps([_intent(row) for row in rows], indent=2))
        return
    table = Table(
        "state", Column("key", no_wrap=True), "asked at", "tries", "height", Column("transaction", no_wrap=True), "why",
        box=None,
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.state, row.key, str(row.asked_height), str(row.attempts), str(row.height), row.tx, _short(row.why)
        )
    # A key that is cut short cannot be pasted into another command: rather let the terminal wrap the line.
    Console(width=max(Console().width, 260)).print(table)


def show(
    what: Annotated[str, typer.Argument(help="A key, or a transaction's hash.")],
    data: Data = HERE,
    output: Output = "table",
) -> None:
    """One transaction with its messages, or each time that something was asked."""
    tx, rows = asyncio.run(_show(data, what))
    if tx is None and not rows:
        raise NotFound(f"the outbox knows no key and no transaction {what}; `akp tx list` shows what it knows")
    messages = [{**_intent(row), "message": packed(row.message)} for row in rows]
    if output == "json":
        print(json.dumps({"tx": None if tx is None else _tx(tx), "intents": messages}, indent=2))
        return
    for name, value in ({} if tx is None else _tx(tx)).items():
        print(f"{name:<16} {'' if value is None else value}")
    for message in messages:
        print()
        for name, value in message.items():
            print(f"{name:<16} {json.dumps(value) if isinstance(value, dict) else value}")


async def _list(data: Path, state: str, beginning: str, newest: int) -> list[IntentRow]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        return await Outbox(store).intents(state=state, beginning=beginning, newest=newest)


async def _show(data: Path, what: str) -> tuple[TxRow | None, list[IntentRow]]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        outbox = Outbox(store)
        tx = await outbox.tx(what)
        if tx is not None:
            return tx, await outbox.intents(tx_hash=tx.hash)
        return None, [row for row in await outbox.intents(beginning=what) if row.key == what]


def _intent(row: IntentRow) -> dict[str, Any]:
    out = asdict(row)
    del out["message"], out["asked_unix_s"]
    return {**out, "priority": Priority(row.priority).name.lower(), "asked": shown_time(row.asked_unix_s)}


def _tx(tx: TxRow) -> dict[str, Any]:
    return {**asdict(tx), "fee": str(tx.fee)}


def _short(why: str) -> str:
    line = " ".join(why.split())
    return line if len(line) <= 90 else f"{line[:89]}…"
