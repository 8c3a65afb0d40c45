"""What a deployment's escrow will yield, and when it runs dry: the chain's settlement arithmetic for our forecasts.

Nothing happens by itself on chain: money moves only when the account is touched (chain.md §5.2). Each settlement cuts
every lease's due to whole micro-units, then serves the leases in key order, not pro rata (§5.3): whoever is last
bears the shortfall. Rates and funds are ×10^18 of one denomination; what is owed and credited is whole micro-units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bidengine.views import EscrowPayment
from manifests.coins import E18, trunc
from manifests.ids import LeaseID


@dataclass(frozen=True, slots=True)
class Share:
    """One lease's part of a settlement, in whole micro-units."""

    credited: int
    unsettled: int = 0
    """owed and not there; more than 0 overdraws the account"""


@dataclass(frozen=True, slots=True)
class Settled:
    """An account after a settlement. `funds_e18` below zero is the debt."""

    funds_e18: int
    settled_at: int
    shares: tuple[Share, ...]

    @property
    def overdrawn(self) -> bool:
        return any(s.unsettled for s in self.shares)


def accrued(rate_e18: int, settled_at: int, height: int) -> int:
    """Whole micro-units one lease is owed for the blocks after `settled_at` up to `height`: trunc(rate · Δ)."""
    return trunc(rate_e18 * max(0, height - settled_at))


def settle(funds_e18: int, settled_at: int, rates_e18: Sequence[int], height: int) -> Settled:
    """A touch of an open account at `height`; `rates_e18` in key order (`key_order`). A second touch in one block
    moves nothing, and an account in debt is settled no more (chain-probes.md §6: it stays frozen)."""
    if height <= settled_at or funds_e18 < 0:
        return Settled(funds_e18, settled_at, (Share(0),) * len(rates_e18))
    left = trunc(funds_e18)
    shares = []
    for rate in rates_e18:
        due = accrued(rate, settled_at, height)
        got = min(due, left)
        left -= got
        shares.append(Share(got, due - got))
    owed = sum(s.credited + s.unsettled for s in shares)
    return Settled(funds_e18 - owed * E18, height, tuple(shares))


def dry_height(funds_e18: int, settled_at: int, rates_e18: Sequence[int]) -> int | None:
    """The first height at which a touch would overdraw the account (chain.md §5.4); None when it never will."""
    running = [r for r in rates_e18 if r > 0]
    if funds_e18 < 0:
        return settled_at
    if not running:
        return None

    def lasts(blocks: int) -> bool:
        return sum(trunc(r * blocks) for r in running) * E18 <= funds_e18

    total = sum(running)
    # owed(Δ) lies between R·Δ − n and R·Δ, which brackets the answer.
    good, bad = funds_e18 // total, (funds_e18 + len(running) * E18) // total + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if lasts(middle) else (good, middle)
    return settled_at + good + 1


def key_order(payments: Iterable[EscrowPayment]) -> list[EscrowPayment]:
    """As the chain serves them: by the text `gseq/oseq/provider` of their ids (chain-probes.md "Ordering" 2)."""
    return sorted(payments, key=lambda p: f"{p.lease.gseq}/{p.lease.oseq}/{p.lease.provider}")


def income(funds_e18: int, settled_at: int, payments: Iterable[EscrowPayment], height: int, lease: LeaseID) -> int:
    """Whole micro-units that a withdrawal for `lease` at `height` would pay: what is settled already plus its share
    now. `payments` are the account's open ones of one denomination, other providers' too."""
    ordered = key_order(payments)
    settled = settle(funds_e18, settled_at, [p.rate.amount_e18 for p in ordered], height)
    return sum(
        trunc(p.balance_e18 + share.credited * E18)
        for p, share in zip(ordered, settled.shares, strict=True)
        if p.lease == lease
    )
