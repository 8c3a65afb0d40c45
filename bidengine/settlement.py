"""The chain's steps on an escrow account, to the micro-unit: settle, withdraw, close, deposit (chain.md §5.3–5.6).

Each settlement cuts every lease's due to whole micro-units, then serves the leases in key order, not pro rata: who is
last bears what is missing. No fee or share is taken on the way (§5.3). The subtlety is uakt: while minting is halted
it pays what uact is short, at the oracle's price, and leaves the account open with a debt that stops all pay for good
(chain-probes.md §6 and "Escrow" 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bidengine.escrow import accrued, under
from bidengine.views import Deposit, EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin, quo, trunc
from manifests.ids import LeaseID

AKT = "uakt"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Whole coins that leave the escrow."""

    to: str
    coin: Coin
    lease: LeaseID | None = None
    """whose income it is; None for a refund"""
    granted: bool = False
    """a refund that its owner's grant gets back as well"""


@dataclass(frozen=True, slots=True)
class Settled:
    """An account and its payments (in key order) after a step, and what was paid in it, in the chain's order."""

    account: EscrowAccount
    payments: tuple[EscrowPayment, ...]
    transfers: tuple[Transfer, ...] = ()
    touched: frozenset[LeaseID] = frozenset()
    """payments that took part: none do a second time in one block"""

    @property
    def overdrawn(self) -> bool:
        return self.account.state == "overdrawn"

    def income(self, lease: LeaseID, denom: str) -> int:
        """Micro-units this step paid for one lease."""
        return sum(t.coin.amount for t in self.transfers if t.lease == lease and t.coin.denom == denom)


def settle(
    account: EscrowAccount, payments: Iterable[EscrowPayment], height: int, akt_usd_e18: int | None = None
) -> Settled:
    """A touch at `height`. Nobody is paid by it unless it overdraws the account; then everybody gets what is there and
    the rest is refunded. `akt_usd_e18` is the oracle's price where minting is halted and uakt therefore stands in."""
    return _done(_settled(account, payments, height, akt_usd_e18))


def withdraw(
    account: EscrowAccount, payments: Iterable[EscrowPayment], height: int, lease: LeaseID,
    akt_usd_e18: int | None = None,
) -> Settled:  # fmt: skip
    """MsgWithdrawLease: settles all, pays one. On a wedged account it succeeds and pays nothing."""
    work = _settled(account, payments, height, akt_usd_e18)
    if work.state == "open" and lease in work.touched:
        work.pay_out(lease)
    return _done(work)


def close_payment(
    account: EscrowAccount, payments: Iterable[EscrowPayment], height: int, lease: LeaseID,
    akt_usd_e18: int | None = None,
) -> Settled:  # fmt: skip
    """CloseBid or CloseLease: settles all, ends and pays one; unless it was settled in this very block, when it stays
    open (chain.md §5.6)."""
    work = _settled(account, payments, height, akt_usd_e18)
    if lease in work.touched:
        work.end(lease)
    return _done(work)


def close(
    account: EscrowAccount, payments: Iterable[EscrowPayment], height: int, akt_usd_e18: int | None = None
) -> Settled:
    """CloseDeployment: settles and pays everybody, then refunds each deposit to its owner, oldest first."""
    work = _settled(account, payments, height, akt_usd_e18)
    if work.state == "open":
        work.state = "closed"
    for lease in work.in_order():
        work.end(lease)
    work.refund()
    return _done(work)


def deposit(account: EscrowAccount, payments: Iterable[EscrowPayment], more: Sequence[Deposit], height: int) -> Settled:
    """AccountDeposit. An open account only takes it in, nothing is settled. An overdrawn one pays what it left unpaid,
    in key order, and closes when all is paid, refunding the rest; nothing comes alive again."""
    work = _Work(account, payments)
    for one in more:
        work.take_in(one)
    if work.state == "overdrawn":
        work.settle(height, None)
        if work.short:
            work.overdraw()
            return _done(work)
        for lease in work.in_order():
            work.end(lease)
        work.state = "closed"
        work.refund()
    return _done(work)


def _settled(account: EscrowAccount, payments: Iterable[EscrowPayment], height: int, akt_usd_e18: int | None) -> _Work:
    work = _Work(account, payments)
    if work.state == "closed" or any(fund < 0 for fund in list(work.funds.values())[:1]):
        return work  # refused, or a debt: the chain ends here and pays nobody
    work.settle(height, akt_usd_e18)
    if work.short:
        work.overdraw()
    return work


def _done(work: _Work) -> Settled:
    account = replace(
        work.account,
        state=work.state,
        settled_at=work.settled_at,
        funds=tuple(DecCoin(denom, amount) for denom, amount in work.funds.items()),
        deposits=tuple(work.deposits),
        transferred=tuple(DecCoin(denom, amount) for denom, amount in work.transferred.items()),
    )
    return Settled(account, tuple(work.payments.values()), tuple(work.transfers), frozenset(work.touched))


