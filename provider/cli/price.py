"""`akp price explain`: what the daemon would answer to an order, and every step on the way there. (`from-go` is
from_go.py's.)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from bidengine.explain import Judged, parts, places
from bidengine.notation import in_short
from bidengine.tariff import MONTH_MS
from bidengine.views import Order
from manifests.coins import DecCoin, format_decimal, shown
from manifests.errors import Invalid
from manifests.ids import OrderID
from manifests.resources import GroupSpec
from manifests.sdl import Compiled, compile_sdl
from provider import log
from provider.cli.from_go import from_go
from provider.cli.ground import ConfigOption, Ground, NodesOption, ground
from provider.cli.lists import structured
from provider.cli.policy import tenant_address
from provider.errors import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What orders would cost, and why.")
app.command("from-go")(from_go)
HOUR_MS = 3_600_000
NOBODY = "akash1tenant"
"""a tenant on no list and without prices of his own"""


@app.callback()
def price() -> None:
    """What orders would cost, and why."""


@app.command()
def explain(
    sdl: Annotated[Path, typer.Option(help="SDL file of the order.")],
    config: ConfigOption = None,
    nodes: NodesOption = None,
    prices: Annotated[Path | None, typer.Option(help="Another price file than the settings name.")] = None,
    owner: Annotated[str, typer.Option(help="The tenant it would come from; left out, one whom nobody knows.")] = "",
    output: Annotated[Literal["text", "json", "yaml"], typer.Option("--output", "-o")] = "text",
) -> None:
    """Each rule's opinion, the placement, the parts of the price and the bid, for each group of an SDL file. The same
    code answers that bids. Exit code 1 if a group gets no bid."""
    log.configure("auto", level="error")
    compiled = _compiled(sdl)
    tenant = tenant_address(owner) if owner else NOBODY
    told, answers = asyncio.run(_explained(compiled, config, nodes, prices, tenant))
    if output == "text":
        _print(told, answers)
    else:
        structured({"file": str(sdl), "basis": told, "groups": [a.json() for a in answers]}, output)
    if any(a.judged.no is not None for a in answers):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Answer:
    spec: GroupSpec
    judged: Judged
    block_time_ms: int

    def json(self) -> dict[str, Any]:
        no, quote = self.judged.no, self.judged.quote
        placement = self.judged.placement
        return {
            "name": self.spec.name,
            "asks": in_short(self.spec),
            "answer": "bid" if no is None else no.code,
            "detail": no.detail if no is not None else "",
            "rules": [
                {"rule": rule, "objection": o.code if o else None, "detail": o.detail if o else ""}
                for rule, o in self.judged.verdicts
            ],
            "placement": [str(place) for place in places(placement)] if placement is not None else [],
            "price": None
            if quote is None
            else {
                "denom": quote.per_block.denom,
                "per_block": format_decimal(quote.per_block.amount_e18),
                "per_hour": shown(self._per(HOUR_MS)),
                "per_month": shown(self._per(MONTH_MS)),
                "strategy": quote.strategy,
                "parts": parts(quote),
            },
            "ceiling": {"denom": self.spec.denom, "amount": format_decimal(self.spec.ceiling_e18)},
        }

    def _per(self, period_ms: int) -> int:
        """Micro-units ×10^18 in a period, to the whole thousandth."""
        assert self.judged.quote is not None
        step = 10**15
        return self.judged.quote.per_block.amount_e18 * period_ms // self.block_time_ms // step * step

    def lines(self) -> list[str]:
        no, quote, denom = self.judged.no, self.judged.quote, self.spec.denom
        out = [f"group {self.spec.name}: {in_short(self.spec)}"]
        silent = [rule for rule, objection in self.judged.verdicts if objection is None]
        out.append(f"  rules  without objection: {', '.join(silent)}")
        for rule, objection in self.judged.verdicts:
            if objection is not None:
                out.append(f"  rule   {rule}: {objection.code}: {objection.detail}")
        if self.judged.placement is not None:
            out += [f"  placed {place}" for place in places(self.judged.placement)]
        if quote is not None:
            out += [f"  price  {line}" for line in parts(quote)]
            hour, month = (DecCoin(denom, self._per(period_ms)) for period_ms in (HOUR_MS, MONTH_MS))
            out.append(f"  sum    {quote.per_block} per block = {hour} per hour = {month} per month ({quote.strategy})")
        out.append(f"  tenant pays at most {DecCoin(denom, self.spec.ceiling_e18)} per block")
        answer = "a bid" if no is None else f"no bid, {no.code}: {no.detail}"
        return [*out, f"  answer {answer}"]


async def answered(compiled: Compiled, on: Ground, tenant: str = NOBODY) -> list[Answer]:
    """Group after group, as their orders would come: each leaves less room for the next."""
    judge, out = on.judge, []
    assert judge is not None
    for number, spec in enumerate(compiled.groups, 1):
        order = Order(OrderID(tenant, 1, number, 1), "open", spec, judge.book.height,
                      compiled.reclamation_min_window_s)  # fmt: skip
        judge.book.orders[order.id] = order  # one that the book does not have is over
        judged = await judge.answer(order, through=True)
        if judged.no is None and judged.placement is not None:
            on.room.hold(order.id, spec, judged.placement, height=judge.book.height)
        out.append(Answer(spec, judged, on.block_time_ms))
    return out


async def _explained(
    compiled: Compiled, config: Path | None, nodes: Path | None, prices: Path | None, tenant: str
) -> tuple[list[str], list[Answer]]:
    async with ground(config, nodes, asked=compiled.groups, prices=prices) as on:
        return on.told, await answered(compiled, on, tenant)


def _compiled(path: Path) -> Compiled:
    try:
        return compile_sdl(path.read_bytes())
    except OSError as bad:
        raise ConfigError(str(path), bad.strerror or "cannot be read", "Give the path of an SDL file.") from None
    except Invalid as bad:
        where = f"{path}:{bad.line}" if bad.line else str(path)
        raise ConfigError(where, str(bad), f"akp sdl lint {path} tells more.") from None


def _print(told: list[str], answers: list[Answer]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in told:
        console.print(line)
    for answer in answers:
        for line in answer.lines():
            console.print(line)
