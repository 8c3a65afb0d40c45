"""`akp reconcile`: chain, ledger and cluster side by side, at the height the ledger has reached.

Reads one state of the ledger, so that a daemon may write meanwhile; what it books are further rows that say what they
correct, never a change. Also fetches the history of leases that ended before this ledger began.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.commit import Commit
from bidengine.outcomes import BID
from bidengine.room import Room
from bidengine.usage import Span
from bidengine.views import LIVE, Lease, Order
from manifests.ids import OrderID
from provider import log
from provider.cli.ground import glimpse
from provider.cli.lists import OutputOption, show
from provider.cli.signing import Config, Session, opened
from provider.errors import ConfigError, Refused
from provider.ledger.books import Books, Head
from provider.ledger.journal import FIXED
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.market.money.accounts import span_of
from provider.market.money.drift import Compare, Drift, entries
from provider.market.money.strays import in_cluster, of_bids
from provider.settings import Settings, load

app = typer.Typer(add_completion=False)
COLUMNS = {"what": "what", "name": "name", "chain": "chain", "here": "here", "cure": "cure"}


@dataclass(frozen=True, slots=True)
class Found:
    height: int
    drifts: list[Drift]


@app.command()
def reconcile(
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what differs; book nothing.")] = False,
    no_cluster: Annotated[bool, typer.Option("--no-cluster", help="Leave Kubernetes out.")] = False,
    output: OutputOption = "table",
) -> None:
    """Compare chain, ledger and cluster: leases, bids, income, deposits, balances, namespaces and manifests. What the
    ledger lacks is booked as further rows (not with --dry-run); what the daemon mends by itself is said. Exit code 4
    when anything differed."""
    settings = load(config)
    log.configure(settings.log, level="critical")
    found = asyncio.run(_reconcile(settings, cluster=not no_cluster, write=not dry_run))
    show([_row(one) for one in found.drifts], output, COLUMNS, nothing=f"all equal at height {found.height}")
    if found.drifts:
        raise typer.Exit(4)


async def _reconcile(settings: Settings, *, cluster: bool, write: bool) -> Found:
    path = settings.data / "ledger.db"
    async with opened(settings) as session:
        async with Store.open(path, readonly=True) as store:
            await store.read("BEGIN")  # one state for all questions, whoever writes meanwhile
            found, head, usd = await _compared(session, Books(store), path)
        if cluster:
            found.drifts.extend(await _strays(session, settings, head))
    cures = entries(found.drifts)
    if write and cures:
        async with Store.open(path) as store:
            await Books(store).correct(head, cures, usd)
    return found


async def _compared(session: Session, books: Books, path: Path) -> tuple[Found, Head, dict[str, int]]:
    head, owner = await books.head(), await session.owner()
    if head is None:
        raise ConfigError(str(path), "the ledger is empty", "Start the daemon once.")
    chain = session.chain.at(head.height)
    live = {lease.id: lease for state in LIVE for lease in await chain.leases(owner, state)}
    accounts = frozenset({owner, *await books.journal.balances()})
    compare = Compare(chain, head.height, owner, accounts, books, live, _span, since_height=0)
    drifts = [drift async for drift in compare.all()]
    drifts += of_bids({bid.id.order for bid in await chain.bids(owner, "open")}, await standing(books))
    usd = dict(FIXED)
    try:
        price = await chain.oracle_price("akt")
    except Refused:
        price = None
    if price is not None and price.healthy:
        usd["uakt"] = price.usd_e18
    return Found(head.height, drifts), head, usd


async def standing(books: Books) -> set[OrderID]:
    """Orders that have a bid of ours as far as the ledger knows; of one on its way no block has told yet."""
    on_their_way = {row.key for row in await Outbox(books.store).intents(state="open", beginning="bid/")}
    found = {row.order for row in await books.decisions.unsettled() if row.outcome == BID}
    return {order for order in found if f"bid/{order}" not in on_their_way}


async def _strays(session: Session, settings: Settings, head: Head) -> list[Drift]:
    """The cluster is as it is now, so it is compared with the chain of now."""
    owner, chain = await session.owner(), session.chain.latest
    async with glimpse(settings.cluster) as cluster:
        live = {lease.id for state in LIVE for lease in await chain.leases(owner, state)}
        return list(in_cluster(live, cluster.leases(), cluster.namespaces()))


def _span(lease: Lease, order: Order) -> Span:
    """Which card it had is known to the daemon that ran it alone."""
    return span_of(lease, order, Room(Commit()))


def _row(drift: Drift) -> dict[str, Any]:
    return {"what": drift.what, "name": drift.name, "chain": drift.chain, "here": drift.ledger, "cure": drift.cure,
            "booked": bool(drift.entries)}  # fmt: skip
