"""Whoever is asked, orders see a price or a decline, prices that have changed, and figures of how long it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from manifests.coins import DecCoin
from provider.market.pricing import Failed, Pricing
from provider.metrics import PRICING_BUCKETS, Metrics

FIVE = Quote(DecCoin("uact", 5))


@dataclass
class Anybody:
    """A pricer that does as it is told."""

    strategy: str = "anybody"
    denoms: frozenset[str] = frozenset({"uact", "uakt"})
    changes: list[bool] = field(default_factory=list)
    answer: Quote | Exception = FIVE

    def look(self) -> bool:
        return self.changes.pop(0)

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_price_is_handed_on_and_timed(chain: Any) -> None:
    metrics = Metrics()
    pricing = Pricing(Anybody(), metrics)
    assert await pricing.quote(chain.orders_[chain.add_order(1)], Placement(())) == FIVE
    assert pricing.denoms == {"uact", "uakt"}
    assert 'akp_pricing_seconds_count{strategy="anybody"} 1.0' in metrics.text().decode()


async def test_a_failure_is_a_decline_that_may_pass_and_is_counted_by_kind(chain: Any) -> None:
    metrics = Metrics()
    pricing = Pricing(Anybody(answer=Failed("timeout", "script x: slow")), metrics)
    found = await pricing.quote(chain.orders_[chain.add_order(1)], Placement(()))
    assert isinstance(found, Decline)
    assert (found.reason, found.detail, found.final) == ("skip.price.pricer_failed", "script x: slow", False)
    text = metrics.text().decode()
    assert 'akp_pricing_errors_total{kind="timeout",strategy="anybody"} 1.0' in text
    assert 'akp_pricing_seconds_count{strategy="anybody"} 1.0' in text


async def test_a_defect_is_not_taken_for_a_decline(chain: Any) -> None:
    pricing = Pricing(Anybody(answer=ZeroDivisionError()), Metrics())
    with pytest.raises(ZeroDivisionError):
        await pricing.quote(chain.orders_[chain.add_order(1)], Placement(()))


def test_the_generation_moves_with_the_prices() -> None:
    pricing = Pricing(Anybody(changes=[False, True, False, True]), Metrics())
    seen = [(pricing.look(), pricing.generation) for _ in range(4)]
    assert seen == [(False, 0), (True, 1), (False, 1), (True, 2)]


def test_d14_the_buckets_tell_a_price_file_from_a_script_from_one_that_hangs() -> None:
    """The reference's begin at 150000 of a unit nobody can tell (product.md D14)."""
    assert list(PRICING_BUCKETS) == sorted(PRICING_BUCKETS)
    found = [sum(bucket < seconds for bucket in PRICING_BUCKETS) for seconds in (0.0005, 0.05, 0.35, 3.0, 10.0)]
    assert len(set(found)) == 5, "each is in a bucket of its own"
    assert max(found) < len(PRICING_BUCKETS), "and none above the last"
