"""The world around the daemon: a chain of two nodes, a rival, tenants who do what an event says, and trouble.

Blocks are made here, six seconds apart on the loop's clock. What an event is about is picked from what there is at that
moment, by the event's own dice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bidengine.views import Bid, Lease
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID, OrderID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.resources import GroupSpec
from provider.chain.convert import answers, ids
from provider.chain.messages import (
    CloseDeployment,
    CloseGroup,
    CloseLease,
    CreateBid,
    CreateDeployment,
    CreateLease,
    CreateProvider,
    Deposit,
    Msg,
    Send,
    UpdateDeployment,
)
from provider.chain.wire import message
from provider.cluster.health.causes import Cause
from provider.sandbox.chain.app import App
from provider.sandbox.chain.genesis import Genesis, OracleParams
from provider.sandbox.chain.node import Node
from tests.provider.market.conftest import spec
from tests.provider.market.history import FRIEND, RIVAL, SECOND, TENANT, US, Key, Market
from tests.provider.schedules.cluster import NODES, Machines
from tests.provider.schedules.doors import Doors, Way
from tests.provider.schedules.mortal import Life
from tests.provider.schedules.plan import Event

BLOCK_S = 6
GENESIS_UNIX_S = 1_767_225_600
RICH, POOR = 10**10, 2_600_000
"""uakt: the latter is enough for four bids"""
T = TypeVar("T")


@dataclass
class Fate:
    """What is meant to happen to the daemon: how long it is away after its death, and when it dies again."""

    away_s: float = 1.0
    next_dies_at: int | None = None
    life: Life | None = None


@dataclass
class Town:
    seed: int
    dice: random.Random
    market: Market
    nodes: list[Node]
    doors: Doors
    machines: Machines
    fate: Fate = field(default_factory=Fate)
    manifests: dict[LeaseID, int] = field(default_factory=dict)
    """when the tenant sent it: height"""
    unwell: set[LeaseID] = field(default_factory=set)
    """ever"""
    refused: bool = False
    """the cluster has refused manifests"""
    open_for: dict[OrderID, int] = field(default_factory=dict)
    """blocks in which nothing was wrong"""
    healed_s: float = 0.0
    _trouble_until_s: float = 0.0
    _posted: list[bytes] = field(default_factory=list)

    @classmethod
    async def begin(cls, seed: int) -> Town:
        dice = random.Random(f"{seed}/town")
        balances = {k.address: {"uakt": RICH, "uact": RICH} for k in (RIVAL, TENANT, FRIEND)}
        balances[US.address] = {"uakt": dice.choice((RICH, RICH, RICH, POOR)), "uact": RICH}
        year_ns = 365 * 86_400 * SECOND
        oracle = OracleParams(start_prices=(("akt", E18 // 2),), staleness_ns=year_ns, retention_ns=year_ns)
        app = App(
            Genesis.default(
                balances, genesis_time_unix_ns=GENESIS_UNIX_S * SECOND, oracle=oracle,
                min_reclamation_window_ns=60 * SECOND,
            )
        )  # fmt: skip
        first = Node(app, block_time_s=None)
        market, nodes = Market(spec(), app), [first, first.peer()]
        machines = Machines(lambda lease: market_lives(market, lease))
        town = cls(seed, dice, market, nodes, Doors(nodes, dice), machines)
        for key in (US, RIVAL):
            await town.post(key, CreateProvider(key.address, f"https://{key.address[-4:]}.test:8443", ()))
        await town.block()
        return town

    @property
    def app(self) -> App:
        return self.market.app

    @property
    def quiet(self) -> bool:
        """No trouble now, nor a moment ago."""
        return self.now_s > self._trouble_until_s + 60

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_unix_s(self) -> float:
        return self.app.time_unix_ns / SECOND

    async def post(self, key: Key, *msgs: Msg) -> None:
        self._posted.append(await self.market.tx(key, msgs))

    async def block(self) -> None:
        """The next one, with what waits; whose transactions come first is chance."""
        waiting = self.nodes[0].mempool.reap()
        txs = [*waiting, *self._posted] if self.dice.random() < 0.5 else [*self._posted, *waiting]
        self._posted = []
        self.nodes[0].include(self.app.time_unix_ns + BLOCK_S * SECOND, txs)
        self.market._sequences.clear()

    async def count_calm(self) -> None:
        """Once a block: open orders, while nothing is wrong."""
        if self.quiet:
            for order in await self.market.at().orders("open"):
                self.open_for[order.id] = self.open_for.get(order.id, 0) + 1

    def heal(self) -> None:
        self.healed_s = self.now_s
        for node, way in zip(self.nodes, self.doors.ways, strict=True):
            chaos, kept = node.chaos, node.chaos.prune_below
            node.chaos = type(chaos)(prune_below=kept)
            way.silent_until_s, way.lies, way.swallowed = 0.0, 0, 0
        self.machines.absent = self.machines.refuses = self.machines.slow_to_go = False
        self.machines.sick.clear()
        if self.machines.up < len(NODES):
            self.machines.up = len(NODES)
            self.machines.changed(None)
        if self.fate.life is not None:
            self.fate.life.dies_at = None
        self.fate.next_dies_at = None
        self.fate.away_s = min(self.fate.away_s, 1.0)

    async def happens(self, event: Event) -> None:
        dice = event.dice(self.seed)
        tenant = {
            "deploy": self._deploy, "rival bids": self._rival_bids, "accept ours": self._accept_ours,
            "accept any": self._accept_any, "manifest": self._manifest, "deposit": self._deposit,
            "close deployment": self._close_deployment, "close lease": self._close_lease,
            "close group": self._close_group, "update": self._update, "sick": self._sick, "well": self._well,
            "coins arrive": self._coins_arrive,
        }.get(event.what)  # fmt: skip
        if tenant is not None:
            await tenant(dice, event)
        else:
            span_s = dice.choice((8.0, 20.0, 45.0))
            self._trouble_until_s = max(self._trouble_until_s, self.now_s + span_s)
            for way in dice.choice((self.doors.ways[:1], self.doors.ways[1:], self.doors.ways)):
                self._trouble(event.what, way, dice, span_s)
            self._harm(event.what, dice, span_s)

    # -- tenants ------------------------------------------------------------------------------------------------------

    async def _deploy(self, dice: random.Random, event: Event) -> None:
        denom, most = dice.choice(("uact", "uact", "uact", "uakt")), dice.choice((1_000_000, 1_000_000, 1_000))
        groups = tuple(
            _named(spec(cpu_milli=dice.choice((100, 500, 1500)), price=most), f"g{n}", denom)
            for n in range(dice.choice((1, 1, 1, 2, 3)))
        )
        deposit = Coin(denom, dice.choice((500_000, 500_000, 5_000_000, 50_000_000)))
        notice = dice.choice((None, None, 60))
        deployment = DeploymentID(TENANT.address, event.number + 1)
        await self.post(TENANT, CreateDeployment(deployment, groups, b"h" * 32, deposit, notice))

    async def _rival_bids(self, dice: random.Random, _: Event) -> None:
        order = _one(await self.market.at().orders("open"), dice)
        if order is not None:
            cap = order.spec.resources[0].price
            price = DecCoin(cap.denom, cap.amount_e18 * dice.choice((1, 5, 10)) // 10)
            deposit = Coin("uakt", 500_000)
            bid = CreateBid(order.id.bid_of(RIVAL.address), price, deposit, (), order.reclamation_min_window_s)
            await self.post(RIVAL, bid)

    async def _accept_ours(self, dice: random.Random, _: Event) -> None:
        await self._accept(await self.market.at().bids(US.address, "open"), dice)

    async def _accept_any(self, dice: random.Random, _: Event) -> None:
        bids = [bid for who in (US, RIVAL) for bid in await self.market.at().bids(who.address, "open")]
        await self._accept(bids, dice)

    async def _accept(self, bids: Sequence[Bid], dice: random.Random) -> None:
        orders = {order.id for order in await self.market.at().orders("open")}
        bid = _one([bid for bid in bids if bid.id.order in orders], dice)
        if bid is not None:
            await self.post(TENANT, CreateLease(bid.id))

    async def _manifest(self, dice: random.Random, _: Event) -> None:
        lease = _one([one for one in await self.live() if one.id not in self.machines.stored], dice)
        if lease is not None:
            self.manifests[lease.id] = self.app.height
            self.machines.stored[lease.id] = StoredManifest(lease.id, ManifestGroup("web", ()), {})
            self.machines.changed(lease.id)

    async def _deposit(self, dice: random.Random, _: Event) -> None:
        lease = _one(await self.live(), dice)
        if lease is not None:
            who, amount = dice.choice((TENANT, FRIEND, US)), dice.choice((1, 300_000, 2_000_000))
            await self.post(who, Deposit(who.address, lease.id.deployment, Coin(lease.price.denom, amount)))

    async def _close_deployment(self, dice: random.Random, _: Event) -> None:
        order = _one([o for s in ("open", "active") for o in await self.market.at().orders(s)], dice)
        if order is not None:
            await self.post(TENANT, CloseDeployment(order.id.deployment))

    async def _close_group(self, dice: random.Random, _: Event) -> None:
        order = _one([o for s in ("open", "active") for o in await self.market.at().orders(s)], dice)
        if order is not None:
            await self.post(TENANT, CloseGroup(order.id.group))

    async def _close_lease(self, dice: random.Random, _: Event) -> None:
        lease = _one(await self.live(), dice)
        if lease is not None:
            await self.post(TENANT, CloseLease(lease.id))

    async def _update(self, dice: random.Random, _: Event) -> None:
        lease = _one(await self.live(), dice)
        if lease is not None:
            await self.post(TENANT, UpdateDeployment(lease.id.deployment, dice.randbytes(32)))

    async def _sick(self, dice: random.Random, _: Event) -> None:
        lease = _one(sorted(self.machines.spaces & self.machines.stored.keys()), dice)
        if lease is not None:
            self.unwell.add(lease)
            self.machines.sick[lease] = dice.choice((Cause.CRASH_LOOP, Cause.IMAGE_PULL, Cause.UNSCHEDULABLE))
            self.machines.changed(lease)

    async def _well(self, dice: random.Random, _: Event) -> None:
        lease = _one(sorted(self.machines.sick), dice)
        if lease is not None:
            del self.machines.sick[lease]
            self.machines.changed(lease)

    async def _coins_arrive(self, dice: random.Random, _: Event) -> None:
        await self.post(FRIEND, Send(FRIEND.address, US.address, Coin("uakt", dice.choice((1, 600_000, 5_000_000)))))

    async def live(self) -> list[Lease]:
        return [lease for lease in await self.market.at().leases(US.address) if lease.live]

    # -- trouble ------------------------------------------------------------------------------------------------------

    def _trouble(self, what: str, way: Way, dice: random.Random, span_s: float) -> None:
        chaos = way.node.chaos
        match what:
            case "node silent":
                way.silent_until_s = self.now_s + span_s
            case "grpc fails":
                chaos.fail_grpc(span_s)
            case "rpc fails":
                chaos.fail_rpc(503, span_s)
            case "node busy":
                chaos.fail_rpc(429, span_s)
                chaos.fail_grpc(span_s, "RESOURCE_EXHAUSTED")
            case "node lags":
                chaos.lag_blocks = min(dice.choice((1, 2, 5)), self.app.height - 2)
                self._later(span_s, lambda: setattr(chaos, "lag_blocks", 0))
            case "catching up":
                chaos.catching_up = True
                self._later(span_s, lambda: setattr(chaos, "catching_up", False))
            case "pruned":
                chaos.prune_below = max(self.app.height - dice.choice((0, 1, 4)), 1)
            case "results late":
                chaos.late_results = dice.choice((1, 3))
                self._later(span_s, lambda: setattr(chaos, "late_results", 0))
            case "events twice":
                chaos.duplicate_events = True
                self._later(span_s, lambda: setattr(chaos, "duplicate_events", False))
            case "transactions vanish":
                chaos.lose_txs += dice.choice((1, 2, 4))
            case "broadcast taken, answered with an error":
                way.lies += dice.choice((1, 2, 4))
            case "broadcast lost, answered with an error":
                way.swallowed += dice.choice((1, 2, 4))
            case "simulations refused":
                chaos.refuse_simulations += dice.choice((1, 2, 4))
            case "mempool full":
                chaos.mempool_full = True
                self._later(span_s, lambda: setattr(chaos, "mempool_full", False))
            case "node slow":
                chaos.slow_s = dice.choice((0.5, 3.0))
                self._later(span_s, lambda: setattr(chaos, "slow_s", 0.0))

    def _harm(self, what: str, dice: random.Random, span_s: float) -> None:
        machines, life = self.machines, self.fate.life
        match what:
            case "cluster absent":
                machines.absent = True
                self._later(span_s, lambda: setattr(machines, "absent", False))
            case "cluster refuses":
                machines.refuses = self.refused = True
                self._later(span_s, lambda: setattr(machines, "refuses", False))
            case "machine lost":
                machines.up = dice.choice((0, 1))
                machines.changed(None)
                self._later(span_s, self._machine_is_back)
            case "namespaces go slowly":
                machines.slow_to_go = True
            case "killed" if life is not None:
                life.dies_at, life.after = life.steps + dice.randint(1, 60), dice.random() < 0.5
                self.fate.away_s = dice.choice((0.5, 3.0, 10.0, 40.0))
            case "killed while starting" if life is not None:
                self.fate.away_s, self.fate.next_dies_at = 1.0, dice.randint(1, 40)
                life.die()
            case "away" if life is not None:
                self.fate.away_s = 60.0
                life.die()

    def _machine_is_back(self) -> None:
        self.machines.up = len(NODES)
        self.machines.changed(None)

    def _later(self, span_s: float, heal: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(span_s, heal)


def market_lives(market: Market, lease: LeaseID) -> bool:
    """Straight from the chain's state, whatever its nodes say."""
    request = message("akash.market.v1beta5.QueryLeaseRequest")()
    ids.put_lease_id(request.id, lease)
    found = market.app.query("/akash.market.v1beta5.Query/Lease", request).lease
    return answers.lease(found).live


def _one(found: Iterable[T], dice: random.Random) -> T | None:
    listed = list(found)
    return dice.choice(listed) if listed else None


def _named(group: GroupSpec, name: str, denom: str) -> GroupSpec:
    units = tuple(replace(u, price=DecCoin(denom, u.price.amount_e18)) for u in group.resources)
    return replace(group, name=name, resources=units)
