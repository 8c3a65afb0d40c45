"""The book in plays: what is on chain at first, what blocks tell, and what must be looked at or asked for then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.views import CloseReason, Provider
from manifests.coins import E18, DecCoin
from manifests.ids import GroupID, OrderID
from manifests.resources import Attribute
from provider.chain.events import (
    AuditChanged,
    BidClosed,
    BidCreated,
    Block,
    DeploymentClosed,
    DeploymentUpdated,
    Event,
    GroupChanged,
    LeaseClosed,
    LeaseCreated,
    LeaseReclaimStarted,
    OrderClosed,
    OrderCreated,
    ProviderChanged,
    TxResult,
)
from provider.errors import ConfigError
from provider.market.book import Book, Touched

US, RIVAL = "akash1us", "akash1rival"
PRICE = DecCoin("uact", 5 * E18)


def block(height: int, *events: Event) -> Block:
    return Block(height, height * 10**9, (TxResult("AA", 0, "", "", 1, events),), ())


async def test_loading_takes_what_concerns_us_at_one_height(chain: Any) -> None:
    open_, ours, leased, old = (chain.add_order(n) for n in (1, 2, 3, 4))
    chain.orders_[leased] = replace(chain.orders_[leased], state="active")
    chain.orders_[old] = replace(chain.orders_[old], state="closed")
    chain.add_bid(ours)
    chain.add_bid(leased, state="active")
    chain.add_bid(old, state="active")  # its lease is over: nothing of it concerns us
    lease = chain.add_lease(leased)
    chain.add_lease(old, state="closed")

    book = await Book.load(chain, US, 7, 70)

    assert book.height == 7
    assert set(book.orders) == {open_, ours, leased}
    assert {key: bid.state for key, bid in book.bids.items()} == {ours: "open", leased: "active"}
    assert set(book.leases) == {lease}
    assert set(book.deployments) == {lease.deployment}


async def test_a_reclaiming_lease_lives(chain: Any) -> None:
    lease = chain.add_lease(chain.add_order(1), state="reclaiming")
    assert set((await Book.load(chain, US, 7, 70)).leases) == {lease}


async def test_without_a_provider_record_the_operator_is_told_the_cure(chain: Any) -> None:
    with pytest.raises(ConfigError, match=r"not registered as a provider.*Register it"):
        await Book.load(chain, "akash1stranger", 7, 70)


async def test_a_new_order_is_looked_at_once_its_resources_are_known(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    order = chain.add_order(1)
    touched = book.apply(block(8, OrderCreated(order)))
    assert touched.orders == touched.missing_orders == {order}
    assert order not in book.orders
    await book.fill(chain, touched)
    assert book.orders[order].spec.ceiling_e18 == 1000 * E18


async def test_a_burst_of_orders_of_one_owner_costs_one_question(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    orders = [chain.add_order(n) for n in range(500)]
    chain.asked.clear()
    await book.fill(chain, book.apply(block(8, *map(OrderCreated, orders))))
    assert set(book.orders) == set(orders)
    assert chain.asked == ["orders"]


async def test_an_order_that_is_gone_before_it_could_be_fetched_is_left_out(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(block(8, OrderCreated(OrderID("akash1tenant", 9, 1, 1))))
    await book.fill(chain, touched)
    assert not book.orders


async def test_an_order_that_cannot_be_read_does_not_stop_the_others(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    strange, plain = chain.add_order(1), chain.add_order(2)
    chain.unreadable_.add(strange)
    await book.fill(chain, book.apply(block(8, OrderCreated(strange), OrderCreated(plain))))
    assert set(book.orders) == {plain}
    assert not book.unreadable, "no bid of ours is on it"


async def loaded_with_a_bid_on_an_order_that_cannot_be_read(chain: Any) -> tuple[Book, OrderID]:
    strange = chain.add_order(1)
    chain.add_bid(strange)
    chain.unreadable_.add(strange)
    return await Book.load(chain, US, 7, 70), strange


async def test_a_bid_on_an_order_that_cannot_be_read_is_told_once_and_not_taken_for_lost(chain: Any) -> None:
    with capture_logs() as told:
        book, strange = await loaded_with_a_bid_on_an_order_that_cannot_be_read(chain)
        await book.fill(chain, Touched(missing_orders={strange}))
    assert book.unreadable == book.bids.keys() == {strange}
    assert [line["log_level"] for line in told] == ["error"]


async def test_a_bid_of_an_earlier_version_seen_in_a_block_on_an_order_that_cannot_be_read(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    strange = chain.add_order(1)
    chain.unreadable_.add(strange)
    await book.fill(chain, book.apply(block(8, BidCreated(strange.bid_of(US), PRICE))))
    assert book.unreadable == {strange}


@pytest.mark.parametrize(
    "over",
    [
        lambda order: OrderClosed(order),
        lambda order: DeploymentClosed(order.deployment),
        lambda order: LeaseCreated(order.bid_of(RIVAL), PRICE),
        lambda order: LeaseCreated(order.bid_of(US), PRICE),
        lambda order: BidClosed(order.bid_of(US)),
    ],
    ids=["order", "deployment", "a rival's", "ours", "bid"],
)
async def test_what_a_block_says_of_an_order_that_cannot_be_read_counts(chain: Any, over: Any) -> None:
    book, strange = await loaded_with_a_bid_on_an_order_that_cannot_be_read(chain)
    touched = book.apply(block(8, over(strange)))
    assert strange in touched.orders | {lease.order for lease in touched.leases}
    await book.fill(chain, touched)
    assert book.unreadable == set()


@pytest.mark.parametrize(
    ("event", "over"),
    [
        (lambda order: OrderClosed(order), True),
        (lambda order: DeploymentClosed(order.deployment), True),
        (lambda order: LeaseCreated(order.bid_of(RIVAL), PRICE), True),
        (lambda order: LeaseCreated(order.bid_of(US), PRICE), False),
        (lambda order: GroupChanged(order.group), False),
    ],
    ids=["order", "deployment", "a rival's", "ours", "group"],
)
async def test_the_end_of_an_order_that_a_block_tells_is_kept_while_our_bid_is_there(
    chain: Any, event: Any, over: bool
) -> None:
    order, without = chain.add_order(1), chain.add_order(2)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    book.apply(block(8, event(order), OrderClosed(without)))
    assert book.over == ({order} if over else set())
    book.apply(block(9, BidClosed(order.bid_of(US))))
    assert book.over == set()


async def test_what_one_node_answers_of_an_orders_end_is_not_a_blocks_word(chain: Any) -> None:
    order = chain.add_order(1, state="active")
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    assert (book.orders[order].state, book.over) == ("active", set())


async def test_a_bid_seen_in_a_block_is_ours_or_counts_on_the_order(chain: Any) -> None:
    order = chain.add_order(1)
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(block(8, BidCreated(order.bid_of(RIVAL), PRICE), BidCreated(order.bid_of(US), PRICE)))
    assert book.bids[order].state == "open"
    assert book.bids[order].created_at == 8
    assert book.bids_on[order] == {US, RIVAL}
    assert touched.orders == {order}


async def test_winning(chain: Any) -> None:
    order = chain.add_order(1)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    lease = chain.add_lease(order, at=8)
    touched = book.apply(block(8, LeaseCreated(lease, PRICE)))
    assert touched.opened == touched.leases == {lease}
    assert (book.orders[order].state, book.bids[order].state) == ("active", "active")
    await book.fill(chain, touched)
    assert book.lease_of(order) == chain.leases_[lease]
    assert lease.deployment in book.deployments


async def test_losing_keeps_the_bid_until_the_chain_was_asked(chain: Any) -> None:
    order = chain.add_order(1)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(block(8, LeaseCreated(order.bid_of(RIVAL), PRICE)))
    assert touched.orders == {order}
    assert not touched.leases
    assert order in book.bids, "losers are not told; it may still be open"
    book.forget_bid(order)
    assert order not in book.orders


async def test_an_order_matched_without_us_is_forgotten(chain: Any) -> None:
    order = chain.add_order(1)
    book = await Book.load(chain, US, 7, 70)
    book.apply(block(8, LeaseCreated(order.bid_of(RIVAL), PRICE)))
    assert not book.orders


@pytest.mark.parametrize("how", ["order closed", "deployment closed"])
async def test_an_order_that_closes_is_looked_at(chain: Any, how: str) -> None:
    order = chain.add_order(1)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    event = OrderClosed(order) if how == "order closed" else DeploymentClosed(order.deployment)
    touched = book.apply(block(8, event))
    assert touched.orders == {order}
    assert book.orders[order].state == "closed"
    book.apply(block(9, BidClosed(order.bid_of(US))))
    book.forget_bid(order)
    assert not book.orders
    assert not book.bids


async def test_a_lease_that_ends_is_told_with_its_reason_and_leaves_nothing(chain: Any) -> None:
    order = chain.add_order(1)
    chain.add_bid(order, state="active")
    lease = chain.add_lease(order)
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(
        block(
            8,
            DeploymentClosed(lease.deployment),
            OrderClosed(order),
            BidClosed(lease),
            LeaseClosed(lease, CloseReason.OWNER),
        )
    )
    assert touched.closed == {lease: CloseReason.OWNER}
    assert touched.leases == {lease}
    assert [book.leases, book.bids, book.orders, book.deployments] == [{}, {}, {}, {}]


async def test_a_lease_won_and_lost_in_one_block_is_both(chain: Any) -> None:
    order = chain.add_order(1)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    lease = order.bid_of(US)
    touched = book.apply(block(8, LeaseCreated(lease, PRICE), LeaseClosed(lease, 1)))
    assert touched.opened == {lease}
    assert touched.closed == {lease: 1}
    assert not book.leases


async def test_another_providers_lease_is_not_ours(chain: Any) -> None:
    order = chain.add_order(1)
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(block(8, LeaseClosed(order.bid_of(RIVAL), 1)))
    assert touched == Touched()


async def test_a_new_manifest_hash_is_taken_over(chain: Any) -> None:
    lease = chain.add_lease(chain.add_order(1))
    book = await Book.load(chain, US, 7, 70)
    touched = book.apply(block(8, DeploymentUpdated(lease.deployment, b"\2" * 32)))
    assert book.deployments[lease.deployment].hash == b"\2" * 32
    assert touched.leases == {lease}


async def test_reclaiming_is_fetched(chain: Any) -> None:
    lease = chain.add_lease(chain.add_order(1))
    book = await Book.load(chain, US, 7, 70)
    chain.leases_[lease] = replace(chain.leases_[lease], state="reclaiming")
    touched = book.apply(block(8, LeaseReclaimStarted(lease, 10001, 99)))
    await book.fill(chain, touched)
    assert book.leases[lease].state == "reclaiming"


async def test_our_record_and_what_auditors_say_are_refreshed(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    chain.us = Provider(US, "https://new.test:8443", ())
    for event in (ProviderChanged(US), AuditChanged(US, "akash1auditor")):
        touched = book.apply(block(8, event))
        assert touched.provider
    await book.fill(chain, touched)
    assert book.us.host_uri == "https://new.test:8443"
    assert not book.apply(block(9, ProviderChanged(RIVAL), AuditChanged(RIVAL, US))).provider


async def test_a_signature_given_changed_and_taken_back_is_seen_at_its_block(chain: Any) -> None:
    """Not a cache that ages: each event has all signatures asked for anew, and what is no longer there is gone."""
    book = await Book.load(chain, US, 7, 70)
    ann, bob = (Attribute("region", "eu"),), (Attribute("region", "us"), Attribute("tier", "x"))
    for height, signed in enumerate(({"ann": ann}, {"ann": ann, "bob": bob}, {"ann": bob}, {"bob": bob}, {}), start=8):
        chain.audited_ = signed
        touched = book.apply(block(height, AuditChanged(US, "ann")))
        assert touched.provider
        await book.fill(chain, touched)
        assert book.us.audited == signed


async def test_attributes_that_are_withdrawn_are_gone(chain: Any) -> None:
    chain.us, chain.audited_ = Provider(US, "https://us.test", (Attribute("a", "1"), Attribute("b", "2"))), {"ann": ()}
    book = await Book.load(chain, US, 7, 70)
    assert [a.key for a in book.us.attributes] == ["a", "b"]
    chain.us = Provider(US, "https://us.test", (Attribute("b", "2"),))
    await book.fill(chain, book.apply(block(8, ProviderChanged(US))))
    assert [a.key for a in book.us.attributes] == ["b"]
    assert book.us.audited == {"ann": ()}, "what auditors have signed stays theirs"


async def test_a_provider_record_that_is_gone_ends_nothing(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    chain.us, chain.audited_ = Provider("akash1other", "", ()), {"ann": ()}
    await book.fill(chain, book.apply(block(8, ProviderChanged(US))))
    assert book.us == Provider(US, "https://us.test:8443", (), {"ann": ()})


async def test_a_bid_seen_twice_counts_once_and_a_closed_one_keeps_its_place(chain: Any) -> None:
    order = chain.add_order(1)
    book = await Book.load(chain, US, 7, 70)
    for _ in range(2):
        book.apply(block(8, BidCreated(order.bid_of(RIVAL), PRICE)))
    book.apply(block(9, BidClosed(order.bid_of(RIVAL))))
    assert book.bids_on[order] == {RIVAL}


async def test_a_bid_in_the_very_block_of_its_order_counts(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    order, lost = chain.add_order(1), OrderID("akash1tenant", 9, 1, 1)
    created = [OrderCreated(order), OrderCreated(lost)]
    bids = [BidCreated(key.bid_of(RIVAL), PRICE) for key in (order, lost)]
    await book.fill(chain, book.apply(block(8, *created, *bids)))
    assert book.bids_on == {order: {RIVAL}}, "and nothing is kept of an order that is gone"


async def test_a_group_that_changes_touches_its_orders(chain: Any) -> None:
    order = chain.add_order(1)
    book = await Book.load(chain, US, 7, 70)
    assert book.apply(block(8, GroupChanged(GroupID(order.owner, order.dseq, 1)))).orders == {order}


async def test_a_block_taken_in_twice_does_no_harm(chain: Any) -> None:
    order = chain.add_order(1)
    chain.add_bid(order)
    book = await Book.load(chain, US, 7, 70)
    lease = chain.add_lease(order, at=8)
    won = block(8, LeaseCreated(lease, PRICE))
    for _ in range(2):
        await book.fill(chain, book.apply(won))
    assert book.leases == {lease: chain.leases_[lease]}
    over = block(9, LeaseClosed(lease, 1))
    book.apply(over)
    book.apply(over)
    assert not book.leases
