"""`akp simulate`: recorded orders once more, with other prices, side by side (docs/simulate.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.node import Inventory
from bidengine.recorded import Recorded, parse_lines
from bidengine.room import Room
from bidengine.simulate import Assumptions, Result, simulate
from bidengine.tariff import MONTH_MS
from manifests.coins import shown
from manifests.errors import Invalid
from provider import log
from provider.cli.ground import ConfigOption, NodesOption, room_ground
from provider.cli.imagined import BLOCK_MS
from provider.cli.lists import OutputOption, show
from provider.errors import ConfigError
from provider.market.pricing.prices import Prices

app = typer.Typer(add_completion=False, help="Recorded orders once more, with other prices.")
HOUR_MS = 3_600_000
_ASSUMED = (
    "the inventory is empty at the start: leases that run now are not there",
    "rules and policy do not object",
    "coins have the fixed prices and fallbacks of the price file, auto-pricing is left out",
)


@app.command()
def simulate_(
    orders: Annotated[Path, typer.Option(help="Orders as `akp orders record` writes them.")],
    prices: Annotated[list[Path], typer.Option(help="A price file; several are compared side by side.")],
    config: ConfigOption = None,
    nodes: NodesOption = None,
    lease_hours: Annotated[
        int, typer.Option(help="How long a lease lives whose end is not recorded.", min=1, max=100_000)
    ] = 24,
    ceiling_percent: Annotated[
        int | None,
        typer.Option(help="Orders without a recorded winner are won at up to so much of the tenant's ceiling.", min=0),
    ] = None,
    block_ms: Annotated[int, typer.Option(help="Length of a block in milliseconds.", min=100)] = BLOCK_MS,
    output: OutputOption = "table",
) -> None:
    """Replay recorded orders against an inventory with each price file: wins, revenue, utilisation, declines."""
    log.configure("auto", level="error")
    records = _read(orders)
    assumptions = Assumptions(max(1, lease_hours * HOUR_MS // block_ms), ceiling_percent)
    inventory, room, told = asyncio.run(_inventory(config, nodes))
    for line in (*told, *(f"assumed: {line}" for line in (*_ASSUMED, *assumptions.told()))):
        typer.echo(line, err=True)
    rows = [
        _row(str(path), _run(records, inventory, room, Prices(path), assumptions, block_ms), block_ms)
        for path in prices
    ]
    if output == "table":
        _side_by_side(rows)
    else:
        show(rows, output, {})


def _run(
    records: Sequence[Recorded],
    inventory: Inventory,
    room: Room,
    prices: Prices,
    assumptions: Assumptions,
    block_ms: int,
) -> Result:
    return simulate(
        records, inventory, lambda order, at: prices.quote(order, at, block_time_ms=block_ms),
        assumptions=assumptions, commit=room.commit, packing=room.packing,
    )  # fmt: skip


def _row(name: str, result: Result, block_ms: int) -> dict[str, Any]:
    month = MONTH_MS // block_ms
    return {
        "prices": name,
        "orders": result.orders,
        "bids": result.bids,
        "wins": result.wins,
        "revenue_per_month": {denom: shown(_whole(e18 * month)) for denom, e18 in result.rate_e18.items()},
        "earned": {denom: shown(_whole(e18)) for denom, e18 in result.earned_e18.items()},
        "blocks": result.blocks,
        "utilisation_percent": {key: round(float(share), 1) for key, share in result.utilisation.items()},
        "peak_percent": {key: round(float(share), 1) for key, share in result.peak.items()},
        "outcomes": dict(sorted(result.outcomes.items())),
    }


def _whole(amount_e18: int) -> int:
    return amount_e18 // 10**18 * 10**18


def _side_by_side(rows: Sequence[dict[str, Any]]) -> None:
    """One column for each price file: figures are compared along a line."""
    blank = {str(at): 0 for at in range(len(rows))}
    lines: dict[str, dict[str, Any]] = {}
    for at, row in enumerate(rows):
        for key, value in row.items():
            if key == "prices":
                continue
            parts = {f"{key} {part}": v for part, v in value.items()} if isinstance(value, dict) else {key: value}
            for name, figure in parts.items():
                lines.setdefault(name, {"figure": name.replace("_", " "), **blank})[str(at)] = figure
    columns = {"": "figure"} | {row["prices"]: str(at) for at, row in enumerate(rows)}
    show(list(lines.values()), "table", columns)


def _read(path: Path) -> tuple[Recorded, ...]:
    try:
        with path.open(encoding="utf-8") as file:
            return parse_lines(file)
    except (OSError, UnicodeDecodeError) as bad:
        what = getattr(bad, "strerror", None) or "cannot be read"
        raise ConfigError(str(path), what, "Give a file of `akp orders record` with --orders.") from None
    except Invalid as bad:
        raise ConfigError(f"{path}:{bad.line}", str(bad), "See docs/simulate.md for the format.") from None


async def _inventory(config: Path | None, nodes: Path | None) -> tuple[Inventory, Room, list[str]]:
    async with room_ground(config, nodes, cluster_only=True) as on:
        inventory = on.inventory
        empty = Inventory(
            inventory.nodes,
            inventory.storage_bytes,
            node_ports=inventory.node_ports,
            leased_ips=inventory.leased_ips,
            same_storage=inventory.same_storage,
        )
        return empty, on.room, on.told[:1]
