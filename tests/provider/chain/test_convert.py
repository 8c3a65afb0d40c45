"""The recorded bytes of a real chain are the oracle: what we build is what was signed, what we read is what was
answered."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bidengine.views import ResourceOffer
from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import Attribute, EndpointKind
from provider.chain import convert, wire
from provider.chain import messages as ask
from provider.chain.convert import DepositGrant
from provider.chain.wire import message, pack

Parse = Callable[[str, dict[str, Any]], Any]


ODD = "endpoint kind"
"""The chain accepts an endpoint of a kind that does not exist; the recordings have one, and we refuse to read it."""


def again(w: Any) -> ask.Msg | None:
    """The dataclass of a recorded message, None where it uses something we never send."""
    match w.DESCRIPTOR.name:
        case "MsgCreateBid":
            window = w.reclamation_window.seconds if w.HasField("reclamation_window") else None
            offer = tuple(ResourceOffer(convert.resources(o.resources), o.count) for o in w.resources_offer)
            return ask.CreateBid(
                convert.lease_id(w.id), convert.dec_coin(w.price), convert.coin(w.deposit.amount), offer, window
            )
        case "MsgCloseBid":
            return ask.CloseBid(convert.lease_id(w.id), w.reason)
        case "MsgWithdrawLease":
            return ask.WithdrawLease(convert.lease_id(w.id))
        case "MsgLeaseStartReclaim":
            return ask.StartReclaim(convert.lease_id(w.id), w.reason)
        case "MsgCreateProvider":
            return ask.CreateProvider(
                w.owner, w.host_uri, convert.attributes(w.attributes), w.info.email, w.info.website
            )
        case "MsgUpdateProvider":
            return ask.UpdateProvider(
                w.owner, w.host_uri, convert.attributes(w.attributes), w.info.email, w.info.website
            )
        case "MsgCreateCertificate":
            return ask.CreateCertificate(w.owner, w.cert, w.pubkey)
        case "MsgRevokeCertificate":
            return ask.RevokeCertificate(w.id.owner, int(w.id.serial))
        case "MsgCreateDeployment":
            window = w.reclamation.min_window.seconds if w.HasField("reclamation") else None
            groups = tuple(convert.group_spec(g) for g in w.groups)
            return ask.CreateDeployment(
                convert.deployment_id(w.id), groups, w.hash, convert.coin(w.deposit.amount), window
            )
        case "MsgUpdateDeployment":
            return ask.UpdateDeployment(convert.deployment_id(w.id), w.hash)
        case "MsgCloseDeployment":
            return ask.CloseDeployment(convert.deployment_id(w.id))
        case "MsgCloseGroup":
            return ask.CloseGroup(convert.group_id(w.id))
        case "MsgCreateLease":
            return ask.CreateLease(convert.lease_id(w.bid_id))
        case "MsgCloseLease":
            return ask.CloseLease(convert.lease_id(w.id))
        case "MsgAccountDeposit" if w.id.scope == 1:
            return ask.Deposit(w.signer, DeploymentID.parse(w.id.xid), convert.coin(w.deposit.amount))
        case "MsgSignProviderAttributes":
            return ask.SignAttributes(w.auditor, w.owner, convert.attributes(w.attributes))
        case "MsgGrant" if w.grant.authorization.type_url.endswith(".GenericAuthorization"):
            granted = convert.grant(w.grant)
            if not w.grant.expiration.nanos:  # we write whole seconds
                return ask.Grant(w.granter, w.grantee, granted.type_url, granted.expires_unix_s)
        case "MsgRevoke":
            return ask.Revoke(w.granter, w.grantee, w.msg_type_url)
        case "MsgGrantAllowance":
            found = convert.allowance(w)
            if found.expires_unix_s is None:
                (limit,) = found.left or (None,)
                return ask.GrantAllowance(w.granter, w.grantee, limit, found.type_urls or ())
        case "MsgRevokeAllowance":
            return ask.RevokeAllowance(w.granter, w.grantee)
        case "MsgSend" if len(w.amount) == 1:
            return ask.Send(w.from_address, w.to_address, convert.coin(w.amount[0]))
    return None


def test_every_accepted_message_is_rebuilt_byte_for_byte(lines: Any) -> None:
    rebuilt: Counter[str] = Counter()
    read_back: set[str] = set()
    for block in lines(None, "results"):
        for tx, result in zip(block["txs"], block["results"], strict=True):
            if result["code"]:
                continue
            raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(base64.b64decode(tx["bytes"]))
            for box in wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes).messages:
                if not wire.known(box.type_url.lstrip("/")):
                    continue
                w = wire.unpack(box)
                if "deposit" in w.DESCRIPTOR.fields_by_name and list(w.deposit.sources) != [1]:
                    continue  # from a grant
                if w.DESCRIPTOR.name == "MsgCloseLease" and w.reason:
                    continue  # a reason the chain ignores
                if ODD in tx["note"]:
                    with pytest.raises(ValueError, match="endpoint kind"):
                        again(w)
                    continue
                msg = again(w)
                if msg is None:
                    continue
                made = convert.to_wire(msg)
                if (read := convert.provider_message(w)) is not None:
                    assert read == msg
                    read_back.add(w.DESCRIPTOR.name)
                assert made.SerializeToString(deterministic=True) == box.value, tx["note"]
                rebuilt[w.DESCRIPTOR.name] += 1
    assert len(rebuilt) == len(convert._WRITERS), rebuilt
    assert rebuilt["MsgCreateBid"] > 100
    assert read_back == {
        "MsgCreateBid", "MsgCloseBid", "MsgWithdrawLease", "MsgLeaseStartReclaim", "MsgCreateCertificate",
        "MsgRevokeCertificate", "MsgCreateProvider", "MsgUpdateProvider", "MsgSend",
    }  # fmt: skip


def test_an_order_as_the_node_tells_it(lines: Any, parse: Parse) -> None:
    line = next(q for q in lines("S9-queries", "query") if q["query"].endswith("Query/Order") and "response" in q)
    order = convert.order(parse("akash.market.v1beta5.QueryOrderResponse", line["response"]).order)
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
                    order = convert.order(w)
                    assert order.state == row["state"]
                    assert str(order.created_at) == row["created_at"]
                    window = row.get("reclamation", {}).get("min_window")
                    assert order.reclamation_min_window_s == (int(window.rstrip("s")) if window else None)
                    read["orders"] += 1
            case "akash.market.v1beta5.Query/Bids":
                for row, w in zip(
                    answer["bids"], parse("akash.market.v1beta5.QueryBidsResponse", answer).bids, strict=True
                ):
                    bid = convert.bid(w.bid)
                    assert bid.state == row["bid"]["state"]
                    assert str(bid.price.amount_e18) == row["bid"]["price"]["amount"]
                    assert len(bid.offer) == len(row["bid"]["resources_offer"])
                    locked, told = convert.locked_bid(w), row["escrow_account"]["state"]
                    assert (locked.bid, locked.account_state) == (bid, told["state"])
                    assert [(d.owner, d.source) for d in locked.deposits] == [
                        (d["owner"], d["source"]) for d in told["deposits"]
                    ]
                    read.update(f"deposit from {d.source}" for d in locked.deposits)
                    read["bids"] += 1
            case "akash.market.v1beta5.Query/Leases":
                rows = parse("akash.market.v1beta5.QueryLeasesResponse", answer).leases
                for row, w in zip(answer["leases"], rows, strict=True):
                    lease, payment = convert.lease(w.lease), convert.escrow_payment(w.escrow_payment)
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
                deployment, account = convert.deployment(w), convert.escrow_account(w.escrow_account)
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
                account_ = convert.account(parse("cosmos.auth.v1beta1.QueryAccountInfoResponse", answer).info)
                assert str(account_.sequence) == answer["info"]["sequence"]
                read["accounts"] += 1
    assert min(read[k] for k in ("orders", "bids", "leases", "deployments", "accounts")) > 100
    assert min(read[k] for k in ("deposit from balance", "deposit from grant", "notice for 0", "notice for 10001")) > 0


def test_a_public_key_is_read_from_its_any() -> None:
    w = wire.message("cosmos.auth.v1beta1.BaseAccount")(account_number=7, sequence=3)
    assert convert.account(w) == convert.Account(7, 3, None)
    w.pub_key.CopyFrom(wire.pack(wire.message("cosmos.crypto.secp256k1.PubKey")(key=b"\x02" * 33)))
    assert convert.account(w).public_key == b"\x02" * 33


def test_a_notice_with_a_fraction_is_rounded_up() -> None:
    duration = wire.message("google.protobuf.Duration")(seconds=10, nanos=1)
    assert convert.seconds(duration) == 11


def test_states_the_chain_has_added_since_show_their_number() -> None:
    w = wire.message("akash.market.v1.Lease")(state=9, reason=19999)
    lease = convert.lease(w)
    assert (lease.state, lease.reason) == ("9", 19999)


def test_an_endpoint_nobody_can_serve_is_named() -> None:
    w = wire.message("akash.base.resources.v1beta4.Resources")(id=1)
    w.endpoints.add(kind=7)
    with pytest.raises(ValueError, match="endpoint kind 7"):
        convert.resources(w)


def test_a_bids_account_is_no_deployments() -> None:
    w = wire.message("akash.escrow.types.v1.Account")()
    w.id.scope, w.id.xid = 2, "akash1t/1/1/1/akash1p"
    with pytest.raises(ValueError, match="not a deployment's"):
        convert.escrow_account(w)


def test_ids_survive_the_way_there_and_back() -> None:
    lease = LeaseID("akash1t", 2**64 - 1, 3, 4, "akash1p")
    w = convert.to_wire(ask.WithdrawLease(lease))
    assert convert.lease_id(w.id) == lease
    assert w.id.bseq == 0
    assert convert.group_id(convert.to_wire(ask.CloseGroup(GroupID("akash1t", 5, 6))).id) == GroupID("akash1t", 5, 6)


def test_a_deposits_sources_are_written_in_their_order_and_a_grant_of_one_is_read() -> None:
    plain = ask.CreateBid(LeaseID("t", 1, 1, 1, "p"), DecCoin("uact", 1), Coin("uakt", 5))
    assert list(convert.to_wire(plain).deposit.sources) == [1]
    both = convert.to_wire(replace(plain, sources=("grant", "balance")))
    assert list(both.deposit.sources) == [2, 1]
    granted = message("akash.escrow.v1.DepositAuthorization")(scopes=[2])
    granted.spend_limits.add(denom="uakt", amount="7")
    w = message("cosmos.authz.v1beta1.GrantAuthorization")(granter="g", grantee="p", authorization=pack(granted))
    assert convert.deposit_grant(w) == DepositGrant("g", (Coin("uakt", 7),), for_bids=True)
    generic = message("cosmos.authz.v1beta1.GenericAuthorization")(msg="/x")
    w.authorization.CopyFrom(pack(generic))
    assert convert.deposit_grant(w) is None


def test_a_price_of_nothing_is_still_written_as_digits() -> None:
    w = convert.to_wire(ask.CreateBid(LeaseID("t", 1, 1, 1, "p"), DecCoin("uact", 0), Coin("uakt", 0)))
    assert (w.price.amount, w.deposit.amount.amount) == ("0", "0")
    assert convert.attributes([]) == ()
    assert convert.attributes(convert.to_wire(ask.CreateProvider("p", "h", (Attribute("a", "b"),))).attributes) == (
        Attribute("a", "b"),
    )
