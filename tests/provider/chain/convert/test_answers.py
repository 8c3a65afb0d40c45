"""What is read is what a real node answered."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import OrderID
from manifests.resources import EndpointKind
from provider.chain import wire
from provider.chain.convert import answers, records
from provider.chain.wire import message, pack

Parse = Callable[[str, dict[str, Any]], Any]


def test_an_order_as_the_node_tells_it(lines: Any, parse: Parse) -> None:
    line = next(q for q in lines("S9-queries", "query") if q["query"].endswith("Query/Order") and "response" in q)
    order = answers.order(parse("akash.market.v1beta5.QueryOrderResponse", line["response"]).order)
    assert order.id == OrderID("akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww", 901, 1, 1)
    assert order.state == "active"
    (unit,) = order.spec.resources
    assert (unit.resources.cpu.milli, unit.resources.memory.quantity_bytes, unit.resources.gpu.units) == (
        100,
        16777216,
        0,
    )
    assert unit.price == DecCoin("uact", 10 * 10**18)
    assert [e.kind for e in unit.resources.endpoints] == [EndpointKind.SHARED_HTTP]
    assert order.reclamation_min_window_s is None


def test_what_a_stranger_paid_into_a_bids_escrow_is_no_deposit_of_it(lines: Any, parse: Parse) -> None:
    """S4: 1,000 uakt, thirty blocks after the bid."""
    left = Counter[str]()
    for line in lines("S4-refusals", "query"):
        if line["query"] != "akash.market.v1beta5.Query/Bids" or "response" not in line:
            continue
        for row in parse("akash.market.v1beta5.QueryBidsResponse", line["response"]).bids:
            every = {int(d.balance.amount) // 10**18 for d in row.escrow_account.state.deposits}
            left["theirs"] += every > {500_000}
            own = [d.coin.amount for d in answers.bid_deposits(row)]
            assert own in ([], [500_000])
            assert [d.left.amount_e18 // 10**18 for d in answers.locked_bid(row).deposits] == own
            left["ours"] += len(own)
    assert left["theirs"] >= 1
    assert left["ours"] >= 1


@pytest.mark.parametrize(
    ("owner", "height", "source", "counts"),
    [("akash1p", 9, "balance", True), ("akash1granter", 9, "grant", True), ("akash1stranger", 9, "balance", False),
     ("akash1stranger", 10, "balance", False), ("akash1granter", 10, "grant", False),
     ("akash1p", 10, "balance", False)],
)  # fmt: skip
def test_deposits_of_a_bid_are_those_paid_with_it(
    owner: str, height: int, source: str, counts: bool, parse: Parse
) -> None:
    paid = {"owner": owner, "height": height, "source": source, "balance": {"denom": "uakt", "amount": f"{5 * 10**18}"}}
    bid = {"id": {"owner": "akash1t", "dseq": 7, "gseq": 1, "oseq": 1, "provider": "akash1p"}, "created_at": 9,
           "price": {"denom": "uact", "amount": "1"}}  # fmt: skip
    row = parse(
        "akash.market.v1beta5.QueryBidResponse", {"bid": bid, "escrow_account": {"state": {"deposits": [paid]}}}
    )
    assert len(answers.bid_deposits(row)) == len(answers.locked_bid(row).deposits) == counts


def test_every_recorded_answer_is_read(lines: Any, parse: Parse) -> None:
    """Each row of each list, checked against the JSON it was made from."""
    read: Counter[str] = Counter()
    for line in lines(None, "query"):
        if "response" not in line:
            continue
        answer = line["response"]
        if '"kind": 9' in json.dumps(answer):
            read["odd"] += 1
            continue  # the order with an endpoint of a kind that does not exist, see below
        match line["query"]:
            case "akash.market.v1beta5.Query/Orders":
                for row, w in zip(
                    answer["orders"], parse("akash.market.v1beta5.QueryOrdersResponse", answer).orders, strict=True
                ):
                    order = answers.order(w)
                    assert order.state == row["state"]
                    assert str(order.created_at) == row["created_at"]
                    window = row.get("reclamation", {}).get("min_window")
                    assert order.reclamation_min_window_s == (int(window.rstrip("s")) if window else None)
                    read["orders"] += 1
            case "akash.market.v1beta5.Query/Bids":
                for row, w in zip(
                    answer["bids"], parse("akash.market.v1beta5.QueryBidsResponse", answer).bids, strict=True
                ):
                    bid = answers.bid(w.bid)
                    assert bid.state == row["bid"]["state"]
                    assert str(bid.price.amount_e18) == row["bid"]["price"]["amount"]
                    assert len(bid.offer) == len(row["bid"]["resources_offer"])
                    locked, told = answers.locked_bid(w), row["escrow_account"]["state"]
                    assert (locked.bid, locked.account_state) == (bid, told["state"])
                    assert [(d.owner, d.source) for d in locked.deposits] == [
                        (d["owner"], d["source"]) for d in told["deposits"] if d["height"] == row["bid"]["created_at"]
                    ]
                    read.update(f"deposit from {d.source}" for d in locked.deposits)
                    read["bids"] += 1
            case "akash.market.v1beta5.Query/Leases":
                rows = parse("akash.market.v1beta5.QueryLeasesResponse", answer).leases
                for row, w in zip(answer["leases"], rows, strict=True):
                    lease, payment = answers.lease(w.lease), answers.escrow_payment(w.escrow_payment)
                    assert lease.state == row["lease"]["state"]
                    assert payment.lease == lease.id
                    assert payment.state == row["escrow_payment"]["state"]["state"]
                    assert str(payment.withdrawn.amount) == row["escrow_payment"]["state"]["withdrawn"]["amount"]
                    if "reclamation" in row["lease"]:
                        assert lease.reclamation is not None
                        assert str(lease.reclamation.deadline_unix_s) == row["lease"]["reclamation"]["deadline"]
                        read[f"notice for {lease.reclamation.reason}"] += 1
                    read["leases"] += 1
            case "akash.deployment.v1beta4.Query/Deployment":
                w = parse("akash.deployment.v1beta4.QueryDeploymentResponse", answer)
                deployment, account = answers.deployment(w), answers.escrow_account(w.escrow_account)
                assert deployment.hash == base64.b64decode(answer["deployment"]["hash"])
                assert [g.state for g in deployment.groups] == [g["state"] for g in answer["groups"]]
                assert account.deployment == deployment.id
                assert [str(f.amount_e18) for f in account.funds] == [
                    f["amount"] for f in answer["escrow_account"]["state"]["funds"]
                ]
                assert [(str(d.height), d.left.denom, str(d.left.amount_e18)) for d in account.deposits] == [
                    (d["height"], d["balance"]["denom"], d["balance"]["amount"])
                    for d in answer["escrow_account"]["state"]["deposits"]
                ]
                read["deployments"] += 1
            case "cosmos.auth.v1beta1.Query/AccountInfo":
                account_ = answers.account(parse("cosmos.auth.v1beta1.QueryAccountInfoResponse", answer).info)
                assert str(account_.sequence) == answer["info"]["sequence"]
                read["accounts"] += 1
    assert min(read[k] for k in ("orders", "bids", "leases", "deployments", "accounts")) > 100
    assert min(read[k] for k in ("deposit from balance", "deposit from grant", "notice for 0", "notice for 10001")) > 0


def test_a_public_key_is_read_from_its_any() -> None:
    w = wire.message("cosmos.auth.v1beta1.BaseAccount")(account_number=7, sequence=3)
    assert answers.account(w) == records.Account(7, 3, None)
    w.pub_key.CopyFrom(wire.pack(wire.message("cosmos.crypto.secp256k1.PubKey")(key=b"\x02" * 33)))
    assert answers.account(w).public_key == b"\x02" * 33


def test_states_the_chain_has_added_since_show_their_number() -> None:
    w = wire.message("akash.market.v1.Lease")(state=9, reason=19999)
    lease = answers.lease(w)
    assert (lease.state, lease.reason) == ("9", 19999)


def test_a_bids_account_is_no_deployments() -> None:
    w = wire.message("akash.escrow.types.v1.Account")()
    w.id.scope, w.id.xid = 2, "akash1t/1/1/1/akash1p"
    with pytest.raises(ValueError, match="not a deployment's"):
        answers.escrow_account(w)


def test_a_grant_of_deposits_is_read_and_no_other() -> None:
    granted = message("akash.escrow.v1.DepositAuthorization")(scopes=[2])
    granted.spend_limits.add(denom="uakt", amount="7")
    w = message("cosmos.authz.v1beta1.GrantAuthorization")(granter="g", grantee="p", authorization=pack(granted))
    assert answers.deposit_grant(w) == records.DepositGrant("g", (Coin("uakt", 7),), for_bids=True)
    generic = message("cosmos.authz.v1beta1.GenericAuthorization")(msg="/x")
    w.authorization.CopyFrom(pack(generic))
    assert answers.deposit_grant(w) is None
