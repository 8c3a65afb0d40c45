"""Whose money a block moved, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.chain.events import Block, DeploymentClosed, Event, LeaseClosed, LeaseCreated, TxResult
from provider.chain.money import BME, ESCROW, Movement, Purpose
from provider.chain.touches import Touch
from provider.market.money.moves import Moves, Receipt, Us, moves, refunded

OWNER, HOT, RIVAL, GRANTER = "akash1us", "akash1hot", "akash1rival", "akash1granter"
BID = LeaseID("akash1t", 7, 1, 1, OWNER)
US = Us(OWNER, frozenset({OWNER, HOT}), locked={(BID, OWNER, "uakt"): 5, (BID, GRANTER, "uakt"): 5})


def told(*money: Movement, us: Us = US, code: int = 0, events: tuple[Event, ...] = (), **more: Any) -> Moves:
    return moves(Block(9, 90, (TxResult("TX", code, "sdk" if code else "", "", 1, events, money, **more),), ()), us)


def move(account: str, amount: int, purpose: Purpose = Purpose.OTHER, other: str = "akash1x", **more: Any) -> Movement:
    return Movement(account, Coin("uakt", amount), purpose, other, **more)


ours, theirs = {"order": BID.order, "provider": OWNER}, {"order": BID.order, "provider": RIVAL}
loser = {"order": BID.order}


@pytest.mark.parametrize(
    ("movement", "wanted"),
    [
        (move(OWNER, -5, Purpose.FEE), "fee"),
        (move(HOT, -5, Purpose.FEE), "fee"),
        (move(GRANTER, -5, Purpose.FEE, grantee=HOT), "fee"),
        (move(GRANTER, -5, Purpose.FEE, grantee=RIVAL), None),
        (move("akash1fees", 5, Purpose.FEE, OWNER), None),
        (move(OWNER, -5, Purpose.DEPOSIT, ESCROW, **ours), "deposit"),
        (move(GRANTER, -5, Purpose.DEPOSIT, ESCROW, **ours), "deposit"),
        (move(RIVAL, -5, Purpose.DEPOSIT, ESCROW, **theirs), None),
        (move(OWNER, -5, Purpose.DEPOSIT, ESCROW, **theirs), "transfer"),
        (move(OWNER, 5, Purpose.REFUND, ESCROW, **ours), "refund"),
        (move(GRANTER, 5, Purpose.REFUND, ESCROW, **ours), "refund"),
        (move(RIVAL, 5, Purpose.REFUND, ESCROW, **theirs), None),
        (move(OWNER, 5, Purpose.REFUND, ESCROW, **theirs), "transfer"),
        (move(OWNER, 5, Purpose.REFUND, ESCROW, **loser), "refund"),
        (move(GRANTER, 5, Purpose.REFUND, ESCROW, **loser), "refund"),
        (move(RIVAL, 5, Purpose.REFUND, ESCROW, **loser), None),
        (move(OWNER, 5, Purpose.REFUND, ESCROW, order=replace(BID.order, dseq=8)), "transfer"),
        (move(OWNER, 6, Purpose.REFUND, ESCROW, **ours), "transfer"),
        (move("akash1stranger", 1, Purpose.REFUND, ESCROW, **ours), None),
        (move(HOT, 1, Purpose.REFUND, ESCROW, **ours), "transfer"),
        (move(OWNER, -5, other=BME), "conversion"),
        (move(HOT, -5), "transfer"),
        (move(RIVAL, -5), None),
        (move(HOT, 5, other=ESCROW), "transfer"),
    ],
)
def test_one_of_each(movement: Movement, wanted: str | None) -> None:
    found = told(movement).postings
    assert [p.kind for p in found] == ([wanted] if wanted else [])
    assert all(p.coin == movement.coin and p.account == movement.account and p.tx == "TX" for p in found)
    assert all(p.lease == (BID if p.kind in ("deposit", "refund") else None) for p in found)


def test_what_was_paid_beyond_the_deposit_is_no_refund() -> None:
    """By ourselves, with a message of its own."""
    back = (move(OWNER, 5, Purpose.REFUND, ESCROW, **ours), move(OWNER, 1, Purpose.REFUND, ESCROW, **ours))
    assert [(p.kind, p.coin.amount) for p in told(*back).postings] == [("refund", 5), ("transfer", 1)]


def test_an_order_may_be_lost_in_the_very_block_of_the_bid() -> None:
    new = LeaseID("akash1t", 8, 1, 1, OWNER)
    paid = move(OWNER, -5, Purpose.DEPOSIT, ESCROW, order=new.order, provider=OWNER)
    found = told(paid, move(OWNER, 5, Purpose.REFUND, ESCROW, order=new.order)).postings
    assert [(p.kind, p.lease) for p in found] == [("deposit", new), ("refund", new)]


def test_which_bids_may_have_something_back() -> None:
    other = replace(BID, dseq=8)
    money = (
        move(OWNER, 5, Purpose.REFUND, ESCROW, **ours), move(RIVAL, 5, Purpose.REFUND, ESCROW, **theirs),
        move(RIVAL, 5, Purpose.REFUND, ESCROW, order=other.order), move(OWNER, -5, Purpose.DEPOSIT, ESCROW, **ours),
    )  # fmt: skip
    block = Block(9, 90, (TxResult("TX", 0, "", "", 1, (), money[1:]),), (), money[:1])
    assert refunded(block, OWNER) == {BID, other}


def test_what_escrow_pays_the_owner_is_handed_back_with_the_deployments_named() -> None:
    seven, eight = DeploymentID("akash1t", 7), DeploymentID("akash1t", 8)
    found = told(move(OWNER, 5, other=ESCROW), events=(LeaseClosed(BID, 1),), touches=(Touch(eight, settles=False),))
    assert found.receipts == [Receipt("TX", Coin("uakt", 5), frozenset({seven, eight}))]
    assert found.postings == []


def test_what_settles_a_deployment() -> None:
    lease = replace(BID, dseq=1)
    events = (LeaseCreated(lease, DecCoin("uact", 1)), DeploymentClosed(DeploymentID("akash1t", 2)))
    touches = (Touch(DeploymentID("akash1t", 3), settles=True), Touch(DeploymentID("akash1t", 4), settles=False))
    assert {d.dseq for d in told(events=events, touches=touches).settled} == {1, 2, 3}


def test_a_failed_transaction_tells_what_its_fee_was_for() -> None:
    (fee,) = told(move(GRANTER, -5, Purpose.FEE, grantee=HOT), code=5).postings
    assert fee.detail == f"for {HOT}; the transaction failed: sdk 5"


def test_what_the_chain_does_by_itself() -> None:
    block = Block(9, 90, (), (LeaseClosed(BID, 20000),), (move(OWNER, 5, other=BME), move(OWNER, 6, other=ESCROW)))
    found = moves(block, US)
    assert [(p.kind, p.tx) for p in found.postings] == [("conversion", "")]
    assert [r.coin.amount for r in found.receipts] == [6]
    assert found.settled == {BID.deployment: ""}


def test_what_goes_to_our_own_accounts_is_swept() -> None:
    sweeping = replace(US, own=frozenset({"akash1cold"}))
    found = told(move(OWNER, -5, other="akash1cold"), move(OWNER, 5, other="akash1cold"), move(OWNER, -5), us=sweeping)
    assert [p.kind for p in found.postings] == ["sweep", "transfer", "transfer"]


def test_each_row_has_a_key_of_its_own() -> None:
    found = told(move(OWNER, -5), move(OWNER, -5), move(HOT, -5, Purpose.FEE)).postings
    assert len({p.key for p in found}) == 3
