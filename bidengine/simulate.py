"""Recorded orders once more, against an inventory and another price: what we would have bid on, won and earned.

Orders come by their heights; a lease takes room from its order's height on and gives it back when it ends. The record
knows no bid we did not make, so who would have won is an assumption, told in full by `Assumptions.told`:

- Where the winner's price is recorded, we win at that price or less. A lease that was ours is lost at more than we
  asked then; an order lost to a dearer bid (`lost.not_price`) stays lost, for price did not decide it.
- Where no winner is recorded, we win at up to a share of the tenant's ceiling if one is assumed, else never.

Bids are answered at once: room held for bids that lose is not modelled. Same arguments, same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush

from bidengine.commit import Commit
from bidengine.node import Inventory
from bidengine.notation import card_in_short
from bidengine.outcomes import LOST_NOT_PRICE, LOST_PRICE, UNKNOWN, WON
from bidengine.packing import Packing
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.recorded import Recorded
from bidengine.room import Room
from bidengine.views import Order
from manifests.coins import DecCoin
from manifests.ids import OrderID

Ask = Callable[[Order, Placement], Quote | Decline]
Screen = Callable[[Order], Decline | None]


@dataclass(frozen=True, slots=True)
class Assumptions:
    lease_blocks: int
    """how long a lease lives whose end is not recorded"""
    ceiling_percent: int | None = None
    """of the tenant's ceiling: up to this an order without a recorded winner is ours; None never"""

    def told(self) -> tuple[str, ...]:
        without = (
            "an order without a recorded winner is not won"
            if self.ceiling_percent is None
            else f"an order without a recorded winner is won at up to {self.ceiling_percent} % of the tenant's ceiling"
        )
        return (
            "where a winner is recorded, the order is won at his price or less",
            "an order lost to a dearer bid stays lost",
            without,
            f"a lease whose end is not recorded lives {self.lease_blocks} blocks",
            "bids are answered at once",
        )


@dataclass(frozen=True, slots=True)
class Result:
    """Utilisation is in percent, averaged over the heights of the orders: of `cpu`, `memory`, `gpu`, and of each card
    by name."""

    orders: int
    outcomes: Mapping[str, int]
    """code -> orders: `won`, lost.…, and the reasons for no bid"""
    blocks: int
    """from the first order to the last"""
    earned_e18: Mapping[str, int]
    """denomination -> micro-units ×10^18 in these blocks"""
    rate_e18: Mapping[str, int]
    """... per block, on average; at the end when all orders came in one block"""
    utilisation: Mapping[str, Fraction]
    peak: Mapping[str, Fraction]

    @property
    def wins(self) -> int:
        return self.outcomes.get(WON, 0)

    @property
    def bids(self) -> int:
        return sum(n for code, n in self.outcomes.items() if code == WON or code.startswith("lost."))

    @property
    def declines(self) -> dict[str, int]:
        return {code: n for code, n in self.outcomes.items() if not (code == WON or code.startswith("lost."))}


def simulate(
    records: Iterable[Recorded],
    inventory: Inventory,
    ask: Ask,
    *,
    assumptions: Assumptions,
    commit: Commit = Commit(),  # noqa: B008 - frozen
    packing: Packing = Packing(),  # noqa: B008 - frozen
    screen: Screen = lambda order: None,
) -> Result:
    room = Room(commit, packing)
    room.see(inventory)
    meter = _Meter(_capacity(inventory))
    ends: list[tuple[int, OrderID]] = []
    outcomes: Counter[str] = Counter()
    heights: list[int] = []
    for record in sorted(records, key=lambda r: (r.order.created_at, r.order.id)):
        order, height = record.order, record.order.created_at
        heights.append(height)
        while ends and ends[0][0] <= height:
            end, over = heappop(ends)
            meter.to(end)
            meter.remove(over)
            room.release(over)
        meter.to(height)
        found = _bid(order, room, ask, screen)
        if isinstance(found, Decline):
            outcomes[found.code] += 1
            continue
        placement, quote = found
        outcome = _outcome(record, quote.per_block, assumptions)
        outcomes[outcome] += 1
        if outcome == WON:
            room.hold(order.id, order.spec, placement, height=height)
            meter.add(order.id, quote.per_block, placement)
            lived = assumptions.lease_blocks if record.lease_blocks is None else record.lease_blocks
            heappush(ends, (height + lived, order.id))
    return meter.result(len(heights), dict(outcomes))


