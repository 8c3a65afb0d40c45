"""`akp deposits` over a chain that has left a losing bid open."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bidengine.views import Bid
from manifests.coins import DecCoin
from manifests.ids import LeaseID, OrderID
from provider.chain.client import Chain
from provider.cli.deposits import batches
from provider.errors import Retry
from provider.market.money.deposits import Locked
from provider.settings import NodeSettings


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
    assert said.out == ""
    assert said.err.splitlines() == [
        "left open: 1 bid(s), since their orders cannot be read; is there a newer akp?",
    ]
    assert listed(akp, config).keys() == {str(lost)}, "nothing was closed"


@pytest.mark.parametrize("dry", [True, False], ids=["dry run", "signed"])
def test_a_bid_that_nobody_confirms_is_told_and_does_not_keep_the_others(
    akp: Callable[..., Any], market_town: Any, monkeypatch: Any, dry: bool
) -> None:
    config, sure, unsure, odd = market_town.config(), *(market_town.loses(dseq) for dseq in (3, 4, 5))
    ask = Chain.confirmed_order_over

    async def second_node(chain: Chain, order: OrderID) -> bool:
        if order == unsure.order:
            raise Retry("no second node confirms it: b: refused")
        return order != odd.order and await ask(chain, order)

    monkeypatch.setattr(Chain, "confirmed_order_over", second_node)
    said = akp("deposits", "reclaim", "--config", config, "-o", "json", "--dry-run" if dry else "--yes")
    assert said.code == 0
    assert sorted(said.err.splitlines()) == [
        "left open: 1 bid(s), since nobody confirms that their orders are over: no second node confirms it: b: refused",
        "left open: 1 bid(s), since their orders are open after all",
    ]
    shown = json.loads(said.out)
    if dry:
        (msg,) = shown["body"]["messages"]
        assert msg["id"]["dseq"] == str(sure.dseq)
    assert listed(akp, config).keys() == {str(unsure), str(odd), *([str(sure)] if dry else [])}


def test_with_the_second_node_away_nothing_is_closed_and_it_is_counted(
    akp: Callable[..., Any], market_town: Any
) -> None:
    for dseq in (3, 4):
        market_town.loses(dseq)
    nodes = [*market_town.settings.nodes, NodeSettings(rpc="http://127.0.0.1:9", grpc="http://127.0.0.1:9")]
    config = market_town.config(
        chain={"id": market_town.settings.id, "nodes": [node.model_dump() for node in nodes], "tx_timeout_s": 590}
    )
    said = akp("deposits", "reclaim", "--config", config, "--yes")
    assert (said.code, said.out) == (0, "")
    (told,) = said.err.splitlines()
    assert told.startswith("left open: 2 bid(s), since nobody confirms that their orders are over: no second node")
    assert len(listed(akp, config)) == 2


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
