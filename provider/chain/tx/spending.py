"""Fees within the operator's budget: what goes above it is put off, except what ends a wrong or saves money.

Those put off are told so at once instead of being kept: who asks for a bid holds room for it, and decides better later
than an old request does. Until there is money again, the same answer is given without trying.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog

from manifests.coins import parse_coins
from provider.chain.tx.budget import HOUR_NS, Budget
from provider.chain.tx.outbox import Item
from provider.chain.tx.priority import Priority
from provider.errors import Retry
from provider.intents import Moment
from provider.metrics import Sample

AGAIN_S = 300.0
"""nobody is told to wait longer"""
log = structlog.get_logger()


class Spending:
    def __init__(self, per_hour: str) -> None:
        """`per_hour` as the setting: an amount of uakt, or empty."""
        coins = parse_coins(per_hour)
        self._budget = Budget(coins[0].amount if coins else None)
        self._shut_until_ns = 0

    def since(self, now: Moment) -> int:
        """Fees signed for before this time, in ns, do not count any more."""
        return now.time_unix_ns - HOUR_NS

    def remember(self, spent: Iterable[tuple[str, int, int]]) -> None:
        """(hash, time in ns, fee) of an earlier process."""
        for tx_hash, at_unix_ns, fee in spent:
            self._budget.spend(tx_hash, fee, at_unix_ns)

    def signed(self, tx_hash: str, fee: int, now: Moment) -> None:
        self._budget.spend(tx_hash, fee, now.time_unix_ns)

    def refunded(self, tx_hash: str) -> None:
        self._budget.refund(tx_hash)

    def shut(self, priority: Priority, now: Moment) -> Retry | None:
        """Why a message of this priority need not be tried now."""
        if priority <= Priority.DRY or now.time_unix_ns >= self._shut_until_ns:
            return None
        return self._no(now)

    def late(self, items: list[Item], fee: int, now: Moment) -> tuple[list[Item], Retry]:
        """Those of a transaction that the budget has nothing for, and what to tell them; their fee is the like share
        of it."""
        left = self._budget.left(now.time_unix_ns)
        if left is None or fee <= left:
            return [], self._no(now)
        urgent = sum(i.priority <= Priority.DRY for i in items)
        others = [i for i in items if i.priority > Priority.DRY]
        late = others[max(0, left * len(items) // fee - urgent) :]
        if late and not self._shut_until_ns > now.time_unix_ns:
            # Until there is something for one more after those that go now.
            share = fee // len(items)
            self._budget.spend("these", share * (len(items) - len(late)), now.time_unix_ns)
            self._shut_until_ns = self._budget.fits_at(share, now.time_unix_ns)
            self._budget.refund("these")
            log.warning(
                "the fee budget is used up", per_hour=self._budget.per_hour, left=left, put_off=len(late),
                again_in_s=self._wait_s(now),
            )  # fmt: skip
        return late, self._no(now)

    def gauges(self, now: Moment) -> Iterator[Sample]:
        if (left := self._budget.left(now.time_unix_ns)) is not None:
            yield "akp_fee_budget_left_utokens", {}, left

    def _no(self, now: Moment) -> Retry:
        spent, per_hour = self._budget.spent(now.time_unix_ns), self._budget.per_hour
        why = f"the fee budget is used up: {spent}uakt of {per_hour}uakt in the last hour (chain.fee_budget_per_hour)"
        return Retry(why, after_s=self._wait_s(now))

    def _wait_s(self, now: Moment) -> float:
        return min(AGAIN_S, max(1.0, (self._shut_until_ns - now.time_unix_ns) / 1e9))
