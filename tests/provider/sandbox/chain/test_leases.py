"""Leases: who loses, who may end one, and the reclamation window."""

from __future__ import annotations

from typing import Any

import pytest

LOST, STILL_OPEN = 3, 1


def names(answer: Any) -> list[str]:
    return [e.type.rpartition(".")[2] for e in answer.events if e.type.startswith("akash.")]


def states(chain: Any) -> dict[str, int]:
    found = chain.ask("akash.market.v1beta5.Query/Bids").bids
    return {row.bid.id.provider: row.bid.state for row in found}


def test_only_the_first_loser_by_address_text_is_told_and_refunded(chain: Any) -> None:
    chain.must("p3", chain.provider("p3", region="us-west"))
    chain.must("tenant", chain.deployment())
    for name in ("p1", "p2", "p3"):
        chain.must(name, chain.bid(name))
    losers = sorted((chain[name], name) for name in ("p2", "p3"))
    before = {name: chain.balance(name) for _, name in losers}
    assert names(chain.must("tenant", chain.lease())) == ["EventLeaseCreated"]
    (first, told), (second, stale) = losers
    assert (states(chain)[first], states(chain)[second]) == (LOST, STILL_OPEN)
    assert chain.balance(told) == before[told] + 500_000
    assert chain.balance(stale) == before[stale]
    assert chain.send("tenant", chain.lease(stale)).code == 13
    assert chain.send("tenant", chain.lease(told)).code == 12
    chain.must(stale, chain.on_lease("CloseBid", stale, reason=10_000))
    assert chain.balance(stale) == before[stale] + 500_000 - 50_000


def test_a_tenants_close_relists_at_once_and_names_the_owner_as_reason(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    chain.must("tenant", chain.lease())
    answer = chain.must("tenant", chain.on_lease("CloseLease", reason=10_001))
    assert names(answer) == ["EventLeaseClosed", "EventBidClosed", "EventOrderClosed", "EventOrderCreated"]
    assert '"lease_closed_owner"' in [v for e in answer.events for k, v in e.attributes if k == "reason"]
    chain.must("p1", chain.bid(oseq=2))
    assert chain.send("tenant", chain.on_lease("CloseLease")).code == 24


@pytest.mark.parametrize(
    ("what", "provider", "code"),
    [("WithdrawLease", "p1", 7), ("CloseLease", "p1", 15), ("LeaseStartReclaim", "p1", 7), ("CloseBid", "p1", 6)],
)
def test_what_does_not_exist(chain: Any, what: str, provider: str, code: int) -> None:
    signer = "tenant" if what == "CloseLease" else provider
    reason = None if what == "WithdrawLease" else 10_000
    answer = chain.send(signer, chain.on_lease(what, provider, reason))
    assert (answer.codespace, answer.code) == ("market", code)


@pytest.fixture
def reclaimable(chain: Any) -> Any:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid(reclamation_window={"seconds": 14}))
    chain.must("tenant", chain.lease())
    return chain


def test_a_window_must_be_started_and_must_pass(reclaimable: Any) -> None:
    chain = reclaimable
    close = chain.on_lease("CloseBid", reason=10_003)
    assert chain.send("p1", close).code == 37
    answer = chain.must("p1", chain.on_lease("LeaseStartReclaim", reason=10_001))
    started = chain.app.time_unix_ns
    deadline = (started + 14 * 10**9) // 10**9
    attributes = dict(next(e for e in answer.events if e.type.endswith("ReclaimStarted")).attributes)
    assert attributes["deadline"] == f'"{deadline}"'
    assert attributes["reason"] == '"lease_closed_reason_decommission"'
    assert chain.send("p1", chain.on_lease("LeaseStartReclaim", reason=10_001)).code == 10
    chain.app.deliver_block(deadline * 10**9 - 2 * 10**9, [])
    assert chain.send("p1", close, sequence=chain.sequence("p1")).code == 38
    assert chain.app.time_unix_ns < deadline * 10**9
    chain.must("p1", chain.on_lease("WithdrawLease"))
    chain.must("p1", close)
    lease = chain.ask("akash.market.v1beta5.Query/Lease", id=chain.bid_id()).lease
    assert (lease.reason, lease.reclamation.reason) == (10_003, 10_001)


def test_a_tenant_may_close_during_the_window(reclaimable: Any) -> None:
    chain = reclaimable
    chain.must("p1", chain.on_lease("LeaseStartReclaim", reason=10_000))
    assert names(chain.must("tenant", chain.on_lease("CloseLease")))[-1] == "EventOrderCreated"


def test_a_lease_without_a_window_cannot_be_reclaimed(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    chain.must("tenant", chain.lease())
    assert chain.send("p1", chain.on_lease("LeaseStartReclaim", reason=10_000)).code == 35
