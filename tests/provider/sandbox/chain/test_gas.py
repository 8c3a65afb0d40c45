"""Costs: near those of a real node (chain-probes §5), growing with what is touched."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.gas import Meter


def test_a_meter_refuses_the_first_unit_too_much() -> None:
    meter = Meter(10)
    meter.use(10, "ReadFlat")
    with pytest.raises(ChainError) as no:
        meter.use(1, "WriteFlat")
    assert no.value.text == "out of gas in location: WriteFlat; gasWanted: 10, gasUsed: 11: out of gas"


def test_usual_messages_cost_about_what_they_cost_on_a_real_node(chain: Any) -> None:
    def near(answer: Any, thousands: int) -> None:
        assert answer.gas_used == pytest.approx(thousands * 1000, rel=0.18)

    near(chain.must("tenant", chain.deployment()), 140)
    near(chain.must("p1", chain.bid()), 121)
    near(chain.must("tenant", chain.lease()), 164)
    near(chain.must("p1", chain.on_lease("WithdrawLease")), 91)
    near(chain.must("tenant", chain.top_up()), 84)
    near(chain.must("p1", chain.on_lease("CloseBid", reason=10_000)), 241)
    near(chain.must("tenant", chain.on_group("Start")), 103)
    near(chain.must("tenant", chain.close_deployment()), 144)


def test_an_unordered_tx_is_cheaper_than_an_ordered_one(chain: Any) -> None:
    ordered = chain.must("tenant", chain.deployment(1))
    free = chain.must("tenant", chain.deployment(2), unordered_ns=chain.app.time_unix_ns + 10**10)
    assert 8_000 < ordered.gas_used - free.gas_used < 11_000
