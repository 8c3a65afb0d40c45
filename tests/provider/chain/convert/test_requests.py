"""The recorded bytes of a real chain are the oracle: what we build is what was signed."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bidengine.views import ResourceOffer
from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, GroupID, LeaseID
from manifests.resources import Attribute
from provider.chain import messages as ask
from provider.chain import wire
from provider.chain.convert import answers, ids, requests, values

ODD = "endpoint kind"
"""The chain accepts an endpoint of a kind that does not exist; the recordings have one, and we refuse to read it."""


def again(w: Any) -> ask.Msg | None:
    """The dataclass of a recorded message, None where it uses something we never send."""
    match w.DESCRIPTOR.name:
        case "MsgCreateBid":
            window = w.reclamation_window.seconds if w.HasField("reclamation_window") else None
            offer = tuple(ResourceOffer(values.resources(o.resources), o.count) for o in w.resources_offer)
            return ask.CreateBid(
                ids.lease_id(w.id), values.dec_coin(w.price), values.coin(w.deposit.amount), offer, window
            )
        case "MsgCloseBid":
            return ask.CloseBid(ids.lease_id(w.id), w.reason)
        case "MsgWithdrawLease":
            return ask.WithdrawLease(ids.lease_id(w.id))
        case "MsgLeaseStartReclaim":
            return ask.StartReclaim(ids.lease_id(w.id), w.reason)
        case "MsgCreateProvider":
            return ask.CreateProvider(
                w.owner, w.host_uri, values.attributes(w.attributes), w.info.email, w.info.website
            )
        case "MsgUpdateProvider":
            return ask.UpdateProvider(
                w.owner, w.host_uri, values.attributes(w.attributes), w.info.email, w.info.website
            )
        case "MsgCreateCertificate":
            return ask.CreateCertificate(w.owner, w.cert, w.pubkey)
        case "MsgRevokeCertificate":
            return ask.RevokeCertificate(w.id.owner, int(w.id.serial))
        case "MsgCreateDeployment":
            window = w.reclamation.min_window.seconds if w.HasField("reclamation") else None
            groups = tuple(values.group_spec(g) for g in w.groups)
            return ask.CreateDeployment(ids.deployment_id(w.id), groups, w.hash, values.coin(w.deposit.amount), window)
        case "MsgUpdateDeployment":
            return ask.UpdateDeployment(ids.deployment_id(w.id), w.hash)
        case "MsgCloseDeployment":
            return ask.CloseDeployment(ids.deployment_id(w.id))
        case "MsgCloseGroup":
            return ask.CloseGroup(ids.group_id(w.id))
        case "MsgCreateLease":
            return ask.CreateLease(ids.lease_id(w.bid_id))
        case "MsgCloseLease":
            return ask.CloseLease(ids.lease_id(w.id))
        case "MsgAccountDeposit" if w.id.scope == 1:
            return ask.Deposit(w.signer, DeploymentID.parse(w.id.xid), values.coin(w.deposit.amount))
        case "MsgSignProviderAttributes":
            return ask.SignAttributes(w.auditor, w.owner, values.attributes(w.attributes))
        case "MsgGrant" if w.grant.authorization.type_url.endswith(".GenericAuthorization"):
            granted = answers.grant(w.grant)
            if not w.grant.expiration.nanos:  # we write whole seconds
                return ask.Grant(w.granter, w.grantee, granted.type_url, granted.expires_unix_s)
        case "MsgRevoke":
            return ask.Revoke(w.granter, w.grantee, w.msg_type_url)
        case "MsgGrantAllowance":
            found = answers.allowance(w)
            if found.expires_unix_s is None:
                (limit,) = found.left or (None,)
                return ask.GrantAllowance(w.granter, w.grantee, limit, found.type_urls or ())
        case "MsgRevokeAllowance":
            return ask.RevokeAllowance(w.granter, w.grantee)
        case "MsgSend" if len(w.amount) == 1:
            return ask.Send(w.from_address, w.to_address, values.coin(w.amount[0]))
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
                made = requests.to_wire(msg)
                if (read := requests.provider_message(w)) is not None:
                    assert read == msg
                    read_back.add(w.DESCRIPTOR.name)
                assert made.SerializeToString(deterministic=True) == box.value, tx["note"]
                rebuilt[w.DESCRIPTOR.name] += 1
    assert len(rebuilt) == len(requests.WRITERS), rebuilt
    assert rebuilt["MsgCreateBid"] > 100
    assert read_back == {
        "MsgCreateBid", "MsgCloseBid", "MsgWithdrawLease", "MsgLeaseStartReclaim", "MsgCreateCertificate",
        "MsgRevokeCertificate", "MsgCreateProvider", "MsgUpdateProvider", "MsgSend",
    }  # fmt: skip


def test_ids_survive_the_way_there_and_back() -> None:
    lease = LeaseID("akash1t", 2**64 - 1, 3, 4, "akash1p")
    w = requests.to_wire(ask.WithdrawLease(lease))
    assert ids.lease_id(w.id) == lease
    assert w.id.bseq == 0
    assert ids.group_id(requests.to_wire(ask.CloseGroup(GroupID("akash1t", 5, 6))).id) == GroupID("akash1t", 5, 6)


def test_a_deposits_sources_are_written_in_their_order() -> None:
    plain = ask.CreateBid(LeaseID("t", 1, 1, 1, "p"), DecCoin("uact", 1), Coin("uakt", 5))
    assert list(requests.to_wire(plain).deposit.sources) == [1]
    both = requests.to_wire(replace(plain, sources=("grant", "balance")))
    assert list(both.deposit.sources) == [2, 1]


def test_a_price_of_nothing_is_still_written_as_digits() -> None:
    w = requests.to_wire(ask.CreateBid(LeaseID("t", 1, 1, 1, "p"), DecCoin("uact", 0), Coin("uakt", 0)))
    assert (w.price.amount, w.deposit.amount.amount) == ("0", "0")
    assert values.attributes([]) == ()
    assert values.attributes(requests.to_wire(ask.CreateProvider("p", "h", (Attribute("a", "b"),))).attributes) == (
        Attribute("a", "b"),
    )
