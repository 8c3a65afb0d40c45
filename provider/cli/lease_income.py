"""`akp leases dry`: what will soon be paid no longer, and what that costs; `akp leases withdraw`: collecting now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

import typer

from bidengine.forecast import Forecast
from manifests.coins import shown
from manifests.ids import DeploymentID
from provider.chain.messages import WithdrawLease
from provider.cli import periods, signing
from provider.cli.lists import show
from provider.cli.live import live, own
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import ConfigError, NotFound

COLUMNS = {"lease": "lease", "ends in": "ends_in", "at height": "dry_at", "unpaid": "unpaid", "lost a day": "per_day"}


def dry(
    within: Annotated[str, typer.Option("--within", help="How far to look ahead: 90m, 24h, 7d.")] = "24h",
    config: Config = None,
    output: Output = "table",
) -> None:
    """List leases whose escrow ends soon, first to end first, and the income that is lost if nobody tops it up."""
    within_s = periods.seconds(within, "--within")

    async def work(session: Session) -> None:
        await session.chain.measure()
        found, block_ms = await live(session), session.chain.block_time_ms
        soon = sorted(_ending(found.forecasts(), within_s, block_ms), key=lambda one: (one.dry_at or 0, one.lease))
        rows = [_row(one, block_ms) for one in soon]
        lost: dict[str, int] = {}
        for one in soon:
            lost[one.rate.denom] = lost.get(one.rate.denom, 0) + one.per_day_e18(block_ms)
        per_day = {denom: shown(e18) for denom, e18 in lost.items()}
        if output == "json":
            report = {"height": found.height, "within_s": within_s, "leases": rows, "lost_per_day": per_day}
            print(json.dumps(report, indent=2))
            return
        show(rows, "table", COLUMNS, nothing=f"no lease ends within {within}")
        if rows:
            sums = ", ".join(f"{amount}{denom}" for denom, amount in per_day.items())
            print(f"{len(rows)} of {len(found.leases)} leases end within {within}: {sums} a day")

    signing.run(config, work)


def withdraw(
    lease: Annotated[str, typer.Argument(help="owner/dseq/gseq/oseq/provider; `akp leases` lists them.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every live lease that has earned something.")] = False,
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Collect what leases have earned. The daemon does so by itself; this is for when you want it now."""
    if bool(lease) == all_:
        raise ConfigError("LEASE", "name one lease or say --all", "`akp leases` lists them.")

    async def work(session: Session) -> None:
        wanted = {(await own(session, lease)).id} if lease else None
        found = await live(session)
        earned = [
            one
            for one in found.forecasts()
            if (wanted is None or one.lease in wanted) and one.unpaid.amount and not one.wedged
        ]
        if not earned:
            raise NotFound(f"nothing is waiting to be withdrawn at height {found.height}")
        for batch in batches(earned, session.settings.chain.bids_per_tx):
            what = f"withdraw {_sum(batch)} of {len(batch)} leases"
            msgs = [WithdrawLease(one.lease) for one in batch]
            await signing.carry_out(session, msgs, what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


def batches(earned: Iterable[Forecast], most: int) -> Iterator[list[Forecast]]:
    """What may share a transaction: no two leases of one deployment, whose second withdrawal in a block fails
    (chain.md §5.6)."""
    rounds: dict[int, list[Forecast]] = {}
    seen: dict[DeploymentID, int] = {}
    for one in earned:
        turn = seen[one.lease.deployment] = seen.get(one.lease.deployment, -1) + 1
        rounds.setdefault(turn, []).append(one)
    for turn in sorted(rounds):
        rest = iter(rounds[turn])
        while batch := list(islice(rest, most)):
            yield batch


def _ending(found: Iterable[Forecast], within_s: int, block_ms: int) -> Iterator[Forecast]:
    for one in found:
        left_s = one.seconds_left(block_ms)
        if left_s is not None and left_s < within_s:
            yield one


def _row(one: Forecast, block_ms: int) -> dict[str, Any]:
    left_s = one.seconds_left(block_ms) or 0
    return {
        "lease": str(one.lease),
        "ends_in": "wedged" if one.wedged else periods.shown(left_s) if left_s else "now",
        "seconds_left": left_s,
        "dry_at": one.dry_at,
        "wedged": one.wedged,
        "unpaid": {"denom": one.unpaid.denom, "amount": one.unpaid.amount},
        "rate": {"denom": one.rate.denom, "amount": shown(one.rate.amount_e18)},
        "per_day": {"denom": one.rate.denom, "amount": shown(one.per_day_e18(block_ms))},
    }


def _sum(found: Sequence[Forecast]) -> str:
    sums: dict[str, int] = {}
    for one in found:
        sums[one.unpaid.denom] = sums.get(one.unpaid.denom, 0) + one.unpaid.amount
    return ", ".join(f"{amount}{denom}" for denom, amount in sums.items())
