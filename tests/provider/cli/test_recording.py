"""What a chain's lists make of an order; from a live chain in test_ground.py."""

from __future__ import annotations

from typing import Any

import pytest

from bidengine.notation import parse_group
from bidengine.views import Bid, Lease, Order
from manifests.coins import E18, DecCoin
from manifests.ids import OrderID
from provider.cli.recording import of_chain, recorded_from_chain
from provider.errors import ConfigError

ID = OrderID("akash1t", 7, 1, 1)
ORDER = Order(ID, "active", parse_group("1cpu"), 5)


def uact(amount: int) -> DecCoin:
    return DecCoin("uact", amount * E18)


def lease(provider: str, amount: int, closed_on: int = 0) -> Lease:
    return Lease(ID.bid_of(provider), "active", uact(amount), 10, closed_on)


@pytest.mark.parametrize(
    ("found", "ours", "outcome"),
    [
        (None, None, ""),
        (None, 12, ""),
        (lease("akash1us", 12), 12, "won"),
        (lease("akash1rival", 9), 12, "lost.price"),
        (lease("akash1rival", 13), 12, "lost.not_price"),
        (lease("akash1rival", 9), None, ""),
    ],
    ids=["nobody yet", "our bid waits", "ours", "a cheaper rival", "a dearer rival", "we had no bid"],
)
def test_outcomes(found: Lease | None, ours: int | None, outcome: str) -> None:
    bids: dict[OrderID, Any] = {ID: Bid(ID.bid_of("akash1us"), "open", uact(ours), 6)} if ours is not None else {}
    record = of_chain(ORDER, found, bids, "akash1us", 60)
    assert record.outcome == outcome
    assert record.winner_price == (found.price if found is not None else None)
    assert record.lease_blocks is None


def test_a_lease_that_is_over_has_its_length() -> None:
    assert of_chain(ORDER, lease("akash1rival", 9, closed_on=50), {}, "", 60).lease_blocks == 40


async def test_without_settings_there_is_no_chain_to_ask() -> None:
    with pytest.raises(ConfigError, match="--config"):
        await recorded_from_chain(None)
