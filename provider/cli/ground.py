"""What a question about orders stands on: the part of the daemon that judges them, over a cluster or over machines
that are only thought of.

With `--config`, the provider is looked at as a daemon looks at it when it starts: its record, its bids and leases from
the chain, its nodes and pods from the cluster. Nothing is written anywhere. Without, or with `--nodes`, attributes and
audits are taken to be as the order asks: the question is then about room and price.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from bidengine.load import loads
from bidengine.node import Inventory
from bidengine.room import Room
from bidengine.views import Lease
from manifests.ids import LeaseID
from manifests.resources import GroupSpec
from provider import keyring, log
from provider.chain.client import Chain
from provider.cli.imagined import BID, BLOCK_MS, PRICES, imagined, sandbox_inventory
from provider.cli.nodesfile import read_nodes
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.inventory.survey import NodeReport
from provider.errors import Retry
from provider.market.bids.judge import Judge
from provider.market.bids.promises import Promises
from provider.market.bids.wallet import Wallet
from provider.market.book import Book
from provider.market.policy.policy import Policies
from provider.market.pricing import autoprice
from provider.market.pricing.autoprice import AutoPrice, NoHistory
from provider.market.pricing.choose import chosen
from provider.market.pricing.oracle import Oracle
from provider.market.restart import rebuilt, seen
from provider.metrics import Metrics
from provider.settings import BidSettings, ClusterSettings, Settings, load

T = TypeVar("T")
ConfigOption = Annotated[
    Path | None, typer.Option(help="The daemon's settings: its cluster and chain are looked at, nothing is written.")
]
NodesOption = Annotated[
    Path | None, typer.Option(help="Machines from a file (docs/simulate.md) in place of the cluster's.")
]


@dataclass(frozen=True, slots=True)
class Ground:
    room: Room
    inventory: Inventory
    """all that leases may have; what those that run use is not taken off"""
    told: list[str]
    """where each part comes from, for the screen"""
    nodes: list[NodeReport] = field(default_factory=list)
    """of a real cluster, those that are not sold included"""
    judge: Judge | None = None
    """None where only room was looked at"""
    block_time_ms: int = BLOCK_MS
    leases: Mapping[LeaseID, Lease] = field(default_factory=dict)
    """of the provider, as the chain has them; empty where it was not asked"""
    unasked: str = ""
    """why the chain is not known; "" when it is"""
    cluster: Cluster | None = None
    """followed as long as the block lasts; None where machines are only thought of"""


@asynccontextmanager
async def ground(
    config: Path | None, nodes: Path | None = None, *, asked: Sequence[GroupSpec] = (), prices: Path | None = None
) -> AsyncIterator[Ground]:
    """To judge orders on. ConfigError and Retry as a daemon's start would raise them."""
    settings = load(config) if config is not None else None
    async with AsyncExitStack() as open_:
        if settings is not None and nodes is None:
            cluster = await open_.enter_async_context(glimpse(settings.cluster))
            yield await _live(open_, settings, cluster, _with(settings.bid, prices))
        else:
            thought = _thought_of(settings, nodes)
            bid = _with(settings.bid if settings is not None else BID, prices)
            whose = _asked_for_prices(bid) if settings is not None or prices is not None else f"prices {THE_SANDBOXS}"
            if settings is None and prices is None:
                file = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="akp-"))) / "prices.yaml"
                file.write_text(PRICES)
                bid = _with(bid, file)
            book = imagined(thought.inventory, asked, time_unix_ns=time.time_ns())
            policies = Policies(bid.policy, settings.data if settings is not None else Path("nowhere"))
            wallet = Wallet(book, Promises(book, thought.room), _nobody, bid)
            pricing = await open_.enter_async_context(chosen(bid, lambda: BLOCK_MS, Metrics()))
            judge = Judge(book, thought.room, pricing, policies, wallet, bid, lambda: BLOCK_MS)
            told = [*thought.told, f"{whose}, blocks of {BLOCK_MS} ms", _HEARSAY]
            yield replace(thought, told=told, judge=judge)


@asynccontextmanager
async def room_ground(config: Path | None, nodes: Path | None, *, cluster_only: bool) -> AsyncIterator[Ground]:
    """To look at room on. Reservations are counted where the chain can be reached and the settings say whose they are;
    where not, that is told."""
    settings = load(config) if config is not None else None
    if settings is None or nodes is not None:
        yield _thought_of(settings, nodes)
        return
    async with AsyncExitStack() as open_:
        cluster = await open_.enter_async_context(glimpse(settings.cluster))
        live, why = None, "left out (--cluster-only)"
        if not cluster_only and not keyring.named(settings):
            why = "not known, the settings name no account: set key.owner, no key is needed"
        elif not cluster_only:
            try:
                live = await _live(open_, settings, cluster, None)
            except Retry as trouble:
                why = f"not known, the chain cannot be reached: {trouble}"
        yield live or _cluster_alone(settings, cluster, why)


