"""What leases used and earned over an interval, from spans of heights in which nothing changed.

Heights are moments; the block h is the stretch that ends at height h. A span [from, to) holds the blocks h with
from < h ≤ to, so it has to − from of them, and spans that meet share none. The same goes for the interval asked about:
usage(a, b) and usage(b, c) add up to usage(a, c).

The subtlety is money. What a lease earned is what settlements credited it, which is the rate less a fraction each time
(chain.md §5.3), less when the tenant's money runs out, nothing when another lease's beginning drops it, more when a
payment goes on after the lease's end or a debt is paid (§1.9, §5.5, §5.6). So each settlement's amount is spread over
the blocks since the one before: in whole micro-units at the rate, until it is used up; what is beyond the rate falls
on the settlement's own block. Only blocks after the last settlement earn what the rate promises: the `forecast`. The
end of a lease is always settled, so one that is over has none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from manifests.coins import Coin, DecCoin, trunc
from manifests.ids import LeaseID


@dataclass(frozen=True, slots=True)
class Span:
    """A lease's constant resources (of all replicas together) and rate from one height to another, None while it
    lasts."""

    lease: LeaseID
    from_height: int
    to_height: int | None
    rate: DecCoin
    """per block"""
    cpu_milli: int = 0
    memory_bytes: int = 0
    gpu_units: int = 0
    gpu_model: str = ""
    storage: tuple[tuple[str, int], ...] = ()
    """(class, bytes)"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The lease's escrow account was settled at this height, by whoever touched it."""

    lease: LeaseID
    height: int
    credited: int | None = None
    """whole micro-units that this settlement gave the lease, paid out or not; None: money came, nothing was settled"""
    paid: tuple[Coin, ...] = ()
    """what reached us by it"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over an interval; a lease's block counts one, so two leases side by side have two blocks per height."""

    blocks: int = 0
    cpu_milli_blocks: int = 0
    memory_byte_blocks: int = 0
    gpu_blocks: int = 0
    gpu_blocks_by_model: Mapping[str, int] = field(default_factory=dict)
    storage_byte_blocks: Mapping[str, int] = field(default_factory=dict)
    """by class"""
    accrued_e18: Mapping[str, int] = field(default_factory=dict)
    """by denomination: rate × blocks, nothing cut"""
    earned: Mapping[str, int] = field(default_factory=dict)
    """by denomination: whole micro-units as the chain credited them, and the forecast"""
    forecast: Mapping[str, int] = field(default_factory=dict)
    """by denomination: what of it no settlement has credited yet, at the rate"""
    paid: Mapping[str, int] = field(default_factory=dict)
    """by denomination: what settlements in the interval really brought"""


@dataclass(frozen=True, slots=True)
class BlockUsage:
    """One block of one lease; its resources and rate are the span's, none after the lease's end."""

    height: int
    span: Span
    earned: int
    """whole micro-units of the rate's denomination"""


def usage(spans: Iterable[Span], settlements: Iterable[Settlement], from_height: int, to_height: int) -> Usage:
    """The blocks after `from_height` up to `to_height`. Give all spans and settlements of a lease. Raises ValueError
    when spans of a lease overlap."""
    blocks = cpu = memory = gpu = 0
    models: Counter[str] = Counter()
    storage: Counter[str] = Counter()
    accrued: Counter[str] = Counter()
    earned: Counter[str] = Counter()
    forecast: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    told = list(settlements)
    accounts = _accounts(spans, told)
    for account in accounts:
        for span in account.spans:
            n = _overlap(span, from_height, to_height)
            if not n:
                continue
            blocks += n
            cpu += span.cpu_milli * n
            memory += span.memory_bytes * n
            gpu += span.gpu_units * n
            if span.gpu_units:
                models[span.gpu_model] += span.gpu_units * n
            for c, quantity in span.storage:
                storage[c] += quantity * n
            accrued[span.rate.denom] += span.rate.amount_e18 * n
        if from_height < to_height:
            denom, last = account.spans[0].rate.denom, account.last
            earned[denom] += account.earned(to_height) - account.earned(from_height)
            if to_height > last:
                forecast[denom] += account.earned(to_height) - account.earned(max(from_height, last))
    for settlement in told:
        if from_height < settlement.height <= to_height:
            for coin in settlement.paid:
                paid[coin.denom] += coin.amount
    return Usage(
        blocks,
        cpu,
        memory,
        gpu,
        dict(models),
        dict(storage),
        dict(accrued),
        {k: v for k, v in earned.items() if v},
        {k: v for k, v in forecast.items() if v},
        dict(paid),
    )


