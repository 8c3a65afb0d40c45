"""The usual order of messages whose sender named none."""

from __future__ import annotations

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain.tx.priority import Priority, usual

LEASE = LeaseID("t", 1, 1, 1, "p")


def test_closing_then_notice_then_bids_then_the_rest() -> None:
    msgs = [
        ask.WithdrawLease(LEASE),
        ask.CreateBid(LEASE, DecCoin("uact", 1), Coin("uakt", 1)),
        ask.StartReclaim(LEASE, 10000),
        ask.CloseBid(LEASE, 10000),
    ]
    assert sorted(msgs, key=usual) == msgs[::-1]
    assert usual(msgs[0]) > Priority.DRY
