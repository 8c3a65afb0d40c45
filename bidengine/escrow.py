"""What a deployment's escrow still yields and when it runs dry, for our forecasts; settlement.py has the chain's steps.

Nothing happens by itself on chain: money moves only when the account is touched (chain.md §5.2), and a touch after the
dry height pays late comers less than their due. All leases of a deployment share the account, other providers' too.
Rates and funds are ×10^18 of one denomination; what is owed is whole micro-units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bidengine.views import EscrowAccount, EscrowPayment
from manifests.coins import E18, trunc
from manifests.ids import DeploymentID


def accrued(rate_e18: int, settled_at: int, height: int) -> int:
    """Whole micro-units one lease is owed for the blocks after `settled_at` up to `height`: trunc(rate · Δ)."""
    return trunc(rate_e18 * max(0, height - settled_at))


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


def dry_at(account: EscrowAccount, payments: Iterable[EscrowPayment]) -> int | None:
    """The same for a whole account: the first of its denominations to run dry overdraws everything. What it holds in
    others does not help (uakt may while minting is halted, but that ends worse: `EscrowAccount.wedged`). None when
    nothing runs; `payments` as of `under`."""
    rates: dict[str, list[int]] = {}
    for payment in payments:
        if payment.state == "open":
            rates.setdefault(payment.rate.denom, []).append(payment.rate.amount_e18)
    if account.state != "open" or account.wedged:
        return account.settled_at if rates else None
    funds = {fund.denom: fund.amount_e18 for fund in account.funds}
    found = [dry_height(funds.get(denom, 0), account.settled_at, running) for denom, running in rates.items()]
    return min((height for height in found if height is not None), default=None)


def under(deployment: DeploymentID, payments: Iterable[EscrowPayment]) -> list[EscrowPayment]:
    """Those that the deployment's account pays, in the order it serves them: by the *text* of their keys, so oseq 10
    comes before oseq 2, and a deployment whose number begins with this one's digits is settled along with it."""
    mine = (p for p in payments if str(p.lease.deployment).startswith(str(deployment)))
    return sorted(mine, key=lambda p: str(p.lease))
