"""Few questions for many leases, and every payment found. `chain.asked` is what the chain in memory was asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bidengine.views import EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.errors import Retry
from provider.market.money.payments import FEW, payments_of

US = "akash1us"


def lease(tenant: int, dseq: int, gseq: int = 1) -> LeaseID:
    return LeaseID(f"akash1t{tenant}", dseq, gseq, 1, US)


def pays(chain: Any, *leases: LeaseID, state: str = "open") -> list[LeaseID]:
    for one in leases:
        chain.payments_[one] = EscrowPayment(one, state, DecCoin("uact", 5 * E18), 0, 0, Coin("uact", one.dseq))
    return list(leases)


@pytest.mark.parametrize(
    ("leases", "asked"),
    [
        ([], {}),
        ([lease(1, d) for d in range(1, FEW + 1)], {"payments": FEW}),
        ([lease(1, d) for d in range(1, 101)], {"open payments": 1}),
        ([lease(1, 1, gseq) for gseq in range(1, 9)], {"payments": 1}),
        ([lease(t, d) for t in range(10) for d in range(1, 101)], {"open payments": 10}),
        ([lease(t, 7) for t in range(40)], {"payments": 40}),
    ],
    ids=["none", "a few", "many of one tenant", "many of one deployment", "a thousand of ten tenants", "one each"],
)
async def test_questions(leases: list[LeaseID], asked: dict[str, int], chain: Any) -> None:
    pays(chain, *leases)
    found = await payments_of(chain, leases)
    assert {one: payment.withdrawn.amount for one, payment in found.items()} == {one: one.dseq for one in leases}
    assert Counter(chain.asked) == asked


async def test_what_is_open_no_more_is_asked_for_by_itself(chain: Any) -> None:
    live = pays(chain, *(lease(1, d) for d in range(1, 11)))
    over = pays(chain, lease(1, 50), state="closed") + pays(chain, lease(1, 60), state="overdrawn")
    pays(chain, LeaseID("akash1t1", 5, 2, 1, "akash1rival"), lease(1, 99))
    found = await payments_of(chain, [*live, *over, lease(1, 70)])
    assert found.keys() == {*live, *over}, "nobody else's, none that was not asked for, none of what there is not"
    assert Counter(chain.asked) == {"open payments": 1, "payments": 3}


async def test_a_node_that_does_not_answer_is_told_as_such(chain: Any) -> None:
    async def silent(_: Any) -> Any:
        raise Retry("no node answers")

    chain.escrow_payments = silent
    with pytest.raises(Retry, match="no node answers"):
        await payments_of(chain, [lease(1, 1), lease(2, 1)])
