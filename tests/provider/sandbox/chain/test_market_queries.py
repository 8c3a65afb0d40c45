"""Filters and order of the market's lists."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import QueryError

MARKET = "akash.market.v1beta5.Query"


@pytest.fixture
def busy(chain: Any) -> Any:
    """dseq 9 (leased, 21 closed), 10 and 101 open; p1 bid on all of them, p2 on 10."""
    for dseq in (101, 9, 10, 21):
        chain.must("tenant", chain.deployment(dseq))
    for dseq in (101, 9, 10):
        chain.must("p1", chain.bid(dseq=dseq))
    chain.must("p2", chain.bid("p2", dseq=10))
    chain.must("tenant", chain.lease(dseq=9))
    chain.must("tenant", chain.close_deployment(21))
    return chain


def orders(chain: Any, **filters: Any) -> list[int]:
    return [o.id.dseq for o in chain.ask(f"{MARKET}/Orders", filters=filters).orders]


def test_orders_come_state_by_state_unless_an_owner_is_named(busy: Any) -> None:
    assert orders(busy) == [10, 101, 9, 21]
    assert orders(busy, owner=busy["tenant"]) == [9, 10, 21, 101]
    assert orders(busy, state="active") == [9]
    assert orders(busy, owner=busy["tenant"], dseq=10) == [10]
    assert orders(busy, dseq=101) == [101]
    assert orders(busy, owner="no address") == []


def test_bids_by_provider_are_in_key_order_with_their_deposits(busy: Any) -> None:
    found = busy.ask(f"{MARKET}/Bids", filters={"provider": busy["p1"]}).bids
    assert [row.bid.id.dseq for row in found] == [9, 10, 101]
    assert found[0].escrow_account.state.funds[0].amount == str(500_000 * 10**18)
    assert len(busy.ask(f"{MARKET}/Bids", filters={"state": "open"}).bids) == 3
    assert [r.lease.id.dseq for r in busy.ask(f"{MARKET}/Leases", filters={"provider": busy["p1"]}).leases] == [9]


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"filters": {"state": "nope"}}, "invalid state value"),
        (
            {"pagination": {"offset": 1}},
            "invalid request parameters. if offset is set, filter.state must be provided",
        ),
    ],
)
def test_refused_lists(busy: Any, request_: Any, text: str) -> None:
    for name in ("Orders", "Bids", "Leases"):
        with pytest.raises(QueryError) as no:
            busy.ask(f"{MARKET}/{name}", **request_)
        assert (no.value.status, no.value.text) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Order", "codespace market code 15: invalid order: order not found"),
        ("Bid", "codespace market code 18: invalid bid: bid not found"),
        ("Lease", "codespace market code 20: invalid lease: lease not found"),
    ],
)
def test_single_things_that_do_not_exist(busy: Any, name: str, text: str) -> None:
    i = busy.order_id(dseq=5) if name == "Order" else busy.bid_id(dseq=5)
    with pytest.raises(QueryError) as no:
        busy.ask(f"{MARKET}/{name}", id=i)
    assert (no.value.status, no.value.text) == ("NOT_FOUND", text)


def test_parameters(busy: Any) -> None:
    found = busy.ask(f"{MARKET}/Params").params
    assert (found.order_max_bids, found.min_reclamation_window.seconds) == (20, 10)


@pytest.mark.parametrize(
    ("xid", "dseqs"), [("deployment/{t}/10", ["10", "101"]), ("deployment/{t}/", ["10", "101", "21", "9"]), ("x", [])]
)
def test_escrow_is_selected_by_the_beginning_of_its_id(busy: Any, xid: str, dseqs: list[str]) -> None:
    found = busy.ask("akash.escrow.v1.Query/Accounts", xid=xid.format(t=busy["tenant"])).accounts
    assert sorted(a.id.xid.rpartition("/")[2] for a in found) == dseqs


def test_everything_in_escrow_begins_with_the_bids(busy: Any) -> None:
    found = busy.ask("akash.escrow.v1.Query/Accounts", state="open").accounts
    assert [a.id.scope for a in found] == sorted((a.id.scope for a in found), reverse=True)
    assert len(found) == 4 + 3
