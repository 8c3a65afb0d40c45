"""Who is put off when the fees of an hour are spent, and what he is told."""

from __future__ import annotations

from typing import Any

import structlog.testing

from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain.tx.budget import HOUR_NS
from provider.chain.tx.outbox import Item
from provider.chain.tx.priority import Priority
from provider.chain.tx.spending import AGAIN_S, Spending
from provider.intents import Moment

NOW = Moment(9, 10 * HOUR_NS)


def item(priority: Priority) -> Item:
    return Item(ask.WithdrawLease(LeaseID("t", 1, 1, 1, "p")), None, priority=priority)


def told(spending: Spending) -> list[tuple[str, dict[str, str], float]]:
    return list(spending.gauges(NOW))


def test_without_a_budget_nobody_is_put_off() -> None:
    spending = Spending("")
    assert spending.late([item(Priority.ROUTINE)], 10**12, NOW)[0] == []
    assert told(spending) == []


def test_what_fits_goes_and_the_rest_hears_when_to_ask_again() -> None:
    spending, items = Spending("100uakt"), [item(Priority.BID) for _ in range(5)]
    spending.signed("A", 40, NOW)
    with structlog.testing.capture_logs() as logs:
        late, no = spending.late(items, 100, NOW)  # 20 each, 60 are left
        spending.late(items, 100, NOW)
    assert late == items[3:]
    assert "40uakt of 100uakt in the last hour (chain.fee_budget_per_hour)" in str(no)
    assert [entry["event"] for entry in logs] == ["the fee budget is used up"], "once"
    assert told(spending) == [("akp_fee_budget_left_utokens", {}, 60)]


def test_closing_reclaiming_and_saving_money_may_exceed_it() -> None:
    spending = Spending("100uakt")
    spending.signed("A", 100, NOW)
    urgent = [item(p) for p in (Priority.CLOSE, Priority.RECLAIM, Priority.DRY)]
    others = [item(p) for p in (Priority.BID, Priority.ROUTINE)]
    late, _ = spending.late([*urgent, *others], 50, NOW)
    assert late == others
    assert spending.late(urgent, 50, NOW)[0] == []


def test_until_something_fits_again_nothing_is_tried() -> None:
    spending = Spending("100uakt")
    spending.signed("A", 100, NOW)
    assert spending.shut(Priority.BID, NOW) is None, "nobody knows yet what it would cost"
    spending.late([item(Priority.BID)], 20, NOW)
    no: Any = spending.shut(Priority.BID, NOW)
    assert no.after_s == AGAIN_S
    assert spending.shut(Priority.DRY, NOW) is None
    later = Moment(99, NOW.time_unix_ns + HOUR_NS)
    assert spending.shut(Priority.BID, later) is None
    assert spending.late([item(Priority.BID)], 20, later)[0] == []


def test_what_an_earlier_process_spent_counts() -> None:
    spending = Spending("100uakt")
    assert spending.since(NOW) == NOW.time_unix_ns - HOUR_NS
    spending.remember([("A", NOW.time_unix_ns - 5, 90)])
    assert len(spending.late([item(Priority.BID)], 20, NOW)[0]) == 1
    spending.refunded("A")
    assert spending.late([item(Priority.BID)], 20, NOW)[0] == []