def _bid(order: Order, room: Room, ask: Ask, screen: Screen) -> tuple[Placement, Quote] | Decline:
    no = screen(order)
    if no is not None:
        return no
    placement = room.fit(order.spec)
    if isinstance(placement, Decline):
        return placement
    quote = ask(order, placement)
    return quote if isinstance(quote, Decline) else (placement, quote)


def _outcome(record: Recorded, ours: DecCoin, assumptions: Assumptions) -> str:
    if record.outcome == LOST_NOT_PRICE:
        return LOST_NOT_PRICE
    theirs = record.winner_price
    if theirs is not None and theirs.denom == ours.denom:
        return WON if ours.amount_e18 <= theirs.amount_e18 else LOST_PRICE
    percent = assumptions.ceiling_percent
    won = percent is not None and 100 * ours.amount_e18 <= percent * record.order.spec.ceiling_e18
    return WON if won else UNKNOWN


def _capacity(inventory: Inventory) -> dict[str, int]:
    total: Counter[str] = Counter()
    for node in inventory.nodes:
        total["cpu"] += node.cpu_milli
        total["memory"] += node.memory_bytes
        for card, units in node.gpus.items():
            total["gpu"] += units
            total[card_in_short(card)] += units
    return dict(total)


def _used(placement: Placement) -> Counter[str]:
    out: Counter[str] = Counter()
    for slot in placement.slots:
        out["cpu"] += slot.ask.cpu_milli
        out["memory"] += slot.ask.memory_bytes
        if slot.gpu is not None and slot.ask.gpu_units:
            out["gpu"] += slot.ask.gpu_units
            out[card_in_short(slot.gpu)] += slot.ask.gpu_units
    return out


@dataclass(slots=True)
class _Meter:
    """Adds up what is used and earned from height to height."""

    capacity: dict[str, int]
    start: int | None = None
    height: int = 0
    leases: dict[OrderID, tuple[DecCoin, Counter[str]]] = field(default_factory=dict)
    rate: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    earned: Counter[str] = field(default_factory=Counter)
    used_blocks: Counter[str] = field(default_factory=Counter)

    def to(self, height: int) -> None:
        if self.start is None:
            self.start = self.height = height
        blocks = height - self.height
        if blocks <= 0:
            return
        for total, now in ((self.earned, self.rate), (self.used_blocks, self.used)):
            for key, amount in now.items():
                total[key] += amount * blocks
        self.height = height

    def add(self, order: OrderID, price: DecCoin, placement: Placement) -> None:
        used = _used(placement)
        self.leases[order] = price, used
        self.rate[price.denom] += price.amount_e18
        self.used.update(used)
        self.most |= self.used

    def remove(self, order: OrderID) -> None:
        price, used = self.leases.pop(order)
        self.rate[price.denom] -= price.amount_e18
        self.used.subtract(used)

    def result(self, orders: int, outcomes: dict[str, int]) -> Result:
        blocks = self.height - self.start if self.start is not None else 0
        rate = {d: e18 // blocks for d, e18 in self.earned.items()} if blocks else dict(self.rate)
        share = {
            key: Fraction(100 * self.used_blocks[key], total * blocks)
            if blocks
            else Fraction(100 * self.used[key], total)
            for key, total in self.capacity.items()
            if total
        }
        peak = {key: Fraction(100 * self.most[key], total) for key, total in self.capacity.items() if total}
        return Result(orders, outcomes, blocks, dict(self.earned), rate, share, peak)
