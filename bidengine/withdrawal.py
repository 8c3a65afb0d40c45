"""When a withdrawal is worth its fee, and for which lease of a deployment. Pure: told in heights, so that nobody has to
look at a lease before its height has come.

A withdrawal settles all leases of the deployment and pays one (chain.md §2.4). So what is waiting is measured per lease
and in money, never by the account's last settlement: with two leases of ours, each would else be paid again and again
for the other's sake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from bidengine.forecast import Escrow
from bidengine.tariff.currency import CoinPrice
from bidengine.views import EscrowPayment
from manifests.coins import E18, Coin, trunc
from manifests.ids import LeaseID

DRY_MARGIN_BLOCKS = 10
"""So many blocks before the end what is there is collected: then a last settlement that comes late costs us less."""
QUIET_BLOCKS = 4
"""So close to its end nothing is sent to an account: a withdrawal that overdraws it takes three times the gas (296 k
instead of 91 k, chain-probes.md §5), which a simulation shows only from the dry height on. Out of gas, the fee would be
lost, and the end put off."""
_COINS = {"uakt": "akt"}
"""denomination -> the oracle's name, six decimals each"""
_DOLLARS = {"uact"}
"""a millionth of a dollar by definition (chain.md §2.9)"""


class Why(Enum):
    DRY = "dry"
    """nobody pays from here on; a settlement ends the deployment on chain"""
    NEARLY_DRY = "nearly dry"
    WORTH = "worth it"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Terms:
    """The operator's wishes and what a withdrawal costs."""

    period_blocks: int
    fee: Coin
    fee_multiple: int
    """as soon as so many fees are waiting, whatever the period; 0 never"""
    prices: Mapping[str, CoinPrice]
    """the oracle's, by its names"""
    max_age_s: int = 3600
    """an older price is none"""


@dataclass(frozen=True, slots=True)
class Due:
    at: int
    """the height at which to send it"""
    lease: LeaseID
    why: Why

    @property
    def urgent(self) -> bool:
        return self.why in (Why.DRY, Why.NEARLY_DRY)


def next_due(escrow: Escrow, ours: Iterable[LeaseID], height: int, terms: Terms) -> Due | None:
    """The next withdrawal that is called for, perhaps at once; None where nothing earns, or nothing will ever be paid
    again."""
    if escrow.account.wedged or escrow.account.state != "open":
        return None
    mine = [p for lease in ours if (p := escrow.payment(lease)) is not None and p.state == "open"]
    found = [due for p in mine if (due := _earned(escrow, p, terms)) is not None]
    if mine and escrow.dry_at is not None:
        dry_at = escrow.dry_at
        most = max(mine, key=lambda p: (escrow.unpaid(p.lease, height).amount, p.rate.amount_e18, p.lease))
        found += _before(dry_at - DRY_MARGIN_BLOCKS, escrow, most, terms)
        found = [due for due in found if max(due.at, height) < dry_at - QUIET_BLOCKS]
        found.append(Due(dry_at, most.lease, Why.DRY))
    return min(found, key=lambda due: (due.at, not due.urgent, due.lease), default=None)


def fees_in(denom: str, fees: Coin, terms: Terms) -> int | None:
    """What these fees are in another denomination, rounded up; None while nobody can say."""
    if denom == fees.denom:
        return fees.amount
    ours, theirs = _usd_e18(fees.denom, terms), _usd_e18(denom, terms)
    return -(-fees.amount * ours // theirs) if ours and theirs else None


def _before(early: int, escrow: Escrow, payment: EscrowPayment, terms: Terms) -> list[Due]:
    enough = escrow.unpaid(payment.lease, early).amount >= _least(payment, terms)
    return [Due(early, payment.lease, Why.NEARLY_DRY)] if escrow.account.settled_at < early and enough else []


def _earned(escrow: Escrow, payment: EscrowPayment, terms: Terms) -> Due | None:
    if payment.rate.amount_e18 <= 0:
        return None
    fee, period = _least(payment, terms), trunc(payment.rate.amount_e18 * terms.period_blocks)
    amount, why = max(period, fee), Why.PERIOD
    many = fees_in(payment.rate.denom, Coin(terms.fee.denom, terms.fee.amount * terms.fee_multiple), terms)
    if terms.fee_multiple and many is not None and max(many, fee) < amount:
        amount, why = max(many, fee), Why.WORTH
    blocks = -(-max(0, amount * E18 - payment.balance_e18) // payment.rate.amount_e18)
    return Due(escrow.account.settled_at + blocks, payment.lease, why)


def _least(payment: EscrowPayment, terms: Terms) -> int:
    """Less than this is not worth a fee; where the fee cannot be compared, anything is."""
    return max(1, fees_in(payment.rate.denom, terms.fee, terms) or 1)


def _usd_e18(denom: str, terms: Terms) -> int:
    """Of a million micro-units; 0 while unknown."""
    if denom in _DOLLARS:
        return E18
    price = terms.prices.get(_COINS.get(denom, ""))
    return price.usd_e18 if price is not None and price.age_s <= terms.max_age_s else 0
