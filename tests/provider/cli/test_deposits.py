"""`akp deposits` over a chain that has left a losing bid open."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bidengine.views import Bid
from manifests.coins import DecCoin
from manifests.ids import LeaseID
from provider.cli.deposits import batches
from provider.market.money.deposits import Locked


def listed(akp: Callable[..., Any], config: Any) -> dict[str, dict[str, Any]]:
    said = akp("deposits", "list", "--config", config, "-o", "json")
    assert said.code == 0, said.err
    return {row["bid"]: row for row in json.loads(said.out)}


def test_where_they_are_and_how_they_come_back(akp: Callable[..., Any], market_town: Any) -> None:
    config, us = market_town.config(), market_town.owner.address
    assert "no deposit is locked" in akp("deposits", "list", "--config", config).err
    assert "nothing to reclaim" in akp("deposits", "reclaim", "--config", config, "--yes").out
    leased, waits = market_town.leases(1), market_town.bids(market_town.posts(2), market_town.owner)
    lost = market_town.loses(3)
    rows = listed(akp, config)
    assert {bid: row["why"] for bid, row in rows.items()} == {
        str(lost): "lost: the order is active", str(leased): "leased", str(waits): "waits for an answer",
    }  # fmt: skip
    row = rows[str(lost)]
    assert (row["amount"], row["source"]) == ([{"denom": "uakt", "amount": 500_000}], "balance")
    assert (row["depositors"], row["stale"]) == ([us], True)
    table = akp("deposits", "list", "--config", config)
    assert table.out.splitlines()[1].split()[0] == str(lost), "those for nothing come first"
    shown = akp("deposits", "reclaim", "--config", config, "--dry-run", "-o", "json")
    (msg,) = json.loads(shown.out)["body"]["messages"]
    assert (msg["@type"].rpartition(".")[2], len(listed(akp, config))) == ("MsgCloseBid", 3)
    before = market_town.ask(lambda chain: chain.balances(us))["uakt"]
    assert akp("deposits", "reclaim", "--config", config, "--yes").code == 0
    after = market_town.ask(lambda chain: chain.balances(us))["uakt"]
    assert 490_000 < after - before < 500_000, "the deposit less a fee"
    assert set(listed(akp, config)) == {str(leased), str(waits)}


def test_a_bid_whose_order_this_version_cannot_read_is_left_and_told(
    akp: Callable[..., Any], market_town: Any, monkeypatch: Any
) -> None:
    config, lost = market_town.config(), market_town.loses(3)

    def newer(_: Any) -> None:
        raise ValueError("a field nobody knows")

    monkeypatch.setattr("provider.chain.convert.answers.order", newer)
    (row,) = listed(akp, config).values()
    assert (row["bid"], row["order"], row["stale"]) == (str(lost), "unreadable", False)
    said = akp("deposits", "reclaim", "--config", config, "--yes")
    assert said.out.splitlines() == [
        "left open, since their orders cannot be read: 1 bid(s); is there a newer akp?",
    ]
    assert listed(akp, config).keys() == {str(lost)}, "nothing was closed"


@pytest.mark.parametrize(
    ("bids", "sizes"),
    [([(1, 1), (2, 1), (3, 1)], [2, 1]), ([(1, 1), (1, 2), (1, 3), (2, 1)], [2, 1, 1]), ([], [])],
)
def test_bids_on_one_deployment_never_share_a_transaction(bids: list[tuple[int, int]], sizes: list[int]) -> None:
    stale = [
        Locked(Bid(LeaseID("t", d, 1, o, "p"), "open", DecCoin("uact", 1), 1), "closed", lives=False, deposits=())
        for d, o in bids
    ]
    parts = batches(stale, 2)
    assert [len(part) for part in parts] == sizes
    assert all(len({one.bid.id.deployment for one in part}) == len(part) for part in parts)
