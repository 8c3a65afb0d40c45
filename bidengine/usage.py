"""What leases used and earned over an interval, from spans of heights in which nothing changed.

Heights are moments; the block h is the stretch that ends at height h. A span [from, to) holds the blocks h with
from < h ≤ to, so it has to − from of them, and spans that meet share none. The same goes for the interval asked about:
usage(a, b) and usage(b, c) add up to usage(a, c).

The subtlety is money. The chain pays trunc(rate · Δ) per settlement (chain.md §5.3), so a block does not earn its
rate: it earns what the running total of the settlement it falls into grew by in whole micro-units. These add up to
the chain's figure exactly, for any interval, settled or not yet; the fraction lost at a settlement is `accrued_e18`
less `credited`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
    """The lease's escrow account was settled at this height, by whoever touched it; `paid` is what reached us by
    it."""

    lease: LeaseID
    height: int
    paid: tuple[Coin, ...] = ()


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
    credited: Mapping[str, int] = field(default_factory=dict)
    """by denomination: whole micro-units as the chain counts them"""
    paid: Mapping[str, int] = field(default_factory=dict)
    """by denomination: what settlements in the interval really brought"""


@dataclass(frozen=True, slots=True)
class BlockUsage:
    """One block of one lease; its resources and rate are the span's."""

    height: int
    span: Span
    credited: int
    """whole micro-units of the rate's denomination"""


def usage(spans: Iterable[Span], settlements: Iterable[Settlement], from_height: int, to_height: int) -> Usage:
    """The blocks after `from_height` up to `to_height`. Give all spans of a lease that reach back to its last
    settlement before the interval (or all it has), and the settlements likewise. Raises ValueError when spans of a
    lease overlap."""
    blocks = cpu = memory = gpu = 0
    models: Counter[str] = Counter()
    storage: Counter[str] = Counter()
    accrued: Counter[str] = Counter()
    credited: Counter[str] = Counter()
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
        if account.spans and from_height < to_height:
            credited[account.spans[0].rate.denom] += account.credited(from_height, to_height)
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
        {k: v for k, v in credited.items() if v},
        dict(paid),
    )


def per_block(
    spans: Iterable[Span], settlements: Iterable[Settlement], from_height: int, to_height: int
) -> Iterator[BlockUsage]:
    """The same, block by block: by lease, then by height. Sums of it equal `usage` over the same interval."""
    for account in _accounts(spans, settlements):
        for span in account.spans:
            last = to_height if span.to_height is None else min(to_height, span.to_height)
            for height in range(max(from_height, span.from_height) + 1, last + 1):
                yield BlockUsage(height, span, account.credited(height - 1, height))


@dataclass(frozen=True, slots=True)
class _Account:
    """One lease's spans by height, and the heights of its settlements."""

    spans: Sequence[Span]
    settled: Sequence[int]

    def credited(self, after: int, upto: int) -> int:
        """Whole micro-units for the blocks after `after` up to `upto`: the growth of Σ trunc(since the last
        settlement)."""
        at = bisect_right(self.settled, after)
        since = self.settled[at - 1] if at else self.spans[0].from_height
        total = -trunc(self._accrued(since, after))
        while at < len(self.settled) and self.settled[at] < upto:
            total += trunc(self._accrued(since, self.settled[at]))
            since = self.settled[at]
            at += 1
        return total + trunc(self._accrued(since, upto))

    def _accrued(self, after: int, upto: int) -> int:
        return sum(s.rate.amount_e18 * _overlap(s, after, upto) for s in self.spans)


def _accounts(spans: Iterable[Span], settlements: Iterable[Settlement]) -> list[_Account]:
    by_lease: dict[LeaseID, list[Span]] = {}
    settled: dict[LeaseID, set[int]] = {}
    for span in spans:
        by_lease.setdefault(span.lease, []).append(span)
    for settlement in settlements:
        settled.setdefault(settlement.lease, set()).add(settlement.height)
    for lease, own in by_lease.items():
        own.sort(key=lambda s: s.from_height)
        for one, following in pairwise(own):
            if one.to_height is None or one.to_height > following.from_height:
                raise ValueError(
                    f"spans of {lease} overlap: {one.from_height}–{one.to_height}, {following.from_height}–…"
                )
    return [_Account(by_lease[lease], sorted(settled.get(lease, ()))) for lease in sorted(by_lease)]


def _overlap(span: Span, after: int, upto: int) -> int:
    last = upto if span.to_height is None else min(upto, span.to_height)
    return max(0, last - max(after, span.from_height))
