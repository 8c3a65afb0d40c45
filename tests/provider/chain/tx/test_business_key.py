"""Two messages that want the same have one key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.chain import messages as ask
from provider.chain.tx import build
from provider.chain.tx.business_key import key_of, terms_count

LEASE = LeaseID("akash1t", 7, 1, 2, "akash1p")
BID = ask.CreateBid(LEASE, DecCoin("uact", 5), Coin("uakt", 500_000))


def key(msg: ask.Msg, signer: str = "akash1p") -> str:
    return key_of(msg, build.box(msg, signer))


@pytest.mark.parametrize(
    ("msg", "wanted"),
    [
        (BID, "bid/akash1t/7/1/2"),
        (replace(BID, price=DecCoin("uact", 6)), "bid/akash1t/7/1/2"),
        (ask.CloseBid(LEASE, 10000), "close/akash1t/7/1/2/akash1p"),
        (ask.CloseBid(LEASE, 10001), "close/akash1t/7/1/2/akash1p"),
        (ask.WithdrawLease(LEASE), "withdraw/akash1t/7/1/2/akash1p"),
        (ask.StartReclaim(LEASE, 10001), "reclaim/akash1t/7/1/2/akash1p"),
        (ask.RevokeCertificate("akash1p", 17), "revoke/akash1p/17"),
        (ask.CreateLease(LEASE), "lease/akash1t/7/1/2/akash1p"),
        (ask.CloseLease(LEASE), "end/akash1t/7/1/2/akash1p"),
        (ask.CloseDeployment(DeploymentID("akash1t", 7)), "close-deployment/akash1t/7"),
    ],
)
def test_the_key_says_what_is_wanted(msg: ask.Msg, wanted: str) -> None:
    assert key(msg) == wanted


def test_where_no_id_says_it_the_content_does() -> None:
    one, other = ask.CreateCertificate("akash1p", b"one", b"k"), ask.CreateCertificate("akash1p", b"other", b"k")
    assert key(one) == key(replace(one)) != key(other)
    assert key(one).startswith("CreateCertificate/")
    assert key(one) != key(ask.UpdateProvider("akash1p", "https://p:8443", ()))


def test_only_a_bids_terms_count() -> None:
    assert terms_count(BID)
    assert not terms_count(ask.CloseBid(LEASE, 10000))
