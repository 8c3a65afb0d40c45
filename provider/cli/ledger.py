"""`akp ledger`: usage and money per lease, per interval and per block, from the ledger's file."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from bidengine.usage import Settlement, Span, Usage, per_block, told_of, usage
from manifests.coins import format_decimal
from manifests.errors import Invalid
from manifests.ids import LeaseID
from provider.cli.options import HERE, Data
from provider.errors import ConfigError, NotFound
from provider.ledger.books import Books
from provider.ledger.store import Store

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Usage and money per lease and block.")
MOST_ROWS = 100_000


@app.callback()
def ledger() -> None:
    """Usage and money per lease and block."""


@app.command("usage")
def usage_(
    lease: Annotated[str, typer.Option(help="owner/dseq/gseq/oseq/provider")],
    from_: Annotated[
        int | None, typer.Option("--from", help="Height after which blocks count; default the lease's start.")
    ] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", help="Last block counted; default the last that earned something, or the last seen."),
    ] = None,
    data: Data = HERE,
    output: Annotated[Literal["table", "json", "csv"], typer.Option("--output", "-o")] = "table",
    per_block_: Annotated[bool, typer.Option("--per-block/--totals", help="One row for each block.")] = True,
) -> None:
    """What a lease used and earned: totals, and a row per block. Amounts are whole micro-units: what the chain
    credited up to the last settlement, and after it the rate's forecast, told beside it."""
    try:
        id_ = LeaseID.parse(lease)
    except Invalid as bad:
        raise ConfigError("--lease", str(bad), "`akp leases` lists them.") from None
    found = asyncio.run(_read(data, id_))
    if found is None:
        raise NotFound(f"the ledger knows no lease {lease}; `akp leases` lists those it knows")
    spans, settlements, head = found
    begin, last = told_of(spans, settlements, head)
    start = begin if from_ is None else from_
    end = last if to is None else min(to, head)
    if start > end:
        raise ConfigError("--from", f"height {start} lies after {end}", "Give an interval the ledger has reached.")
    total = usage(spans, settlements, start, end)
    if per_block_ and total.blocks > MOST_ROWS:
        raise ConfigError(
            "--per-block", f"{total.blocks} blocks are too many rows", f"Ask for at most {MOST_ROWS}, or --totals."
        )
    rows = _rows(spans, settlements, start, end) if per_block_ else []
    match output:
        case "json":
            print(json.dumps(_report(id_, spans[-1], start, end, total, rows), indent=2))
        case "csv":
            writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else ["height"])
            writer.writeheader()
            writer.writerows(rows)
        case "table":
            _print(id_, start, end, total, rows)


async def _read(data: Path, lease: LeaseID) -> tuple[tuple[Span, ...], tuple[Settlement, ...], int] | None:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        books = Books(store)
        spans, head = await books.spans(lease), await books.head()
        return (spans, await books.settlements(lease), head.height) if spans and head else None


def _rows(spans: tuple[Span, ...], settlements: tuple[Settlement, ...], start: int, end: int) -> list[dict[str, Any]]:
    return [
        {
            "height": b.height,
            "rate": format_decimal(b.span.rate.amount_e18),
            "amount": b.earned,
            "cpu_milli": b.span.cpu_milli,
            "memory_bytes": b.span.memory_bytes,
            "gpu_units": b.span.gpu_units,
            "storage_bytes": sum(size for _, size in b.span.storage),
        }
        for b in per_block(spans, settlements, start, end)
    ]


def _report(
    lease: LeaseID, span: Span, start: int, end: int, total: Usage, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    sums = asdict(total)
    del sums["earned"], sums["forecast"], sums["paid"]  # told below as numbers: a lease has one denomination
    sums["accrued"] = {denom: format_decimal(e18) for denom, e18 in sums.pop("accrued_e18").items()}
    return {
        "lease": str(lease),
        "from": start,
        "to": end,
        "denom": span.rate.denom,
        **sums,
        "amount": total.earned.get(span.rate.denom, 0),
        "forecast": total.forecast.get(span.rate.denom, 0),
        "paid": total.paid.get(span.rate.denom, 0),
        "per_block": rows,
    }


def _print(lease: LeaseID, start: int, end: int, total: Usage, rows: list[dict[str, Any]]) -> None:
    out = Console()
    out.print(f"lease {lease}, blocks {start + 1} to {end}", highlight=False)
    sums = Table("blocks", "CPU milli × blocks", "GPU blocks", "earned", "of it forecast", "paid", box=None)
    money = {
        name: ", ".join(f"{v}{d}" for d, v in amounts.items()) or "0"
        for name, amounts in {"e": total.earned, "f": total.forecast, "p": total.paid}.items()
    }
    sums.add_row(str(total.blocks), str(total.cpu_milli_blocks), str(total.gpu_blocks), *money.values())
    out.print(sums)
    if rows:
        table = Table(*rows[0], box=None)
        for row in rows[-20:]:
            table.add_row(*(str(v) for v in row.values()))
        out.print(f"the last {min(20, len(rows))} blocks:")
        out.print(table)
