"""`akp money`: what leases brought, what it cost, and the books for an accountant, from the ledger's file
(docs/money.md)."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bidengine.usage import Span, told_of, usage
from manifests.coins import format_decimal, shown
from provider.cli import sweep
from provider.cli.leases import state
from provider.cli.lists import Output, OutputOption, show
from provider.cli.options import HERE, Data
from provider.cli.outfile import write_out
from provider.errors import ConfigError
from provider.ledger.beancount import beancount
from provider.ledger.books import Books, Head
from provider.ledger.journal import JournalRow
from provider.ledger.report import GROSS, By, Sum, summed
from provider.ledger.store import Store

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Income, fees, and the books for an accountant.")
app.add_typer(sweep.app, name="sweep")
SinceOption = Annotated[str, typer.Option(help="So long before the last block: 90m, 24h, 30d.")]
FromOption = Annotated[str, typer.Option("--from", help="First day, in UTC: 2026-11-01.")]
ToOption = Annotated[str, typer.Option("--to", help="Last day, in UTC.")]
_AGES = {"m": 60, "h": 3600, "d": 86_400}
COLUMNS = {"": "group", "gross": "gross", "fees": "fees", "net": "net", "gross $": "gross_usd", "fees $": "fees_usd",
           "net $": "net_usd", "deposits out": "deposits", "converted": "converted", "swept": "swept",
           "no price for": "unpriced"}  # fmt: skip
LEASE_COLUMNS = {"lease": "lease", "gpu": "gpu", "blocks": "blocks", "rate per block": "rate", "earned": "earned",
                 "of it forecast": "forecast", "paid": "paid", "unpaid": "unpaid", "paid $": "paid_usd",
                 "state": "state"}  # fmt: skip

FIELDS = ("time", "seq", "height", "kind", "account", "other", "lease", "denom", "amount", "tx", "detail",
          "usd_per_coin", "usd")  # fmt: skip
"""of an exported row"""


@app.callback()
def money() -> None:
    """Income, fees, and the books for an accountant."""


@dataclass(frozen=True, slots=True)
class Interval:
    since_unix_s: int = 0
    until_unix_s: int | None = None


@app.command()
def summary(
    by: Annotated[By, typer.Option(help="One row for each.")] = "total",
    since: SinceOption = "",
    from_: FromOption = "",
    to: ToOption = "",
    data: Data = HERE,
    output: OutputOption = "table",
) -> None:
    """Gross (what leases paid), fees and net, in coins and in dollars by the oracle at the time."""
    found = asyncio.run(_summed(data, by, (since, from_, to)))
    rows = [{"group": name or "(no lease)", **one.told()} for name, one in found.items()]
    _show(rows, output, COLUMNS, nothing="nothing was booked in this time")


@app.command()
def leases(data: Data = HERE, output: OutputOption = "table") -> None:
    """Each lease: what it earned up to the last block, what of it the chain has not credited yet, what was paid out,
    and what that was worth then."""
    _show(asyncio.run(_leases(data)), output, LEASE_COLUMNS, nothing="the ledger knows no lease")


@app.command()
def export(
    format_: Annotated[Literal["csv", "json", "beancount"], typer.Option("--format", help="What is written.")] = "csv",
    since: SinceOption = "",
    from_: FromOption = "",
    to: ToOption = "",
    out: Annotated[Path | None, typer.Option(help="A file; else it is printed.")] = None,
    data: Data = HERE,
) -> None:
    """Every row of the journal in this time, or double-entry books that `bean-check` accepts."""
    text = asyncio.run(_exported(data, format_, (since, from_, to)))
    if out is None:
        print(text, end="")
    else:
        write_out(out, text)
        print(f"written: {out}", file=sys.stderr)


def _show(rows: list[dict[str, Any]], output: Output, columns: Mapping[str, str], *, nothing: str) -> None:
    """People read several coins as they read one."""
    show([{k: _coins(v) for k, v in row.items()} for row in rows] if output == "table" else rows, output, columns,
         nothing=nothing)  # fmt: skip


def _coins(value: Any) -> Any:
    sums = isinstance(value, dict) and "denom" not in value
    return ", ".join(f"{amount}{denom}" for denom, amount in value.items()) if sums else value


async def _summed(data: Path, by: By, when: tuple[str, str, str]) -> dict[str, Sum]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        books = Books(store)
        rows = await _rows(books, interval(*when, await books.head()))
        gpus = {str(span.lease): _card(span) for span in await books.all_spans()} if by == "gpu" else {}
        return summed(rows, by, gpus)


def _card(span: Span) -> str:
    """Of a lease that this daemon did not place nobody knows which card it had, only that it had some."""
    return span.gpu_model or ("unknown gpu" if span.gpu_units else "")


async def _leases(data: Path) -> list[dict[str, Any]]:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        books = Books(store)
        head = await books.head()
        paid = summed([r async for r in books.journal.rows() if r.kind in GROSS], "lease", {})
        out = []
        for row in await books.leases():
            spans, settlements = await books.spans(row.lease), await books.settlements(row.lease)
            begin, end = told_of(spans, settlements, head.height if head else row.from_height)
            used, brought = usage(spans, settlements, begin, end), paid.get(str(row.lease), Sum())
            earned = used.earned.get(row.rate.denom, 0)
            out.append(
                {
                    "lease": str(row.lease),
                    "tenant": row.lease.owner,
                    "gpu": _card(spans[-1]),
                    "from_height": row.from_height,
                    "to_height": row.to_height,
                    "blocks": used.blocks,
                    "rate": {"denom": row.rate.denom, "amount": shown(row.rate.amount_e18)},
                    "earned": {"denom": row.rate.denom, "amount": earned},
                    "forecast": {"denom": row.rate.denom, "amount": used.forecast.get(row.rate.denom, 0)},
                    "paid": dict(sorted(brought.gross.items())),
                    "unpaid": {"denom": row.rate.denom, "amount": earned - brought.gross[row.rate.denom]},
                    "paid_usd": brought.usd("gross"),
                    "state": state(row),
                }
            )
        return out


async def _exported(data: Path, format_: str, when: tuple[str, str, str]) -> str:
    async with Store.open(data / "ledger.db", readonly=True) as store:
        books = Books(store)
        head = await books.head()
        asked = interval(*when, head)
        rows = await _rows(books, asked)
        if format_ == "beancount":
            opening = await books.journal.balances_before(asked.since_unix_s) if asked.since_unix_s else {}
            start = asked.since_unix_s or (head.time_unix_ns // 10**9 if head else 0)
            locked = await books.journal.locked_before(asked.since_unix_s) if asked.since_unix_s else {}
            lines = beancount(rows, opening, start, await books.journal.kept(), locked)
            return "".join(f"{line}\n" for line in lines)
    told = [_told(row) for row in rows]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n" if format_ == "json" else _csv(told)


def _told(row: JournalRow) -> dict[str, Any]:
    """A row with its worth in dollars, exact."""
    usd = None if row.usd_e18 is None else row.usd_e18 * abs(row.amount) // 10**6 * (1 if row.amount >= 0 else -1)
    time = dt.datetime.fromtimestamp(row.time_unix_s, dt.UTC).isoformat() if row.time_unix_s else ""
    price = "" if row.usd_e18 is None else format_decimal(row.usd_e18)
    found = {"time": time, **asdict(row), "usd_per_coin": price, "usd": "" if usd is None else format_decimal(usd)}
    return {name: found[name] for name in FIELDS}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


async def _rows(books: Books, asked: Interval) -> list[JournalRow]:
    found = books.journal.rows(since_unix_s=asked.since_unix_s, until_unix_s=asked.until_unix_s)
    return [row async for row in found]


def interval(since: str, from_: str, to: str, head: Head | None) -> Interval:
    """ConfigError names the option that cannot be read."""
    if since and (from_ or to):
        raise ConfigError("--since", "given together with --from or --to", "Give one or the other.")
    if since:
        found = re.fullmatch(r"(\d+)([mhd])", since)
        if found is None:
            raise ConfigError("--since", f"{since!r} is no length of time", "Write 90m, 24h or 30d.")
        now = head.time_unix_ns // 10**9 if head is not None else 0
        return Interval(max(0, now - int(found.group(1)) * _AGES[found.group(2)]))
    begin = _day("--from", from_) if from_ else 0
    end = _day("--to", to) + 86_400 if to else None
    if end is not None and begin >= end:
        raise ConfigError("--from", f"{from_} lies after {to}", "Give the earlier day first.")
    return Interval(begin, end)


def _day(option: str, text: str) -> int:
    try:
        return int(dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).timestamp())
    except ValueError:
        raise ConfigError(option, f"{text!r} is no day", "Write it as 2026-11-01.") from None