def per_block(
    spans: Iterable[Span], settlements: Iterable[Settlement], from_height: int, to_height: int
) -> Iterator[BlockUsage]:
    """The same, block by block: by lease, then by height. Sums of it equal `usage` over the same interval. Outside of a
    lease's life only blocks that credited something are told."""
    for account in _accounts(spans, settlements):
        first, last = account.spans[0], account.spans[-1]
        yield from account.outside(from_height, min(to_height, first.from_height))
        for span in account.spans:
            upto = to_height if span.to_height is None else min(to_height, span.to_height)
            for height in range(max(from_height, span.from_height) + 1, upto + 1):
                yield BlockUsage(height, span, account.earned(height) - account.earned(height - 1))
        if last.to_height is not None:
            yield from account.outside(max(from_height, last.to_height), to_height)


def told_of(spans: Sequence[Span], settlements: Iterable[Settlement], head: int) -> tuple[int, int]:
    """The interval in which there is something to tell of one lease as of `head`: its life, and what gave it something
    just before (a settlement in the block it began in, chain.md §1.9) or after it."""
    begin, end = spans[0].from_height, spans[-1].to_height
    gave = [s.height for s in settlements if s.credited or s.paid]
    return min([begin, *(height - 1 for height in gave)]), head if end is None else max([end, *gave])


@dataclass(frozen=True, slots=True)
class _Account:
    """One lease's spans by height, and its settlements: their heights, and what all up to each have credited."""

    spans: Sequence[Span]
    heights: Sequence[int]
    credited: Sequence[int]

    @property
    def last(self) -> int:
        """Height after which nothing is settled."""
        return self.heights[-1] if self.heights else self.spans[0].from_height

    def earned(self, upto: int) -> int:
        """Whole micro-units for all blocks up to `upto`."""
        at = bisect_right(self.heights, upto)
        before, since = (self.credited[at - 1], self.heights[at - 1]) if at else (0, self.spans[0].from_height)
        total = before + trunc(self._accrued(since, upto))
        return total if at == len(self.heights) else min(total, self.credited[at])

    def outside(self, after: int, upto: int) -> Iterator[BlockUsage]:
        """Blocks in which the lease did not live and was credited something."""
        for height in self.heights[bisect_right(self.heights, after) : bisect_right(self.heights, upto)]:
            earned = self.earned(height) - self.earned(height - 1)
            if earned:
                one = self.spans[0]
                yield BlockUsage(height, Span(one.lease, height, height, DecCoin(one.rate.denom, 0)), earned)

    def _accrued(self, after: int, upto: int) -> int:
        return sum(s.rate.amount_e18 * _overlap(s, after, upto) for s in self.spans)


def _accounts(spans: Iterable[Span], settlements: Iterable[Settlement]) -> list[_Account]:
    by_lease: dict[LeaseID, list[Span]] = {}
    settled: dict[LeaseID, Counter[int]] = {}
    for span in spans:
        by_lease.setdefault(span.lease, []).append(span)
    for settlement in settlements:
        if settlement.credited is not None:
            settled.setdefault(settlement.lease, Counter())[settlement.height] += settlement.credited
    for lease, own in by_lease.items():
        own.sort(key=lambda s: s.from_height)
        for one, following in pairwise(own):
            if one.to_height is None or one.to_height > following.from_height:
                raise ValueError(
                    f"spans of {lease} overlap: {one.from_height}–{one.to_height}, {following.from_height}–…"
                )
    out = []
    for lease in sorted(by_lease):
        amounts, end = settled.get(lease, Counter()), by_lease[lease][-1].to_height
        if end is not None and max(amounts, default=0) < end:  # nobody saw how it ended; nothing new came of it
            amounts[end] = 0
        heights = sorted(amounts)
        out.append(_Account(by_lease[lease], heights, list(accumulate(amounts[height] for height in heights))))
    return out


def _overlap(span: Span, after: int, upto: int) -> int:
    last = upto if span.to_height is None else min(upto, span.to_height)
    return max(0, last - max(after, span.from_height))
