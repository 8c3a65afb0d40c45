"""Holds counted for the quota and for the wallet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.room import Room
from manifests.ids import OrderID
from provider.market.bids.promises import Promises
from provider.market.book import Book

US = "akash1us"


@pytest.fixture
async def promises(chain: Any) -> Promises:
    room = Room(Commit())
    room.see(Inventory((Node("n1", 64_000, 64 << 30, 1 << 40),), node_ports=10))
    return Promises(await Book.load(chain, US, 7, 70), room)


def held(promises: Promises, chain: Any, dseq: int, owner: str = "akash1tenant") -> OrderID:
    key = replace(chain.add_order(dseq), owner=owner)
    spec = chain.orders_[chain.add_order(dseq)].spec
    placement: Any = promises.room.fit(spec)
    promises.room.hold(key, spec, placement, height=7)
    return key


async def test_a_tenant_has_what_we_hold_bid_on_and_run_for_him(promises: Promises, chain: Any) -> None:
    keys = [held(promises, chain, n) for n in range(3)]
    held(promises, chain, 9, "akash1other")
    promises.room.bid(keys[0])
    promises.room.lease(keys[1].bid_of(US))
    assert [promises.to(owner) for owner in ("akash1tenant", "akash1other", "akash1stranger")] == [3, 1, 0]
    promises.room.release(keys[2])
    assert promises.to("akash1tenant") == 2


async def test_a_swap_within_a_block_is_seen_at_once(promises: Promises, chain: Any) -> None:
    key = held(promises, chain, 1)
    assert promises.to("akash1tenant") == 1
    promises.room.release(key)
    held(promises, chain, 2, "akash1other")
    assert (promises.to("akash1tenant"), promises.to("akash1other")) == (0, 1)


async def test_deposits_a_balance_does_not_show_yet(promises: Promises, chain: Any) -> None:
    """Being made, sent, on chain before and after the balance was read at height 7, and a lease of long ago."""
    keys = [held(promises, chain, n) for n in range(5)]
    for key in keys[1:]:
        promises.room.bid(key)
    for key, at in ((keys[2], 7), (keys[3], 8), (keys[4], 3)):
        chain.add_bid(key, at=at)
        promises.book.bids[key] = chain.bids_[key.bid_of(US)]
    promises.room.lease(keys[4].bid_of(US))
    assert promises.deposits_after(7) == 3
    assert promises.deposits_after(8) == 2
    del promises.book.bids[keys[4]]  # a lease whose bid is over has no deposit on its way
    promises.book.height += 1
    assert promises.deposits_after(8) == 2