@asynccontextmanager
async def glimpse(settings: ClusterSettings) -> AsyncIterator[Cluster]:
    """The cluster, listed once and followed as long as the block lasts; its nodes are not labelled."""
    try:
        async with Kube.connect(settings) as kube:
            await kube.version()  # a wrong address is told at once; mirrors would wait for it
            async with asyncio.TaskGroup() as tasks:
                yield await Cluster.watch(kube, settings, tasks, mark=False)
                raise _Seen
    except* _Seen:
        pass


def on_cluster(config: Path, ask: Callable[[Kube], Awaitable[T]]) -> T:
    """For a command that needs the API server and no look at the whole cluster."""
    log.configure("auto", level="error")

    async def work() -> T:
        async with Kube.connect(load(config).cluster) as kube:
            return await ask(kube)

    return asyncio.run(work())


THE_SANDBOXS = "the sandbox's (neither --config nor a file names others)"
_HEARSAY = "attributes and audits are taken to be as the order asks; coins have fixed prices and fallbacks only"


class _Seen(Exception):
    """Ends the mirrors, which would go on for ever."""


async def _live(open_: AsyncExitStack, settings: Settings, cluster: Cluster, bid: BidSettings | None) -> Ground:
    """Without `bid` nothing is judged, only room is looked at."""
    address = await keyring.owner(settings)
    chain = await open_.enter_async_context(Chain.connect(settings.chain))
    await chain.measure()
    head = await chain.head()
    book = await Book.load(chain.at(head.height), address, head.height, head.time_unix_ns)
    room, _ = rebuilt(book, cluster.inventory(), settings.cluster, settings.bid)
    told = [
        *_told_of(cluster),
        f"provider {address} at height {head.height}: {len(book.bids)} bids, {len(book.leases)} leases",
    ]
    judge = None
    if bid is not None:
        told.append(f"{_asked_for_prices(bid)}, blocks of {chain.block_time_ms} ms")
        wallet = Wallet(book, Promises(book, room), chain.at, bid)
        await wallet.read()
        block_time_ms = lambda: chain.block_time_ms  # noqa: E731 - as the daemon's parts ask for it
        oracle = Oracle(lambda: chain.latest, lambda: book.time_unix_ns)
        auto = AutoPrice(settings.data / autoprice.NAME, lambda: loads(room), lambda: book.height, NoHistory, Metrics())
        pricing = await open_.enter_async_context(chosen(bid, block_time_ms, Metrics(), oracle, auto))
        pricing.look()
        await oracle.ask()
        judge = Judge(book, room, pricing, Policies(bid.policy, settings.data), wallet, bid, block_time_ms)
    return Ground(
        room, cluster.inventory(), told, cluster.nodes(), judge, chain.block_time_ms, dict(book.leases), cluster=cluster
    )


def _cluster_alone(settings: Settings, cluster: Cluster, why: str) -> Ground:
    room = seen(cluster.inventory(), settings.cluster, settings.bid)
    told = [*_told_of(cluster), f"bids that wait for an answer: {why}"]
    return Ground(room, cluster.inventory(), told, cluster.nodes(), unasked=why, cluster=cluster)


def _thought_of(settings: Settings | None, nodes: Path | None) -> Ground:
    inventory = read_nodes(nodes) if nodes is not None else sandbox_inventory()
    cluster, bid = (settings.cluster, settings.bid) if settings is not None else (ClusterSettings(), BID)
    room = seen(inventory, cluster, bid)
    return Ground(room, inventory, [f"{len(inventory.nodes)} nodes: {nodes or THE_SANDBOXS}"])


def _with(bid: BidSettings, prices: Path | None) -> BidSettings:
    """With another price file, which is then what says the price."""
    return bid if prices is None else bid.model_copy(update={"strategy": "tariff", "prices": prices})


def _asked_for_prices(bid: BidSettings) -> str:
    return f"prices {bid.prices}" if bid.strategy == "tariff" else f"prices by bid.strategy {bid.strategy}"


def _nobody(asked: object) -> NoReturn:
    raise AssertionError(asked)


def _told_of(cluster: Cluster) -> list[str]:
    sold = sum(not node.why_not for node in cluster.nodes())
    lacking = [f"not sold: {why}" for why in cluster.runtimes_lacking().values()]
    return [f"cluster: {len(cluster.nodes())} nodes, {sold} of them sold", *lacking]
