"""Orders, bids and leases: what each step stores, says and moves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provider.chain.wire import POOL, message
from provider.sandbox.chain import market
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import ESCROW, Genesis
from provider.sandbox.chain.store import Layer, Store

E18 = 10**18
ORDER_ID = '{"owner":"T","dseq":"7","gseq":2,"oseq":%d}'


@pytest.fixture
def ctx() -> Context:
    return Context(Layer(Store().at(0)), 40, 0, Genesis.default({}), Registry(), Meter(UNLIMITED))


def group(gseq: int = 2) -> Any:
    found = message("akash.deployment.v1beta4.Group")(id={"owner": "T", "dseq": 7, "gseq": gseq}, state=1)
    found.group_spec.name = f"group {gseq}"
    return found


def numbers(ctx: Context) -> list[tuple[int, int]]:
    return [(key[2], key[3]) for key, _ in market.ORDERS.scan(ctx)]


def test_an_order_is_the_next_of_its_group(ctx: Context) -> None:
    market.open_order(ctx, group(), None)
    market.open_order(ctx, group(1), None)
    market.close_order(ctx, market.ORDERS.get(ctx, ("T", 7, 2, 1)))
    market.open_order(ctx, group(), None)
    assert numbers(ctx) == [(1, 1), (2, 1), (2, 2)]
    assert ctx.log.events[-1] == AbciEvent("akash.market.v1.EventOrderCreated", [("id", ORDER_ID % 2)])
    assert market.ORDERS.get(ctx, ("T", 7, 2, 2)) == message(market.ORDERS.record)(
        id={"owner": "T", "dseq": 7, "gseq": 2, "oseq": 2}, state=1, spec={"name": "group 2"}, created_at=40
    )


def test_a_group_has_one_live_order(ctx: Context) -> None:
    market.open_order(ctx, group(), None)
    with pytest.raises(ChainError) as no:
        market.open_order(ctx, group(), None)
    assert (no.value.codespace, no.value.code) == ("undefined", 1)
    assert no.value.text == "order active: create order: active order exists"


def test_closed_orders_keep_their_numbers(ctx: Context) -> None:
    for wanted in (1, 2, 3):
        market.open_order(ctx, group(), None)
        market.close_order(ctx, market.ORDERS.get(ctx, ("T", 7, 2, wanted)))
    assert numbers(ctx) == [(2, 1), (2, 2), (2, 3)]
    assert [order.state for _, order in market.ORDERS.scan(ctx)] == [3, 3, 3]
    assert ctx.log.events[-1] == AbciEvent("akash.market.v1.EventOrderClosed", [("id", ORDER_ID % 3)])


def test_an_order_wants_the_window_its_deployment_wants(ctx: Context) -> None:
    window = message("akash.deployment.v1.DeploymentReclamation")(min_window={"seconds": 12})
    market.open_order(ctx, group(1), window)
    market.open_order(ctx, group(), None)
    with_window, without = (order for _, order in market.ORDERS.scan(ctx))
    assert with_window.reclamation.min_window.seconds == 12
    assert not without.HasField("reclamation")


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        (market.LEASE_CLOSED, market.BY_OWNER, '"lease_closed_owner"'),
        (market.LEASE_CLOSED, 10_003, '"lease_closed_reason_manifest_timeout"'),
        (market.LEASE_CLOSED, 19_999, "19999"),
        (market.LEASE_INSUFFICIENT_FUNDS, market.FOR_FUNDS, '"lease_closed_reason_insufficient_funds"'),
    ],
)
def test_a_lease_ends_in_a_state_for_a_reason_at_a_height(ctx: Context, state: int, reason: int, told: str) -> None:
    lease = message(market.LEASES.record)(
        id={"owner": "T", "dseq": 7, "gseq": 2, "oseq": 1, "provider": "P"}, state=1, created_at=30
    )
    market.close_lease(ctx, lease, state, reason)
    stored = market.LEASES.get(ctx, ("T", 7, 2, 1, "P"))
    assert (stored.state, stored.reason, stored.created_at, stored.closed_on) == (state, reason, 30, 40)
    (event,) = ctx.log.events
    ident = '{"owner":"T","dseq":"7","gseq":2,"oseq":1,"provider":"P","bseq":0}'
    assert event == AbciEvent("akash.market.v1.EventLeaseClosed", [("id", ident), ("reason", told)])


def test_every_reason_that_has_a_name_on_the_wire_is_told_by_it() -> None:
    named = {value.number: value.name for value in POOL.FindEnumTypeByName("akash.market.v1.LeaseClosedReason").values}
    assert len(named) == 7
    assert {number: json.loads(market.reason_json(number)) for number in named} == named
    assert [market.reason_json(number) for number in (2, 10_004, 19_999)] == ["2", "10004", "19999"]


def test_states_have_the_wires_numbers() -> None:
    def numbers_of(record: str) -> dict[str, int]:
        (field,) = (f for f in POOL.FindMessageTypeByName(record).fields if f.name == "state")
        return {value.name.rpartition(".")[2]: value.number for value in field.enum_type.values}

    orders, bids, leases = (numbers_of(table.record) for table in (market.ORDERS, market.BIDS, market.LEASES))
    assert (orders["open"], orders["active"], orders["closed"]) == (
        market.ORDER_OPEN,
        market.ORDER_ACTIVE,
        market.ORDER_CLOSED,
    )
    assert [bids[name] for name in ("open", "active", "lost", "closed")] == [
        market.BID_OPEN,
        market.BID_ACTIVE,
        market.BID_LOST,
        market.BID_CLOSED,
    ]
    assert [leases[name] for name in ("active", "insufficient_funds", "closed", "reclaiming")] == [
        market.LEASE_ACTIVE,
        market.LEASE_INSUFFICIENT_FUNDS,
        market.LEASE_CLOSED,
        market.LEASE_RECLAIMING,
    ]
    assert set(market.LIVE) == {leases["active"], leases["reclaiming"]}


def test_a_bids_deposit_is_back_before_its_end_is_told(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid(deposit=700_000))
    answer = chain.must("p1", chain.on_lease("CloseBid", reason=10_000))
    fees = [e.type for e in answer.events].index("message") + 1  # the fee moves first, in the same four events
    told = [(e.type, dict(e.attributes)) for e in answer.events[fees:]]
    transfer = next(at for at, (type_, _) in enumerate(told) if type_ == "transfer")
    closed = next(at for at, (type_, _) in enumerate(told) if type_.endswith("EventBidClosed"))
    assert transfer < closed
    assert told[transfer][1] == {
        "sender": ESCROW,
        "recipient": chain["p1"],
        "amount": "700000uakt",
        "msg_index": "0",
    }
    bid = chain.ask("akash.market.v1beta5.Query/Bid", id=chain.bid_id())
    assert (bid.bid.state, bid.escrow_account.state.state) == (market.BID_CLOSED, 2)