class _Work:
    """An account in the middle of a step."""

    def __init__(self, account: EscrowAccount, payments: Iterable[EscrowPayment]) -> None:
        self.account, self.state, self.settled_at = account, account.state, account.settled_at
        self.funds = {fund.denom: fund.amount_e18 for fund in account.funds}
        self.transferred = {coin.denom: coin.amount_e18 for coin in account.transferred}
        self.deposits = list(account.deposits)
        self.payments = {p.lease: p for p in under(account.deployment, payments)}
        self.touched: set[LeaseID] = set()
        self.transfers: list[Transfer] = []

    @property
    def short(self) -> bool:
        return any(p.state == "overdrawn" for p in self.payments.values())

    def in_order(self) -> list[LeaseID]:
        return [lease for lease in self.payments if lease in self.touched]

    def settle(self, height: int, akt_usd_e18: int | None) -> None:
        since = self.settled_at
        if self.state == "open":
            self.settled_at = height
        for lease, payment in self.payments.items():
            if payment.state == "overdrawn":
                due, old = payment.unsettled_e18, 0
            elif payment.state == "open" and self.settled_at > since:
                due, old = accrued(payment.rate.amount_e18, since, height) * E18, payment.unsettled_e18
            else:
                continue
            self.touched.add(lease)
            got = self._draw(payment.rate.denom, due)
            state = "open" if got == due else "overdrawn"
            self.payments[lease] = replace(
                payment, state=state, balance_e18=payment.balance_e18 + got, unsettled_e18=old + due - got
            )
        if akt_usd_e18 and self.state == "open":
            self._pay_in_akt(akt_usd_e18)

    def overdraw(self) -> None:
        self.state = "overdrawn"
        for lease in self.in_order():
            self.payments[lease] = replace(self.payments[lease], state="overdrawn")
            self.pay_out(lease)
        self.refund()

    def end(self, lease: LeaseID) -> None:
        payment = self.payments[lease]
        if payment.state == "open":
            self.payments[lease] = replace(payment, state="closed")
        self.pay_out(lease)

    def pay_out(self, lease: LeaseID) -> None:
        """Whole units of the balance; the fraction stays."""
        payment = self.payments[lease]
        units, denom = trunc(payment.balance_e18), payment.rate.denom
        if not units:
            return
        withdrawn = Coin(payment.withdrawn.denom or denom, payment.withdrawn.amount + units)
        self.payments[lease] = replace(payment, balance_e18=payment.balance_e18 - units * E18, withdrawn=withdrawn)
        self.transfers.append(Transfer(lease.provider, Coin(denom, units), lease))

    def take_in(self, one: Deposit) -> None:
        """A debt is forgotten here; the payments still know it."""
        denom = one.left.denom
        self.transferred.setdefault(denom, 0)
        self.funds[denom] = max(0, self.funds.get(denom, 0)) + one.left.amount_e18
        self.deposits.append(one)

    def refund(self) -> None:
        for one in self.deposits:
            units, denom = trunc(one.left.amount_e18), one.left.denom
            self.funds[denom] -= one.left.amount_e18
            if units:
                self.transfers.append(Transfer(one.owner, Coin(denom, units), granted=one.source == "grant"))
        self.deposits = []

    def _draw(self, denom: str, due: int) -> int:
        """Up to `due` from the deposits, oldest first; the funds go down by all of it."""
        got, left = 0, []
        for one in self.deposits:
            part = min(one.left.amount_e18, due - got) if one.left.denom == denom else 0
            got += part
            if one.left.amount_e18 > part:
                left.append(replace(one, left=DecCoin(one.left.denom, one.left.amount_e18 - part)))
        self.deposits = left
        self.funds[denom] = self.funds.get(denom, 0) - due
        self.transferred[denom] = self.transferred.get(denom, 0) + got
        return got

    def _pay_in_akt(self, akt_usd_e18: int) -> None:
        """Straight to the providers, ahead of their uact; the uact debt stays in the funds."""
        for lease, payment in self.payments.items():
            have = self.funds.get(AKT, 0)
            if payment.state != "overdrawn" or have <= 0:
                continue
            needed = quo(payment.unsettled_e18 * E18, akt_usd_e18)
            got = self._draw(AKT, needed)
            self.funds[AKT] = max(0, self.funds[AKT])
            if units := trunc(got):
                self.transfers.append(Transfer(lease.provider, Coin(AKT, units), lease))
            missing = max(0, payment.unsettled_e18 - quo(got * akt_usd_e18, E18))
            state = "overdrawn" if missing else "open"
            self.payments[lease] = replace(payment, state=state, unsettled_e18=missing)
