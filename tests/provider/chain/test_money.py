"""What blocks of a real node moved adds up to its balances, and each deposit comes back once."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from manifests.ids import LeaseID
from provider.chain.money import BME, ESCROW, Purpose, movements
from provider.chain.touches import touches

BID = {"owner": "akash1t", "dseq": "101", "gseq": 1, "oseq": 2, "provider": "akash1p", "bseq": 0}
ID = LeaseID("akash1t", 101, 1, 2, "akash1p")


def event(kind: str, msg_index: str = "", **attributes: str) -> dict[str, Any]:
    if msg_index:
        attributes["msg_index"] = msg_index
    return {"type": kind, "attributes": [{"key": k, "value": v, "index": True} for k, v in attributes.items()]}


def payment(sender: str, to: str, amount: str, index: str = "") -> list[dict[str, Any]]:
    return [
        event("coin_spent", index, spender=sender, amount=amount),
        event("coin_received", index, receiver=to, amount=amount),
        event("transfer", index, recipient=to, sender=sender, amount=amount),
    ]


def market(kind: str, index: str = "0", bid: dict[str, Any] = BID) -> dict[str, Any]:
    return event(f"akash.market.v1.Event{kind}", index, id=json.dumps(bid))


def ours(events: list[dict[str, Any]], account: str = "akash1p") -> list[tuple[str, str, Any]]:
    return [(m.purpose, str(m.coin), m.order) for m in movements(events) if m.account == account]


def test_the_fee_and_the_deposit_of_a_bid() -> None:
    events = [
        *payment("akash1p", "akash1fees", "3950uakt"),
        market("BidCreated"),
        *payment("akash1p", ESCROW, "500000uakt", "0"),
        *payment("akash1p", "akash1x", "7uakt", "1"),
    ]
    assert ours(events) == [
        ("fee", "-3950uakt", None),
        ("deposit", "-500000uakt", ID.order),
        ("other", "-7uakt", None),
    ]


def test_who_pays_a_fee_for_another_is_told_with_whom_it_was_for() -> None:
    granted = event("use_feegrant", granter="akash1g", grantee="akash1p")
    found = movements([granted, *payment("akash1g", "akash1fees", "5uakt")])
    assert (found[0].account, found[0].purpose, found[0].grantee) == ("akash1g", Purpose.FEE, "akash1p")


def test_a_lease_closed_gives_the_deposit_back_and_then_the_income() -> None:
    events = [
        market("LeaseClosed"),
        *payment(ESCROW, "akash1p", "500000uakt", "0"),
        market("BidClosed"),
        market("OrderClosed", bid={k: BID[k] for k in ("owner", "dseq", "gseq", "oseq")}),
        *payment(ESCROW, "akash1p", "6394uact", "0"),
        market("BidClosed", "1"),
    ]
    assert ours(events) == [("refund", "500000uakt", ID.order), ("other", "6394uact", None)]


def test_the_loser_of_an_order_has_his_deposit_back() -> None:
    events = [market("LeaseCreated", bid={**BID, "provider": "akash1q"}), *payment(ESCROW, "akash1p", "5uakt", "0")]
    assert ours(events) == [("refund", "5uakt", ID.order)]


def test_of_a_block_there_is_no_fee() -> None:
    (spent, got, *_) = movements(payment(BME, "akash1p", "5uakt,7uact"), of_block=True)
    assert (spent.purpose, got.purpose) == (Purpose.OTHER, Purpose.OTHER)
    assert {str(m.coin) for m in movements(payment(BME, "akash1p", "5uakt,7uact"), of_block=True)} == {
        "5uakt", "7uact", "-5uakt", "-7uact",
    }  # fmt: skip


def test_coins_made_and_destroyed_have_no_other_side() -> None:
    events = [
        event("coin_received", receiver="akash1m", amount="5uakt"),
        event("coinbase", minter="akash1m", amount="5uakt"),
    ]
    assert [(m.account, m.other) for m in movements(events, of_block=True)] == [("akash1m", "")]


def test_a_coin_event_without_its_account_is_an_error() -> None:
    with pytest.raises(KeyError, match="receiver"):
        movements([event("coin_received", amount="5uakt")])


NAMES = ("S1-life", "S2-provider-side", "S3-escrow", "S6-reclamation", "S7-authz-grants-audit", "S8-breaker-fallback",
         "S8-denoms-bme")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_balances_of_a_recorded_chain_are_the_sum_of_its_movements(
    name: str, recordings: Path, genesis: dict[str, Any]
) -> None:
    balances: Counter[tuple[str, str]] = Counter()
    for row in genesis["app_state"]["bank"]["balances"]:
        for coin in row["coins"]:
            balances[row["address"], coin["denom"]] = int(coin["amount"])
    people = {row["address"] for row in genesis["names"].values()} - {genesis["names"]["validator"]["address"]}
    compared = 0
    for line in map(json.loads, (recordings / f"{name}.jsonl").read_text().splitlines()):
        if "results" in line:
            found = list(movements(line["finalize_block_events"], of_block=True))
            for result in line["results"]:
                found += movements(result["events"])
            for move in found:
                balances[move.account, move.coin.denom] += move.coin.amount
        elif line.get("query", "").endswith("bank.v1beta1.Query/AllBalances") and "response" in line:
            address = line["request"]["address"]
            if line.get("unpinned") or address not in {*people, ESCROW, BME}:
                continue
            told = {coin["denom"]: int(coin["amount"]) for coin in line["response"]["balances"]}
            assert {d: n for (who, d), n in balances.items() if who == address and n} == told, f"at {line['at']}"
            compared += 1
    assert compared > 10


@pytest.mark.parametrize("name", NAMES)
def test_deposits_of_recorded_bids_come_back_at_most_once(name: str, lines: Any) -> None:
    out: Counter[tuple[str, str]] = Counter()
    came_back = 0
    for line in lines(name, "results"):
        for move in (m for result in line["results"] for m in movements(result["events"])):
            if move.order is not None:
                out[str(move.order), move.account] -= move.coin.amount
                came_back += move.purpose == Purpose.REFUND
    assert came_back > 0
    assert min(out.values()) == 0, "nothing came back that had not been paid"


def test_recorded_income_is_of_deployments_that_events_or_bytes_name(lines: Any) -> None:
    """Whoever is paid by escrow learns which deployment to ask about."""
    paid = 0
    for line in lines(None, "results"):
        for tx, result in zip(line["txs"], line["results"], strict=True):
            if any(m.other == ESCROW and m.coin.amount > 0 for m in movements(result["events"])):
                paid += 1
                named = any(e["type"].startswith(("akash.market", "akash.deployment")) for e in result["events"])
                assert named or touches(b64decode(tx["bytes"])), tx["hash"]
    assert paid > 100
