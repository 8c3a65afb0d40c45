"""What a deployment's leases have earned and are not paid yet, and until when its escrow pays them.

The subtlety is which figure may be believed: a lease's own state says nothing about its money. The account's debt does
(`EscrowAccount.wedged`), and the payment's state does (chain-probes.md §6, "Dry account, other touches").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bidengine.escrow import accrued, dry_at, under
from bidengine.settlement import withdraw
from bidengine.views import EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin, trunc
from manifests.ids import DeploymentID, LeaseID

DAY_MS = 86_400_000


def per_day_e18(rate_e18: int, block_time_ms: int) -> int:
    """What a rate per block comes to in a day."""
    return rate_e18 * DAY_MS // max(1, block_time_ms)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one lease, at one height."""

    lease: LeaseID
    rate: DecCoin
    """per block"""
    unpaid: Coin
    """what a withdrawal at that height would pay"""
    dry_at: int | None
    """the first height at which a settlement overdraws the account; None when it never will"""
    blocks_left: int | None
    """that are paid in full after that height; 0 once it is dry"""
    wedged: bool
    """it runs for nothing, and nothing but closing it helps"""

    def seconds_left(self, block_time_ms: int) -> int | None:
        return None if self.blocks_left is None else self.blocks_left * block_time_ms // 1000

    def per_day_e18(self, block_time_ms: int) -> int:
        """Of the rate's denomination: what is lost each day once nobody pays."""
        return per_day_e18(self.rate.amount_e18, block_time_ms)


@dataclass(frozen=True)
class Escrow:
    """A deployment's account with the payments that hang on it, as last read. Without slots: what follows from it is
    worked out once."""

    account: EscrowAccount
    payments: tuple[EscrowPayment, ...]

    @cached_property
    def dry_at(self) -> int | None:
        return dry_at(self.account, self.payments)

    def payment(self, lease: LeaseID) -> EscrowPayment | None:
        return next((p for p in self.payments if p.lease == lease), None)

    def unpaid(self, lease: LeaseID, height: int) -> Coin:
        """What a withdrawal for it at `height` would pay; nothing where its payment is not open."""
        payment = self.payment(lease)
        if payment is None or payment.state != "open":
            return Coin(payment.rate.denom if payment else "", 0)
        denom, account = payment.rate.denom, self.account
        if account.wedged or (self.dry_at is not None and height >= self.dry_at):
            return Coin(denom, withdraw(account, self.payments, height, lease).income(lease, denom))
        due = accrued(payment.rate.amount_e18, account.settled_at, height)
        return Coin(denom, trunc(payment.balance_e18 + due * E18))

    def forecast(self, lease: LeaseID, height: int) -> Forecast | None:
        """None where the account knows no open payment of it."""
        payment = self.payment(lease)
        if payment is None or payment.state != "open":
            return None
        left = None if self.dry_at is None else max(0, self.dry_at - 1 - height)
        return Forecast(lease, payment.rate, self.unpaid(lease, height), self.dry_at, left, self.account.wedged)


def escrows(accounts: Iterable[EscrowAccount], payments: Iterable[EscrowPayment]) -> dict[DeploymentID, Escrow]:
    """Each account of one tenant with what it pays; `payments` are all of that tenant's."""
    known = list(payments)
    return {a.deployment: Escrow(a, tuple(under(a.deployment, known))) for a in accounts}
