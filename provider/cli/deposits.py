"""`akp deposits`: where the deposits of bids are, and getting back those that lie there for nothing."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import typer

from bidengine.views import LIVE
from manifests.coins import Coin, trunc
from manifests.ids import DeploymentID
from provider.chain.client import Chain
from provider.chain.messages import CloseBid
from provider.cli import signing
from provider.cli.lease_ending import NAMES
from provider.cli.lists import OutputOption, show
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import Retry
from provider.market.money.deposits import Locked, survey
from provider.tasks import each

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Deposits of bids: where they are, and back.")
COLUMNS = {
    "bid": "bid",
    "deposit": "amount",
    "source": "source",
    "since height": "since",
    "blocks": "blocks",
    "order": "order",
    "why": "why",
}


@app.command("list")
def list_(config: Config = None, output: OutputOption = "table") -> None:
    """Every deposit that is locked, those for nothing first."""

    async def work(session: Session) -> None:
        found, height = await _survey(session)
        show([_row(one, height) for one in found], output, COLUMNS, nothing="no deposit is locked")

    signing.run(config, work)


@app.command()
def reclaim(
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Close the bids whose order is over. The daemon does so by itself; this is for when it does not run."""

    async def work(session: Session) -> None:
        found, _ = await _survey(session)
        said = await each([one for one in found if one.reclaimable], partial(_over, session.chain), what="orders")
        stale = [one for one in found if said.get(one) is True]
        troubles = [over for over in said.values() if isinstance(over, Retry)]
        left = {
            "their orders cannot be read; is there a newer akp?": sum(one.unreadable for one in found),
            "their orders are open after all": sum(over is False for over in said.values()),
            f"nobody confirms that their orders are over: {next(iter(troubles), '')}": len(troubles),
        }
        for why, bids in left.items():
            if bids:
                print(f"left open: {bids} bid(s), since {why}", file=sys.stderr)
        if not stale and not any(left.values()):
            print("nothing to reclaim: no bid is open whose order is over")
        for batch in batches(stale, session.settings.chain.bids_per_tx):
            msgs = [CloseBid(one.bid.id, int(NAMES["unspecified"])) for one in batch]
            what = f"close {len(batch)} bids whose order is over, and get {', '.join(map(str, _coins(batch)))} back"
            await signing.carry_out(session, msgs, what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


async def _over(chain: Chain, one: Locked) -> bool | Retry:
    """On the word of two nodes, where there are two, since there is never a second bid on an order; else the trouble:
    one bid that cannot be confirmed does not keep the others."""
    try:
        return await chain.confirmed_order_over(one.bid.id.order)
    except Retry as trouble:
        return trouble


def batches(stale: list[Locked], most: int) -> list[list[Locked]]:
    """Of one deployment's bids one after the other: nobody can tell from a CloseBid that it settles no lease."""
    out: list[list[Locked]] = []
    taken: list[set[DeploymentID]] = []
    for one in stale:
        deployment = one.bid.id.deployment
        free = next((n for n, of in enumerate(taken) if deployment not in of and len(out[n]) < most), None)
        if free is None:
            out.append([])
            taken.append(set())
            free = len(out) - 1
        out[free].append(one)
        taken[free].add(deployment)
    return out


async def _survey(session: Session) -> tuple[list[Locked], int]:
    owner, height = await session.owner(), (await session.chain.head()).height
    chain = session.chain.at(height)
    leases = {one.id for state in LIVE for one in await chain.leases(owner, state)}
    orders = {order.id: order for order in await chain.orders()}
    return await survey(chain, owner, orders, leases), height


def _row(one: Locked, height: int) -> dict[str, Any]:
    coins = _coins([one])
    since = min((deposit.height for deposit in one.deposits), default=one.bid.created_at)
    return {
        "bid": str(one.bid.id),
        "amount": [{"denom": coin.denom, "amount": coin.amount} for coin in coins],
        "source": "+".join(dict.fromkeys(deposit.source for deposit in one.deposits)),
        "depositors": list(dict.fromkeys(deposit.owner for deposit in one.deposits)),
        "since": since,
        "blocks": height - since,
        "bid_state": one.bid.state,
        "order": one.order_state,
        "stale": one.stale,
        "why": one.why,
    }


def _coins(found: list[Locked]) -> list[Coin]:
    sums: dict[str, int] = {}
    for deposit in (deposit for one in found for deposit in one.deposits):
        sums[deposit.left.denom] = sums.get(deposit.left.denom, 0) + trunc(deposit.left.amount_e18)
    return [Coin(denom, amount) for denom, amount in sums.items()]
