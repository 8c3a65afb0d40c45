"""Bidding and closing bids: every refusal in the block, their order, and what a close takes along."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.genesis import Genesis

E18 = 10**18
DAY = 86_400


def names(answer: Any) -> list[str]:
    return [e.type.rpartition(".")[2] for e in answer.events if e.type.startswith("akash.")]


def offer(ident: int, count: int = 1) -> dict[str, Any]:
    return {"resources": {"id": ident}, "count": count}


CASES: dict[str, tuple[dict[str, Any], tuple[str, int]]] = {
    "at the ceiling": ({"price": 10_000_000 * E18}, ("", 0)),
    "above it by the smallest step": ({"price": 10_000_000 * E18 + 1}, ("market", 22)),
    "negative": ({"price": -1}, ("market", 22)),
    "deposit too small": ({"deposit": 499_999}, ("undefined", 1)),
    "deposit beyond the balance": ({"deposit": 10**13}, ("undefined", 1)),
    "no such order": ({"oseq": 2}, ("market", 15)),
    "offer of an unknown unit": ({"resources_offer": [offer(2)]}, ("market", 32)),
    "offer with a wrong count": ({"resources_offer": [offer(1, 2)]}, ("market", 32)),
    "offer naming a unit twice": ({"resources_offer": [offer(1), offer(1)]}, ("undefined", 111222)),
    "offer as ordered": ({"resources_offer": [offer(1)]}, ("", 0)),
    "a window nobody asked for": ({"reclamation_window": {"seconds": 10}}, ("", 0)),
    "a window below the bounds": ({"reclamation_window": {"seconds": 9}}, ("market", 39)),
    "a window above the bounds": ({"reclamation_window": {"seconds": 31 * DAY}}, ("market", 39)),
    "deposit before order": ({"deposit": 1, "oseq": 2}, ("undefined", 1)),
    "price before offer": ({"price": 10**30, "resources_offer": [offer(2)]}, ("market", 22)),
    "funds before window": ({"deposit": 10**13, "reclamation_window": {"seconds": 9}}, ("undefined", 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_to_a_bid(chain: Any, case: str) -> None:
    options, wanted = CASES[case]
    chain.must("tenant", chain.deployment())
    answer = chain.send("p1", chain.bid(**options))
    assert (answer.codespace, answer.code) == wanted, answer.log


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda m: setattr(m.id, "bseq", 1), ("sdk", 36)),
        (lambda m: setattr(m.id, "owner", m.id.provider), ("sdk", 36)),
        (lambda m: setattr(m.id, "dseq", 0), ("sdk", 3)),
        (lambda m: setattr(m.id, "provider", "x"), ("sdk", 7)),
        (lambda m: m.deposit.ClearField("sources"), ("akash", 4)),
        (lambda m: setattr(m.price, "amount", "0"), ("market", 19)),
        (lambda m: m.ClearField("price"), ("undefined", 111222)),
        (lambda m: setattr(m.reclamation_window, "seconds", -1), ("market", 39)),
    ],
)
def test_a_malformed_bid_never_enters_the_mempool(chain: Any, change: Any, wanted: tuple[str, int]) -> None:
    bid = chain.bid()
    change(bid)
    answer = chain.app.check_tx(chain.tx("p1", bid))
    assert (answer.codespace, answer.code) == wanted


def test_who_may_not_bid(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    assert chain.send("p3", chain.bid("p3")).log.endswith("unknown provider")
    wanted = chain.deployment(2)
    wanted.groups[0].requirements.attributes.add(key="region", value="eu")
    chain.must("tenant", wanted)
    assert chain.send("p1", chain.bid(dseq=2)).code == 5


def test_a_bid_may_be_made_once_per_order_even_after_closing_it(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    assert chain.send("p1", chain.bid()).code == 21
    before = chain.balance("p1")
    answer = chain.must("p1", chain.on_lease("CloseBid", reason=10_002))
    assert names(answer) == ["EventBidClosed"]
    assert chain.balance("p1") == before + 500_000 - 50_000
    assert chain.send("p1", chain.bid()).code == 21
    assert chain.send("p1", chain.on_lease("CloseBid", reason=10_002)).log.endswith("unknown lease for bid")


def test_one_bid_more_than_the_limit_fits_and_closing_frees_nothing(chain: Any) -> None:
    chain.app._genesis = Genesis.default({}, chain_id=chain.app.chain_id, order_max_bids=1)
    chain.must("tenant", chain.deployment())
    chain.must("p3", chain.provider("p3", region="us-west"))
    chain.must("p1", chain.bid())
    chain.must("p2", chain.bid("p2"))
    chain.must("p2", chain.on_lease("CloseBid", "p2", reason=10_000))
    assert chain.send("p3", chain.bid("p3")).log.endswith("invalid bid: too many existing bids (1)")


def test_closing_a_leased_bid_pauses_the_group_and_pays(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid(price=7 * E18))
    chain.must("tenant", chain.lease())
    before = chain.balance("p1", "uact")
    answer = chain.must("p1", chain.on_lease("CloseBid", reason=19_999))
    assert names(answer) == ["EventGroupPaused", "EventLeaseClosed", "EventBidClosed", "EventOrderClosed"]
    closed = next(e for e in answer.events if e.type.endswith("LeaseClosed"))
    assert dict(closed.attributes)["reason"] == "19999"
    assert chain.balance("p1", "uact") == before + 7
    assert chain.send("p1", chain.on_lease("CloseBid", reason=10_000)).code == 10


@pytest.mark.parametrize("reason", [0, 1, 9_999, 20_000])
def test_reasons_outside_the_providers_range_are_refused(chain: Any, reason: int) -> None:
    answer = chain.app.check_tx(chain.tx("p1", chain.on_lease("CloseBid", reason=reason)))
    assert answer.log == f'value "{reason}" range 10000..19999: invalid lease closed reason'


@pytest.mark.parametrize(("offered", "code"), [(None, 40), (11, 41), (5, 41), (12, 0), (DAY, 0)])
def test_an_order_that_wants_a_window(chain: Any, offered: int | None, code: int) -> None:
    chain.must("tenant", chain.deployment(reclamation={"min_window": {"seconds": 12}}))
    more = {} if offered is None else {"reclamation_window": {"seconds": offered}}
    assert chain.send("p1", chain.bid(**more)).code == code


def test_the_deposit_must_be_in_a_known_coin(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    bid = chain.bid()
    bid.deposit.amount.denom = "ufoo"
    assert chain.send("p1", bid).log.endswith("deposit invalid: unsupported denom ufoo")
    other = chain.bid()
    other.price.CopyFrom(message("cosmos.base.v1beta1.DecCoin")(denom="uakt", amount="1"))
    assert chain.send("p1", other).log.startswith("recovered: invalid coin denominations; uact, uakt")
