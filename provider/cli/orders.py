"""`akp orders`: what was decided about orders and what became of them, from the ledger's file (docs/orders.md)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from bidengine.recorded import to_line
from manifests.errors import Invalid
from manifests.ids import OrderID
from provider import log
from provider.cli.lists import OutputOption, show, structured
from provider.cli.options import HERE, MOST, Data
from provider.cli.ordertext import COLUMNS, link_json, row_json, tail_line, told
from provider.cli.outfile import write_out
from provider.cli.recording import recorded_from_chain, recorded_from_ledger
from provider.errors import ConfigError, NotFound
from provider.ledger.books import Books
from provider.ledger.decisions import Decisions, Link, OrderRow
from provider.ledger.store import Store

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Orders seen: decisions and what became of them.")
Since = Annotated[
    str, typer.Option(help="Only what was decided since then: 90m, 24h, 7d before the last block, or a height.")
]
_AGES = {"m": 60, "h": 3600, "d": 86_400}


@app.callback()
def orders() -> None:
    """Orders seen: decisions and what became of them."""


@app.command("list")
def list_(
    outcome: Annotated[str, typer.Option(help="A code or the beginning of one: lost.price, skip.capacity, won.")] = "",
    since: Since = "",
    newest: Annotated[
        int, typer.Option("--newest", "-n", min=0, max=MOST, help="At most so many, the newest; 0 for all.")
    ] = 100,
    data: Data = HERE,
    output: OutputOption = "table",
) -> None:
    """Orders by the height of what was decided last, newest last."""
    rows = asyncio.run(_rows(data, outcome, since, newest or -1))
    show([row_json(row) for row in rows], output, COLUMNS, nothing="no such order in the ledger")


@app.command()
def explain(
    order: Annotated[str, typer.Argument(help="DSEQ, DSEQ/GSEQ/OSEQ, or the whole id.")],
    owner: Annotated[str, typer.Option(help="The tenant's address, where a DSEQ is not enough.")] = "",
    data: Data = HERE,
    output: Annotated[Literal["text", "json", "yaml"], typer.Option("--output", "-o")] = "text",
) -> None:
    """Everything that was decided about an order, newest last, and what became of it."""
    found = asyncio.run(_explained(data, order, owner))
    if not found:
        raise NotFound(f"the ledger knows no order {order}; `akp orders list` shows those it knows")
    if output != "text":
        structured(
            [{**row_json(row), "decisions": [link_json(link) for link in chain]} for row, chain in found], output
        )
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for row, chain in found:
        for line in told(row, chain):
            console.print(line)


@app.command()
def tail(
    lines: Annotated[int, typer.Option("--lines", "-n", help="Decisions shown at the start.", min=0, max=MOST)] = 10,
    data: Data = HERE,
    output: Annotated[Literal["text", "jsonl"], typer.Option("--output", "-o")] = "text",
) -> None:
    """New decisions as they are made, until interrupted. Works beside a running daemon."""

    async def until_interrupted() -> None:
        async for link in follow(data, back=lines):
            print(tail_line(link) if output == "text" else json.dumps(link_json(link, whole=True)), flush=True)

    asyncio.run(until_interrupted())


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="File to write, one order a line (docs/simulate.md).")],
    from_chain: Annotated[
        bool, typer.Option("--from-chain", help="Ask the chain of --config, not the ledger.")
    ] = False,
    closed: Annotated[bool, typer.Option(help="With --from-chain: orders that are over, too; these are many.")] = False,
    config: Annotated[Path | None, typer.Option(help="With --from-chain: the daemon's settings.")] = None,
    since: Since = "",
    data: Data = HERE,
) -> None:
    """Write orders to a file for `akp simulate`: what was asked, our answer, who won and at what price."""
    log.configure("auto", level="error")
    if from_chain:
        found = asyncio.run(recorded_from_chain(config, closed=closed))
    else:
        found = recorded_from_ledger(asyncio.run(_rows(data, "", since)))
    write_out(out, "".join(to_line(one) + "\n" for one in found))
    print(f"{out}: {len(found)} orders")


async def follow(data: Path, *, back: int = 0, poll_s: float = 0.5) -> AsyncIterator[Link]:
    """Decisions as the daemon writes them, the last `back` first; without end."""
    async with Store.open(data / "ledger.db", readonly=True) as store:
        decisions = Decisions(store)
        seen = await decisions.newest_row(back)
        while True:
            for row, link in await decisions.since(seen):
                seen = row
                yield link
            await asyncio.sleep(poll_s)


async def _rows(data: Path, outcome: str, since: str, newest: int = -1) -> list[OrderRow]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        height, unix_s = await _begin(store, since)
        return await Decisions(store).orders(outcome=outcome, since_height=height, since_unix_s=unix_s, newest=newest)


async def _begin(store: Store, since: str) -> tuple[int, int]:
    """A height and a time, one of them 0. Ages count from the last block, so that an old ledger can be asked too."""
    if not since:
        return 0, 0
    if re.fullmatch(r"[0-9]{1,18}", since, re.ASCII):
        return int(since), 0
    age = re.fullmatch(r"([0-9]{1,6})([mhd])", since, re.ASCII)
    if age is None:
        raise ConfigError("--since", f"{since!r} is no age and no height", "Write 90m, 24h, 7d, or a height.")
    head = await Books(store).head()
    now = head.time_unix_ns // 10**9 if head is not None else 0
    return 0, max(1, now - int(age[1]) * _AGES[age[2]])


async def _explained(data: Path, text: str, owner: str) -> list[tuple[OrderRow, list[Link]]]:
    parts = text.split("/")
    try:
        if len(parts) == 4:
            owner, *parts = parts
        dseq, *more = (OrderID.parse(f"x/{number}/1/1").dseq for number in parts)
        if len(more) not in (0, 2):
            raise Invalid("", "it is neither a DSEQ nor DSEQ/GSEQ/OSEQ nor a whole id")
    except Invalid as bad:
        raise ConfigError("ORDER", f"{text!r}: {bad.message}", "`akp orders list` shows ids.") from None
    async with Store.open(data / "ledger.db", readonly=True) as store:
        decisions = Decisions(store)
        gseq, oseq = more or (None, None)
        rows = await decisions.named(dseq=dseq, gseq=gseq, oseq=oseq)
        return [(row, await decisions.of(row.order)) for row in rows if owner in ("", row.order.owner)]
